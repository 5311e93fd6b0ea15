/* cmd_activity.c: tollgate activity: what accounts did, newest last. */
#include <stdlib.h>
#include <string.h>
#include "admin/commands.h"
#include "admin/events.h"
#include "admin/follow.h"
#include "admin/json.h"
#include "admin/output.h"
#include "admin/panel.h"
#include "schema/account.h"
#include "schema/activity.h"

#define COLUMNS "time username kind result rule sender recipients client queue_id ref"
enum { DEFAULT_LIMIT = 100, TABLE_WIDTH = 160 };

struct wanted {
    int64_t since_us;
    const char *kind; /* NULL: all */
    size_t limit;
};

/* Newest first, of one account, into an array; stops at `limit` or before `since`. */
static enum tg_code read_account(struct tg_view *view, uint64_t id, const char *username, const struct wanted *w, json_t *out,
                                 struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(id);
    struct tg_walk *walk;
    struct tg_event_id event;
    Tg__Activity *activity;
    size_t taken = 0;
    enum tg_code code = tg_walk_begin(view, TG_DB_ACTIVITY, &prefix, NULL, TG_BACKWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while (taken < w->limit && (code = tg_activity_next(view, walk, &event, &activity, err)) == TG_OK &&
           event.time_us >= w->since_us) {
        if (w->kind != NULL && strcmp(w->kind, tg_activity_kind_name(activity->kind)) != 0)
            continue;
        json_array_append_new(out, json_activity(username, &event, activity));
        taken++;
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static enum tg_code read_all(struct tg_view *view, const struct wanted *w, json_t *out, struct tg_error *err)
{
    struct tg_key all = tg_key_all();
    struct tg_walk *walk;
    Tg__Account *account;
    enum tg_code code = read_account(view, 0, "", w, out, err);
    if (code != TG_OK || (code = tg_walk_begin(view, TG_DB_ACCOUNTS, &all, NULL, TG_FORWARD, &walk, err)) != TG_OK)
        return code;
    while ((code = tg_account_next(view, walk, TG_DB_ACCOUNTS, &account, err)) == TG_OK)
        if ((code = read_account(view, account->id, account->username, w, out, err)) != TG_OK)
            break;
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static int by_time(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    return tg_ref_compare(json_string_value(json_object_get(x, "ref")), json_string_value(json_object_get(y, "ref")));
}

/* Oldest first, and of those the last `limit`. */
static json_t *in_order(json_t *events, size_t limit)
{
    size_t count = json_array_size(events), i;
    json_t **list = tg_xcalloc(count, sizeof(json_t *)), *sorted = json_array();
    for (i = 0; i < count; i++)
        list[i] = json_array_get(events, i);
    qsort(list, count, sizeof *list, by_time);
    for (i = count > limit ? count - limit : 0; i < count; i++)
        json_array_append(sorted, list[i]);
    free(list);
    json_decref(events);
    return sorted;
}

static enum tg_code read_events(struct context *c, const char *username, const struct wanted *w, json_t **out, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Account *account;
    json_t *events = json_array();
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code == TG_OK && username == NULL)
        code = read_all(view, w, events, err);
    else if (code == TG_OK && (code = tg_account_by_username(view, username, &account, err)) == TG_OK)
        code = read_account(view, account->id, account->username, w, events, err);
    tg_view_end(&view);
    *out = in_order(events, w->limit);
    return code;
}

static enum tg_code by_reference(struct context *c, const char *ref, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    struct tg_event_id id;
    Tg__Activity *activity;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_activity_by_ref(view, ref, &id, &activity, err);
    if (code == TG_OK)
        *result = json_pack("[o]", json_activity(json_username(view, id.account_id), &id, activity));
    tg_view_end(&view);
    return code;
}

static enum tg_code activity(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    const struct value *limit = input_value(in, "limit"), *since = input_value(in, "since");
    struct wanted w = {
        .since_us = since->given ? since->number * 1000000 : INT64_MIN,
        .kind = input_text(in, "kind"),
        .limit = limit->given ? (size_t)limit->number : since->given ? SIZE_MAX : DEFAULT_LIMIT,
    };
    if (input_text(in, "ref") != NULL)
        return by_reference(c, input_text(in, "ref"), result, err);
    if (input_flag(in, "follow")) {
        return follow_activity(c, in, in->arg[0], w.kind, since->given ? w.since_us : c->now * 1000000, err);
    }
    return read_events(c, in->arg[0], &w, result, err);
}

static bool of_one_account(const json_t *events)
{
    size_t i;
    const json_t *event;
    json_array_foreach(events, i, event)
        if (strcmp(text_of(event, "username"), text_of(json_array_get(events, 0), "username")) != 0)
            return false;
    return true;
}

/* A table where there is room for it, else a line for each; a single one with all that is known. */
static void render(const struct terminal *t, const json_t *events)
{
    size_t i;
    const json_t *event;
    if (t->is_tty && json_array_size(events) == 1)
        output_object(t, json_array_get(events, 0));
    else if (!t->is_tty || t->width >= TABLE_WIDTH || json_array_size(events) == 0)
        output_table(t, events, COLUMNS);
    else
        json_array_foreach(events, i, event)
            events_line(t, event, !of_one_account(events), true);
}

const struct command cmd_activity = {
    .noun = "activity", .args = "[USER]",
    .summary = "What an account, or all, did: accepted, refused, bounced, and more. Newest last.",
    .options = (const struct opt[]){
        { .name = "since", .type = OPT_TIME, .value = "TIME", .help = "from then on: 2h, 7d, 2026-11-24, 2026-11-24T10:00:00Z" },
        { .name = "kind", .type = OPT_CHOICE, .value = "KIND",
          .choices = "accepted|refused|bounce|complaint|warning|auth-failed|status|password", .help = "of this kind" },
        { .name = "ref", .type = OPT_TEXT, .value = "REF", .help = "the one that an SMTP reply named [ref REF]" },
        { .name = "limit", .type = OPT_NUMBER, .value = "N", .help = "at most so many (100, or all with --since)", .min = 1, .max = 100000000 },
        { .name = "follow", .type = OPT_FLAG, .help = "show what happens as it happens, until Ctrl-C; with --json one object a line" },
        { 0 } },
    .example = "tollgate activity k3v9x0a2m7qd --since 2h --kind refused",
    .columns = COLUMNS,
    .render = render,
    .run = activity,
};
