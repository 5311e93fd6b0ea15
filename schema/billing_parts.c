/* billing_parts.c: the steps that billing is made of: an order made or dropped, a plan that begins, a mail. */
#include <string.h>
#include "schema/audit.h"
#include "schema/billing_parts.h"
#include "schema/calendar.h"
#include "schema/customer.h"
#include "schema/ledger.h"
#include "schema/money.h"

static const char *order_name(struct tg_arena *arena, const Tg__Order *o)
{
    return tg_arena_printf(arena, "order %llu", (unsigned long long)o->id);
}

/* ---- mails ---- */

static const char *date(struct tg_arena *arena, int64_t t)
{
    char text[TG_RFC3339_SIZE];
    return t == 0 ? "-" : tg_arena_printf(arena, "%.10s", tg_rfc3339(t, text));
}

static const char *number(struct tg_arena *arena, uint64_t n)
{
    return tg_arena_printf(arena, "%llu", (unsigned long long)n);
}

enum tg_code tg_billing_mail(struct tg_change *change, const struct tg_shop *shop, enum tg_mail_kind kind,
                             const Tg__Account *account, Tg__Order *order, int64_t now, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    struct tg_arena *arena = tg_view_arena(view);
    struct tg_plan plan = tg_account_plan(account, 0, 0);
    struct tg_usage usage;
    struct tg_balance balance;
    Tg__Customer *customer;
    char amount[TG_MONEY_SIZE];
    enum tg_code code = tg_customer_get(view, account->customer_id, &customer, err);
    if (code == TG_OK)
        code = tg_usage_get(view, account->id, &usage, err);
    if (code != TG_OK)
        return code;
    tg_plan_balance(&plan, &usage, now, &balance);
    const char *url = tg_order_payment_url(arena, shop->payment_url, order);
    const struct tg_fill fill[] = {
        { "name", customer->name },
        { "customer", number(arena, customer->id) },
        { "username", account->username },
        { "description", account->description },
        { "order", number(arena, order->id) },
        { "plan", tg_plan_name(order->plan) },
        { "messages", number(arena, order->messages) },
        { "amount", tg_money_text(order->amount_minor, order->currency, amount) },
        { "currency", order->currency },
        { "due", date(arena, order->due_at) },
        { "payment_url", url },
        { "payment", *url != '\0' ? tg_arena_printf(arena, "Pay here: %s", url)
                                  : tg_arena_printf(arena, "Please name the order %llu with your payment.",
                                                    (unsigned long long)order->id) },
        { "period_start", date(arena, order->period_start) },
        { "left", number(arena, balance.left) },
        { "used", number(arena, balance.used) },
        { "limit", number(arena, balance.limit) },
        { "until", date(arena, balance.expires != 0 ? balance.expires : balance.period_end) },
        { NULL, NULL },
    };
    struct tg_mail_to to = { customer->email, customer->name, account->id, order->id };
    return tg_mail_queue(change, shop, kind, &to, fill, now, &order->mail_id, err);
}

/* ---- orders ---- */

static const char *order_summary(struct tg_arena *arena, const Tg__Order *o)
{
    char amount[TG_MONEY_SIZE];
    return tg_arena_printf(arena, "%s of %s: %s %llu, %s %s", tg_order_kind_name(o->kind), o->username, tg_plan_name(o->plan),
                           (unsigned long long)o->messages, tg_money_text(o->amount_minor, o->currency, amount), o->currency);
}

enum tg_code tg_billing_order(struct tg_change *change, const struct tg_shop *shop, Tg__Account *account,
                              Tg__OrderKind kind, const Tg__Offer *offer, int64_t period_start, int64_t due, int64_t now,
                              Tg__Order **order, struct tg_error *err)
{
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    Tg__Order *o = tg_arena_alloc(arena, sizeof *o);
    tg__order__init(o);
    o->account_id = account->id;
    o->customer_id = account->customer_id;
    o->username = account->username;
    o->kind = kind;
    o->plan = offer->plan;
    o->messages = offer->messages;
    o->amount_minor = offer->price_minor;
    o->currency = offer->currency;
    o->created_at = now;
    o->due_at = due != 0 ? due : now + shop->grace_s;
    o->period_start = period_start;
    enum tg_code code = tg_order_number(change, o, account, err);
    if (code == TG_OK)
        code = tg_billing_mail(change, shop, kind == TG__ORDER_KIND__RENEWAL_ORDER ? TG_MAIL_RENEWAL : TG_MAIL_ORDER, account, o,
                               now, err);
    if (code != TG_OK)
        return code;
    tg_order_put(change, o);
    tg_account_put(change, account);
    tg_audit(change, now, "order make", order_name(arena, o), NULL, order_summary(arena, o));
    *order = o;
    return tg_change_error(change, err);
}

void tg_billing_cancelled(struct tg_change *change, Tg__Account *account, Tg__Order *order, const char *why, int64_t now)
{
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    const char *before = tg_order_status_name(order->status);
    order->status = TG__ORDER_STATUS__CANCELLED;
    order->cancelled_at = now;
    tg_order_put(change, order);
    tg_order_closed(account, order->id);
    tg_audit(change, now, "order cancel", order_name(arena, order), before,
             why != NULL ? tg_arena_printf(arena, "cancelled: %s", why) : "cancelled");
}

enum tg_code tg_billing_drop(struct tg_change *change, Tg__Account *account, bool any_kind, Tg__OrderKind kind,
                             const char *why, int64_t now, struct tg_error *err)
{
    for (size_t i = account->n_open_orders; i-- > 0;) {
        Tg__Order *order;
        enum tg_code code = tg_order_of_account(tg_change_view(change), account, i, &order, err);
        if (code != TG_OK)
            return code;
        if (any_kind || order->kind == kind)
            tg_billing_cancelled(change, account, order, why, now);
    }
    return tg_change_error(change, err);
}

/* ---- plans ---- */

/* Of periods that were paid and have not begun, each in the plan that it would have had. */
static uint64_t paid_ahead(const Tg__Account *account, int64_t at)
{
    uint64_t messages = 0;
    if (account->plan != TG__PLAN_KIND__MONTHLY)
        return 0;
    for (int64_t end = tg_period_end(account->plan_since, at); end < account->paid_until;
         end = tg_period_end(account->plan_since, end))
        messages += account->next_at != 0 && end >= account->next_at ? account->next_messages : account->plan_messages;
    return messages;
}

/* What was paid for, or given by hand to an account that waits, goes along; what was free or is owed does not. */
static bool goes_along(const Tg__Account *account, int64_t at)
{
    if (account->plan_messages == 0 || account->plan == TG__PLAN_KIND__PREPAID)
        return true;
    return account->plan == TG__PLAN_KIND__MONTHLY && account->paid_until > at;
}

static const char *plan_text(struct tg_arena *arena, Tg__PlanKind plan, uint64_t messages)
{
    return tg_arena_printf(arena, "%s %llu", tg_plan_name(plan), (unsigned long long)messages);
}

enum tg_code tg_billing_begin(struct tg_change *change, Tg__Account *account, Tg__PlanKind plan, uint64_t messages,
                              int64_t now, struct tg_error *err)
{
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    struct tg_plan old = tg_account_plan(account, 0, 0), fresh = { .kind = plan, .messages = messages };
    struct tg_movement movements[TG_PLAN_MOVEMENTS];
    struct tg_usage usage;
    enum tg_code code = tg_usage_get(tg_change_view(change), account->id, &usage, err);
    if (code == TG_OK)
        code = tg_ledger_roll(change, account->id, &old, &usage, now, err);
    if (code != TG_OK)
        return code;
    int64_t at = tg_plan_time(&usage, now);
    size_t count = tg_plan_begin(&old, &fresh, goes_along(account, at), paid_ahead(account, at), &usage, now, movements);
    for (size_t i = 0; i < count; i++)
        tg_ledger_append(change, account->id, &movements[i],
                         movements[i].kind == TG__MOVEMENT_KIND__PURCHASE ? tg_plan_name(plan)
                         : movements[i].kind == TG__MOVEMENT_KIND__CREDIT ? "of a period that was paid ahead"
                                                                          : NULL);
    tg_usage_put(change, account->id, &usage);
    tg_audit(change, now, "account plan", account->username, plan_text(arena, account->plan, account->plan_messages),
             plan_text(arena, plan, messages));
    account->plan = plan;
    account->plan_messages = messages;
    account->plan_since = fresh.since;
    account->next_at = 0;
    account->next_plan = TG__PLAN_KIND__FREE;
    account->next_messages = 0;
    account->renewal_for = 0;
    account->paid_until = plan == TG__PLAN_KIND__MONTHLY ? tg_period_end(fresh.since, fresh.since) : 0;
    tg_account_put(change, account);
    return tg_change_error(change, err);
}

enum tg_code tg_billing_set_payment(struct tg_change *change, Tg__Account *account, Tg__Payment payment, int64_t now,
                                    struct tg_error *err)
{
    enum tg_status before = tg_account_status(account);
    account->payment = payment;
    tg_account_put(change, account);
    enum tg_status after = tg_account_status(account);
    if (after == before)
        return tg_change_error(change, err);
    tg_audit(change, now, "account status", account->username, tg_status_name(before), tg_status_name(after));
    return tg_account_note(change, account, TG__ACTIVITY_KIND__STATUS_CHANGED, tg_status_name(after),
                           tg_account_status_reason(account), now, err);
}

enum tg_code tg_billing_is_lapsed(struct tg_view *view, const Tg__Account *account, int64_t now, bool *lapsed,
                                  struct tg_error *err)
{
    Tg__Order *renewal;
    *lapsed = account->payment != TG__PAYMENT__PAID && account->plan_messages == 0;
    if (*lapsed || account->plan != TG__PLAN_KIND__MONTHLY || account->paid_until > now)
        return TG_OK;
    enum tg_code code = tg_order_open(view, account, TG__ORDER_KIND__RENEWAL_ORDER, &renewal, err);
    *lapsed = code == TG_NOT_FOUND && account->renewal_for >= account->paid_until;
    return code == TG_NOT_FOUND ? TG_OK : code;
}
