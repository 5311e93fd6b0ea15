/* notice.h: what the customer and the provider are told without asking. Derived from what is in the store anyway (daily
 * counters, usage, activity), by the sweep or after a command: nothing is written for it when a message passes.
 *
 * To the customer: 80 and 100 per cent of a plan, once each a period or package; a package 30 and 7 days before its
 * expiry; disabled or in error; a new password. To the provider, once a day each: the hourly or daily limit was met; three
 * times what the busiest of 28 days had (from 100 recipients on, and three days of sending before); a network that the
 * account was not used from, after 14 days without mail; a tenth of a day's recipients bouncing hard, from 20 on. */
#ifndef TG_NOTICE_H
#define TG_NOTICE_H

#include "schema/mail.h"
#include "schema/store.h"

/* Is there anything new of this account? */
enum tg_code tg_notice_is_due(struct tg_view *view, const Tg__Account *account, int64_t now, bool *due, struct tg_error *err) TG_MUST_CHECK;

/* Queues what is due and remembers that it was told; *count: how many mails. An account with notices off is remembered
 * only. Doing it again does nothing. */
enum tg_code tg_notice_account(struct tg_change *change, const struct tg_shop *shop, uint64_t account_id, int64_t now,
                               size_t *count, struct tg_error *err) TG_MUST_CHECK;

/* Tells the provider that auto_disable_below has disabled this account, and why; also where its notices are off. */
enum tg_code tg_notice_reputation(struct tg_change *change, const struct tg_shop *shop, const Tg__Account *account, const char *reason,
                                  int64_t now, struct tg_error *err) TG_MUST_CHECK;

#endif
