/* reputation_store.c: see reputation.h: counters read, an account disabled. */
#include <stdio.h>
#include <string.h>
#include "schema/account.h"
#include "schema/activity.h"
#include "schema/calendar.h"
#include "schema/reputation.h"

/* Sums up the account's days from `first` to now's. With restart set, what came before the last
 * hand-made enabling is forgotten. */
static enum tg_code sum(struct tg_view *view, uint64_t account_id, int64_t now, bool restart,
                        struct tg_reputation *out, struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(account_id),
                  from = tg_key_id_pair(account_id,
                                        (uint64_t)(tg_day_of(now) - TG_REPUTATION_DAYS + 1));
    struct tg_reputation_counts counts = {0};
    struct tg_walk *walk;
    struct tg_span key, value;
    Tg__Daily *day;
    uint64_t id, number;
    enum tg_code code = tg_walk_begin(view, TG_DB_DAILY, &prefix, &from, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        if (!tg_read_id_pair(key, &id, &number)) {
            code = tg_fail(err, TG_UNUSABLE, "a damaged key in daily (run tollgate store check)");
            break;
        }
        if ((int64_t)number > tg_day_of(now))
            continue;
        if ((code = tg_unpack(view, TG_DB_DAILY, value, &tg__daily__descriptor, &day, err)) !=
            TG_OK)
            break;
        if (restart && day->restarted_at != 0)
            counts = (struct tg_reputation_counts){0};
        else
            tg_reputation_count(&counts, day);
    }
    tg_walk_end(&walk);
    tg_reputation_of(&counts, out);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

enum tg_code tg_reputation_get(struct tg_view *view, uint64_t account_id, int64_t now,
                               struct tg_reputation *out, struct tg_error *err)
{
    return sum(view, account_id, now, false, out, err);
}

enum tg_code tg_reputation_since_enabled(struct tg_view *view, uint64_t account_id, int64_t now,
                                         struct tg_reputation *out, struct tg_error *err)
{
    return sum(view, account_id, now, true, out, err);
}

enum tg_code tg_reputation_restart(struct tg_change *change, uint64_t account_id, int64_t now,
                                   struct tg_error *err)
{
    Tg__Daily *day, fresh = TG__DAILY__INIT;
    enum tg_code code = tg_daily_get(tg_change_view(change), account_id, tg_day_of(now), &day, err);
    if (code == TG_NOT_FOUND)
        day = &fresh;
    else if (code != TG_OK)
        return code;
    day->restarted_at = now;
    struct tg_key key = tg_key_id_pair(account_id, (uint64_t)tg_day_of(now));
    tg_put_record(change, TG_DB_DAILY, &key, &day->base);
    return tg_change_error(change, err);
}

/* ---- auto_disable_below ---- */

static enum tg_code look(struct tg_view *view, const Tg__Account *account, int below, int64_t now,
                         struct tg_reputation *r, bool *due, struct tg_error *err)
{
    *due = false;
    if (below <= 0 || account->disabled)
        return TG_OK;
    enum tg_code code = tg_reputation_since_enabled(view, account->id, now, r, err);
    *due = code == TG_OK && r->score < below;
    return code;
}

enum tg_code tg_reputation_disable_due(struct tg_view *view, const Tg__Account *account, int below,
                                       int64_t now, bool *due, struct tg_error *err)
{
    struct tg_reputation r;
    return look(view, account, below, now, &r, due, err);
}

enum tg_code tg_reputation_disable(struct tg_change *change, uint64_t account_id, int below,
                                   int64_t now, const char **reason, struct tg_error *err)
{
    struct tg_reputation r;
    char why[120];
    bool due;
    Tg__Account *account;
    *reason = NULL;
    enum tg_code code = tg_account_get(tg_change_view(change), account_id, &account, err);
    if (code != TG_OK)
        return code == TG_NOT_FOUND ? TG_OK : code;
    if ((code = look(tg_change_view(change), account, below, now, &r, &due, err)) != TG_OK || !due)
        return code;
    tg_reputation_text(&r, why, sizeof why);
    *reason =
        tg_arena_printf(tg_view_arena(tg_change_view(change)), "reputation %d (%s) is below %d: %s",
                        r.score, tg_level_name(r.level), below, why);
    return tg_account_disable(change, account->username, *reason, now, err);
}
