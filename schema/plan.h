/* plan.h: plan arithmetic: pure, no store, no clock (DESIGN 7).
 *
 * The milter asks it early (MAIL, RCPT), the committer again inside the transaction that charges. Time
 * never goes backwards: where `now` is before usage->last_at, last_at is used. */
#ifndef TG_PLAN_H
#define TG_PLAN_H

#include <stdbool.h>
#include "schema/usage.h"
#include "schema/records.pb-c.h"

struct tg_plan {
    Tg__PlanKind kind;
    uint64_t messages; /* each period; prepaid: of the last package */
    int64_t since;     /* periods keep this instant's day of the month and time of day */
    uint64_t max_per_hour, max_per_day; /* effective caps; 0: none */
    /* What it becomes at next_at, the end of a period; 0: nothing is coming. Neither is prepaid. */
    int64_t next_at;
    Tg__PlanKind next_kind;
    uint64_t next_messages;
};

struct tg_movement {
    Tg__MovementKind kind;
    int64_t amount;    /* added to the balance */
    int64_t at;        /* when it took effect */
    int64_t day;       /* TG__MOVEMENT_KIND__USE: of which UTC day */
};

enum tg_plan_outcome { TG_PLAN_OK, TG_PLAN_EXHAUSTED, TG_PLAN_EXPIRED, TG_PLAN_NONE, TG_PLAN_HOUR, TG_PLAN_DAY };

struct tg_balance {
    enum tg_plan_outcome outcome; /* for one more unit, as of now */
    uint64_t limit, used, left;   /* prepaid: used = of the last package's number, at most */
    int64_t period_start, period_end; /* free, monthly; 0 for prepaid */
    int64_t expires;              /* prepaid; else 0 */
    uint64_t last_hour, last_day;
    uint64_t hour_left, day_left; /* UINT64_MAX where no cap */
};

/* The usage of an account whose plan begins now. *movement: the purchase. */
void tg_plan_start(const struct tg_plan *plan, int64_t now, struct tg_usage *usage, struct tg_movement *movement);

/* Brings usage up to now: periods roll over, a package past its expiry loses its balance, the day's use is
 * closed (at the end of a period too). At most 4 movements are written; their number is returned. The sum of all
 * movements ever made, less day_used, is what is left. */
enum { TG_PLAN_MOVEMENTS = 4 };
size_t tg_plan_roll(const struct tg_plan *plan, struct tg_usage *usage, int64_t now,
                    struct tg_movement movements[TG_PLAN_MOVEMENTS]);

/* What there is as of now, without changing anything. */
void tg_plan_balance(const struct tg_plan *plan, const struct tg_usage *usage, int64_t now, struct tg_balance *out);

/* May n more be taken, as of now (n > 0)? plan before rate. */
enum tg_plan_outcome tg_plan_check(const struct tg_plan *plan, const struct tg_usage *usage, int64_t now, uint64_t n);

/* Takes n, after tg_plan_roll to the same now; on anything but TG_PLAN_OK usage is unchanged. */
enum tg_plan_outcome tg_plan_take(const struct tg_plan *plan, struct tg_usage *usage, int64_t now, uint64_t n);

/* Gives n by hand: to the running period, or to the prepaid balance; where no package is running, it begins one
 * of twelve months. After tg_plan_roll. */
struct tg_movement tg_plan_credit(const struct tg_plan *plan, struct tg_usage *usage, int64_t now, uint64_t n);

/* A plan is bought in place of `old`, after tg_plan_roll by the old one: it begins at once, plan->since is set to
 * that instant. What is left of the old one goes along (`carry`: into the new plan's first period, or package) or
 * expires; `ahead` are messages of further periods that were paid already. At most TG_PLAN_MOVEMENTS. */
size_t tg_plan_begin(const struct tg_plan *old, struct tg_plan *plan, bool carry, uint64_t ahead, struct tg_usage *usage,
                     int64_t now, struct tg_movement movements[TG_PLAN_MOVEMENTS]);

/* A further package of n on a prepaid plan, after tg_plan_roll: all that is left then is valid for twelve months.
 * Where nothing was running it is a purchase. */
struct tg_movement tg_plan_extend(const struct tg_plan *plan, struct tg_usage *usage, int64_t now, uint64_t n);

/* The plan in force as of now, which is `next` from next_at on. */
struct tg_plan tg_plan_in_force(const struct tg_plan *plan, const struct tg_usage *usage, int64_t now);
/* Now, as the account knows it: never before its last charge. */
int64_t tg_plan_time(const struct tg_usage *usage, int64_t now);

const char *tg_plan_name(Tg__PlanKind kind); /* "free", "monthly", "prepaid" */
bool tg_plan_parse(const char *text, Tg__PlanKind *kind);

#endif
