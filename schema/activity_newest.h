/* activity_newest.h: the newest events, of one account or of all, found by their keys: what is not among them costs no memory
 * and, where an account has only older ones, one step. */
#ifndef TG_ACTIVITY_NEWEST_H
#define TG_ACTIVITY_NEWEST_H

#include "schema/activity.h"

struct tg_newest {
    bool all; /* accounts; else account_id */
    uint64_t account_id;
    int64_t since_us;
    const Tg__ActivityKind *kind; /* NULL: of any */
    size_t limit; /* at least 1 */
};

/* *ids: oldest first, to be freed by the caller. *more: there are others, older than these (with a
 * kind: there may be). */
enum tg_code tg_activity_newest(struct tg_view *view, const struct tg_newest *wanted, struct tg_event_id **ids, size_t *count,
                                bool *more, struct tg_error *err) TG_MUST_CHECK;

#endif
