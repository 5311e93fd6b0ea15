/* order.h: the records of orders. What they do is in billing.h; here nothing of an account changes but its list of open
 * orders. */
#ifndef TG_ORDER_H
#define TG_ORDER_H

#include "schema/store.h"
#include "schema/records.pb-c.h"

const char *tg_order_status_name(Tg__OrderStatus status); /* "unpaid", "paid", "cancelled", "overdue" */
const char *tg_order_kind_name(Tg__OrderKind kind);       /* "opening", "renewal", "topup", "change" */

enum tg_code tg_order_get(struct tg_view *view, uint64_t id, Tg__Order **order, struct tg_error *err) TG_MUST_CHECK;
/* By what a person or a payment provider calls it: its number, or its token (compared in constant time). */
enum tg_code tg_order_find(struct tg_view *view, const char *text, Tg__Order **order, struct tg_error *err) TG_MUST_CHECK;
/* In the order of ids, over a walk of TG_DB_ORDERS. TG_NOT_FOUND at the end. */
enum tg_code tg_order_next(struct tg_view *view, struct tg_walk *walk, Tg__Order **order, struct tg_error *err) TG_MUST_CHECK;

/* Unpaid or overdue: money may come for it. */
static inline bool tg_order_is_open(const Tg__Order *order)
{
    return order->status == TG__ORDER_STATUS__UNPAID || order->status == TG__ORDER_STATUS__ORDER_OVERDUE;
}
/* The one of this place among the account's open orders. One that is not there is damage (TG_UNUSABLE), not absence. */
enum tg_code tg_order_of_account(struct tg_view *view, const Tg__Account *account, size_t place, Tg__Order **order,
                                 struct tg_error *err) TG_MUST_CHECK;
/* The account's open order of this kind; TG_NOT_FOUND: none. */
enum tg_code tg_order_open(struct tg_view *view, const Tg__Account *account, Tg__OrderKind kind, Tg__Order **order,
                           struct tg_error *err) TG_MUST_CHECK;

/* Numbers the order, makes its token and adds it to the account's open orders; the caller puts both. */
enum tg_code tg_order_number(struct tg_change *change, Tg__Order *order, Tg__Account *account, struct tg_error *err) TG_MUST_CHECK;
void tg_order_put(struct tg_change *change, const Tg__Order *order);
/* Not among the account's open orders any more; the caller puts the account. */
void tg_order_closed(Tg__Account *account, uint64_t order_id);

/* payment_url with the token; "" where there is none, or nothing to pay. */
const char *tg_order_payment_url(struct tg_arena *arena, const char *payment_url, const Tg__Order *order);

#endif
