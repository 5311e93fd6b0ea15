/* dashboard_view.c: see dashboard.h: how it looks. */
#include <string.h>
#include "admin/chart.h"
#include "admin/dashboard.h"
#include "admin/events.h"
#include "admin/figures.h"
#include "admin/panel.h"
#include "admin/value.h"
#include "schema/now.h"

enum { BAR = 40, DOMAINS_SHOWN = 8, IPS_SHOWN = 12 };

static void heading(const struct terminal *t, const json_t *a)
{
    const char *status = json_text_of(a, "status");
    fputs(terminal_colour(t, BOLD), t->out);
    fprintf(t->out, "%s%s  ", json_text_of(a, "username"), terminal_plain(t));
    fputs(terminal_colour(t, value_colour(status)), t->out);
    fprintf(t->out, "%s%s%s  ", t->utf8 ? "● " : "", status, terminal_plain(t));
    int used = (int)(strlen(json_text_of(a, "username")) + strlen(status)) + (t->utf8 ? 6 : 4);
    terminal_paragraph(t, json_text_of(a, "description"), used);
    if (*json_text_of(a, "status_reason") != '\0')
        panel_line(t, "", json_text_of(a, "status_reason"));
}

static void show_account(const struct terminal *t, const json_t *a, int64_t now)
{
    char when[80];
    panel_label(t, "account");
    fprintf(t->out, "%s, number %lld, customer %lld", json_text_of(a, "type"), json_number_of(a, "id"),
            json_number_of(a, "customer"));
    if (json_is_string(json_object_get(a, "last_used"))) {
        panel_date(json_object_get(a, "last_used"), now, when, sizeof when);
        fprintf(t->out, ", last used %s\n", when);
    } else {
        fputs(", never used\n", t->out);
    }
}

/* When it ends, and whether it lasts until then. */
static void show_outlook(const struct terminal *t, const json_t *a, int64_t now)
{
    const json_t *plan = json_object_get(a, "plan"), *forecast = json_object_get(a, "forecast");
    bool period = json_is_string(json_object_get(plan, "period_end"));
    const json_t *end = json_object_get(plan, period ? "period_end" : "expires"),
                 *out = json_object_get(forecast, "runs_out");
    char when[80], number[PANEL_NUMBER];
    long long per_day = json_number_of(forecast, "per_day");
    if (json_is_string(end)) {
        panel_date(end, now, when, sizeof when);
        panel_label(t, "");
        fprintf(t->out, "%s on %s\n", period ? "renewed" : "expires", when);
    }
    if (forecast == NULL || json_number_of(plan, "left") == 0)
        return;
    panel_label(t, "");
    if (per_day == 0 && !json_is_string(out)) {
        fputs("nothing used in the last 7 days\n", t->out);
    } else if (json_is_string(out)) {
        panel_date(out, now, when, sizeof when);
        fprintf(t->out, "at %s a day it ", panel_number(per_day, number));
        panel_word(t, YELLOW, "runs out");
        fprintf(t->out, " on %s\n", when);
    } else {
        fprintf(t->out, "at %s a day it lasts until then\n", panel_number(per_day, number));
    }
}

static void show_plan(const struct terminal *t, const json_t *a, int64_t now)
{
    const json_t *plan = json_object_get(a, "plan");
    long long used = json_number_of(plan, "used"), left = json_number_of(plan, "left");
    bool prepaid = strcmp(json_text_of(plan, "plan"), "prepaid") == 0;
    char n[PANEL_NUMBER], m[PANEL_NUMBER];
    panel_label(t, "plan");
    fprintf(t->out, "%s, %s messages%s\n", json_text_of(plan, "plan"),
            panel_number(json_number_of(plan, "messages"), n), prepaid ? "" : " a month");
    int words = (int)strlen(panel_number(used, n)) + (int)strlen(panel_number(left, m)) + 14,
        room = panel_room(t) - words - 1;
    panel_label(t, "");
    terminal_bar(t, (double)used, (double)(used + left), room < BAR ? room : BAR);
    fprintf(t->out, "  %s used, ", panel_number(used, n));
    panel_word(t, left == 0 ? RED : PLAIN, panel_number(left, m));
    panel_word(t, left == 0 ? RED : PLAIN, " left");
    fputc('\n', t->out);
    show_outlook(t, a, now);
}

/* The plan that is coming: at a time, or when its order is paid. */
static void show_coming(const struct terminal *t, const json_t *a, int64_t now)
{
    const json_t *next = json_object_get(json_object_get(a, "plan"), "next");
    char when[80], n[PANEL_NUMBER];
    if (!json_is_object(next))
        return;
    panel_label(t, "coming");
    fprintf(t->out, "%s, %s messages, ", json_text_of(next, "plan"),
            panel_number(json_number_of(next, "messages"), n));
    if (json_is_integer(json_object_get(next, "order"))) {
        fprintf(t->out, "when order %lld is paid\n", json_number_of(next, "order"));
    } else {
        panel_date(json_object_get(next, "at"), now, when, sizeof when);
        fprintf(t->out, "from %s on\n", when);
    }
}

static void show_orders(const struct terminal *t, const json_t *a)
{
    const json_t *orders = json_object_get(a, "orders"), *order;
    size_t i;
    json_array_foreach(orders, i, order)
    {
        char due[64];
        value_text(json_object_get(order, "due"), due, sizeof due);
        panel_label(t, i == 0 ? "orders" : "");
        fprintf(t->out, "%lld: ", json_number_of(order, "id"));
        panel_word(t, value_colour(json_text_of(order, "status")), json_text_of(order, "status"));
        fprintf(t->out, ", %s %lld, %s %s, due %.10s\n", json_text_of(order, "plan"),
                json_number_of(order, "messages"), json_text_of(order, "amount"), json_text_of(order, "currency"),
                due);
    }
}

static void show_reputation(const struct terminal *t, const json_t *a)
{
    const json_t *r = json_object_get(a, "reputation");
    const char *level = json_text_of(r, "level");
    char text[300];
    panel_label(t, "reputation");
    snprintf(text, sizeof text, "%lld", json_number_of(r, "score"));
    panel_word(t, value_colour(level), text);
    fputs(" of 100, ", t->out);
    panel_word(t, value_colour(level), level);
    int used = PANEL_LABEL + (int)strlen(text) + 9 + (int)strlen(level);
    if (*json_text_of(r, "text") != '\0') {
        fputs(": ", t->out);
        terminal_paragraph(t, json_text_of(r, "text"), used + 2);
    } else {
        fputs(json_number_of(r, "sent") == 0 ? ": nothing sent yet\n" : "\n", t->out);
    }
}

static void show_limits(const struct terminal *t, const json_t *a)
{
    static const struct {
        const char *key, *name;
    } limits[] = {{"max_recipients", "recipients a message"},
                  {"max_per_hour", "an hour"},
                  {"max_per_day", "a day"}};
    char list[300] = "", n[PANEL_NUMBER];
    size_t len = 0;
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (json_number_of(a, limits[i].key) > 0)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%s %s", len > 0 ? ", " : "",
                                    panel_number(json_number_of(a, limits[i].key), n), limits[i].name);
    if (json_is_true(json_object_get(a, "ip_lock")))
        len += (size_t)snprintf(list + len, sizeof list - len, "%slogin and address both",
                                len > 0 ? ", " : "");
    if (json_is_true(json_object_get(a, "any_sender")))
        len += (size_t)snprintf(list + len, sizeof list - len, "%sany sender domain",
                                len > 0 ? ", " : "");
    if (len > 0)
        panel_line(t, "limits", list);
}

static const char *mark_of(const struct terminal *t, const char *status)
{
    if (!t->utf8)
        return "";
    return strcmp(status, "verified") == 0 ? "✓ " : strcmp(status, "pending") == 0 ? "○ " : "✗ ";
}

static void show_domains(const struct terminal *t, const json_t *a)
{
    const json_t *domains = json_object_get(a, "domains"), *domain;
    size_t i, count = json_array_size(domains);
    if (count == 0 && !json_is_true(json_object_get(a, "any_sender"))) {
        panel_label(t, "domains");
        panel_word(t, YELLOW, "none");
        fprintf(t->out, " of %lld: it can't send yet\n", json_number_of(a, "max_domains"));
    }
    json_array_foreach(domains, i, domain)
    {
        const char *status = json_text_of(domain, "status");
        if (i == DOMAINS_SHOWN && count > DOMAINS_SHOWN + 1) {
            panel_label(t, "");
            fprintf(t->out, "and %zu more (of %lld)\n", count - i, json_number_of(a, "max_domains"));
            break;
        }
        panel_label(t, i == 0 ? "domains" : "");
        panel_word(t, value_colour(status), mark_of(t, status));
        terminal_text(t, json_text_of(domain, "domain"), panel_room(t) - 30, 0);
        fputs("  ", t->out);
        panel_word(t, value_colour(status), status);
        fputs(json_is_true(json_object_get(domain, "subdomains")) ? ", with subdomains\n" : "\n",
              t->out);
    }
}

static void show_ips(const struct terminal *t, const json_t *a)
{
    const json_t *ips = json_object_get(a, "ips"), *ip;
    char list[IPS_SHOWN * 50 + 50] = "";
    size_t i, len = 0;
    json_array_foreach(ips, i, ip)
    {
        if (i == IPS_SHOWN) {
            snprintf(list + len, sizeof list - len, " and %zu more", json_array_size(ips) - i);
            break;
        }
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%.45s", i > 0 ? ", " : "",
                                json_string_value(ip));
    }
    if (json_array_size(ips) > 0)
        panel_line(t, "addresses", list);
}

static void show_password(const struct terminal *t, const json_t *a)
{
    const json_t *password = json_object_get(a, "password");
    char text[200], when[64];
    value_text(json_object_get(password, "created"), when, sizeof when);
    int len = snprintf(text, sizeof text, "number %lld, of %.10s",
                       json_number_of(password, "generation"), when);
    if (json_is_string(json_object_get(password, "old_valid_until"))) {
        value_text(json_object_get(password, "old_valid_until"), when, sizeof when);
        snprintf(text + len, sizeof text - (size_t)len, "; the old one is valid until %.60s", when);
    }
    panel_line(t, "password", text);
    panel_line(t, "bounces to",
               *json_text_of(a, "notify") != '\0' ? json_text_of(a, "notify") : "each message's own sender");
}

void dashboard_render(const struct terminal *t, const json_t *a)
{
    int64_t now = tg_now();
    heading(t, a);
    show_account(t, a, now);
    show_plan(t, a, now);
    show_coming(t, a, now);
    show_orders(t, a);
    show_reputation(t, a);
    show_limits(t, a);
    show_domains(t, a);
    show_ips(t, a);
    show_password(t, a);
    figures_render(t, a);
    events_render(t, json_object_get(a, "activity"));
}
