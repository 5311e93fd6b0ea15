/* billing.h: what money does to accounts. The rules are told to people in tollgate(1), PLANS AND MONEY; they are:
 *
 * - A paid plan begins when its order is paid: nothing is given before, and what was begun is given once.
 * - Up (from free; to more messages a month; to prepaid): at payment, with a period of its own. What is left of a paid
 *   period goes along, and what was paid ahead. Down (to fewer a month, to free): at the end of what is paid.
 * - Prepaid: twelve months from the latest payment, for all that is left. No other plan while any is left.
 * - Monthly: a renewal order RENEWAL_DAYS before the end of what is paid, payable until grace_days after it; until then
 *   the account goes on. A renewal that is paid late pays its own period; where that is over, one begins at the payment.
 * - Overdue openings and renewals put the account in error; other orders lapse without harm, and money for them is taken all
 *   the same. A cancelled renewal is not made again: the account is in error from the end of what is paid.
 * - Free once per customer at a time.
 *
 * Every function writes the audit log, the ledger and the mails to the customer in the change that it is called in; the
 * mails are sent by tg_mail_send after the commit. Results are in the change's arena. */
#ifndef TG_BILLING_H
#define TG_BILLING_H

#include "schema/account.h"
#include "schema/mail.h"
#include "schema/offer.h"
#include "schema/order.h"

enum { TG_RENEWAL_DAYS = 7 };

/* May this customer have this plan? *offer: what it costs. TG_REFUSED: not on sale, a free account is there already, or
 * (paid) billing data is missing. account_id: the account that it is for, 0 for a new one. */
enum tg_code tg_billing_check(struct tg_view *view, uint64_t customer_id, uint64_t account_id, Tg__PlanKind plan,
                              uint64_t messages, Tg__Offer **offer, struct tg_error *err) TG_MUST_CHECK;

/* tg_account_add for any plan: on a paid one the account is waiting, and *order (else NULL) is its order. */
enum tg_code tg_billing_add(struct tg_change *change, const struct tg_shop *shop, const Tg__Account *wish, int64_t now,
                            Tg__Account **account, struct tg_secret *password, Tg__Order **order, struct tg_error *err) TG_MUST_CHECK;

/* Another plan (messages 0: its only size). *order: what is to be paid for it; NULL where it is done, or comes at the end of
 * the period (account->next_at). Its own plan again takes back what was coming. */
enum tg_code tg_billing_plan(struct tg_change *change, const struct tg_shop *shop, const char *username, Tg__PlanKind plan,
                             uint64_t messages, int64_t now, Tg__Account **account, Tg__Order **order,
                             struct tg_error *err) TG_MUST_CHECK;

/* A further package on a prepaid account. */
enum tg_code tg_billing_topup(struct tg_change *change, const struct tg_shop *shop, const char *username, uint64_t messages,
                              int64_t now, Tg__Account **account, Tg__Order **order, struct tg_error *err) TG_MUST_CHECK;

/* The order (its number or token) is paid: what was ordered happens, once. Reported again with the same reference, or
 * none: TG_OK, *again, and nothing changes. TG_REFUSED: paid under another reference, or cancelled. */
enum tg_code tg_billing_pay(struct tg_change *change, const struct tg_shop *shop, const char *order_name,
                            const char *reference, int64_t now, Tg__Order **order, bool *again, struct tg_error *err) TG_MUST_CHECK;

/* Nobody pays this order any more. TG_REFUSED: it is paid or cancelled. */
enum tg_code tg_billing_cancel(struct tg_change *change, const char *order_name, int64_t now, Tg__Order **order,
                               struct tg_error *err) TG_MUST_CHECK;
/* The account is going away: its open orders are cancelled. */
enum tg_code tg_billing_forget(struct tg_change *change, Tg__Account *account, int64_t now, struct tg_error *err) TG_MUST_CHECK;

/* ---- what time brings; the sweep asks for each account ---- */

struct tg_billing_done {
    bool plan_changed, renewal_made, overdue, error, expired;
};
/* Is there anything to do? */
enum tg_code tg_billing_is_due(struct tg_view *view, const Tg__Account *account, int64_t now, bool *due, struct tg_error *err) TG_MUST_CHECK;
/* Does it: a plan that changes, a renewal order, orders past their day, a package past its expiry. Doing it again does
 * nothing. */
enum tg_code tg_billing_due(struct tg_change *change, const struct tg_shop *shop, uint64_t account_id, int64_t now,
                            struct tg_billing_done *done, struct tg_error *err) TG_MUST_CHECK;

#endif
