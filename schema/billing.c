/* billing.c: what a customer asks for: an account, another plan, a further package. See billing.h. */
#include <string.h>
#include "schema/audit.h"
#include "schema/billing_parts.h"
#include "schema/calendar.h"
#include "schema/customer.h"

enum tg_code tg_billing_check(struct tg_view *view, uint64_t customer_id, uint64_t account_id, Tg__PlanKind plan,
                              uint64_t messages, Tg__Offer **offer, struct tg_error *err)
{
    Tg__Customer *customer;
    enum tg_code code = tg_customer_get(view, customer_id, &customer, err);
    if (code == TG_OK)
        code = tg_offer_for_sale(view, plan, messages, offer, err);
    if (code != TG_OK)
        return code;
    if (plan == TG__PLAN_KIND__FREE)
        return tg_account_check_free(view, customer_id, account_id, err);
    if (!tg_customer_is_billable(customer))
        return tg_fail(err, TG_REFUSED, "the plan %s needs the billing data of customer %llu: name and address for the invoice "
                       "(tollgate customer billing %llu --company NAME --address TEXT)", tg_plan_name(plan),
                       (unsigned long long)customer_id, (unsigned long long)customer_id);
    return TG_OK;
}

enum tg_code tg_billing_add(struct tg_change *change, const struct tg_shop *shop, const Tg__Account *wish, int64_t now,
                            Tg__Account **account, struct tg_secret *password, Tg__Order **order, struct tg_error *err)
{
    Tg__Account sized = *wish;
    Tg__Offer *offer;
    bool paid_plan = wish->plan != TG__PLAN_KIND__FREE;
    *order = NULL;
    enum tg_code code = tg_account_check(wish, err);
    if (code == TG_OK)
        code = tg_billing_check(tg_change_view(change), wish->customer_id, 0, wish->plan, wish->plan_messages, &offer, err);
    if (code != TG_OK)
        return code;
    sized.plan_messages = offer->messages;
    code = tg_account_open(change, &sized, paid_plan ? TG__PAYMENT__AWAITED : TG__PAYMENT__PAID, now, account, password, err);
    if (code != TG_OK || !paid_plan)
        return code;
    return tg_billing_order(change, shop, *account, TG__ORDER_KIND__OPENING, offer, 0, 0, now, order, err);
}

/* ---- another plan ---- */

/* One change of plan, as its steps see it. */
struct asked {
    struct tg_change *change;
    const struct tg_shop *shop;
    Tg__Account *account;
    Tg__PlanKind plan;
    uint64_t messages;
    Tg__Offer *offer;
    int64_t now;
    Tg__Order **order;
};

/* At most one unpaid order of a kind: a second would be the same asked twice. One that is overdue gives way. */
static enum tg_code make_room(struct asked *a, Tg__OrderKind kind, struct tg_error *err)
{
    Tg__Order *open;
    enum tg_code code = tg_order_open(tg_change_view(a->change), a->account, kind, &open, err);
    if (code != TG_OK)
        return code == TG_NOT_FOUND ? TG_OK : code;
    if (open->status == TG__ORDER_STATUS__UNPAID)
        return tg_fail(err, TG_REFUSED, "order %llu of %s over %s %llu waits for its payment: pay or cancel it first (tollgate order)",
                       (unsigned long long)open->id, a->account->username, tg_plan_name(open->plan),
                       (unsigned long long)open->messages);
    return tg_billing_drop(a->change, a->account, false, kind, "a new order", a->now, err);
}

/* The open renewal becomes one for what will be the plan then. */
static enum tg_code renew_as(struct asked *a, Tg__PlanKind plan, uint64_t messages, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(a->change);
    Tg__Order *old, *fresh;
    Tg__Offer *offer;
    enum tg_code code = tg_order_open(view, a->account, TG__ORDER_KIND__RENEWAL_ORDER, &old, err);
    if (code != TG_OK)
        return code == TG_NOT_FOUND ? TG_OK : code;
    tg_billing_cancelled(a->change, a->account, old, "the plan changes", a->now);
    if (plan == TG__PLAN_KIND__FREE)
        a->account->renewal_for = 0; /* not the provider cancelled it: where the plan stays after all it is made again */
    tg_account_put(a->change, a->account);
    if (plan == TG__PLAN_KIND__FREE)
        return tg_change_error(a->change, err);
    code = tg_offer_find(view, plan, messages, &offer, err);
    if (code != TG_OK)
        return code;
    return tg_billing_order(a->change, a->shop, a->account, TG__ORDER_KIND__RENEWAL_ORDER, offer, old->period_start, old->due_at,
                            a->now, &fresh, err);
}

static void audit_coming(struct asked *a, const char *text)
{
    tg_audit(a->change, a->now, "account plan", a->account->username,
             tg_arena_printf(tg_view_arena(tg_change_view(a->change)), "%s %llu", tg_plan_name(a->account->plan),
                             (unsigned long long)a->account->plan_messages),
             text);
}

/* The smaller plan that is coming has its first period paid, at its own price: that buys none of a larger one. */
static enum tg_code check_coming(const struct asked *a, struct tg_error *err)
{
    const Tg__Account *account = a->account;
    char when[TG_RFC3339_SIZE];
    if (account->next_at == 0 || account->next_at >= account->paid_until)
        return TG_OK;
    return tg_fail(err, TG_REFUSED, "the plan %s with %llu messages, which %s has from %.10s on, is paid already: it can be changed "
                   "from then on, or now to a larger one", tg_plan_name(account->next_plan),
                   (unsigned long long)account->next_messages, account->username, tg_rfc3339(account->next_at, when));
}

static enum tg_code keep(struct asked *a, struct tg_error *err)
{
    Tg__Order *open;
    enum tg_code code = check_coming(a, err);
    if (code == TG_OK)
        code = tg_order_open(tg_change_view(a->change), a->account, TG__ORDER_KIND__PLAN_CHANGE, &open, err);
    if (code != TG_OK && code != TG_NOT_FOUND)
        return code;
    if (code == TG_NOT_FOUND && a->account->next_at == 0)
        return tg_fail(err, TG_REFUSED, "%s has the plan %s with %llu messages already", a->account->username,
                       tg_plan_name(a->account->plan), (unsigned long long)a->account->plan_messages);
    if ((code = tg_billing_drop(a->change, a->account, false, TG__ORDER_KIND__PLAN_CHANGE, "the plan stays", a->now, err)) != TG_OK)
        return code;
    bool was_coming = a->account->next_at != 0;
    a->account->next_at = 0;
    a->account->next_plan = TG__PLAN_KIND__FREE;
    a->account->next_messages = 0;
    tg_account_put(a->change, a->account);
    audit_coming(a, "stays");
    return was_coming ? renew_as(a, a->account->plan, a->account->plan_messages, err) : tg_change_error(a->change, err);
}

static enum tg_code begin_free(struct asked *a, struct tg_error *err)
{
    enum tg_code code = tg_billing_drop(a->change, a->account, true, TG__ORDER_KIND__OPENING, "the plan is free now", a->now, err);
    if (code == TG_OK)
        code = tg_billing_begin(a->change, a->account, a->plan, a->offer->messages, a->now, err);
    return code == TG_OK ? tg_billing_set_payment(a->change, a->account, TG__PAYMENT__PAID, a->now, err) : code;
}

/* Nothing is paid: begin anew, in place of what was ordered before. */
static enum tg_code afresh(struct asked *a, struct tg_error *err)
{
    if (a->plan == TG__PLAN_KIND__FREE)
        return begin_free(a, err);
    enum tg_code code = tg_billing_drop(a->change, a->account, true, TG__ORDER_KIND__OPENING, "another plan", a->now, err);
    if (code != TG_OK)
        return code;
    return tg_billing_order(a->change, a->shop, a->account, TG__ORDER_KIND__OPENING, a->offer, 0, 0, a->now, a->order, err);
}

/* At the end of what is paid, or of the free period. */
static enum tg_code down(struct asked *a, struct tg_error *err)
{
    Tg__Account *account = a->account;
    char when[TG_RFC3339_SIZE];
    bool monthly = account->plan == TG__PLAN_KIND__MONTHLY;
    if (monthly && account->paid_until <= a->now)
        return tg_fail(err, TG_REFUSED, "%s has an unpaid renewal, which must be paid or cancelled first (tollgate order list)",
                       account->username);
    enum tg_code code = check_coming(a, err);
    if (code == TG_OK)
        code = tg_billing_drop(a->change, account, false, TG__ORDER_KIND__PLAN_CHANGE, "another plan", a->now, err);
    if (code != TG_OK)
        return code;
    account->next_at = monthly ? account->paid_until : tg_period_end(account->plan_since, a->now);
    account->next_plan = a->plan;
    account->next_messages = a->offer->messages;
    tg_account_put(a->change, account);
    audit_coming(a, tg_arena_printf(tg_view_arena(tg_change_view(a->change)), "%s %llu on %s", tg_plan_name(a->plan),
                                    (unsigned long long)a->offer->messages, tg_rfc3339(account->next_at, when)));
    return renew_as(a, a->plan, a->offer->messages, err);
}

static enum tg_code up(struct asked *a, struct tg_error *err)
{
    enum tg_code code = make_room(a, TG__ORDER_KIND__PLAN_CHANGE, err);
    if (code != TG_OK)
        return code;
    return tg_billing_order(a->change, a->shop, a->account, TG__ORDER_KIND__PLAN_CHANGE, a->offer, 0, 0, a->now, a->order, err);
}

/* Prepaid messages are valid for twelve months: no other plan takes them away. */
static enum tg_code from_prepaid(struct asked *a, struct tg_error *err)
{
    struct tg_plan plan = tg_account_plan(a->account, 0, 0);
    struct tg_usage usage;
    struct tg_balance balance;
    char until[TG_RFC3339_SIZE];
    if (a->plan == TG__PLAN_KIND__PREPAID)
        return tg_fail(err, TG_REFUSED, "%s is prepaid already: buy a further package (tollgate account topup %s --messages N)",
                       a->account->username, a->account->username);
    enum tg_code code = tg_usage_get(tg_change_view(a->change), a->account->id, &usage, err);
    if (code != TG_OK)
        return code;
    tg_plan_balance(&plan, &usage, a->now, &balance);
    if (balance.left > 0)
        return tg_fail(err, TG_REFUSED, "%s has %llu prepaid messages left until %.10s: the plan can change when they are used",
                       a->account->username, (unsigned long long)balance.left, tg_rfc3339(balance.expires, until));
    return a->plan == TG__PLAN_KIND__FREE ? begin_free(a, err) : up(a, err);
}

static enum tg_code change_plan(struct asked *a, struct tg_error *err)
{
    const Tg__Account *account = a->account;
    bool lapsed;
    enum tg_code code = tg_billing_is_lapsed(tg_change_view(a->change), account, a->now, &lapsed, err);
    if (code != TG_OK)
        return code;
    bool same = !lapsed && a->plan == account->plan && a->plan != TG__PLAN_KIND__PREPAID &&
                (a->messages == 0 || a->messages == account->plan_messages);
    if (same)
        return keep(a, err);
    code = tg_billing_check(tg_change_view(a->change), account->customer_id, account->id, a->plan, a->messages, &a->offer, err);
    if (code != TG_OK)
        return code;
    if (lapsed)
        return afresh(a, err);
    if (account->plan == TG__PLAN_KIND__PREPAID)
        return from_prepaid(a, err);
    bool more = a->plan == TG__PLAN_KIND__PREPAID ||
                (a->plan == TG__PLAN_KIND__MONTHLY &&
                 (account->plan == TG__PLAN_KIND__FREE || a->offer->messages > account->plan_messages));
    return more ? up(a, err) : down(a, err);
}

enum tg_code tg_billing_plan(struct tg_change *change, const struct tg_shop *shop, const char *username, Tg__PlanKind plan,
                             uint64_t messages, int64_t now, Tg__Account **account, Tg__Order **order, struct tg_error *err)
{
    struct tg_billing_done done;
    *order = NULL;
    enum tg_code code = tg_account_by_username(tg_change_view(change), username, account, err);
    /* A plan that began since the last sweep is the one that is changed. */
    if (code == TG_OK && (*account)->next_at != 0 && now >= (*account)->next_at) {
        code = tg_billing_due(change, shop, (*account)->id, now, &done, err);
        if (code == TG_OK)
            code = tg_account_by_username(tg_change_view(change), username, account, err);
    }
    if (code != TG_OK)
        return code;
    struct asked a = { change, shop, *account, plan, messages, NULL, now, order };
    return change_plan(&a, err);
}

enum tg_code tg_billing_topup(struct tg_change *change, const struct tg_shop *shop, const char *username, uint64_t messages,
                              int64_t now, Tg__Account **account, Tg__Order **order, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    enum tg_code code = tg_account_by_username(view, username, account, err);
    if (code != TG_OK)
        return code;
    struct asked a = { change, shop, *account, TG__PLAN_KIND__PREPAID, messages, NULL, now, order };
    if ((*account)->plan != TG__PLAN_KIND__PREPAID)
        return tg_fail(err, TG_REFUSED, "%s has the plan %s, and only a prepaid one is topped up: change it first (tollgate account "
                       "plan %s --plan prepaid --messages N)", username, tg_plan_name((*account)->plan), username);
    if ((*account)->plan_messages == 0)
        return tg_fail(err, TG_REFUSED, "the first package of %s is not paid yet (tollgate account plan chooses another one)", username);
    code = tg_billing_check(view, (*account)->customer_id, (*account)->id, a.plan, messages, &a.offer, err);
    if (code == TG_OK)
        code = make_room(&a, TG__ORDER_KIND__TOP_UP, err);
    if (code != TG_OK)
        return code;
    return tg_billing_order(change, shop, *account, TG__ORDER_KIND__TOP_UP, a.offer, 0, 0, now, order, err);
}
