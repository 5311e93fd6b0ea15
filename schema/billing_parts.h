/* billing_parts.h: what the files of billing share. Nobody else includes it. */
#ifndef TG_BILLING_PARTS_H
#define TG_BILLING_PARTS_H

#include "schema/account_parts.h"
#include "schema/billing.h"

/* Makes an order for this offer, mails it and puts the account. due 0: grace from now. */
enum tg_code tg_billing_order(struct tg_change *change, const struct tg_shop *shop, Tg__Account *account,
                              Tg__OrderKind kind, const Tg__Offer *offer, int64_t period_start, int64_t due, int64_t now,
                              Tg__Order **order, struct tg_error *err) TG_MUST_CHECK;
/* Cancels the account's open orders of this kind (any_kind: of every kind); the caller puts the account. why: for the
 * audit log. */
enum tg_code tg_billing_drop(struct tg_change *change, Tg__Account *account, bool any_kind, Tg__OrderKind kind,
                             const char *why, int64_t now, struct tg_error *err) TG_MUST_CHECK;
void tg_billing_cancelled(struct tg_change *change, Tg__Account *account, Tg__Order *order, const char *why, int64_t now);

/* The plan begins now, in place of the account's: usage, ledger, account (put). */
enum tg_code tg_billing_begin(struct tg_change *change, Tg__Account *account, Tg__PlanKind plan, uint64_t messages,
                              int64_t now, struct tg_error *err) TG_MUST_CHECK;
/* Sets what the customer owes, and notes a status that changes by it. */
enum tg_code tg_billing_set_payment(struct tg_change *change, Tg__Account *account, Tg__Payment payment, int64_t now,
                                    struct tg_error *err) TG_MUST_CHECK;

/* Mails about an order, which remembers it. */
enum tg_code tg_billing_mail(struct tg_change *change, const struct tg_shop *shop, enum tg_mail_kind kind,
                             const Tg__Account *account, Tg__Order *order, int64_t now, struct tg_error *err) TG_MUST_CHECK;
/* "a plan on which nothing is paid": waiting, or in error without an order that would mend it. */
enum tg_code tg_billing_is_lapsed(struct tg_view *view, const Tg__Account *account, int64_t now, bool *lapsed,
                                  struct tg_error *err) TG_MUST_CHECK;

#endif
