/* ledger.h: what moved an account's balance, appended only. */
#ifndef TG_LEDGER_H
#define TG_LEDGER_H

#include "schema/plan.h"
#include "schema/store.h"
#include "schema/records.pb-c.h"

const char *tg_movement_name(Tg__MovementKind kind); /* "purchase", "extension", "renewal", "use", "credit", "expiry" */

/* note may be NULL. */
void tg_ledger_append(struct tg_change *change, uint64_t account_id, const struct tg_movement *movement, const char *note);

/* Rolls the account's usage forward to now (tg_plan_roll), writes what that moved, and leaves the new usage
 * in *usage; the caller puts it. */
enum tg_code tg_ledger_roll(struct tg_change *change, uint64_t account_id, const struct tg_plan *plan,
                            struct tg_usage *usage, int64_t now, struct tg_error *err) TG_MUST_CHECK;

#endif
