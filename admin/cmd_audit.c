/* cmd_audit.c: tollgate audit: who changed what. */
#include <string.h>
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/output.h"
#include "admin/panel.h"

#define COLUMNS "time who action subject old new"
enum { DEFAULT_LIMIT = 100 };

struct wanted {
    int64_t since_us;
    size_t limit;
    const char *subject, *who, *action; /* NULL: all */
};

static bool is_wanted(const struct wanted *w, const Tg__Audit *entry)
{
    return (w->subject == NULL || strcmp(entry->subject, w->subject) == 0) &&
           (w->who == NULL || strstr(entry->who, w->who) != NULL) &&
           (w->action == NULL || strncmp(entry->action, w->action, strlen(w->action)) == 0);
}

static json_t *json_audit(int64_t time_us, const Tg__Audit *a)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "time", json_time(time_us / 1000000), "who", json_text(a->who), "action",
                     json_text(a->action), "subject", json_text_or_null(a->subject), "old", json_text_or_null(a->old_value), "new",
                     json_text_or_null(a->new_value));
}

/* Newest first, until there are enough. */
static enum tg_code collect(struct tg_view *view, const struct wanted *w, json_t *out, struct tg_error *err)
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
    while (json_array_size(out) < w->limit && (code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        if (!tg_read_audit(key, &time_us, &sequence))
            code = tg_fail(err, TG_UNUSABLE, "a damaged key in the audit log (tollgate store check says more)");
        else if (time_us >= w->since_us)
            code = tg_unpack(view, TG_DB_AUDIT, value, &tg__audit__descriptor, &entry, err);
        else
            break;
        if (code != TG_OK)
            break;
        if (is_wanted(w, entry))
            json_array_append_new(out, json_audit(time_us, entry));
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static enum tg_code audit(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    const struct value *limit = input_value(in, "limit"), *since = input_value(in, "since");
    struct wanted w = {
        .since_us = since->given ? since->number * 1000000 : INT64_MIN,
        .limit = limit->given ? (size_t)limit->number : since->given ? SIZE_MAX : DEFAULT_LIMIT,
        .subject = input_text(in, "subject"), .who = input_text(in, "who"), .action = input_text(in, "action"),
    };
    struct tg_view *view;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    json_t *newest_first = json_array();
    code = collect(view, &w, newest_first, err);
    tg_view_end(&view);
    *result = json_array();
    for (size_t i = json_array_size(newest_first); i > 0; i--)
        json_array_append(*result, json_array_get(newest_first, i - 1));
    json_decref(newest_first);
    return code;
}

/* A table in a pipe; on a terminal nothing of a change is cut. */
static void render(const struct terminal *t, const json_t *entries)
{
    char when[64], text[2000];
    size_t i;
    const json_t *entry;
    if (!t->is_tty || json_array_size(entries) == 0) {
        output_table(t, entries, COLUMNS);
        return;
    }
    json_array_foreach(entries, i, entry) {
        const char *old_value = text_of(entry, "old"), *new_value = text_of(entry, "new");
        output_value(json_object_get(entry, "time"), when, sizeof when);
        snprintf(text, sizeof text, "%s %s, by %s: %s%s%s", text_of(entry, "action"), text_of(entry, "subject"), text_of(entry, "who"), old_value,
                 *old_value != '\0' ? (t->utf8 ? " → " : " -> ") : "", *new_value != '\0' || *old_value == '\0' ? new_value : "removed");
        fprintf(t->out, "%s%s%s  ", terminal_colour(t, DIM), when, terminal_plain(t));
        terminal_paragraph(t, text, 21);
    }
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
    .render = render,
    .run = audit,
};
