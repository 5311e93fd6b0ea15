/* cmd_set_back.c: tollgate store set-back. */
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/progress.h"
#include "admin/terminal.h"
#include "schema/clock.h"

static void take_event(void *arg, const struct tg_sweep_event *event)
{
    json_array_append_new(json_object_get(arg, event->problem ? "problems" : "accounts"),
                          json_pack("{s:o, s:o}", event->problem ? "subject" : "username", json_text(event->subject), "detail",
                                    json_text(event->detail)));
}

static enum tg_code set_back(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct progress progress = { .what = "accounts" };
    struct tg_sweep_options options = { .dry_run = input_flag(in, "dry-run"), .event = take_event, .progress = progress_show,
                                        .progress_arg = &progress };
    uint64_t accounts, problems;
    *result = json_pack("{s:o, s:b, s:[], s:[]}", "now", json_time(c->now), "dry_run", options.dry_run, "accounts", "problems");
    options.arg = *result;
    enum tg_code code = tg_clock_set_back(c->store, c->settings, c->now, &options, &accounts, &problems, err);
    progress_end(&progress);
    json_object_set_new(*result, "ok", json_boolean(code == TG_OK && problems == 0));
    if (code == TG_OK && problems > 0)
        code = tg_fail(err, TG_FAILED, "%llu account%s could not be brought back (tollgate store check)", (unsigned long long)problems,
                       problems == 1 ? "" : "s");
    return code;
}

static void render_list(const struct terminal *t, const json_t *list, const char *subject, enum colour colour)
{
    size_t i;
    const json_t *event;
    json_array_foreach(list, i, event) {
        fputs(terminal_colour(t, colour), t->out);
        terminal_text(t, json_string_value(json_object_get(event, subject)), 0, 14);
        fputs(terminal_plain(t), t->out);
        terminal_text(t, json_string_value(json_object_get(event, "detail")), 0, 0);
        fputc('\n', t->out);
    }
}

static void render(const struct terminal *t, const json_t *result)
{
    const json_t *accounts = json_object_get(result, "accounts");
    render_list(t, accounts, "username", PLAIN);
    render_list(t, json_object_get(result, "problems"), "subject", RED);
    if (json_array_size(accounts) == 0)
        fputs("no account is ahead of the clock", t->out);
    else
        fprintf(t->out, "%zu %s back at %s", json_array_size(accounts), json_array_size(accounts) == 1 ? "account is" : "accounts are",
                json_string_value(json_object_get(result, "now")));
    fprintf(t->out, "%s\n", json_is_true(json_object_get(result, "dry_run")) ? "; a dry run: nothing was changed" : "");
}

const struct command cmd_store_set_back = {
    .noun = "store", .verb = "set-back",
    .summary = "After the clock was ahead and was set right: bring accounts back whose period, limits, package or orders are of a time "
               "that has not come, and say of each what it has now. Nobody gains a message by it. The service goes on meanwhile.",
    .options = (const struct opt[]){
        { .name = "dry-run", .type = OPT_FLAG, .help = "only say what would be done" },
        { 0 } },
    .question = "Is it %s now? What a clock that was ahead moved beyond that comes back to it; a clock that is behind would do harm.",
    .question_now = true,
    .example = "tollgate store set-back --dry-run",
    .render = render,
    .run = set_back,
};
