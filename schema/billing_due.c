/* billing_due.c: what time brings: see billing.h. One thing after the other, until nothing is left to do: so a sweep that
 * was killed, or did not run for months, ends where one that ran every hour does. */
#include "schema/audit.h"
#include "schema/billing_parts.h"
#include "schema/ledger.h"

enum { DAY_S = 86400, MOST = 16 };

enum need { NOTHING, CHANGE, EXPIRY, RENEWAL, OVERDUE, UNRENEWED };

/* What the plan will be at the end of what is paid. */
static void plan_then(const Tg__Account *a, Tg__PlanKind *plan, uint64_t *messages)
{
    bool next = a->next_at != 0 && a->next_at <= a->paid_until;
    *plan = next ? a->next_plan : a->plan;
    *messages = next ? a->next_messages : a->plan_messages;
}

static enum tg_code look_at_orders(struct tg_view *view, const Tg__Account *a, int64_t now, enum need *need, bool *renewal,
                                   Tg__Order **order, struct tg_error *err)
{
    *renewal = false;
    for (size_t i = 0; i < a->n_open_orders; i++) {
        Tg__Order *o;
        enum tg_code code = tg_order_of_account(view, a, i, &o, err);
        if (code != TG_OK)
            return code;
        *renewal = *renewal || o->kind == TG__ORDER_KIND__RENEWAL_ORDER;
        if (*need == NOTHING && o->status == TG__ORDER_STATUS__UNPAID && now >= o->due_at) {
            *need = OVERDUE;
            *order = o;
        }
    }
    return TG_OK;
}

static enum tg_code look(struct tg_view *view, const Tg__Account *a, int64_t now, enum need *need, Tg__Order **order,
                         struct tg_error *err)
{
    struct tg_usage usage;
    bool renewal;
    Tg__PlanKind plan;
    uint64_t messages;
    *need = a->next_at != 0 && now >= a->next_at ? CHANGE : NOTHING;
    if (*need != NOTHING)
        return TG_OK;
    enum tg_code code = look_at_orders(view, a, now, need, &renewal, order, err);
    if (code != TG_OK || *need != NOTHING)
        return code;
    if (a->plan == TG__PLAN_KIND__PREPAID) {
        code = tg_usage_get(view, a->id, &usage, err);
        if (code == TG_OK && usage.prepaid_left > 0 && tg_plan_time(&usage, now) >= usage.prepaid_expires)
            *need = EXPIRY;
        return code;
    }
    plan_then(a, &plan, &messages);
    if (a->plan != TG__PLAN_KIND__MONTHLY || a->payment != TG__PAYMENT__PAID || renewal || plan != TG__PLAN_KIND__MONTHLY)
        return TG_OK;
    if (a->renewal_for < a->paid_until && now >= a->paid_until - (int64_t)TG_RENEWAL_DAYS * DAY_S)
        *need = RENEWAL;
    else if (now >= a->paid_until)
        *need = UNRENEWED;
    return TG_OK;
}

enum tg_code tg_billing_is_due(struct tg_view *view, const Tg__Account *account, int64_t now, bool *due, struct tg_error *err)
{
    Tg__Order *order;
    enum need need;
    enum tg_code code = look(view, account, now, &need, &order, err);
    *due = code == TG_OK && need != NOTHING;
    return code;
}

/* ---- doing it ---- */

static enum tg_code roll(struct tg_change *change, const Tg__Account *account, int64_t now, struct tg_error *err)
{
    struct tg_plan plan = tg_account_plan(account, 0, 0);
    struct tg_usage usage;
    enum tg_code code = tg_usage_get(tg_change_view(change), account->id, &usage, err);
    if (code == TG_OK)
        code = tg_ledger_roll(change, account->id, &plan, &usage, now, err);
    if (code == TG_OK)
        tg_usage_put(change, account->id, &usage);
    return code;
}

/* The periods go on as they were; usage is in the one of the new plan already. */
static enum tg_code change_plan(struct tg_change *change, Tg__Account *account, int64_t now, struct tg_error *err)
{
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    enum tg_code code = roll(change, account, now, err);
    if (code != TG_OK)
        return code;
    tg_audit(change, now, "account plan", account->username,
             tg_arena_printf(arena, "%s %llu", tg_plan_name(account->plan), (unsigned long long)account->plan_messages),
             tg_arena_printf(arena, "%s %llu", tg_plan_name(account->next_plan), (unsigned long long)account->next_messages));
    account->plan = account->next_plan;
    account->plan_messages = account->next_messages;
    account->next_at = 0;
    account->next_plan = TG__PLAN_KIND__FREE;
    account->next_messages = 0;
    if (account->plan == TG__PLAN_KIND__FREE) {
        account->paid_until = account->renewal_for = 0;
        code = tg_billing_drop(change, account, false, TG__ORDER_KIND__RENEWAL_ORDER, "the plan is free now", now, err);
        if (code == TG_OK)
            code = tg_billing_set_payment(change, account, TG__PAYMENT__PAID, now, err);
    }
    tg_account_put(change, account);
    return code == TG_OK ? tg_change_error(change, err) : code;
}

/* Where the sweep comes late, the customer's days count from the order. */
static enum tg_code make_renewal(struct tg_change *change, const struct tg_shop *shop, Tg__Account *account, int64_t now,
                                 struct tg_error *err)
{
    Tg__PlanKind plan;
    uint64_t messages;
    Tg__Offer *offer;
    Tg__Order *order;
    plan_then(account, &plan, &messages);
    enum tg_code code = tg_offer_find(tg_change_view(change), plan, messages, &offer, err);
    if (code != TG_OK)
        return code;
    account->renewal_for = account->paid_until;
    int64_t from = account->paid_until > now ? account->paid_until : now;
    return tg_billing_order(change, shop, account, TG__ORDER_KIND__RENEWAL_ORDER, offer, account->paid_until,
                            from + shop->grace_s, now, &order, err);
}

static enum tg_code set_overdue(struct tg_change *change, Tg__Account *account, Tg__Order *order, int64_t now,
                                struct tg_billing_done *done, struct tg_error *err)
{
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    bool stops = order->kind == TG__ORDER_KIND__OPENING || order->kind == TG__ORDER_KIND__RENEWAL_ORDER;
    order->status = TG__ORDER_STATUS__ORDER_OVERDUE;
    tg_order_put(change, order);
    tg_audit(change, now, "order overdue", tg_arena_printf(arena, "order %llu", (unsigned long long)order->id), "unpaid", "overdue");
    done->overdue = true;
    done->error = done->error || stops;
    return stops ? tg_billing_set_payment(change, account, TG__PAYMENT__OVERDUE, now, err) : tg_change_error(change, err);
}

static enum tg_code do_one(struct tg_change *change, const struct tg_shop *shop, Tg__Account *account, enum need need,
                           Tg__Order *order, int64_t now, struct tg_billing_done *done, struct tg_error *err)
{
    switch (need) {
    case CHANGE: done->plan_changed = true; return change_plan(change, account, now, err);
    case EXPIRY: done->expired = true; return roll(change, account, now, err);
    case RENEWAL: done->renewal_made = true; return make_renewal(change, shop, account, now, err);
    case OVERDUE: return set_overdue(change, account, order, now, done, err);
    case UNRENEWED: done->error = true; return tg_billing_set_payment(change, account, TG__PAYMENT__OVERDUE, now, err);
    case NOTHING: break;
    }
    return TG_OK;
}

enum tg_code tg_billing_due(struct tg_change *change, const struct tg_shop *shop, uint64_t account_id, int64_t now,
                            struct tg_billing_done *done, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    Tg__Account *account;
    *done = (struct tg_billing_done){ .plan_changed = false };
    enum tg_code code = tg_account_get(view, account_id, &account, err);
    if (code != TG_OK)
        return code == TG_NOT_FOUND ? TG_OK : code; /* removed meanwhile */
    for (int i = 0; i < MOST; i++) {
        enum need need;
        Tg__Order *order = NULL;
        if ((code = look(view, account, now, &need, &order, err)) != TG_OK || need == NOTHING)
            return code;
        if ((code = do_one(change, shop, account, need, order, now, done, err)) != TG_OK)
            return code;
    }
    return tg_fail(err, TG_FAILED, "account %s is never done", account->username);
}
