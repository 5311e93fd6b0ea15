/* figures.c: see figures.h. */
#include <stdlib.h>
#include <string.h>
#include "admin/chart.h"
#include "admin/figures.h"
#include "admin/panel.h"
#include "schema/activity.h"
#include "schema/calendar.h"

enum { RULES_MAX = 12, RULES_SHOWN = 6, BAR = 24 };

/* ---- what they are ---- */

struct sums {
    json_t *refusals;
    uint64_t hard, soft, delayed, complaints, auth_failed;
};

static void sum_up(struct sums *s, const Tg__Daily *daily)
{
    s->hard += daily->hard;
    s->soft += daily->soft;
    s->delayed += daily->delayed;
    s->complaints += daily->complaints;
    s->auth_failed += daily->auth_failed;
    for (size_t i = 0; i < daily->n_refused; i++) {
        const char *rule = daily->refused[i]->rule;
        json_object_set_new(
            s->refusals, rule,
            json_integer(json_number_of(s->refusals, rule) + (json_int_t)daily->refused[i]->count));
    }
}

enum tg_code figures_add(struct tg_view *view, uint64_t id, int64_t now, json_t *object,
                         struct tg_error *err)
{
    json_t *days = json_array();
    struct sums s = {.refusals = json_object()};
    enum tg_code code = TG_OK;
    for (int64_t day = tg_day_of(now) - FIGURES_DAYS + 1; code == TG_OK && day <= tg_day_of(now);
         day++) {
        Tg__Daily *daily, none = TG__DAILY__INIT;
        char date[TG_RFC3339_SIZE];
        code = tg_daily_get(view, id, day, &daily, err);
        if (code == TG_NOT_FOUND) {
            daily = &none;
            code = TG_OK;
        }
        if (code != TG_OK)
            break;
        sum_up(&s, daily);
        tg_rfc3339(day * 86400, date);
        json_array_append_new(days, json_pack("{s:s%, s:I, s:I}", "day", date, (size_t)10,
                                              "messages", (json_int_t)daily->messages, "recipients",
                                              (json_int_t)daily->recipients));
    }
    json_object_set_new(object, "days", days);
    json_object_set_new(object, "refusals", s.refusals);
    json_object_set_new(object, "bounces",
                        json_pack("{s:I, s:I, s:I, s:I}", "hard", (json_int_t)s.hard, "soft",
                                  (json_int_t)s.soft, "delayed", (json_int_t)s.delayed,
                                  "complaints", (json_int_t)s.complaints));
    json_object_set_new(object, "auth_failed", json_integer((json_int_t)s.auth_failed));
    return code;
}

/* ---- how they look ---- */

static void show_days(const struct terminal *t, const json_t *days)
{
    double values[FIGURES_DAYS] = {0};
    char recipients[PANEL_NUMBER], messages[PANEL_NUMBER];
    long long sent = 0, count = 0;
    size_t i;
    const json_t *day;
    json_array_foreach(days, i, day)
    {
        if (i < FIGURES_DAYS)
            values[i] = (double)json_number_of(day, "recipients");
        sent += json_number_of(day, "recipients");
        count += json_number_of(day, "messages");
    }
    panel_heading(t, "30 days");
    if (sent == 0) {
        panel_line(t, "sent", "nothing");
        return;
    }
    panel_label(t, "sent");
    fprintf(t->out, "%s recipient%s, in %s message%s\n", panel_number(sent, recipients),
            sent == 1 ? "" : "s", panel_number(count, messages), count == 1 ? "" : "s");
    chart_columns(t, values, FIGURES_DAYS, json_text_of(json_array_get(days, 0), "day"),
                  json_text_of(json_array_get(days, json_array_size(days) - 1), "day"), PANEL_LABEL - 8);
}

struct rule {
    const char *name;
    long long count;
};

static int by_count(const void *a, const void *b)
{
    const struct rule *x = a, *y = b;
    return x->count < y->count ? 1 : x->count > y->count ? -1 : strcmp(x->name, y->name);
}

static void show_refusals(const struct terminal *t, const json_t *refusals)
{
    struct rule rules[RULES_MAX];
    size_t count = 0;
    const char *name;
    json_t *value;
    char number[PANEL_NUMBER];
    json_object_foreach((json_t *)refusals, name, value)
    {
        if (count < RULES_MAX)
            rules[count++] = (struct rule){name, (long long)json_integer_value(value)};
    }
    if (count == 0) {
        panel_line(t, "refused", "nothing");
        return;
    }
    qsort(rules, count, sizeof *rules, by_count);
    for (size_t i = 0; i < count && i < RULES_SHOWN; i++) {
        panel_label(t, i == 0 ? "refused" : "");
        terminal_text(t, rules[i].name, 12, 12);
        fprintf(t->out, " %9s  ", panel_number(rules[i].count, number));
        chart_bar(t, (double)rules[i].count, (double)rules[0].count, BAR, RED);
        fputc('\n', t->out);
    }
}

static void show_bounces(const struct terminal *t, const json_t *bounces, long long auth_failed)
{
    static const struct {
        const char *key, *name;
        enum colour colour;
    } kinds[] = {{"hard", "hard", RED},
                 {"soft", "soft", YELLOW},
                 {"delayed", "delayed", PLAIN},
                 {"complaints", "complaints", RED}};
    char number[PANEL_NUMBER];
    bool any = false;
    panel_label(t, "bounced");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        long long n = json_number_of(bounces, kinds[i].key);
        if (n == 0)
            continue;
        fprintf(t->out, "%s%s ", any ? ", " : "", kinds[i].name);
        panel_word(t, kinds[i].colour, panel_number(n, number));
        any = true;
    }
    fputs(any ? "\n" : "nothing\n", t->out);
    if (auth_failed > 0) {
        panel_label(t, "logins");
        panel_word(t, RED, panel_number(auth_failed, number));
        fputs(" failed\n", t->out);
    }
}

void figures_render(const struct terminal *t, const json_t *object)
{
    const json_t *days = json_object_get(object, "days");
    if (days == NULL)
        return;
    show_days(t, days);
    show_refusals(t, json_object_get(object, "refusals"));
    show_bounces(t, json_object_get(object, "bounces"), json_number_of(object, "auth_failed"));
}
