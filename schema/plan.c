/* plan.c: see plan.h. */
#include <assert.h>
#include <string.h>
#include "schema/calendar.h"
#include "schema/plan.h"
#include "schema/words.h"

enum { DAY_S = 86400, PREPAID_MONTHS = 12 };

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

/* Ledger amounts are signed: what is too large for one is cut. */
static int64_t signed_amount(uint64_t n)
{
    return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

/* Time as the account knows it: neither before its last charge nor before the day that its ledger
 * is open for. */
int64_t tg_plan_time(const struct tg_usage *usage, int64_t now)
{
    int64_t day_start;
    if (usage->last_at > now)
        now = usage->last_at;
    if (!__builtin_mul_overflow(usage->day, (int64_t)DAY_S, &day_start) && day_start > now)
        now = day_start;
    return now;
}

/* A usage that is rolled into the next plan's period stays there, also for a clock that was set back. */
struct tg_plan tg_plan_in_force(const struct tg_plan *plan, const struct tg_usage *usage, int64_t now)
{
    struct tg_plan p = *plan;
    if (p.next_at != 0 && (now >= p.next_at || usage->period_start >= p.next_at)) {
        p.kind = p.next_kind;
        p.messages = p.next_messages;
        p.next_at = 0;
    }
    return p;
}

/* As of an effective time. */
static uint64_t left_of(const struct tg_plan *plan, const struct tg_usage *usage, int64_t at)
{
    if (plan->kind == TG__PLAN_KIND__PREPAID)
        return at < usage->prepaid_expires ? usage->prepaid_left : 0;
    return less(add(plan->messages, usage->extra), usage->used);
}

void tg_plan_start(const struct tg_plan *plan, int64_t now, struct tg_usage *usage,
                   struct tg_movement *movement)
{
    memset(usage, 0, sizeof *usage);
    usage->last_at = now;
    usage->day = tg_day_of(now);
    if (plan->kind != TG__PLAN_KIND__PREPAID) {
        usage->period_start = tg_period_start(plan->since, now);
    } else if (plan->messages > 0) {
        usage->prepaid_left = plan->messages;
        usage->prepaid_expires = tg_month_add(now, PREPAID_MONTHS);
    }
    *movement = (struct tg_movement){
        .kind = TG__MOVEMENT_KIND__PURCHASE, .amount = signed_amount(plan->messages), .at = now};
}

/* ---- rolling over ---- */

struct moved {
    struct tg_movement *list;
    size_t count;
};

static void moves(struct moved *moved, Tg__MovementKind kind, int64_t amount, int64_t at)
{
    assert(moved->count < TG_PLAN_MOVEMENTS);
    moved->list[moved->count++] = (struct tg_movement){.kind = kind, .amount = amount, .at = at};
}

/* Closed where the day or the period ends, so that the ledger's own order adds up: what was used
 * stands before the expiry of what was not. It took effect at the day's last charge. */
static void close_use(struct tg_usage *usage, struct moved *moved)
{
    if (usage->day_used == 0)
        return;
    moves(moved, TG__MOVEMENT_KIND__USE, -signed_amount(usage->day_used), usage->last_at);
    moved->list[moved->count - 1].day = usage->day;
    usage->day_used = 0;
}

static void expire(struct moved *moved, uint64_t left, int64_t at)
{
    if (left > 0)
        moves(moved, TG__MOVEMENT_KIND__EXPIRY, -signed_amount(left), at);
}

/* Periods that nobody used are passed over: their renewal and expiry would cancel out. */
static void roll_period(const struct tg_plan *plan, struct tg_usage *usage, int64_t at,
                        struct moved *moved)
{
    int64_t start = tg_period_start(plan->since, at);
    if (start <= usage->period_start)
        return;
    int64_t end = tg_period_end(plan->since, usage->period_start);
    struct tg_plan was = tg_plan_in_force(plan, usage, usage->period_start);
    struct tg_plan is = tg_plan_in_force(plan, usage, start);
    close_use(usage, moved);
    expire(moved, left_of(&was, usage, at), end < start ? end : start);
    usage->period_start = start;
    usage->used = 0;
    usage->extra = 0;
    moves(moved, TG__MOVEMENT_KIND__RENEWAL, signed_amount(is.messages), start);
}

static void roll_package(struct tg_usage *usage, int64_t at, struct moved *moved)
{
    if (usage->prepaid_left == 0 || at < usage->prepaid_expires)
        return;
    close_use(usage, moved);
    expire(moved, usage->prepaid_left, usage->prepaid_expires);
    usage->prepaid_left = 0;
}

size_t tg_plan_roll(const struct tg_plan *plan, struct tg_usage *usage, int64_t now,
                    struct tg_movement movements[TG_PLAN_MOVEMENTS])
{
    struct moved moved = {.list = movements};
    int64_t at = tg_plan_time(usage, now);
    if (plan->kind == TG__PLAN_KIND__PREPAID)
        roll_package(usage, at, &moved);
    else
        roll_period(plan, usage, at, &moved);
    if (tg_day_of(at) > usage->day) {
        close_use(usage, &moved);
        usage->day = tg_day_of(at);
    }
    return moved.count;
}

/* ---- asking ---- */

static bool is_active(const struct tg_plan *plan, const struct tg_usage *usage)
{
    switch (plan->kind) {
    case TG__PLAN_KIND__FREE:
    case TG__PLAN_KIND__MONTHLY:
        return plan->messages > 0 || usage->extra > 0;
    case TG__PLAN_KIND__PREPAID:
        return usage->prepaid_expires != 0;
    default:
        return false;
    }
}

/* usage is rolled to `at`. */
static enum tg_plan_outcome outcome_of(const struct tg_plan *plan, const struct tg_usage *usage,
                                       int64_t at, uint64_t n)
{
    if (!is_active(plan, usage))
        return TG_PLAN_NONE;
    if (plan->kind == TG__PLAN_KIND__PREPAID && at >= usage->prepaid_expires)
        return TG_PLAN_EXPIRED;
    if (n > left_of(plan, usage, at))
        return TG_PLAN_EXHAUSTED;
    if (plan->max_per_hour > 0 && add(tg_usage_last_hour(usage, at), n) > plan->max_per_hour)
        return TG_PLAN_HOUR;
    if (plan->max_per_day > 0 && add(tg_usage_last_day(usage, at), n) > plan->max_per_day)
        return TG_PLAN_DAY;
    return TG_PLAN_OK;
}

/* A copy of usage, rolled; returns the effective time. */
static int64_t rolled(const struct tg_plan *plan, const struct tg_usage *usage, int64_t now,
                      struct tg_usage *copy)
{
    struct tg_movement ignored[TG_PLAN_MOVEMENTS];
    *copy = *usage;
    tg_plan_roll(plan, copy, now, ignored);
    return tg_plan_time(copy, now);
}

void tg_plan_balance(const struct tg_plan *plan, const struct tg_usage *usage, int64_t now,
                     struct tg_balance *out)
{
    struct tg_usage copy;
    int64_t at = rolled(plan, usage, now, &copy);
    const struct tg_plan p = tg_plan_in_force(plan, &copy, at);
    plan = &p;
    memset(out, 0, sizeof *out);
    out->outcome = outcome_of(plan, &copy, at, 1);
    out->left = left_of(plan, &copy, at);
    if (plan->kind == TG__PLAN_KIND__PREPAID) {
        out->used = less(plan->messages, out->left);
        out->limit = add(out->used, out->left);
        out->expires = copy.prepaid_expires;
    } else {
        out->used = copy.used;
        out->limit = add(plan->messages, copy.extra);
        out->period_start = copy.period_start;
        out->period_end = tg_period_end(plan->since, copy.period_start);
    }
    out->last_hour = tg_usage_last_hour(&copy, at);
    out->last_day = tg_usage_last_day(&copy, at);
    out->hour_left = plan->max_per_hour > 0 ? less(plan->max_per_hour, out->last_hour) : UINT64_MAX;
    out->day_left = plan->max_per_day > 0 ? less(plan->max_per_day, out->last_day) : UINT64_MAX;
}

enum tg_plan_outcome tg_plan_check(const struct tg_plan *plan, const struct tg_usage *usage,
                                   int64_t now, uint64_t n)
{
    struct tg_usage copy;
    int64_t at = rolled(plan, usage, now, &copy);
    const struct tg_plan p = tg_plan_in_force(plan, &copy, at);
    return outcome_of(&p, &copy, at, n);
}

/* ---- changing ---- */

/* The slots between the newest and this one become empty; then n is counted in it. */
static void ring_add(uint32_t *ring, int64_t slots, int64_t *newest, int64_t slot, uint64_t n)
{
    if (slot < 0) /* before 1970 */
        slot = 0;
    if (slot > *newest) {
        if (*newest < 0 || slot - *newest >= slots)
            memset(ring, 0, (size_t)slots * sizeof *ring);
        else
            for (int64_t s = *newest + 1; s <= slot; s++)
                ring[s % slots] = 0;
        *newest = slot;
    }
    uint32_t *count = &ring[*newest < 0 ? 0 : *newest % slots];
    *count = n > UINT32_MAX - *count ? UINT32_MAX : *count + (uint32_t)n;
}

enum tg_plan_outcome tg_plan_take(const struct tg_plan *plan, struct tg_usage *usage, int64_t now,
                                  uint64_t n)
{
    int64_t at = tg_plan_time(usage, now);
    assert(n > 0 && usage->day == tg_day_of(at)); /* tg_plan_roll came before */
    const struct tg_plan p = tg_plan_in_force(plan, usage, at);
    enum tg_plan_outcome outcome = outcome_of(&p, usage, at, n);
    if (outcome != TG_PLAN_OK)
        return outcome;
    if (plan->kind == TG__PLAN_KIND__PREPAID)
        usage->prepaid_left -= n;
    else
        usage->used += n; /* n <= what is left */
    usage->total = add(usage->total, n);
    usage->day_used = add(usage->day_used, n);
    usage->last_at = at;
    ring_add(usage->hour, TG_HOUR_SLOTS, &usage->hour_slot, at / TG_HOUR_SLOT_S, n);
    ring_add(usage->day_hours, TG_DAY_SLOTS, &usage->day_slot, at / TG_DAY_SLOT_S, n);
    return TG_PLAN_OK;
}

/* A prepaid account without a running package gets one of n messages, for a credit that has expired
 * already would be no credit. */
struct tg_movement tg_plan_credit(const struct tg_plan *plan, struct tg_usage *usage, int64_t now,
                                  uint64_t n)
{
    int64_t at = tg_plan_time(usage, now);
    uint64_t *balance = plan->kind == TG__PLAN_KIND__PREPAID ? &usage->prepaid_left : &usage->extra;
    if (plan->kind == TG__PLAN_KIND__PREPAID && at >= usage->prepaid_expires)
        usage->prepaid_expires = tg_month_add(at, PREPAID_MONTHS);
    *balance = add(*balance, n);
    return (struct tg_movement){
        .kind = TG__MOVEMENT_KIND__CREDIT, .amount = signed_amount(n), .at = at};
}

size_t tg_plan_begin(const struct tg_plan *old, struct tg_plan *plan, bool carry, uint64_t ahead,
                     struct tg_usage *usage, int64_t now,
                     struct tg_movement movements[TG_PLAN_MOVEMENTS])
{
    struct moved moved = {.list = movements};
    int64_t at = tg_plan_time(usage, now);
    const struct tg_plan was = tg_plan_in_force(old, usage, at);
    uint64_t left = left_of(&was, usage, at);
    close_use(usage, &moved);
    if (!carry) {
        expire(&moved, left, at);
        left = 0;
    }
    plan->since = at;
    plan->next_at = 0;
    usage->used = usage->extra = usage->prepaid_left = 0;
    usage->period_start = usage->prepaid_expires = 0;
    if (plan->kind == TG__PLAN_KIND__PREPAID) {
        usage->prepaid_left = add(plan->messages, add(left, ahead));
        usage->prepaid_expires = tg_month_add(at, PREPAID_MONTHS);
    } else {
        usage->period_start = at;
        usage->extra = add(left, ahead);
    }
    if (ahead > 0)
        moves(&moved, TG__MOVEMENT_KIND__CREDIT, signed_amount(ahead), at);
    moves(&moved, TG__MOVEMENT_KIND__PURCHASE, signed_amount(plan->messages), at);
    return moved.count;
}

/* The expiry never moves to an earlier time, whatever the clock does. */
struct tg_movement tg_plan_extend(const struct tg_plan *plan, struct tg_usage *usage, int64_t now,
                                  uint64_t n)
{
    int64_t at = tg_plan_time(usage, now);
    bool running = usage->prepaid_expires != 0 && at < usage->prepaid_expires;
    int64_t expires = tg_month_add(at, PREPAID_MONTHS);
    assert(plan->kind == TG__PLAN_KIND__PREPAID);
    usage->prepaid_left = add(usage->prepaid_left, n);
    if (expires > usage->prepaid_expires)
        usage->prepaid_expires = expires;
    return (struct tg_movement){
        .kind = running ? TG__MOVEMENT_KIND__EXTENSION : TG__MOVEMENT_KIND__PURCHASE,
        .amount = signed_amount(n),
        .at = at};
}

/* ---- names ---- */

static const char *const names[] = {
    [TG__PLAN_KIND__FREE] = "free",
    [TG__PLAN_KIND__MONTHLY] = "monthly",
    [TG__PLAN_KIND__PREPAID] = "prepaid",
};

const char *tg_plan_name(Tg__PlanKind kind)
{
    return tg_word(TG_WORDS(names), (size_t)kind);
}

bool tg_plan_parse(const char *text, Tg__PlanKind *kind)
{
    size_t number;
    if (!tg_word_find(TG_WORDS(names), text, &number))
        return false;
    *kind = (Tg__PlanKind)number;
    return true;
}
