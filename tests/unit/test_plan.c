#include "tests/unit/test.h"
#include "schema/calendar.h"
#include "schema/plan.h"

static struct tg_error err;

static int64_t at(const char *text)
{
    int64_t t = 0;
    assert_ok(tg_time_parse(text, 0, &t, &err));
    return t;
}

/* An account with all that its ledger says. */
struct account {
    struct tg_plan plan;
    struct tg_usage usage;
    int64_t sum;
    struct tg_movement last[TG_PLAN_MOVEMENTS]; /* of the latest roll */
    size_t count;
};

static struct account start(Tg__PlanKind kind, uint64_t messages, const char *when)
{
    struct account a = {.plan = {.kind = kind, .messages = messages, .since = at(when)}};
    struct tg_movement purchase;
    tg_plan_start(&a.plan, a.plan.since, &a.usage, &purchase);
    assert_int_equal(purchase.kind, TG__MOVEMENT_KIND__PURCHASE);
    assert_int_equal(purchase.amount, messages);
    a.sum = purchase.amount;
    return a;
}

static void roll(struct account *a, int64_t now)
{
    a->count = tg_plan_roll(&a->plan, &a->usage, now, a->last);
    assert_true(a->count <= TG_PLAN_MOVEMENTS);
    for (size_t i = 0; i < a->count; i++) {
        a->sum += a->last[i].amount;
        assert_true(i == 0 || a->last[i - 1].at <= a->last[i].at);
    }
}

static enum tg_plan_outcome take(struct account *a, int64_t now, uint64_t n)
{
    enum tg_plan_outcome early = tg_plan_check(&a->plan, &a->usage, now, n);
    roll(a, now);
    struct tg_usage before = a->usage;
    enum tg_plan_outcome outcome = tg_plan_take(&a->plan, &a->usage, now, n);
    assert_int_equal(outcome, early);
    if (outcome != TG_PLAN_OK)
        assert_memory_equal(&before, &a->usage, sizeof before);
    return outcome;
}

static void credit(struct account *a, int64_t now, uint64_t n)
{
    roll(a, now);
    struct tg_movement m = tg_plan_credit(&a->plan, &a->usage, now, n);
    assert_int_equal(m.kind, TG__MOVEMENT_KIND__CREDIT);
    a->sum += m.amount;
}

static struct tg_balance balance(const struct account *a, int64_t now)
{
    struct tg_balance b;
    tg_plan_balance(&a->plan, &a->usage, now, &b);
    return b;
}

static void assert_movement(const struct tg_movement *m, Tg__MovementKind kind, int64_t amount,
                            const char *when)
{
    assert_int_equal(m->kind, kind);
    assert_int_equal(m->amount, amount);
    assert_int_equal(m->at, at(when));
}

static void test_with_ten_left_exactly_ten_are_taken(void **state)
{
    (void)state;
    struct account a = start(TG__PLAN_KIND__FREE, 10, "2026-01-15T10:00:00Z");
    int64_t now = a.plan.since + 5;
    assert_int_equal(take(&a, now, 11), TG_PLAN_EXHAUSTED);
    for (int i = 0; i < 10; i++)
        assert_int_equal(take(&a, now, 1), TG_PLAN_OK);
    assert_int_equal(take(&a, now, 1), TG_PLAN_EXHAUSTED);
    struct tg_balance b = balance(&a, now);
    assert_int_equal(b.outcome, TG_PLAN_EXHAUSTED);
    assert_int_equal(b.limit, 10);
    assert_int_equal(b.used, 10);
    assert_int_equal(b.left, 0);
    assert_int_equal(b.period_start, a.plan.since);
    assert_int_equal(b.period_end, at("2026-02-15T10:00:00Z"));
    assert_true(b.hour_left == UINT64_MAX && b.day_left == UINT64_MAX);
    assert_int_equal(a.usage.total, 10);
    assert_int_equal(a.usage.last_at, now);
}

static void test_a_new_period_begins_to_the_second(void **state)
{
    (void)state;
    struct account a = start(TG__PLAN_KIND__MONTHLY, 100, "2026-01-31T10:00:00Z");
    assert_int_equal(take(&a, at("2026-02-27T12:00:00Z"), 60), TG_PLAN_OK);
    assert_int_equal(take(&a, at("2026-02-28T09:59:59Z"), 41), TG_PLAN_EXHAUSTED);
    assert_int_equal(take(&a, at("2026-02-28T10:00:00Z"), 100), TG_PLAN_OK);
    assert_int_equal(a.usage.used, 100);
    assert_int_equal(a.usage.period_start, at("2026-02-28T10:00:00Z"));
    assert_int_equal(balance(&a, at("2026-03-30")).period_end, at("2026-03-31T10:00:00Z"));
}

static void test_what_rolls_over_is_told_in_order(void **state)
{
    (void)state;
    struct account a = start(TG__PLAN_KIND__MONTHLY, 100, "2026-01-31T10:00:00Z");
    assert_int_equal(take(&a, at("2026-02-28T09:00:00Z"), 30), TG_PLAN_OK);
    credit(&a, at("2026-02-28T09:30:00Z"), 7);
    roll(&a, at("2026-02-28T11:00:00Z"));
    assert_int_equal(a.count, 3);
    assert_movement(&a.last[0], TG__MOVEMENT_KIND__USE, -30, "2026-02-28T09:00:00Z");
    assert_int_equal(a.last[0].day, tg_day_of(at("2026-02-28")));
    assert_movement(&a.last[1], TG__MOVEMENT_KIND__EXPIRY, -77, "2026-02-28T10:00:00Z");
    assert_movement(&a.last[2], TG__MOVEMENT_KIND__RENEWAL, 100, "2026-02-28T10:00:00Z");
    roll(&a, at("2026-02-28T11:00:00Z"));
    assert_int_equal(a.count, 0);
}

static void test_the_day_is_closed_at_the_first_turn_of_the_next(void **state)
{
    (void)state;
    struct account a = start(TG__PLAN_KIND__FREE, 100, "2026-01-15T10:00:00Z");
    assert_int_equal(take(&a, at("2026-01-16T08:00:00Z"), 3), TG_PLAN_OK);
    assert_int_equal(take(&a, at("2026-01-16T23:59:59Z"), 4), TG_PLAN_OK);
    assert_int_equal(a.count, 0);
    assert_int_equal(take(&a, at("2026-01-17T00:00:00Z"), 1), TG_PLAN_OK);
    assert_int_equal(a.count, 1);
    assert_movement(&a.last[0], TG__MOVEMENT_KIND__USE, -7, "2026-01-16T23:59:59Z");
    assert_int_equal(a.last[0].day, tg_day_of(at("2026-01-16")));
    assert_int_equal(a.usage.day_used, 1);
}

static void test_several_missed_periods_roll_over_at_once(void **state)
{
    (void)state;
    struct account a = start(TG__PLAN_KIND__FREE, 100, "2026-01-15T10:00:00Z");
    assert_int_equal(take(&a, at("2026-01-16"), 30), TG_PLAN_OK);
    roll(&a, at("2027-07-20"));
    assert_int_equal(a.count, 3);
    assert_movement(&a.last[1], TG__MOVEMENT_KIND__EXPIRY, -70, "2026-02-15T10:00:00Z");
    assert_movement(&a.last[2], TG__MOVEMENT_KIND__RENEWAL, 100, "2027-07-15T10:00:00Z");
    assert_int_equal(a.sum, 100);
}

static void test_a_clock_that_goes_back_opens_no_period_again(void **state)
{
    (void)state;
    struct account a = start(TG__PLAN_KIND__FREE, 100, "2026-01-15T10:00:00Z");
    assert_int_equal(take(&a, at("2026-03-16"), 100), TG_PLAN_OK);
    assert_int_equal(take(&a, at("2026-02-16"), 1), TG_PLAN_EXHAUSTED);
    assert_int_equal(take(&a, at("2020-01-01"), 1), TG_PLAN_EXHAUSTED);
    assert_int_equal(a.usage.period_start, at("2026-03-15T10:00:00Z"));
    assert_int_equal(balance(&a, at("2020-01-01")).period_start, at("2026-03-15T10:00:00Z"));
    assert_int_equal(take(&a, at("2026-04-15T10:00:00Z"), 1), TG_PLAN_OK);
    /* Rolled over without a charge, then back. */
    struct account b = start(TG__PLAN_KIND__FREE, 100, "2026-01-15T10:00:00Z");
    roll(&b, at("2026-03-16"));
    assert_int_equal(take(&b, at("2026-01-16"), 100), TG_PLAN_OK);
    assert_int_equal(take(&b, at("2026-02-16"), 1), TG_PLAN_EXHAUSTED);
    assert_int_equal(take(&b, at("2026-03-16"), 1), TG_PLAN_EXHAUSTED);
}

static void test_a_package_expires_after_twelve_months(void **state)
{
    (void)state;
    struct account a = start(TG__PLAN_KIND__PREPAID, 500, "2028-02-29T10:00:00Z");
    assert_int_equal(balance(&a, a.plan.since).expires, at("2029-02-28T10:00:00Z"));
    assert_int_equal(take(&a, at("2029-02-28T09:59:59Z"), 200), TG_PLAN_OK);
    struct tg_balance b = balance(&a, at("2029-02-28T09:59:59Z"));
    assert_true(b.left == 300 && b.used == 200 && b.limit == 500 && b.period_end == 0);
    assert_int_equal(take(&a, at("2029-02-28T10:00:00Z"), 1), TG_PLAN_EXPIRED);
    assert_int_equal(a.count, 2);
    assert_movement(&a.last[0], TG__MOVEMENT_KIND__USE, -200, "2029-02-28T09:59:59Z");
    assert_movement(&a.last[1], TG__MOVEMENT_KIND__EXPIRY, -300, "2029-02-28T10:00:00Z");
    assert_int_equal(a.sum, 0);
    /* What expired does not come back with an earlier clock. */
    assert_int_not_equal(take(&a, at("2028-12-01"), 1), TG_PLAN_OK);
}

static void test_an_empty_package_is_exhausted(void **state)
{
    (void)state;
    struct account a = start(TG__PLAN_KIND__PREPAID, 5, "2026-01-15T10:00:00Z");
    assert_int_equal(take(&a, at("2026-08-01"), 5), TG_PLAN_OK);
    assert_int_equal(take(&a, at("2026-08-01"), 1), TG_PLAN_EXHAUSTED);
    assert_int_equal(balance(&a, at("2026-08-01")).outcome, TG_PLAN_EXHAUSTED);
}

static void test_without_a_plan_nothing_is_taken(void **state)
{
    (void)state;
    struct account prepaid = start(TG__PLAN_KIND__PREPAID, 0, "2026-01-15T10:00:00Z");
    assert_int_equal(take(&prepaid, prepaid.plan.since, 1), TG_PLAN_NONE);
    struct account monthly = start(TG__PLAN_KIND__MONTHLY, 0, "2026-01-15T10:00:00Z");
    assert_int_equal(take(&monthly, monthly.plan.since, 1), TG_PLAN_NONE);
    struct account unknown = start((Tg__PlanKind)7, 100, "2026-01-15T10:00:00Z");
    assert_int_equal(take(&unknown, unknown.plan.since, 1), TG_PLAN_NONE);
}

static void test_a_credit_lasts_as_long_as_its_period_or_package(void **state)
{
    (void)state;
    struct account a = start(TG__PLAN_KIND__FREE, 10, "2026-01-15T10:00:00Z");
    assert_int_equal(take(&a, at("2026-01-16"), 10), TG_PLAN_OK);
    credit(&a, at("2026-01-16"), 5);
    assert_int_equal(balance(&a, at("2026-01-16")).limit, 15);
    assert_int_equal(take(&a, at("2026-01-17"), 5), TG_PLAN_OK);
    assert_int_equal(take(&a, at("2026-01-17"), 1), TG_PLAN_EXHAUSTED);
    assert_int_equal(balance(&a, at("2026-02-17")).limit, 10);

    struct account p = start(TG__PLAN_KIND__PREPAID, 10, "2026-01-15T10:00:00Z");
    credit(&p, at("2026-06-01"), 5);
    assert_int_equal(balance(&p, at("2026-06-01")).left, 15);
    assert_int_equal(balance(&p, at("2026-06-01")).expires, at("2027-01-15T10:00:00Z"));
    /* An expired package would swallow it, so it begins anew. */
    credit(&p, at("2027-03-01"), 5);
    assert_int_equal(balance(&p, at("2027-03-01")).left, 5);
    assert_int_equal(balance(&p, at("2027-03-01")).expires, at("2028-03-01"));
}

static void test_rate_caps_come_after_the_plan(void **state)
{
    (void)state;
    struct account a = start(TG__PLAN_KIND__FREE, 1000, "2026-01-15T10:00:00Z");
    int64_t now = a.plan.since;
    a.plan.max_per_hour = 10;
    a.plan.max_per_day = 25;
    assert_int_equal(take(&a, now, 11), TG_PLAN_HOUR);
    assert_int_equal(take(&a, now, UINT64_MAX), TG_PLAN_EXHAUSTED);
    assert_int_equal(take(&a, now, 10), TG_PLAN_OK);
    assert_int_equal(take(&a, now + 3599, 1), TG_PLAN_HOUR);
    struct tg_balance b = balance(&a, now + 3599);
    assert_int_equal(b.outcome, TG_PLAN_HOUR);
    assert_true(b.hour_left == 0 && b.day_left == 15 && b.last_hour == 10 && b.last_day == 10);
    assert_int_equal(take(&a, now + 3900, 10), TG_PLAN_OK);
    assert_int_equal(take(&a, now + 7800, 6), TG_PLAN_DAY);
    assert_int_equal(take(&a, now + 7800, 5), TG_PLAN_OK);
    assert_int_equal(take(&a, now + 86399, 1), TG_PLAN_DAY);
    assert_int_equal(take(&a, now + 86400 + 3600, 1), TG_PLAN_OK);
    /* A clock that goes back frees no slot. */
    assert_int_equal(take(&a, 0, 10), TG_PLAN_HOUR);
}

static void test_large_numbers_do_not_wrap(void **state)
{
    (void)state;
    const uint64_t half = INT64_MAX / 2;
    struct account a = start(TG__PLAN_KIND__MONTHLY, half, "2026-01-15T10:00:00Z");
    int64_t now = a.plan.since;
    a.plan.max_per_hour = UINT64_MAX;
    assert_int_equal(take(&a, now, half + 1), TG_PLAN_EXHAUSTED);
    assert_int_equal(take(&a, now, half), TG_PLAN_OK);
    assert_int_equal(take(&a, now, UINT64_MAX), TG_PLAN_EXHAUSTED);
    assert_int_equal(tg_usage_last_hour(&a.usage, now), UINT32_MAX);
    credit(&a, now, half);
    assert_int_equal(balance(&a, now).left, half);
    struct tg_movement m = tg_plan_credit(&a.plan, &a.usage, now, UINT64_MAX);
    assert_int_equal(m.amount, INT64_MAX);
    assert_true(balance(&a, now).limit == UINT64_MAX);
}

static void test_names_are_read_back(void **state)
{
    (void)state;
    Tg__PlanKind kind;
    for (int i = 0; i < 3; i++) {
        assert_true(tg_plan_parse(tg_plan_name((Tg__PlanKind)i), &kind));
        assert_int_equal(kind, i);
    }
    assert_false(tg_plan_parse("Free", &kind));
    assert_string_equal(tg_plan_name((Tg__PlanKind)9), "unknown");
}

/* ---- whatever happens, the ledger adds up and the windows hold what was sent ---- */

enum { STEPS = 400, TAKES = STEPS };

static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (random_state >> 33) % n;
}

struct taken {
    int64_t at[TAKES];
    uint64_t n[TAKES];
    size_t count;
};

static uint64_t taken_after(const struct taken *taken, int64_t after)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < taken->count; i++)
        sum += taken->at[i] > after ? taken->n[i] : 0;
    return sum;
}

static int64_t random_step(void)
{
    switch (random_below(12)) {
    case 0:
        return (int64_t)random_below(400 * 86400);
    case 1:
        return -(int64_t)random_below(100 * 86400);
    case 2:
    case 3:
        return (int64_t)random_below(20 * 86400);
    case 4:
        return 0;
    default:
        return (int64_t)random_below(4000);
    }
}

static void assert_adds_up(const struct account *a, const struct taken *taken, int64_t now)
{
    struct tg_balance b = balance(a, now);
    int64_t last = a->usage.last_at > now ? a->usage.last_at : now;
    if (last < a->usage.day * 86400) /* the ledger has come to that day */
        last = a->usage.day * 86400;
    assert_int_equal(a->sum - (int64_t)a->usage.day_used, b.left);
    assert_int_equal(a->usage.total, taken_after(taken, INT64_MIN));
    assert_true(b.last_hour >= taken_after(taken, last - 3600));
    assert_true(b.last_hour <= taken_after(taken, last - 3600 - TG_HOUR_SLOT_S - 1));
    assert_true(b.last_day >= taken_after(taken, last - 86400));
    assert_true(b.last_day <= taken_after(taken, last - 86400 - TG_DAY_SLOT_S - 1));
}

static void random_life(Tg__PlanKind kind, uint64_t seed)
{
    random_state = seed;
    struct account a = start(kind, 1 + random_below(300), "2024-01-31T21:13:05Z");
    struct taken taken = {.count = 0};
    int64_t now = a.plan.since;
    for (int i = 0; i < STEPS; i++) {
        now += random_step();
        if (random_below(10) == 0)
            credit(&a, now, 1 + random_below(100));
        else if (random_below(6) == 0)
            roll(&a, now);
        else {
            uint64_t n = 1 + random_below(30), left = balance(&a, now).left;
            bool ok = take(&a, now, n) == TG_PLAN_OK;
            assert_int_equal(ok, n <= left);
            if (ok) {
                taken.at[taken.count] = a.usage.last_at;
                taken.n[taken.count++] = n;
            }
        }
        /* After a roll to now the ledger is complete. */
        roll(&a, now);
        assert_adds_up(&a, &taken, now);
    }
}

static void test_the_ledger_always_adds_up(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++)
        for (int kind = 0; kind < 3; kind++)
            random_life((Tg__PlanKind)kind, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_ten_left_exactly_ten_are_taken),
        cmocka_unit_test(test_a_new_period_begins_to_the_second),
        cmocka_unit_test(test_what_rolls_over_is_told_in_order),
        cmocka_unit_test(test_the_day_is_closed_at_the_first_turn_of_the_next),
        cmocka_unit_test(test_several_missed_periods_roll_over_at_once),
        cmocka_unit_test(test_a_clock_that_goes_back_opens_no_period_again),
        cmocka_unit_test(test_a_package_expires_after_twelve_months),
        cmocka_unit_test(test_an_empty_package_is_exhausted),
        cmocka_unit_test(test_without_a_plan_nothing_is_taken),
        cmocka_unit_test(test_a_credit_lasts_as_long_as_its_period_or_package),
        cmocka_unit_test(test_rate_caps_come_after_the_plan),
        cmocka_unit_test(test_large_numbers_do_not_wrap),
        cmocka_unit_test(test_names_are_read_back),
        cmocka_unit_test(test_the_ledger_always_adds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
