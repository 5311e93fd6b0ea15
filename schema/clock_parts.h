/* clock_parts.h: what the files of clock.h share. Nobody else includes it. */
#ifndef TG_CLOCK_PARTS_H
#define TG_CLOCK_PARTS_H

#include "schema/account.h"
#include "schema/clock.h"
#include "schema/order.h"

/* Of a time that has not come yet, by more than the slack. */
static inline bool clock_is_ahead(int64_t t, int64_t now)
{
    return t > now + TG_CLOCK_SLACK_S;
}

/* … a number, a package, a period or a movement of the account's usage. */
bool clock_usage_is_ahead(const struct tg_usage *usage, int64_t now);
/* … the order: made then, or overdue before it is due. */
bool clock_order_is_ahead(const Tg__Order *order, int64_t now);

/* Usage and ledger; *account where its plan was begun in that time. Not put: *usage and *account. */
enum tg_code clock_usage_back(struct tg_change *change, Tg__Account *account, struct tg_usage *usage, int64_t now,
                              struct tg_error *err) TG_MUST_CHECK;

#endif
