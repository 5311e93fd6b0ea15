/* clock_usage.c: an account's balance comes back to now, see clock.h. */
#include <string.h>
#include "schema/calendar.h"
#include "schema/clock_parts.h"
#include "schema/ledger.h"

enum { DAY_S = 86400, SECOND_US = 1000000, PREPAID_MONTHS = 12, PERIODS_MAX = 1200 };

/* ---- what the ledger has ---- */

struct ahead {
    struct tg_event_id id;
    Tg__Movement *movement;
};

struct ledger {
    int64_t past;        /* the sum of all movements up to now */
    int64_t begun_at;    /* of the latest renewal or purchase up to now */
    int64_t since;       /* used and credited since the clock ran ahead */
    int64_t used;        /* in the period that contains now: since its start, and since the clock ran ahead */
    int64_t expired;     /* by the clock alone */
    int64_t expires;     /* when that would have been */
    bool begun;          /* a plan began in a time that has not come: the latest */
    int64_t begun_with;  /* what was left then */
    int64_t begun_since, begun_used; /* used and credited since; used since */
    int64_t ahead_sum;   /* of all movements of that time */
    struct ahead *ahead; /* movements of a time that has not come */
    size_t count, room;
};

static void keep(struct tg_arena *arena, struct ledger *l, struct tg_event_id id, Tg__Movement *m)
{
    if (l->count == l->room) {
        struct ahead *larger = tg_arena_alloc(arena, (l->room * 2 + 8) * sizeof *larger);
        if (l->count > 0)
            memcpy(larger, l->ahead, l->count * sizeof *larger);
        l->ahead = larger;
        l->room = l->room * 2 + 8;
    }
    l->ahead[l->count++] = (struct ahead){ id, m };
}

static void take_past(struct ledger *l, const Tg__Movement *m, int64_t at, int64_t period)
{
    l->past += m->amount;
    if (m->kind == TG__MOVEMENT_KIND__RENEWAL || m->kind == TG__MOVEMENT_KIND__PURCHASE)
        l->begun_at = at;
    if (m->kind == TG__MOVEMENT_KIND__USE && at >= period)
        l->used -= m->amount;
}

static void take_ahead(struct ledger *l, const Tg__Movement *m, int64_t at)
{
    l->ahead_sum += m->amount;
    if (m->kind == TG__MOVEMENT_KIND__PURCHASE) {
        l->begun = true;
        l->begun_with = l->past + l->ahead_sum;
        l->begun_since = l->begun_used = 0;
    }
    if (m->kind == TG__MOVEMENT_KIND__USE) {
        l->used -= m->amount;
        l->begun_used -= m->amount;
    }
    if (m->kind == TG__MOVEMENT_KIND__USE || m->kind == TG__MOVEMENT_KIND__CREDIT) {
        l->since += m->amount;
        l->begun_since += m->amount;
    }
    if (m->kind == TG__MOVEMENT_KIND__EXPIRY) {
        l->expired -= m->amount;
        l->expires = at;
    }
}

static enum tg_code read_ledger(struct tg_view *view, uint64_t account_id, int64_t now, int64_t period, struct ledger *l,
                                struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(account_id);
    struct tg_event_id id;
    struct tg_span key, value;
    struct tg_walk *walk;
    Tg__Movement *m;
    enum tg_code code = tg_walk_begin(view, TG_DB_LEDGER, &prefix, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        if (!tg_read_event(key, &id))
            code = tg_fail(err, TG_UNUSABLE, "a damaged key in ledger (run tollgate store check)");
        else
            code = tg_unpack(view, TG_DB_LEDGER, value, &tg__movement__descriptor, &m, err);
        if (code != TG_OK)
            break;
        int64_t at = id.time_us / SECOND_US;
        if (at > now) {
            take_ahead(l, m, at);
            keep(tg_view_arena(view), l, id, m);
        } else {
            take_past(l, m, at, period);
        }
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

/* In their order, as of now: the sums stay, and nothing in the ledger is of a time that has not come. */
static void move_ledger(struct tg_change *change, uint64_t account_id, const struct ledger *l, int64_t now)
{
    for (size_t i = 0; i < l->count; i++) {
        struct tg_key key = tg_key_event(&l->ahead[i].id);
        tg_delete(change, TG_DB_LEDGER, &key);
    }
    for (size_t i = 0; i < l->count; i++) {
        const Tg__Movement *m = l->ahead[i].movement;
        struct tg_movement moved = { .kind = m->kind, .amount = m->amount, .at = now, .day = m->day != 0 ? tg_day_of(now) : 0 };
        tg_ledger_append(change, account_id, &moved, m->note);
    }
}

/* ---- a plan that was begun in that time ---- */

/* As many periods behind `to` as t is behind `from`. */
static int64_t follow(int64_t from, int64_t to, int64_t t)
{
    int64_t end = from;
    for (int i = 0; i < PERIODS_MAX && t != 0 && end < t; i++) {
        end = tg_period_end(from, end);
        to = tg_period_end(to, to);
    }
    return t == 0 ? 0 : to;
}

static enum tg_code begin_now(struct tg_change *change, Tg__Account *account, struct tg_usage *usage, int64_t now, struct tg_error *err)
{
    const int64_t since = account->plan_since;
    for (size_t i = 0; i < account->n_open_orders; i++) {
        Tg__Order *order;
        enum tg_code code = tg_order_of_account(tg_change_view(change), account, i, &order, err);
        if (code != TG_OK)
            return code;
        if (order->period_start == 0)
            continue;
        order->period_start = follow(since, now, order->period_start);
        tg_order_put(change, order);
    }
    account->paid_until = follow(since, now, account->paid_until);
    account->renewal_for = follow(since, now, account->renewal_for);
    account->next_at = follow(since, now, account->next_at);
    account->plan_since = now;
    if (account->plan != TG__PLAN_KIND__PREPAID)
        usage->period_start = now;
    return TG_OK;
}

/* ---- usage ---- */

/* So much is left of a period, in which so much was used. */
static void fill_period(struct tg_usage *usage, int64_t messages, int64_t left, int64_t used)
{
    left = left > 0 ? left : 0;
    usage->extra = left + used > messages ? (uint64_t)(left + used - messages) : 0;
    usage->used = (uint64_t)(messages + (int64_t)usage->extra - left);
}

static void period_back(const struct tg_plan *plan, struct tg_usage *usage, const struct ledger *l, int64_t now)
{
    const int64_t period = tg_period_start(plan->since, now);
    const bool same = l->begun_at >= period; /* the period of before is the one that contains now */
    usage->period_start = period;
    const int64_t messages = (int64_t)tg_plan_in_force(plan, usage, now).messages, today = (int64_t)usage->day_used;
    fill_period(usage, messages, (same ? l->past : messages) + l->since - today, l->used + today);
}

/* Its periods of that time are one now. */
static void begun_back(const Tg__Account *account, struct tg_usage *usage, const struct ledger *l)
{
    const int64_t today = (int64_t)usage->day_used;
    if (l->begun)
        fill_period(usage, (int64_t)account->plan_messages, l->begun_with + l->begun_since - today, l->begun_used + today);
}

static void package_back(struct tg_usage *usage, const struct ledger *l, bool begun_before, int64_t now)
{
    int64_t latest = tg_month_add(now, PREPAID_MONTHS);
    if (usage->prepaid_expires > latest)
        usage->prepaid_expires = latest;
    if (!begun_before || l->expired <= 0)
        return;
    usage->prepaid_left += (uint64_t)l->expired;
    if (usage->prepaid_expires < l->expires)
        usage->prepaid_expires = l->expires < latest ? l->expires : latest;
}

/* All that it holds stands in the newest slot. */
static void ring_back(uint32_t *ring, int64_t slots, int64_t *newest, int64_t slot)
{
    uint64_t sum = 0;
    if (*newest <= slot || slot < 0)
        return;
    for (int64_t i = 0; i < slots; i++)
        sum += ring[i];
    memset(ring, 0, (size_t)slots * sizeof *ring);
    ring[slot % slots] = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
    *newest = slot;
}

static int64_t left_of(const Tg__Account *account, const struct tg_usage *usage)
{
    struct tg_plan plan = tg_account_plan(account, 0, 0);
    struct tg_balance balance;
    if (plan.kind == TG__PLAN_KIND__PREPAID)
        return (int64_t)usage->prepaid_left;
    tg_plan_balance(&plan, usage, usage->last_at, &balance);
    return (int64_t)balance.left;
}

bool clock_usage_is_ahead(const struct tg_usage *usage, int64_t now)
{
    return clock_is_ahead(tg_plan_time(usage, now), now) || clock_is_ahead(usage->period_start, now) ||
           usage->prepaid_expires > tg_month_add(now, PREPAID_MONTHS) + DAY_S;
}

enum tg_code clock_usage_back(struct tg_change *change, Tg__Account *account, struct tg_usage *usage, int64_t now, struct tg_error *err)
{
    struct tg_plan plan = tg_account_plan(account, 0, 0);
    struct ledger l = { .count = 0 };
    const bool begun_before = account->plan_since <= now;
    const int64_t left = left_of(account, usage);
    int64_t period = begun_before ? tg_period_start(plan.since, now) : now;
    enum tg_code code = read_ledger(tg_change_view(change), account->id, now, period, &l, err);
    if (code == TG_OK && !begun_before)
        code = begin_now(change, account, usage, now, err);
    if (code != TG_OK)
        return code;
    if (account->plan == TG__PLAN_KIND__PREPAID)
        package_back(usage, &l, begun_before, now);
    else if (!begun_before)
        begun_back(account, usage, &l);
    else if (usage->period_start > period)
        period_back(&plan, usage, &l, now);
    if (usage->last_at > now)
        usage->last_at = now;
    if (usage->day > tg_day_of(now))
        usage->day = tg_day_of(now);
    ring_back(usage->hour, TG_HOUR_SLOTS, &usage->hour_slot, now / TG_HOUR_SLOT_S);
    ring_back(usage->day_hours, TG_DAY_SLOTS, &usage->day_slot, now / TG_DAY_SLOT_S);

    move_ledger(change, account->id, &l, now);
    struct tg_movement difference = { .amount = left_of(account, usage) - left, .at = now };
    difference.kind = difference.amount > 0 ? TG__MOVEMENT_KIND__CREDIT : TG__MOVEMENT_KIND__EXPIRY;
    if (difference.amount != 0)
        tg_ledger_append(change, account->id, &difference, "the clock had been ahead");
    return tg_change_error(change, err);
}
