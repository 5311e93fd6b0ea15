/* dashboard.c: see dashboard.h. */
#include <string.h>
#include <time.h>
#include "admin/dashboard.h"
#include "admin/json.h"
#include "admin/output.h"
#include "schema/activity.h"
#include "schema/calendar.h"

enum { DAYS = 30, LAST = 10, LABEL = 12 };

/* ---- what it tells ---- */

static void count_refusals(json_t *refusals, const Tg__Daily *daily)
{
    for (size_t i = 0; i < daily->n_refused; i++) {
        const char *rule = daily->refused[i]->rule;
        json_int_t before = json_integer_value(json_object_get(refusals, rule));
        json_object_set_new(refusals, rule, json_integer(before + (json_int_t)daily->refused[i]->count));
    }
}

static enum tg_code add_days(struct tg_view *view, uint64_t id, int64_t now, json_t *object, struct tg_error *err)
{
    json_t *days = json_array(), *refusals = json_object();
    uint64_t hard = 0, soft = 0, delayed = 0, complaints = 0;
    enum tg_code code = TG_OK;
    for (int64_t day = tg_day_of(now) - DAYS + 1; code == TG_OK && day <= tg_day_of(now); day++) {
        Tg__Daily *daily;
        uint64_t recipients = 0, messages = 0;
        code = tg_daily_get(view, id, day, &daily, err);
        if (code == TG_OK) {
            recipients = daily->recipients;
            messages = daily->messages;
            hard += daily->hard;
            soft += daily->soft;
            delayed += daily->delayed;
            complaints += daily->complaints;
            count_refusals(refusals, daily);
        }
        char date[TG_RFC3339_SIZE];
        tg_rfc3339(day * 86400, date);
        json_array_append_new(days, json_pack("{s:s%, s:I, s:I}", "day", date, (size_t)10, "messages", (json_int_t)messages,
                                              "recipients", (json_int_t)recipients));
        code = code == TG_NOT_FOUND ? TG_OK : code;
    }
    json_object_set_new(object, "days", days);
    json_object_set_new(object, "refusals", refusals);
    json_object_set_new(object, "bounces", json_pack("{s:I, s:I, s:I, s:I}", "hard", (json_int_t)hard, "soft", (json_int_t)soft,
                                                     "delayed", (json_int_t)delayed, "complaints", (json_int_t)complaints));
    return code;
}

enum tg_code dashboard_add(struct tg_view *view, const Tg__Account *account, int64_t now, json_t *object, struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(account->id);
    struct tg_walk *walk;
    struct tg_event_id id;
    Tg__Activity *activity;
    enum tg_code code = add_days(view, account->id, now, object, err);
    if (code != TG_OK || (code = tg_walk_begin(view, TG_DB_ACTIVITY, &prefix, NULL, TG_BACKWARD, &walk, err)) != TG_OK)
        return code;
    json_t *last = json_array();
    while (json_array_size(last) < LAST && (code = tg_activity_next(view, walk, &id, &activity, err)) == TG_OK)
        json_array_append_new(last, json_activity(account->username, &id, activity));
    tg_walk_end(&walk);
    json_object_set_new(object, "activity", last);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

/* ---- how it looks ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static long long number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}

static void label(const struct terminal *t, const char *name)
{
    fputs(terminal_colour(t, DIM), t->out);
    terminal_text(t, name, 0, LABEL);
    fputs(terminal_plain(t), t->out);
}

static void heading(const struct terminal *t, const json_t *a)
{
    const char *status = text_of(a, "status");
    fprintf(t->out, "%s%s%s  %s%s%s", terminal_colour(t, BOLD), text_of(a, "username"), terminal_plain(t),
            terminal_colour(t, output_colour(status)), status, terminal_plain(t));
    if (*text_of(a, "status_reason") != '\0') {
        fputs(": ", t->out);
        terminal_text(t, text_of(a, "status_reason"), 50, 0);
    }
    fputc('\n', t->out);
    label(t, "");
    terminal_text(t, text_of(a, "description"), t->width - LABEL, 0);
    fputc('\n', t->out);
    label(t, "account");
    fprintf(t->out, "%s, number %lld, customer %lld\n", text_of(a, "type"), number_of(a, "id"), number_of(a, "customer"));
}

static void show_plan(const struct terminal *t, const json_t *a)
{
    const json_t *plan = json_object_get(a, "plan");
    long long used = number_of(plan, "used"), left = number_of(plan, "left");
    char when[64];
    label(t, "plan");
    fprintf(t->out, "%s, %lld messages%s\n", text_of(plan, "plan"), number_of(plan, "messages"),
            strcmp(text_of(plan, "plan"), "prepaid") == 0 ? "" : " a month");
    label(t, "");
    terminal_bar(t, (double)used, (double)(used + left), 40);
    fprintf(t->out, " %lld used, %s%lld left%s\n", used, left == 0 ? terminal_colour(t, RED) : "", left,
            left == 0 ? terminal_plain(t) : "");
    if (json_is_string(json_object_get(plan, "period_end"))) {
        output_value(json_object_get(plan, "period_end"), when, sizeof when);
        label(t, "");
        fprintf(t->out, "renewed on %s\n", when);
    } else if (json_is_string(json_object_get(plan, "expires"))) {
        output_value(json_object_get(plan, "expires"), when, sizeof when);
        label(t, "");
        fprintf(t->out, "expires on %s\n", when);
    }
}

static void show_limits(const struct terminal *t, const json_t *a)
{
    static const struct {
        const char *key, *name;
    } limits[] = {
        { "max_recipients", "recipients a message" }, { "max_per_hour", "an hour" }, { "max_per_day", "a day" },
    };
    bool any = false;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (number_of(a, limits[i].key) == 0)
            continue;
        if (!any)
            label(t, "limits");
        fprintf(t->out, "%s%lld %s", any ? ", " : "", number_of(a, limits[i].key), limits[i].name);
        any = true;
    }
    if (json_is_true(json_object_get(a, "ip_lock"))) {
        if (!any)
            label(t, "limits");
        fprintf(t->out, "%slogin and address both", any ? ", " : "");
        any = true;
    }
    if (json_is_true(json_object_get(a, "any_sender"))) {
        if (!any)
            label(t, "limits");
        fprintf(t->out, "%sany sender domain", any ? ", " : "");
        any = true;
    }
    if (any)
        fputc('\n', t->out);
}

static void show_domains(const struct terminal *t, const json_t *a)
{
    const json_t *domains = json_object_get(a, "domains"), *domain;
    size_t i;
    if (json_array_size(domains) == 0) {
        label(t, "domains");
        fprintf(t->out, "none of %lld: this account can't send yet\n", number_of(a, "max_domains"));
    }
    json_array_foreach(domains, i, domain) {
        const char *status = text_of(domain, "status");
        label(t, i == 0 ? "domains" : "");
        terminal_text(t, text_of(domain, "domain"), 50, 30);
        fprintf(t->out, "  %s%s%s%s\n", terminal_colour(t, output_colour(status)), status, terminal_plain(t),
                json_is_true(json_object_get(domain, "subdomains")) ? ", with subdomains" : "");
    }
}

static void show_ips(const struct terminal *t, const json_t *a)
{
    const json_t *ips = json_object_get(a, "ips"), *ip;
    size_t i;
    int used = LABEL;
    if (json_array_size(ips) == 0)
        return;
    label(t, "addresses");
    json_array_foreach(ips, i, ip) {
        int width = (int)strlen(json_string_value(ip)) + 2;
        if (used + width > t->width && i > 0) {
            fputc('\n', t->out);
            label(t, "");
            used = LABEL;
        }
        fprintf(t->out, "%s%s", json_string_value(ip), i + 1 < json_array_size(ips) ? ", " : "");
        used += width;
    }
    fputc('\n', t->out);
}

static void show_password(const struct terminal *t, const json_t *a)
{
    const json_t *password = json_object_get(a, "password");
    char when[64];
    output_value(json_object_get(password, "created"), when, sizeof when);
    label(t, "password");
    fprintf(t->out, "number %lld, of %.10s", number_of(password, "generation"), when);
    if (json_is_string(json_object_get(password, "old_valid_until"))) {
        output_value(json_object_get(password, "old_valid_until"), when, sizeof when);
        fprintf(t->out, "; the old one is valid until %s", when);
    }
    fputc('\n', t->out);
    label(t, "bounces to");
    terminal_text(t, *text_of(a, "notify") != '\0' ? text_of(a, "notify") : "each message's own sender", t->width - LABEL, 0);
    fputc('\n', t->out);
}

static void show_days(const struct terminal *t, const json_t *a)
{
    const json_t *days = json_object_get(a, "days"), *refusals = json_object_get(a, "refusals"),
                 *bounces = json_object_get(a, "bounces"), *day;
    double values[DAYS] = { 0 };
    long long total = 0;
    size_t i;
    const char *rule;
    json_t *count;
    if (days == NULL)
        return;
    json_array_foreach(days, i, day) {
        if (i < DAYS)
            values[i] = (double)number_of(day, "recipients");
        total += number_of(day, "recipients");
    }
    label(t, "30 days");
    terminal_sparkline(t, values, DAYS);
    fprintf(t->out, "  %lld sent\n", total);
    if (json_object_size(refusals) > 0) {
        label(t, "refused");
        bool first = true;
        json_object_foreach((json_t *)refusals, rule, count) {
            fprintf(t->out, "%s%s %lld", first ? "" : ", ", rule, (long long)json_integer_value(count));
            first = false;
        }
        fputc('\n', t->out);
    }
    label(t, "bounced");
    fprintf(t->out, "hard %lld, soft %lld, delayed %lld, complaints %lld\n", number_of(bounces, "hard"),
            number_of(bounces, "soft"), number_of(bounces, "delayed"), number_of(bounces, "complaints"));
}

static void show_activity(const struct terminal *t, const json_t *a)
{
    const json_t *list = json_object_get(a, "activity"), *one;
    size_t i;
    if (json_array_size(list) == 0)
        return;
    fprintf(t->out, "\n%slast activities%s\n", terminal_colour(t, BOLD), terminal_plain(t));
    json_array_foreach(list, i, one) {
        char when[64], what[300];
        const char *kind = text_of(one, "kind"), *reply = text_of(one, "reply"), *text = text_of(one, "text");
        output_value(json_object_get(one, "time"), when, sizeof when);
        if (strcmp(kind, "accepted") == 0)
            snprintf(what, sizeof what, "from %.100s, %lld recipient%s", text_of(one, "sender"), number_of(one, "recipients"),
                     number_of(one, "recipients") == 1 ? "" : "s");
        else if (*reply != '\0')
            snprintf(what, sizeof what, "%.250s", reply);
        else
            snprintf(what, sizeof what, "%.20s %.80s %.150s", text_of(one, "result"), text_of(one, "recipient"), text);
        fprintf(t->out, "  %s  %s", when, terminal_colour(t, output_colour(kind)));
        terminal_text(t, kind, 0, 11);
        fputs(terminal_plain(t), t->out);
        fputc(' ', t->out);
        terminal_text(t, what, t->width - 35, 0);
        fputc('\n', t->out);
    }
}

void dashboard_render(const struct terminal *terminal, const json_t *account)
{
    heading(terminal, account);
    show_plan(terminal, account);
    show_limits(terminal, account);
    show_domains(terminal, account);
    show_ips(terminal, account);
    show_password(terminal, account);
    show_days(terminal, account);
    show_activity(terminal, account);
}
