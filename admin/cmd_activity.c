/* cmd_activity.c: tollgate activity: what accounts did, newest last. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "admin/commands.h"
#include "admin/events.h"
#include "admin/follow.h"
#include "admin/json.h"
#include "admin/output.h"
#include "admin/rows.h"
#include "schema/account.h"
#include "schema/activity_newest.h"

#define COLUMNS "time username kind result rule sender recipients client queue_id ref"
enum { DEFAULT_LIMIT = 100, TABLE_WIDTH = 160 };

/* Of an event that is shown its key is in memory. */
enum { SHOWN_MAX = 100000 };

/* What is shown, oldest first. */
struct events {
    struct tg_event_id *ids;
    size_t count;
    bool one_account;
};

static enum tg_code find(struct context *c, const char *username, struct tg_newest *wanted, struct events *events, bool *more,
                         struct tg_error *err)
{
    struct tg_view *view;
    Tg__Account *account;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    wanted->all = username == NULL;
    if (username != NULL && (code = tg_account_by_username(view, username, &account, err)) == TG_OK)
        wanted->account_id = account->id;
    if (code == TG_OK)
        code = tg_activity_newest(view, wanted, &events->ids, &events->count, more, err);
    tg_view_end(&view);
    return code;
}

/* Events do not change; one that retention has removed meanwhile is left out. */
static enum tg_code next_event(const struct row_place *place, const void *arg, json_t **row, struct tg_error *err)
{
    const struct events *events = arg;
    Tg__Activity *activity;
    if (place->at == events->count)
        return TG_NOT_FOUND;
    const struct tg_event_id *id = &events->ids[place->at];
    struct tg_key key = tg_key_event(id);
    enum tg_code code = tg_get_record(place->view, TG_DB_ACTIVITY, &key, &tg__activity__descriptor, &activity, err);
    if (code == TG_OK)
        *row = json_activity(json_username(place->view, id->account_id), id, activity);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static void whole_event(const struct terminal *t, const json_t *event, const void *arg)
{
    (void)arg;
    output_object(t, event);
}

static void event_line(const struct terminal *t, const json_t *event, const void *arg)
{
    const struct events *events = arg;
    events_line(t, event, !events->one_account, true);
}

/* A table where there is room for it, else a line for each; a single one with all that is known. */
static enum tg_code print_events(struct context *c, const struct input *in, struct events *events, struct tg_error *err)
{
    struct rows rows = { .db = TG_DB_COUNT, .next = next_event, .arg = events };
    events->one_account = true;
    for (size_t i = 1; i < events->count; i++)
        events->one_account = events->one_account && events->ids[i].account_id == events->ids[0].account_id;
    if (c->terminal->is_tty && events->count == 1)
        rows.line = whole_event;
    else if (c->terminal->is_tty && c->terminal->width < TABLE_WIDTH)
        rows.line = event_line;
    return rows_print(c, in, &rows, err);
}

static enum tg_code newest(struct context *c, const struct input *in, struct tg_newest *wanted, bool tell, struct tg_error *err)
{
    struct events events = { 0 };
    bool more = false;
    enum tg_code code = find(c, in->arg[0], wanted, &events, &more, err);
    if (code == TG_OK && more && tell)
        fprintf(stderr, "tollgate: only the newest %zu are shown: --limit shows more, a later --since fewer\n", events.count);
    if (code == TG_OK)
        code = print_events(c, in, &events, err);
    free(events.ids);
    return code;
}

static enum tg_code by_reference(struct context *c, const struct input *in, struct tg_error *err)
{
    struct tg_view *view;
    struct tg_event_id id;
    struct events events = { .ids = &id, .count = 1 };
    Tg__Activity *activity;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_activity_by_ref(view, input_text(in, "ref"), &id, &activity, err);
    tg_view_end(&view);
    return code == TG_OK ? print_events(c, in, &events, err) : code;
}

static enum tg_code activity(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    const struct value *limit = input_value(in, "limit"), *since = input_value(in, "since");
    const char *kind_name = input_text(in, "kind");
    Tg__ActivityKind kind;
    (void)result;
    struct tg_newest wanted = {
        .since_us = since->given ? since->number * 1000000 : INT64_MIN,
        .kind = kind_name != NULL && tg_activity_kind_parse(kind_name, &kind) ? &kind : NULL,
        .limit = limit->given ? (size_t)limit->number : since->given ? SHOWN_MAX : DEFAULT_LIMIT,
    };
    if (input_text(in, "ref") != NULL)
        return by_reference(c, in, err);
    if (input_flag(in, "follow"))
        return follow_activity(c, in, in->arg[0], kind_name, since->given ? wanted.since_us : c->now * 1000000, err);
    return newest(c, in, &wanted, since->given && !limit->given, err);
}

const struct command cmd_activity = {
    .noun = "activity", .args = "[USER]",
    .summary = "What an account, or all, did: accepted, refused, bounced, and more. Newest last.",
    .options = (const struct opt[]){
        { .name = "since", .type = OPT_TIME, .value = "TIME", .help = "from then on: 2h, 7d, 2026-11-24, 2026-11-24T10:00:00Z" },
        { .name = "kind", .type = OPT_CHOICE, .value = "KIND",
          .choices = "accepted|refused|bounce|complaint|warning|auth-failed|status|password", .help = "of this kind" },
        { .name = "ref", .type = OPT_TEXT, .value = "REF", .help = "the one that an SMTP reply named [ref REF]" },
        { .name = "limit", .type = OPT_NUMBER, .value = "N", .help = "at most so many, the newest (100, or 100000 with --since)", .min = 1, .max = 100000000 },
        { .name = "follow", .type = OPT_FLAG, .help = "show what happens as it happens, until Ctrl-C; with --json one object a line" },
        { 0 } },
    .example = "tollgate activity k3v9x0a2m7qd --since 2h --kind refused",
    .columns = COLUMNS,
    .run = activity,
};
