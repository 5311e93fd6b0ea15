/* cmd_stats.c: tollgate stats: 30 days of the whole relay, or of one account.
 *
 * What it costs is bounded: 30 records of the relay's own daily counters, and for the top senders one
 * walk over the usage records, which are small and of fixed size, in views of some thousand each.
 * Nothing is read for each account but that. */
#include <string.h>
#include <time.h>
#include "admin/commands.h"
#include "admin/chart.h"
#include "admin/figures.h"
#include "admin/json.h"
#include "admin/panel.h"
#include "admin/value.h"
#include "schema/account.h"
#include "schema/reputation.h"

enum { TOP = 10, BAR = 12, RENEW_EVERY = 5000 };

struct sender {
    uint64_t id, units;
};

struct top {
    struct sender list[TOP];
    size_t count;
    uint64_t active; /* accounts that used something */
};

static void consider(struct top *top, uint64_t id, uint64_t units)
{
    if (units == 0)
        return;
    top->active++;
    if (top->count == TOP && top->list[TOP - 1].units >= units)
        return;
    size_t i = top->count < TOP ? top->count++ : TOP - 1;
    for (; i > 0 && top->list[i - 1].units < units; i--)
        top->list[i] = top->list[i - 1];
    top->list[i] = (struct sender){ id, units };
}

/* In the last 24 hours, by the windows that max_per_day looks at. */
static enum tg_code find_top(struct tg_view *view, int64_t now, struct top *top, struct tg_error *err)
{
    struct tg_key all = tg_key_all();
    struct tg_walk *walk;
    struct tg_span key, value;
    struct tg_usage usage;
    size_t seen = 0;
    uint64_t id;
    enum tg_code code = tg_walk_begin(view, TG_DB_USAGE, &all, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        /* A damaged record is store check's business; the others can be ranked all the same. */
        if (tg_read_id(key, &id) && tg_usage_unpack(value, &usage, NULL) == TG_OK)
            consider(top, id, tg_usage_last_day(&usage, now));
        if (++seen % RENEW_EVERY == 0 && (code = tg_view_renew(view, err)) != TG_OK)
            break;
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static enum tg_code add_top(struct tg_view *view, int64_t now, json_t *object, struct tg_error *err)
{
    struct top top = { .count = 0 };
    json_t *list = json_array();
    enum tg_code code = find_top(view, now, &top, err);
    for (size_t i = 0; code == TG_OK && i < top.count; i++) {
        struct tg_reputation r;
        Tg__Account *a;
        code = tg_account_get(view, top.list[i].id, &a, err);
        if (code == TG_NOT_FOUND) { /* removed meanwhile */
            code = TG_OK;
            continue;
        }
        if (code == TG_OK)
            code = tg_reputation_get(view, a->id, now, &r, err);
        if (code == TG_OK)
            json_array_append_new(list, json_pack("{s:o, s:s, s:I, s:I, s:I, s:i, s:s, s:o}", "username", json_text(a->username), "status",
                                                  tg_status_name(tg_account_status(a)), "customer", (json_int_t)a->customer_id,
                                                  "last_day", (json_int_t)top.list[i].units, "sent", (json_int_t)r.counts.sent,
                                                  "score", r.score, "level", tg_level_name(r.level), "description",
                                                  json_text(a->description)));
    }
    json_object_set_new(object, "active", json_integer((json_int_t)top.active));
    json_object_set_new(object, "top", list);
    return code;
}

static enum tg_code whole_relay(struct context *c, struct tg_view *view, json_t *object, struct tg_error *err)
{
    struct tg_store_stat stat;
    enum tg_code code = tg_store_stat(c->store, &stat, err);
    if (code != TG_OK)
        return code;
    json_object_set_new(object, "username", json_null());
    json_object_set_new(object, "accounts", json_integer((json_int_t)stat.records[TG_DB_ACCOUNTS]));
    json_object_set_new(object, "customers", json_integer((json_int_t)stat.records[TG_DB_CUSTOMERS]));
    json_object_set_new(object, "domains", json_integer((json_int_t)stat.records[TG_DB_DOMAINS]));
    if ((code = figures_add(view, TG_RELAY, c->now, object, err)) != TG_OK)
        return code;
    return add_top(view, c->now, object, err);
}

static enum tg_code one_account(struct context *c, struct tg_view *view, const char *username, json_t *object, struct tg_error *err)
{
    struct tg_usage usage;
    Tg__Account *a;
    enum tg_code code = tg_account_by_username(view, username, &a, err);
    if (code == TG_OK)
        code = tg_usage_get(view, a->id, &usage, err);
    if (code != TG_OK)
        return code;
    json_object_set_new(object, "username", json_text(a->username));
    json_object_set_new(object, "last_hour", json_integer((json_int_t)tg_usage_last_hour(&usage, c->now)));
    json_object_set_new(object, "last_day", json_integer((json_int_t)tg_usage_last_day(&usage, c->now)));
    json_object_set_new(object, "total", json_integer((json_int_t)usage.total));
    return figures_add(view, a->id, c->now, object, err);
}

static enum tg_code stats(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    json_t *object = json_object();
    code = in->arg[0] != NULL ? one_account(c, view, in->arg[0], object, err) : whole_relay(c, view, object, err);
    tg_view_end(&view);
    if (code == TG_OK)
        *result = object;
    else
        json_decref(object);
    return code;
}

/* ---- for people ---- */

static void render_top(const struct terminal *t, const json_t *list)
{
    const json_t *one;
    size_t i;
    char day[PANEL_NUMBER], month[PANEL_NUMBER];
    long long most = json_number_of(json_array_get(list, 0), "last_day");
    panel_heading(t, "top senders");
    if (json_array_size(list) == 0) {
        fputs("nobody in the last 24 hours\n", t->out);
        return;
    }
    fprintf(t->out, "%s%*s %9s  %*s %11s%s\n", terminal_colour(t, DIM), PANEL_LABEL, "", "24 hours", BAR, "", "30 days", terminal_plain(t));
    json_array_foreach(list, i, one) {
        terminal_text(t, json_text_of(one, "username"), 0, PANEL_LABEL);
        fprintf(t->out, " %9s  ", panel_number(json_number_of(one, "last_day"), day));
        int filled = chart_bar(t, (double)json_number_of(one, "last_day"), (double)most, BAR, BLUE);
        fprintf(t->out, "%*s", BAR - filled, "");
        fprintf(t->out, " %11s  ", panel_number(json_number_of(one, "sent"), month));
        fputs(terminal_colour(t, value_colour(json_text_of(one, "level"))), t->out);
        terminal_text(t, json_text_of(one, "level"), 0, 11);
        fputs(terminal_plain(t), t->out);
        terminal_text(t, json_text_of(one, "description"), panel_room(t) - 49, 0);
        fputc('\n', t->out);
    }
}

static void render(const struct terminal *t, const json_t *result)
{
    char n[PANEL_NUMBER], m[PANEL_NUMBER];
    if (json_is_string(json_object_get(result, "username"))) {
        panel_word(t, BOLD, json_text_of(result, "username"));
        fputc('\n', t->out);
        panel_label(t, "used");
        fprintf(t->out, "%s in the last hour, ", panel_number(json_number_of(result, "last_hour"), n));
        fprintf(t->out, "%s in 24 hours, %s ever\n", panel_number(json_number_of(result, "last_day"), n),
                panel_number(json_number_of(result, "total"), m));
        figures_render(t, result);
        return;
    }
    panel_word(t, BOLD, "the whole relay");
    fputc('\n', t->out);
    panel_label(t, "accounts");
    fprintf(t->out, "%s, of which %s sent something in the last 24 hours\n", panel_number(json_number_of(result, "accounts"), n),
            panel_number(json_number_of(result, "active"), m));
    panel_label(t, "customers");
    fprintf(t->out, "%s, with %s domain%s\n", panel_number(json_number_of(result, "customers"), n),
            panel_number(json_number_of(result, "domains"), m), json_number_of(result, "domains") == 1 ? "" : "s");
    figures_render(t, result);
    render_top(t, json_object_get(result, "top"));
}

const struct command cmd_stats = {
    .noun = "stats", .args = "[USER]",
    .summary = "30 days of the whole relay, or of an account: sent, refused by rule, bounced; and who sent most in the last 24 hours.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate stats",
    .render = render,
    .run = stats,
};
