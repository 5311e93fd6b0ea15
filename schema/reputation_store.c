/* reputation_store.c: see reputation.h: counters read, accounts disabled. */
#include <stdio.h>
#include <string.h>
#include "schema/account.h"
#include "schema/activity.h"
#include "schema/calendar.h"
#include "schema/reputation.h"

enum { RENEW_EVERY = 1000 };

/* Sums up the account's days from `first` to now's. With restart set, what came before the last hand-made enabling is forgotten. */
static enum tg_code sum(struct tg_view *view, uint64_t account_id, int64_t now, bool restart, struct tg_reputation *out, struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(account_id), from = tg_key_id_pair(account_id, (uint64_t)(tg_day_of(now) - TG_REPUTATION_DAYS + 1));
    struct tg_reputation_counts counts = { 0 };
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
        if ((code = tg_unpack(view, TG_DB_DAILY, value, &tg__daily__descriptor, &day, err)) != TG_OK)
            break;
        if (restart && day->restarted_at != 0)
            counts = (struct tg_reputation_counts){ 0 };
        else
            tg_reputation_count(&counts, day);
    }
    tg_walk_end(&walk);
    tg_reputation_of(&counts, out);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

enum tg_code tg_reputation_get(struct tg_view *view, uint64_t account_id, int64_t now, struct tg_reputation *out, struct tg_error *err)
{
    return sum(view, account_id, now, false, out, err);
}

enum tg_code tg_reputation_since_enabled(struct tg_view *view, uint64_t account_id, int64_t now, struct tg_reputation *out,
                                         struct tg_error *err)
{
    return sum(view, account_id, now, true, out, err);
}

enum tg_code tg_reputation_restart(struct tg_change *change, uint64_t account_id, int64_t now, struct tg_error *err)
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

/* ---- the sweep's step ---- */

struct disabling {
    char username[TG_USERNAME_MAX + 1];
    char reason[200];
    int below;
    int64_t now;
    bool done;
};

/* Looks again: it may have been disabled, or enabled by hand, since the view. */
static enum tg_code disable_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct disabling *d = arg;
    struct tg_reputation r;
    char why[120];
    Tg__Account *account;
    enum tg_code code = tg_account_by_username(tg_change_view(change), d->username, &account, err);
    d->done = false;
    if (code != TG_OK)
        return code == TG_NOT_FOUND ? TG_OK : code;
    if (account->disabled)
        return TG_OK;
    code = tg_reputation_since_enabled(tg_change_view(change), account->id, d->now, &r, err);
    if (code != TG_OK || r.score >= d->below)
        return code;
    tg_reputation_text(&r, why, sizeof why);
    snprintf(d->reason, sizeof d->reason, "reputation %d (%s) is below %d: %s", r.score, tg_level_name(r.level), d->below, why);
    code = tg_account_disable(change, d->username, d->reason, d->now, err);
    d->done = code == TG_OK;
    return code;
}

/* The next account below the threshold; TG_NOT_FOUND: there is none. *next is where to go on. */
static enum tg_code find(struct tg_store *store, int below, int64_t now, uint64_t *next, char username[TG_USERNAME_MAX + 1], struct tg_error *err)
{
    struct tg_key all = tg_key_all(), from = tg_key_id(*next);
    struct tg_view *view;
    struct tg_walk *walk;
    struct tg_reputation r;
    Tg__Account *account;
    bool found = false;
    enum tg_code code = tg_view_begin(store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_walk_begin(view, TG_DB_ACCOUNTS, &all, &from, TG_FORWARD, &walk, err);
    if (code != TG_OK) {
        tg_view_end(&view);
        return code;
    }
    for (size_t seen = 0; !found && seen < RENEW_EVERY; seen++) {
        if ((code = tg_account_next(view, walk, TG_DB_ACCOUNTS, &account, err)) != TG_OK)
            break;
        *next = account->id + 1;
        if (account->disabled)
            continue;
        if ((code = tg_reputation_since_enabled(view, account->id, now, &r, err)) != TG_OK)
            break;
        found = r.score < below;
        if (found)
            snprintf(username, TG_USERNAME_MAX + 1, "%s", account->username);
    }
    tg_walk_end(&walk);
    tg_view_end(&view);
    if (!found)
        *username = '\0';
    return code;
}

enum tg_code tg_reputation_auto_disable(struct tg_store *store, int below, int64_t now, bool dry_run, tg_auto_disabled_fn *disabled,
                                        void *arg, uint64_t *count, struct tg_error *err)
{
    struct disabling d = { .below = below, .now = now };
    uint64_t next = 0;
    enum tg_code code = TG_OK;
    *count = 0;
    while (below > 0 && (code = find(store, below, now, &next, d.username, err)) == TG_OK) {
        if (*d.username == '\0')
            continue;
        d.done = dry_run;
        if (!dry_run && (code = tg_store_change(store, disable_in, &d, err)) != TG_OK)
            break;
        *count += d.done;
        if (d.done && !dry_run && disabled != NULL)
            disabled(arg, d.username, d.reason);
    }
    return code == TG_NOT_FOUND ? TG_OK : code;
}
