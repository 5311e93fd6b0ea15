/* cmd_audit.c: tollgate audit: who changed what. */
#include <string.h>
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/panel.h"
#include "admin/rows.h"
#include "admin/value.h"

#define COLUMNS "time who action subject old new"
enum { DEFAULT_LIMIT = 100 };

struct wanted {
    int64_t since_us;
    const char *subject, *who, *action; /* NULL: all */
};

static bool is_wanted(const struct wanted *w, int64_t time_us, const Tg__Audit *entry)
{
    return time_us >= w->since_us && (w->subject == NULL || strcmp(entry->subject, w->subject) == 0) &&
           (w->who == NULL || strstr(entry->who, w->who) != NULL) &&
           (w->action == NULL || strncmp(entry->action, w->action, strlen(w->action)) == 0);
}

static json_t *json_audit(int64_t time_us, const Tg__Audit *a)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "time", json_time(time_us / 1000000), "who", json_text(a->who), "action",
                     json_text(a->action), "subject", json_text_or_null(a->subject), "old", json_text_or_null(a->old_value), "new",
                     json_text_or_null(a->new_value));
}

static enum tg_code next_entry(const struct row_place *place, const void *arg, json_t **row, struct tg_error *err)
{
    struct tg_span key, value;
    Tg__Audit *entry;
    int64_t time_us;
    uint32_t sequence;
    enum tg_code code = tg_walk_next(place->walk, &key, &value, err);
    if (code != TG_OK)
        return code;
    if (!tg_read_audit(key, &time_us, &sequence))
        return tg_fail(err, TG_UNUSABLE, "a damaged key in the audit log (tollgate store check says more)");
    code = tg_unpack(place->view, TG_DB_AUDIT, value, &tg__audit__descriptor, &entry, err);
    if (code == TG_OK && is_wanted(arg, time_us, entry))
        *row = json_audit(time_us, entry);
    return code;
}

/* Where the newest so many begin: backward, until there are enough or they are too old. */
static enum tg_code find_first(struct tg_view *view, const struct wanted *w, uint64_t limit, struct tg_key *first, struct tg_error *err)
{
    struct tg_key all = tg_key_all();
    struct tg_walk *walk;
    struct tg_span key, value;
    Tg__Audit *entry;
    int64_t time_us;
    uint32_t sequence;
    enum tg_code code = tg_walk_begin(view, TG_DB_AUDIT, &all, NULL, TG_BACKWARD, &walk, err);
    if (code != TG_OK)
        return code;
    for (uint64_t count = 0; count < limit && (code = tg_walk_next(walk, &key, &value, err)) == TG_OK;) {
        if (!tg_read_audit(key, &time_us, &sequence))
            code = tg_fail(err, TG_UNUSABLE, "a damaged key in the audit log (tollgate store check says more)");
        else if (time_us < w->since_us)
            break;
        else
            code = tg_unpack(view, TG_DB_AUDIT, value, &tg__audit__descriptor, &entry, err);
        if (code != TG_OK)
            break;
        if (is_wanted(w, time_us, entry)) {
            *first = tg_key_audit(time_us, sequence);
            count++;
        }
        tg_arena_reset(tg_view_arena(view));
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static void entry_line(const struct terminal *t, const json_t *entry, const void *arg)
{
    char when[64], text[2000];
    const char *old_value = json_text_of(entry, "old"), *new_value = json_text_of(entry, "new");
    (void)arg;
    value_text(json_object_get(entry, "time"), when, sizeof when);
    snprintf(text, sizeof text, "%s %s, by %s: %s%s%s", json_text_of(entry, "action"), json_text_of(entry, "subject"),
             json_text_of(entry, "who"), old_value,
             *old_value != '\0' ? (t->utf8 ? " → " : " -> ") : "", *new_value != '\0' || *old_value == '\0' ? new_value : "removed");
    fprintf(t->out, "%s%s%s  ", terminal_colour(t, DIM), when, terminal_plain(t));
    terminal_paragraph(t, text, 21);
}

static enum tg_code audit(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    const struct value *limit = input_value(in, "limit"), *since = input_value(in, "since");
    struct wanted w = {
        .since_us = since->given ? since->number * 1000000 : INT64_MIN,
        .subject = input_text(in, "subject"), .who = input_text(in, "who"), .action = input_text(in, "action"),
    };
    uint64_t most = limit->given ? (uint64_t)limit->number : since->given ? UINT64_MAX : DEFAULT_LIMIT;
    struct tg_key first = tg_key_audit(INT64_MAX, UINT32_MAX); /* nothing is as new */
    /* A table in a pipe; on a terminal nothing of a change is cut. */
    struct rows rows = { .db = TG_DB_AUDIT, .prefix = tg_key_all(), .from = &first, .limit = most, .next = next_entry, .arg = &w,
                         .line = c->terminal->is_tty ? entry_line : NULL };
    struct tg_view *view;
    (void)result;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    code = find_first(view, &w, most, &first, err);
    tg_view_end(&view);
    return code == TG_OK ? rows_print(c, in, &rows, err) : code;
}

const struct command cmd_audit = {
    .noun = "audit",
    .summary = "Who changed what, old and new; newest last. Who came by sudo is named beside root.",
    .options = (const struct opt[]){
        { .name = "since", .type = OPT_TIME, .value = "TIME", .help = "from then on: 2h, 7d, 2026-11-24, 2026-11-24T10:00:00Z" },
        { .name = "subject", .type = OPT_TEXT, .value = "WHAT", .help = "of this username, domain or 'customer 7' alone" },
        { .name = "who", .type = OPT_TEXT, .value = "NAME", .help = "by whom; a part of the name is enough" },
        { .name = "action", .type = OPT_TEXT, .value = "WORDS", .help = "actions that begin so: 'account', 'account credit'" },
        { .name = "limit", .type = OPT_NUMBER, .value = "N", .help = "at most so many (100, or all with --since)", .min = 1, .max = 100000000 },
        { 0 } },
    .example = "tollgate audit --since 7d --subject k3v9x0a2m7qd",
    .columns = COLUMNS,
    .run = audit,
};
