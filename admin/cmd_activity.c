/* cmd_activity.c: tollgate activity: what accounts did, newest last. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "admin/commands.h"
#include "admin/events.h"
#include "admin/follow.h"
#include "admin/json.h"
#include "admin/output.h"
#include "admin/panel.h"
#include "schema/account.h"
#include "schema/activity_newest.h"

#define COLUMNS "time username kind result rule sender recipients client queue_id ref"
enum { DEFAULT_LIMIT = 100, TABLE_WIDTH = 160 };

/* What is shown is in memory, a kilobyte or two an event. A view keeps what is read of a few. */
enum { SHOWN_MAX = 100000, EVENTS_A_VIEW = 1000 };

static enum tg_code find(struct context *c, const char *username, struct tg_newest *wanted, struct tg_event_id **ids, size_t *count,
                         bool *more, struct tg_error *err)
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
        code = tg_activity_newest(view, wanted, ids, count, more, err);
    tg_view_end(&view);
    return code;
}

/* Events do not change; one that retention has removed meanwhile is left out. */
static enum tg_code read_some(struct context *c, const struct tg_event_id *ids, size_t count, json_t *out, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Activity *activity;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    for (size_t i = 0; i < count && (code == TG_OK || code == TG_NOT_FOUND); i++) {
        struct tg_key key = tg_key_event(&ids[i]);
        code = tg_get_record(view, TG_DB_ACTIVITY, &key, &tg__activity__descriptor, &activity, err);
        if (code == TG_OK)
            json_array_append_new(out, json_activity(json_username(view, ids[i].account_id), &ids[i], activity));
    }
    tg_view_end(&view);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

/* Oldest first. */
static enum tg_code read_events(struct context *c, const char *username, struct tg_newest *wanted, bool tell, json_t **out,
                                struct tg_error *err)
{
    struct tg_event_id *ids = NULL;
    size_t count = 0;
    bool more = false;
    enum tg_code code = find(c, username, wanted, &ids, &count, &more, err);
    *out = json_array();
    for (size_t at = 0, some; at < count && code == TG_OK; at += some) {
        some = count - at < EVENTS_A_VIEW ? count - at : EVENTS_A_VIEW;
        code = read_some(c, ids + at, some, *out, err);
    }
    free(ids);
    if (code == TG_OK && more && tell)
        fprintf(stderr, "tollgate: only the newest %zu are shown: --limit shows more, a later --since fewer\n", count);
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
    const char *kind_name = input_text(in, "kind");
    Tg__ActivityKind kind;
    struct tg_newest wanted = {
        .since_us = since->given ? since->number * 1000000 : INT64_MIN,
        .kind = kind_name != NULL && tg_activity_kind_parse(kind_name, &kind) ? &kind : NULL,
        .limit = limit->given ? (size_t)limit->number : since->given ? SHOWN_MAX : DEFAULT_LIMIT,
    };
    if (input_text(in, "ref") != NULL)
        return by_reference(c, input_text(in, "ref"), result, err);
    if (input_flag(in, "follow"))
        return follow_activity(c, in, in->arg[0], kind_name, since->given ? wanted.since_us : c->now * 1000000, err);
    return read_events(c, in->arg[0], &wanted, since->given && !limit->given, result, err);
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
        { .name = "limit", .type = OPT_NUMBER, .value = "N", .help = "at most so many, the newest (100, or 100000 with --since)", .min = 1, .max = 100000000 },
        { .name = "follow", .type = OPT_FLAG, .help = "show what happens as it happens, until Ctrl-C; with --json one object a line" },
        { 0 } },
    .example = "tollgate activity k3v9x0a2m7qd --since 2h --kind refused",
    .columns = COLUMNS,
    .render = render,
    .run = activity,
};
