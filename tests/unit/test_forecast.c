/* When a plan will be used up. */
#include "tests/unit/test.h"
#include "schema/forecast.h"

enum { DAY = 86400, NOON = 20000 * DAY + DAY / 2 };

static struct tg_forecast of(const uint64_t used[TG_FORECAST_DAYS], uint64_t left, int64_t end)
{
    return tg_forecast(used, 0, left, end, NOON);
}

static void test_a_steady_use_runs_out_in_proportion(void **state)
{
    (void)state;
    /* Six and a half days, 650 in all: 100 a day. */
    const uint64_t used[TG_FORECAST_DAYS] = { 50, 100, 100, 100, 100, 100, 100 };
    struct tg_forecast f = of(used, 1000, NOON + 20 * DAY);
    assert_int_equal(f.per_day + 0.5, 100);
    assert_in_range(f.runs_out, NOON + 10 * DAY - 60, NOON + 10 * DAY + 60);
    assert_int_equal(of(used, 1000, 0).runs_out, f.runs_out);
}

static void test_what_lasts_until_its_end_does_not_run_out(void **state)
{
    (void)state;
    const uint64_t used[TG_FORECAST_DAYS] = { 50, 100, 100, 100, 100, 100, 100 };
    assert_int_equal(of(used, 1000, NOON + 9 * DAY).runs_out, 0);
    assert_true(of(used, 1000, NOON + 9 * DAY).per_day > 99);
}

static void test_no_use_is_no_forecast(void **state)
{
    (void)state;
    const uint64_t used[TG_FORECAST_DAYS] = { 0 };
    struct tg_forecast f = of(used, 1000, 0);
    assert_int_equal(f.runs_out, 0);
    assert_true(f.per_day == 0);
}

static void test_a_new_account_is_measured_by_its_own_days(void **state)
{
    (void)state;
    const uint64_t used[TG_FORECAST_DAYS] = { 100, 100 };
    struct tg_forecast f = tg_forecast(used, NOON - 2 * DAY, 100, 0, NOON);
    assert_int_equal(f.per_day + 0.5, 100);
    /* Its first minutes are not taken for a day's pace. */
    const uint64_t first[TG_FORECAST_DAYS] = { 10 };
    f = tg_forecast(first, NOON - 60, 100, 0, NOON);
    assert_int_equal(f.per_day + 0.5, 10);
}

static void test_nothing_overflows(void **state)
{
    (void)state;
    const uint64_t one[TG_FORECAST_DAYS] = { 1 }, all[TG_FORECAST_DAYS] = { UINT64_MAX, UINT64_MAX };
    assert_int_equal(of(one, UINT64_MAX, 0).runs_out, 0); /* in so many years that nobody asks */
    assert_in_range(of(all, 1, 0).runs_out, NOON, NOON + 1);
    assert_in_range(of(all, 0, 0).runs_out, NOON, NOON + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_steady_use_runs_out_in_proportion),
        cmocka_unit_test(test_what_lasts_until_its_end_does_not_run_out),
        cmocka_unit_test(test_no_use_is_no_forecast),
        cmocka_unit_test(test_a_new_account_is_measured_by_its_own_days),
        cmocka_unit_test(test_nothing_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
