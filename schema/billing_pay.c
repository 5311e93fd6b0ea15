/* billing_pay.c: an order is paid, or will never be. See billing.h. */
#include <string.h>
#include "schema/audit.h"
#include "schema/billing_parts.h"
#include "schema/calendar.h"
#include "schema/ledger.h"
#include "schema/text.h"

enum { REFERENCE_MAX = 200 };

static enum tg_code begin_plan(struct tg_change *change, Tg__Account *account, const Tg__Order *order, int64_t now,
                               struct tg_error *err)
{
    const char *why = tg_arena_printf(tg_view_arena(tg_change_view(change)), "order %llu is paid in its place",
                                      (unsigned long long)order->id);
    enum tg_code code = tg_billing_begin(change, account, order->plan, order->messages, now, err);
    return code == TG_OK ? tg_billing_drop(change, account, true, TG__ORDER_KIND__OPENING, why, now, err) : code;
}

/* The period that the order names is paid. Where the account was in error and this period is over, one begins now:
 * nobody pays for a time in which nothing could be sent. */
static enum tg_code renew(struct tg_change *change, Tg__Account *account, const Tg__Order *order, int64_t now,
                          struct tg_error *err)
{
    int64_t end = tg_period_end(account->plan_since, order->period_start);
    bool missed = account->payment == TG__PAYMENT__OVERDUE && now >= end;
    if (account->plan != TG__PLAN_KIND__MONTHLY || missed)
        return begin_plan(change, account, order, now, err);
    if (end > account->paid_until)
        account->paid_until = end;
    return TG_OK;
}

static enum tg_code top_up(struct tg_change *change, Tg__Account *account, const Tg__Order *order, int64_t now,
                           struct tg_error *err)
{
    struct tg_plan plan = tg_account_plan(account, 0, 0);
    struct tg_usage usage;
    if (account->plan != TG__PLAN_KIND__PREPAID)
        return begin_plan(change, account, order, now, err);
    enum tg_code code = tg_usage_get(tg_change_view(change), account->id, &usage, err);
    if (code == TG_OK)
        code = tg_ledger_roll(change, account->id, &plan, &usage, now, err);
    if (code != TG_OK)
        return code;
    struct tg_movement extension = tg_plan_extend(&plan, &usage, now, order->messages);
    tg_ledger_append(change, account->id, &extension,
                     tg_arena_printf(tg_view_arena(tg_change_view(change)), "order %llu", (unsigned long long)order->id));
    tg_usage_put(change, account->id, &usage);
    account->plan_messages = order->messages;
    return TG_OK;
}

static enum tg_code happen(struct tg_change *change, Tg__Account *account, const Tg__Order *order, int64_t now,
                           struct tg_error *err)
{
    switch (order->kind) {
    case TG__ORDER_KIND__RENEWAL_ORDER: return renew(change, account, order, now, err);
    case TG__ORDER_KIND__TOP_UP: return top_up(change, account, order, now, err);
    default: return begin_plan(change, account, order, now, err);
    }
}

static enum tg_code refuse(const Tg__Order *order, const char *reference, struct tg_error *err)
{
    char when[TG_RFC3339_SIZE];
    unsigned long long id = order->id;
    if (order->status == TG__ORDER_STATUS__CANCELLED)
        return tg_fail(err, TG_REFUSED, "order %llu was cancelled on %.10s: give the money back, or make a new order", id,
                       tg_rfc3339(order->cancelled_at, when));
    return tg_fail(err, TG_REFUSED, "order %llu was paid on %.10s %s%.100s: '%.100s' is another payment, to be given back", id,
                   tg_rfc3339(order->paid_at, when), *order->reference != '\0' ? "with the reference " : "without a reference",
                   order->reference, reference);
}

enum tg_code tg_billing_pay(struct tg_change *change, const struct tg_shop *shop, const char *order_name,
                            const char *reference, int64_t now, Tg__Order **order, bool *again, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    struct tg_arena *arena = tg_view_arena(view);
    Tg__Account *account;
    if (reference == NULL)
        reference = "";
    *again = false;
    if (!tg_text_is_clean(reference, REFERENCE_MAX))
        return tg_fail(err, TG_USAGE, "the reference must be UTF-8 text of at most %d octets without control characters",
                       REFERENCE_MAX);
    enum tg_code code = tg_order_find(view, order_name, order, err);
    if (code != TG_OK)
        return code;
    Tg__Order *o = *order;
    if (o->status == TG__ORDER_STATUS__ORDER_PAID && (*reference == '\0' || strcmp(reference, o->reference) == 0)) {
        *again = true;
        return TG_OK;
    }
    if (!tg_order_is_open(o))
        return refuse(o, reference, err);
    if ((code = tg_account_get(view, o->account_id, &account, err)) != TG_OK)
        return code;
    const char *before = tg_order_status_name(o->status);
    o->status = TG__ORDER_STATUS__ORDER_PAID;
    o->paid_at = now;
    o->reference = (char *)reference;
    tg_order_closed(account, o->id);
    if ((code = happen(change, account, o, now, err)) != TG_OK ||
        (code = tg_billing_set_payment(change, account, TG__PAYMENT__PAID, now, err)) != TG_OK ||
        (code = tg_billing_mail(change, shop, TG_MAIL_PAID, account, o, now, err)) != TG_OK)
        return code;
    tg_order_put(change, o);
    tg_audit(change, now, "order pay", tg_arena_printf(arena, "order %llu", (unsigned long long)o->id), before,
             *reference != '\0' ? tg_arena_printf(arena, "paid, reference %s", reference) : "paid");
    return tg_change_error(change, err);
}

enum tg_code tg_billing_cancel(struct tg_change *change, const char *order_name, int64_t now, Tg__Order **order,
                               struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    Tg__Account *account;
    enum tg_code code = tg_order_find(view, order_name, order, err);
    if (code != TG_OK)
        return code;
    if (!tg_order_is_open(*order))
        return tg_fail(err, TG_REFUSED, "order %llu is %s already", (unsigned long long)(*order)->id,
                       tg_order_status_name((*order)->status));
    if ((code = tg_account_get(view, (*order)->account_id, &account, err)) != TG_OK)
        return code;
    tg_billing_cancelled(change, account, *order, NULL, now);
    tg_account_put(change, account);
    return tg_change_error(change, err);
}

enum tg_code tg_billing_forget(struct tg_change *change, Tg__Account *account, int64_t now, struct tg_error *err)
{
    return tg_billing_drop(change, account, true, TG__ORDER_KIND__OPENING, "the account is removed", now, err);
}
