/* json.c: see json.h. */
#include <stdlib.h>
#include <string.h>
#include "admin/json.h"
#include "schema/account.h"
#include "schema/calendar.h"
#include "schema/domain.h"
#include "schema/mail.h"
#include "schema/money.h"
#include "schema/network.h"
#include "schema/reputation.h"
#include "schema/order.h"
#include "schema/text.h"

json_t *json_time(int64_t t)
{
    char text[TG_RFC3339_SIZE];
    return t == 0 ? json_null() : json_string(tg_rfc3339(t, text));
}

/* JSON is UTF-8; what a client sent, or was cut in the middle of a character, need not be: of that each octet is a "?". */
json_t *json_text(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL)
        return value;
    char *clean = tg_xstrdup(text);
    for (char *at = clean; *at != '\0';) {
        size_t len = tg_utf8_length(at);
        if (len == 0)
            *at = '?';
        at += len > 0 ? len : 1;
    }
    value = json_string(clean);
    free(clean);
    return value != NULL ? value : json_string("?");
}

json_t *json_text_or_null(const char *text)
{
    return *text == '\0' ? json_null() : json_text(text);
}

json_t *json_customer(const Tg__Customer *c)
{
    const Tg__Billing *b = c->billing;
    json_t *billing = b == NULL ? json_null()
                                : json_pack("{s:o, s:o, s:o, s:o}", "company", json_text(b->company), "vat", json_text(b->vat),
                                            "address", json_text(b->address), "entered", json_time(b->entered_at));
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", (json_int_t)c->id, "name", json_text(c->name),
                     "email", json_text(c->email), "phone", json_text_or_null(c->phone), "address",
                     json_text_or_null(c->address), "terms_version", json_text(c->terms_version), "terms_accepted",
                     json_time(c->terms_accepted_at), "created", json_time(c->created_at), "billing", billing);
}

json_t *json_offer(const Tg__Offer *o)
{
    char price[TG_MONEY_SIZE];
    return json_pack("{s:s, s:I, s:s, s:o, s:I, s:b}", "plan", tg_plan_name(o->plan), "messages", (json_int_t)o->messages, "price",
                     tg_money_text(o->price_minor, o->currency, price), "currency", json_text(o->currency), "price_minor", (json_int_t)o->price_minor, "on_sale", o->on_sale);
}

json_t *json_activity(const char *username, const struct tg_event_id *id, const Tg__Activity *a)
{
    char ref[TG_REF_SIZE];
    json_t *o = json_pack("{s:o, s:o, s:s, s:o, s:o, s:o}", "time", json_time(id->time_us / 1000000), "username",
                          json_text_or_null(username), "kind", tg_activity_kind_name(a->kind), "result", json_text(a->result),
                          "rule", json_text_or_null(a->rule), "reply", json_text_or_null(a->reply));
    json_object_set_new(o, "sender", json_text(a->sender));
    json_object_set_new(o, "header_from", json_text_or_null(a->header_from));
    json_object_set_new(o, "recipients", json_integer((json_int_t)a->recipients));
    json_object_set_new(o, "recipient", json_text_or_null(a->recipient));
    json_object_set_new(o, "client", json_text_or_null(a->client));
    json_object_set_new(o, "queue_id", json_text_or_null(a->queue_id));
    json_object_set_new(o, "login", json_text_or_null(a->login));
    json_object_set_new(o, "text", json_text_or_null(a->text));
    json_object_set_new(o, "repeated", json_integer((json_int_t)a->repeated));
    json_object_set_new(o, "ref", json_string(tg_ref_text(id, ref)));
    return o;
}

const char *json_username(struct tg_view *view, uint64_t account_id)
{
    Tg__Account *account;
    return account_id != 0 && tg_account_get(view, account_id, &account, NULL) == TG_OK ? account->username : "";
}

static json_t *mail_of(struct tg_view *view, uint64_t id, int64_t now)
{
    Tg__Mail *mail;
    if (id == 0 || tg_mail_get(view, id, &mail, NULL) != TG_OK)
        return json_null();
    return json_pack("{s:s, s:o, s:o, s:I, s:o, s:o, s:o}", "status", tg_mail_state(mail, now), "kind", json_text(mail->kind), "to",
                     json_text(mail->to), "attempts", (json_int_t)mail->attempts, "tried", json_time(mail->tried_at), "sent",
                     json_time(mail->sent_at), "error", json_text_or_null(mail->error));
}

json_t *json_order(struct tg_view *view, const struct tg_settings *settings, const Tg__Order *o, int64_t now)
{
    char amount[TG_MONEY_SIZE];
    json_t *order = json_pack("{s:I, s:o, s:s, s:I, s:s, s:o, s:s, s:o, s:o, s:o}", "id", (json_int_t)o->id, "username",
                              json_text(o->username), "plan", tg_plan_name(o->plan), "messages", (json_int_t)o->messages,
                              "amount", tg_money_text(o->amount_minor, o->currency, amount), "currency", json_text(o->currency),
                              "status", tg_order_status_name(o->status), "created", json_time(o->created_at), "due",
                              json_time(o->due_at), "payment_url",
                              json_text_or_null(tg_order_payment_url(tg_view_arena(view), settings->payment_url, o)));
    json_object_set_new(order, "kind", json_string(tg_order_kind_name(o->kind)));
    json_object_set_new(order, "customer", json_integer((json_int_t)o->customer_id));
    json_object_set_new(order, "amount_minor", json_integer((json_int_t)o->amount_minor));
    json_object_set_new(order, "token", json_text(o->token));
    json_object_set_new(order, "period_start", json_time(o->period_start));
    json_object_set_new(order, "paid", json_time(o->paid_at));
    json_object_set_new(order, "cancelled", json_time(o->cancelled_at));
    json_object_set_new(order, "reference", json_text_or_null(o->reference));
    json_object_set_new(order, "mail", mail_of(view, o->mail_id, now));
    return order;
}

/* What the account is going to have: at a time, or when an order is paid. */
static enum tg_code coming(struct tg_view *view, const Tg__Account *a, json_t **out, struct tg_error *err)
{
    static const Tg__OrderKind kinds[] = { TG__ORDER_KIND__OPENING, TG__ORDER_KIND__PLAN_CHANGE, TG__ORDER_KIND__TOP_UP };
    *out = json_null();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        Tg__Order *order;
        enum tg_code code = tg_order_open(view, a, kinds[i], &order, err);
        if (code == TG_NOT_FOUND)
            continue;
        if (code == TG_OK)
            *out = json_pack("{s:s, s:I, s:n, s:I}", "plan", tg_plan_name(order->plan), "messages", (json_int_t)order->messages,
                             "at", "order", (json_int_t)order->id);
        return code;
    }
    if (a->next_at != 0)
        *out = json_pack("{s:s, s:I, s:o, s:n}", "plan", tg_plan_name(a->next_plan), "messages", (json_int_t)a->next_messages,
                         "at", json_time(a->next_at), "order");
    return TG_OK;
}

static enum tg_code add_orders(struct tg_view *view, const struct tg_settings *settings, const Tg__Account *a, int64_t now,
                               json_t *account, struct tg_error *err)
{
    json_t *orders = json_array(), *next = NULL;
    enum tg_code code = coming(view, a, &next, err);
    json_object_set_new(json_object_get(account, "plan"), "next", next);
    for (size_t i = 0; code == TG_OK && i < a->n_open_orders; i++) {
        Tg__Order *order;
        code = tg_order_of_account(view, a, i, &order, err);
        if (code == TG_OK)
            json_array_append_new(orders, json_order(view, settings, order, now));
    }
    json_object_set_new(account, "orders", orders);
    return code;
}

/* The plan as the account's people know it: the next one from its time on, though the sweep has not come to it yet; of an
 * account that waits, what it will have when its order is paid, with nothing left of it. */
static json_t *plan_of(struct tg_view *view, const Tg__Account *a, const struct tg_balance *b)
{
    bool later = a->next_at != 0 && b->period_start >= a->next_at, waits = a->plan_messages == 0;
    Tg__PlanKind plan = later ? a->next_plan : a->plan;
    uint64_t messages = later ? a->next_messages : a->plan_messages;
    Tg__Order *order;
    if (waits && tg_order_open(view, a, TG__ORDER_KIND__OPENING, &order, NULL) == TG_OK) {
        plan = order->plan;
        messages = order->messages;
    }
    json_t *o = json_pack("{s:s, s:I, s:I, s:I}", "plan", tg_plan_name(plan), "messages", (json_int_t)messages, "used",
                          (json_int_t)b->used, "left", (json_int_t)b->left);
    json_object_set_new(o, "period_start", json_time(waits ? 0 : b->period_start));
    json_object_set_new(o, "period_end", json_time(waits ? 0 : b->period_end));
    json_object_set_new(o, "expires", json_time(b->expires));
    json_object_set_new(o, "paid_until", json_time(a->paid_until));
    return o;
}

static enum tg_code add_domains(struct tg_view *view, const Tg__Account *a, json_t *account, struct tg_error *err)
{
    struct tg_association *list;
    size_t count;
    enum tg_code code = tg_domain_of_account(view, a->id, &list, &count, err);
    json_t *domains = json_array();
    for (size_t i = 0; code == TG_OK && i < count; i++)
        json_array_append_new(domains, json_pack("{s:s, s:s, s:b}", "domain", list[i].domain, "status",
                                                 tg_domain_status_name(list[i].status), "subdomains", list[i].subdomains));
    json_object_set_new(account, "domains", domains);
    return code;
}

static enum tg_code add_ips(struct tg_view *view, const Tg__Account *a, json_t *account, struct tg_error *err)
{
    struct tg_network_entry *list;
    size_t count;
    char text[TG_NETWORK_TEXT];
    enum tg_code code = tg_network_of_account(view, a->id, &list, &count, err);
    json_t *ips = json_array();
    for (size_t i = 0; code == TG_OK && i < count; i++)
        json_array_append_new(ips, json_string(tg_network_text(&list[i].network, text)));
    json_object_set_new(account, "ips", ips);
    return code;
}

static json_t *password_of(const Tg__Account *a, int64_t now)
{
    const Tg__Credential *c = a->credential, *old = a->old_credential;
    return json_pack("{s:o, s:I, s:o}", "created", json_time(c != NULL ? c->created_at : 0), "generation",
                     (json_int_t)(c != NULL ? c->generation : 0), "old_valid_until",
                     json_time(old != NULL && old->expires_at > now ? old->expires_at : 0));
}

static json_t *reputation_of(const struct tg_reputation *r)
{
    char text[160];
    tg_reputation_text(r, text, sizeof text);
    json_t *o = json_pack("{s:i, s:s, s:o, s:o, s:I}", "score", r->score, "level", tg_level_name(r->level), "factor",
                          r->worst < 0 ? json_null() : json_string(tg_factor_name((enum tg_factor)r->worst)), "text",
                          json_text_or_null(text), "sent", (json_int_t)r->counts.sent);
    for (int f = 0; f < TG_FACTORS; f++)
        json_object_set_new(o, tg_factor_name((enum tg_factor)f), json_integer((json_int_t)r->counts.events[f]));
    return o;
}

enum tg_code json_account(struct tg_view *view, const struct tg_settings *settings, const Tg__Account *a, int64_t now,
                          json_t **out, struct tg_error *err)
{
    struct tg_usage usage;
    struct tg_balance balance;
    struct tg_reputation reputation;
    struct tg_plan plan = tg_account_plan(a, (uint64_t)settings->max_per_hour, (uint64_t)settings->max_per_day);
    enum tg_code code = tg_usage_get(view, a->id, &usage, err);
    if (code != TG_OK)
        return code;
    tg_plan_balance(&plan, &usage, now, &balance);
    if ((code = tg_reputation_get(view, a->id, now, &reputation, err)) != TG_OK)
        return code;
    json_t *o = json_pack("{s:o, s:I, s:I, s:o, s:s, s:s, s:o, s:o, s:o, s:I}", "username", json_text(a->username), "id",
                          (json_int_t)a->id, "customer", (json_int_t)a->customer_id, "description", json_text(a->description),
                          "type", tg_account_type_name(a->type), "status", tg_status_name(tg_account_status(a)),
                          "status_reason", json_text_or_null(tg_account_status_reason(a)), "notify",
                          json_text_or_null(a->notify), "created", json_time(a->created_at), "max_domains",
                          (json_int_t)a->max_domains);
    code = add_domains(view, a, o, err);
    if (code == TG_OK)
        code = add_ips(view, a, o, err);
    if (code != TG_OK) {
        json_decref(o);
        return code;
    }
    json_object_set_new(o, "plan", plan_of(view, a, &balance));
    if ((code = add_orders(view, settings, a, now, o, err)) != TG_OK) {
        json_decref(o);
        return code;
    }
    json_object_set_new(o, "reputation", reputation_of(&reputation));
    json_object_set_new(o, "max_recipients", json_integer((json_int_t)a->max_recipients));
    json_object_set_new(o, "max_per_hour", json_integer((json_int_t)a->max_per_hour));
    json_object_set_new(o, "max_per_day", json_integer((json_int_t)a->max_per_day));
    json_object_set_new(o, "last_hour", json_integer((json_int_t)balance.last_hour));
    json_object_set_new(o, "last_day", json_integer((json_int_t)balance.last_day));
    json_object_set_new(o, "ip_lock", json_boolean(a->ip_lock));
    json_object_set_new(o, "any_sender", json_boolean(a->any_sender));
    json_object_set_new(o, "notices", json_boolean(!a->no_notices));
    json_object_set_new(o, "last_used", json_time(usage.total > 0 ? usage.last_at : 0));
    json_object_set_new(o, "password", password_of(a, now));
    *out = o;
    return TG_OK;
}

enum tg_code json_domain(struct tg_view *view, const Tg__Domain *d, json_t **out, struct tg_error *err)
{
    struct tg_arena *arena = tg_view_arena(view);
    uint64_t *ids;
    size_t count;
    enum tg_code code = tg_domain_accounts(view, d->domain, &ids, &count, err);
    if (code != TG_OK)
        return code;
    json_t *accounts = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(accounts, json_text(json_username(view, ids[i])));
    *out = json_pack("{s:o, s:I, s:s, s:o, s:s, s:s, s:o, s:o, s:o}", "domain", json_text(d->domain), "customer",
                     (json_int_t)d->customer_id, "status", tg_domain_status_name(d->status), "status_reason",
                     json_text_or_null(d->status_reason), "txt_name", tg_domain_txt_name(arena, d), "txt_value",
                     tg_domain_txt_value(arena, d), "created", json_time(d->created_at), "checked", json_time(d->checked_at),
                     "accounts", accounts);
    json_object_set_new(*out, "trusted", json_boolean(d->trusted));
    json_object_set_new(*out, "failed_checks", json_integer((json_int_t)d->failed_checks));
    return TG_OK;
}

json_t *json_domain_facts(const struct tg_domain_facts *facts)
{
    json_t *object = json_object();
    for (size_t i = 0; i < facts->count; i++) {
        const struct tg_domain_fact *f = &facts->fact[i];
        json_object_set_new(object, f->key,
                            json_pack("{s:s, s:o, s:o, s:o}", "state", tg_fact_state_name(f->state), "name", json_text(f->name),
                                      "value", f->value != NULL ? json_text(f->value) : json_null(), "text",
                                      json_text_or_null(f->text)));
    }
    return object;
}

const char *json_text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

long long json_number_of(const json_t *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(object, key));
}
