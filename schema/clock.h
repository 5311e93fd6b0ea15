/* clock.h: a clock that was ahead, and was set back.
 *
 * Time never goes backwards for an account (plan.h): what was counted, bought or swept while the clock was a year ahead would
 * keep its period, its limits by the hour and its orders in that year until it comes. Nothing undoes that by itself, for a clock
 * that is behind looks just the same; so an administrator says that the clock is right now (tollgate store set-back). */
#ifndef TG_CLOCK_H
#define TG_CLOCK_H

#include "schema/records.pb-c.h"
#include "schema/sweep.h"

/* Less than this passes by itself, and soon. */
enum { TG_CLOCK_SLACK_S = 60 };

/* Does the account have anything of a time that has not come yet? */
enum tg_code tg_clock_is_ahead(struct tg_view *view, const Tg__Account *account, int64_t now, bool *ahead, struct tg_error *err) TG_MUST_CHECK;

/* The latest time that stands in audit log, activity or usage, of `most` accounts (the newest); 0: none does. Events that were
 * there at a set back are left out. */
enum tg_code tg_clock_latest(struct tg_view *view, uint64_t most, int64_t *latest, struct tg_error *err) TG_MUST_CHECK;

/* Brings every account that is ahead back to now; the rest of options is as for a sweep. One event an account (subject: its
 * username) says what it has now. In a change per batch, so that no message waits long; run again it does nothing.
 *
 * - Free, monthly: the period is the one that contains now. It has what was left of it before the clock ran ahead, less all that was
 *   used since: nobody gains a message. Where that period is over meanwhile, it has a period's messages less what was used since.
 * - Prepaid: an expiry beyond twelve months from now is twelve months from now; a package that only the clock made expire is back.
 * - A plan that was begun in that time begins now, with as many periods paid and less all that was used of it.
 * - Orders of that time were made now. Those that are not due yet are not overdue, nor is their account in error for them.
 * - Limits by the hour and day hold what they held, at most for an hour and a day.
 * - A password that was made then was made now, and the one before it ends by that.
 * - Movements of that time stand in the ledger as of now, and one more for the difference.
 * Events in activity and audit log keep their time (a reference in somebody's log names it), and what retention has removed is gone. */
enum tg_code tg_clock_set_back(struct tg_store *store, const struct tg_settings *settings, int64_t now,
                               const struct tg_sweep_options *options, uint64_t *accounts, uint64_t *problems,
                               struct tg_error *err) TG_MUST_CHECK;

#endif
