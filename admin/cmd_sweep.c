/* cmd_sweep.c: tollgate sweep. */
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/progress.h"
#include "admin/terminal.h"
#include "schema/calendar.h"
#include "schema/sweep.h"

static void take_event(void *arg, const struct tg_sweep_event *event)
{
    json_t *result = arg;
    json_array_append_new(json_object_get(result, event->problem ? "problems" : "events"),
                          json_pack("{s:s, s:o, s:o}", "what", event->what, "subject", json_text(event->subject), "detail",
                                    json_text_or_null(event->detail)));
}

/* The future can't be taken back: orders are overdue, activity is gone. A script that says --at means it. */
static enum tg_code confirm_future(const struct context *c, const struct input *in, int64_t at, struct tg_error *err)
{
    char when[TG_RFC3339_SIZE], question[200];
    if (at <= c->now || in->yes || input_flag(in, "dry-run") || !terminal_can_ask())
        return TG_OK;
    snprintf(question, sizeof question, "Make orders, plans and activity what they would be at %s, for good? (--dry-run only says what "
             "would be done)", tg_rfc3339(at, when));
    return terminal_confirm(question) ? TG_OK : tg_fail(err, TG_FAILED, "nothing was done");
}

static enum tg_code sweep(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    int64_t now = input_value(in, "at")->given ? input_number(in, "at") : c->now;
    struct tg_sweep_result swept;
    enum tg_code code = confirm_future(c, in, now, err);
    if (code != TG_OK)
        return code;
    *result = json_pack("{s:o, s:b, s:{}, s:[], s:[]}", "at", json_time(now), "dry_run", input_flag(in, "dry-run"), "done", "events",
                        "problems");
    struct progress progress = { .what = "questions to accounts" };
    struct tg_sweep_options options = { .dry_run = input_flag(in, "dry-run"), .event = take_event, .arg = *result,
                                        .progress = progress_show, .progress_arg = &progress };
    code = tg_sweep(c->store, c->settings, now, &options, &swept, err);
    progress_end(&progress);
    for (int i = 0; i < TG_SWEPT_COUNTS; i++)
        json_object_set_new(json_object_get(*result, "done"), tg_sweep_name((enum tg_sweep_count)i),
                            json_integer((json_int_t)swept.count[i]));
    return code;
}

static void render_list(const struct terminal *t, const json_t *list, enum colour colour)
{
    size_t i;
    const json_t *event;
    json_array_foreach(list, i, event) {
        const char *detail = json_string_value(json_object_get(event, "detail"));
        fprintf(t->out, "%s%-18s%s", terminal_colour(t, colour), json_text_of(event, "what"), terminal_plain(t));
        terminal_text(t, json_text_of(event, "subject"), 0, 16);
        fputs(detail != NULL ? "  " : "", t->out);
        terminal_text(t, detail != NULL ? detail : "", 0, 0);
        fputc('\n', t->out);
    }
}

static void render_sweep(const struct terminal *t, const json_t *result)
{
    const char *name;
    json_t *count;
    bool any = false;
    render_list(t, json_object_get(result, "events"), PLAIN);
    render_list(t, json_object_get(result, "problems"), RED);
    json_object_foreach(json_object_get(result, "done"), name, count) {
        if (json_integer_value(count) == 0)
            continue;
        fprintf(t->out, "%s%s %lld", any ? ", " : "", name, (long long)json_integer_value(count));
        any = true;
    }
    fprintf(t->out, "%s%s\n", any ? "" : "nothing to do",
            json_is_true(json_object_get(result, "dry_run")) ? "; a dry run: nothing was changed" : "");
}

const struct command cmd_sweep = {
    .noun = "sweep",
    .summary = "Do what time brings: renewals, expiries, overdue orders, notices, domain checks, reputation, retention, new keys, mails that failed; tollgate-authd does "
               "it every hour.",
    .options = (const struct opt[]){
        { .name = "at", .type = OPT_TIME, .value = "TIME", .help = "as if it were then; what a later one does stays done" },
        { .name = "dry-run", .type = OPT_FLAG, .help = "only say what would be done" },
        { 0 } },
    .example = "tollgate sweep --dry-run",
    .render = render_sweep,
    .run = sweep,
};
