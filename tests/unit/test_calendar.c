#include <stdio.h>
#include <time.h>
#include "tests/unit/test.h"
#include "schema/calendar.h"

static struct tg_error err;

static int64_t at(const char *text)
{
    int64_t t = 0;
    assert_ok(tg_time_parse(text, 0, &t, &err));
    return t;
}

static void assert_time(int64_t t, const char *text)
{
    char buf[TG_RFC3339_SIZE];
    assert_string_equal(tg_rfc3339(t, buf), text);
}

static void test_dates_agree_with_the_c_library(void **state)
{
    (void)state;
    /* Every day of 800 years, at a time that wanders. */
    for (int64_t day = -200 * 365; day < 600 * 365; day++) {
        int64_t t = day * 86400 + (day * 7919 % 86400 + 86400) % 86400;
        time_t c_time = (time_t)t;
        struct tm tm;
        char expected[64], buf[TG_RFC3339_SIZE];
        assert_non_null(gmtime_r(&c_time, &tm));
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%SZ", &tm);
        assert_string_equal(tg_rfc3339(t, buf), expected);
        assert_int_equal(tg_day_of(t), day);
        assert_int_equal(at(buf), t);
    }
}

static void test_days_before_1970_are_rounded_down(void **state)
{
    (void)state;
    assert_int_equal(tg_day_of(0), 0);
    assert_int_equal(tg_day_of(86399), 0);
    assert_int_equal(tg_day_of(86400), 1);
    assert_int_equal(tg_day_of(-1), -1);
    assert_int_equal(tg_day_of(-86400), -1);
    assert_int_equal(tg_day_of(-86401), -2);
    assert_time(-1, "1969-12-31T23:59:59Z");
}

static void test_a_day_that_the_month_lacks_becomes_its_last(void **state)
{
    (void)state;
    int64_t anchor = at("2027-01-31T08:30:00Z");
    assert_time(tg_month_add(anchor, 1), "2027-02-28T08:30:00Z");
    assert_time(tg_month_add(anchor, 2), "2027-03-31T08:30:00Z");
    assert_time(tg_month_add(anchor, 3), "2027-04-30T08:30:00Z");
    assert_time(tg_month_add(anchor, 13), "2028-02-29T08:30:00Z");
    assert_time(tg_month_add(anchor, -2), "2026-11-30T08:30:00Z");
    assert_time(tg_month_add(anchor, -12), "2026-01-31T08:30:00Z");
    assert_time(tg_month_add(anchor, 0), "2027-01-31T08:30:00Z");
    assert_time(tg_month_add(at("2024-02-29"), 12), "2025-02-28T00:00:00Z");
    assert_time(tg_month_add(at("2024-02-29"), 48), "2028-02-29T00:00:00Z");
    /* 2100 has no leap day, 2000 had one. */
    assert_time(tg_month_add(at("2099-12-31"), 2), "2100-02-28T00:00:00Z");
    assert_time(tg_month_add(at("1999-12-31"), 2), "2000-02-29T00:00:00Z");
}

static void test_periods_keep_the_day_of_their_anchor(void **state)
{
    (void)state;
    int64_t anchor = at("2026-01-31T10:00:00Z");
    assert_time(tg_period_start(anchor, anchor), "2026-01-31T10:00:00Z");
    assert_time(tg_period_end(anchor, anchor), "2026-02-28T10:00:00Z");
    assert_time(tg_period_start(anchor, at("2026-02-28T09:59:59Z")), "2026-01-31T10:00:00Z");
    assert_time(tg_period_start(anchor, at("2026-02-28T10:00:00Z")), "2026-02-28T10:00:00Z");
    assert_time(tg_period_end(anchor, at("2026-02-28T10:00:00Z")), "2026-03-31T10:00:00Z");
    assert_time(tg_period_start(anchor, at("2026-03-31T09:00:00Z")), "2026-02-28T10:00:00Z");
    assert_time(tg_period_start(anchor, at("2028-03-01")), "2028-02-29T10:00:00Z");
}

static void test_before_its_anchor_there_is_only_the_first_period(void **state)
{
    (void)state;
    int64_t anchor = at("2026-05-10T10:00:00Z");
    assert_time(tg_period_start(anchor, at("2020-01-01")), "2026-05-10T10:00:00Z");
    assert_time(tg_period_end(anchor, at("2020-01-01")), "2026-06-10T10:00:00Z");
}

static void test_periods_follow_each_other_without_gap(void **state)
{
    (void)state;
    static const char *const anchors[] = {"2023-12-31T23:59:59Z", "1965-10-30T00:00:00Z",
                                          "2024-02-29T12:00:00Z"};
    for (size_t i = 0; i < 3; i++) {
        int64_t anchor = at(anchors[i]), start = anchor;
        for (int k = 0; k < 500; k++) {
            int64_t end = tg_period_end(anchor, start);
            assert_int_equal(start, tg_month_add(anchor, k));
            assert_true(end - start >= 28 * 86400 && end - start <= 31 * 86400);
            assert_int_equal(tg_period_start(anchor, start), start);
            assert_int_equal(tg_period_start(anchor, end - 1), start);
            assert_int_equal(tg_period_end(anchor, end - 1), end);
            start = end;
        }
    }
}

static void test_times_at_the_ends_of_the_range_do_not_overflow(void **state)
{
    (void)state;
    char buf[TG_RFC3339_SIZE];
    static const int64_t ends[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX - 1, INT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        assert_non_null(tg_rfc3339(ends[i], buf));
        (void)tg_day_of(ends[i]);
        int64_t start = tg_period_start(0, ends[i]);
        assert_true(start == 0 || start <= ends[i]);
        assert_true(tg_period_end(0, ends[i]) > start);
        assert_true(tg_period_start(ends[i], 0) >= ends[i] || ends[i] < 0);
        (void)tg_period_start(ends[i], ends[3 - i]);
        (void)tg_period_end(ends[i], ends[3 - i]);
    }
    assert_int_equal(tg_month_add(INT64_MAX, 1), INT64_MAX);
    assert_int_equal(tg_month_add(INT64_MIN, -1), INT64_MIN);
    assert_int_equal(tg_month_add(INT64_MAX, 0), INT64_MAX);
    assert_int_equal(tg_month_add(INT64_MIN, 0), INT64_MIN);
    assert_true(tg_month_add(0, INT32_MAX) > 0);
    assert_true(tg_month_add(0, INT32_MIN) < 0);
}

static void test_times_are_read_in_every_form(void **state)
{
    (void)state;
    int64_t now = at("2026-11-24T10:00:00Z"), t;
    assert_int_equal(now, 1795514400);
    assert_int_equal(at("2026-11-24t10:00:00z"), now);
    assert_int_equal(at("2026-11-24 12:30:00+02:30"), now);
    assert_int_equal(at("2026-11-23T23:00:00-11:00"), now);
    assert_int_equal(at("2026-11-24T10:00:00.999999Z"), now);
    assert_int_equal(at("2026-11-24"), now - 10 * 3600);
    assert_int_equal(at("2016-12-31T23:59:60Z"), at("2017-01-01"));
    assert_ok(tg_time_parse("now", now, &t, &err));
    assert_int_equal(t, now);
    assert_ok(tg_time_parse("90m", now, &t, &err));
    assert_int_equal(t, now - 90 * 60);
    assert_ok(tg_time_parse("2w", INT64_MIN, &t, &err));
    assert_int_equal(t, INT64_MIN);
}

static void test_what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "today",
        "2026",
        "2026-13-01",
        "2026-00-10",
        "2026-02-29",
        "2026-04-31",
        "2026-4-01",
        "2026-11-24T",
        "2026-11-24T10:00Z",
        "2026-11-24T10:00:00",
        "2026-11-24T24:00:00Z",
        "2026-11-24T10:60:00Z",
        "2026-11-24T10:00:61Z",
        "2026-11-24T10:00:60Z",
        "2026-11-24T10:00:00.Z",
        "2026-11-24T10:00:00+2:00",
        "2026-11-24T10:00:00+24:00",
        "2026-11-24T10:00:00Zx",
        "2026-11-24x",
        "-1d",
        "7",
        "d",
        " 7d",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t t;
        if (tg_time_parse(bad[i], 0, &t, &err) != TG_USAGE)
            fail_msg("accepted: %s", bad[i]);
        assert_non_null(strstr(err.text, bad[i]));
    }
}

static void test_durations_are_at_most_ten_years(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {
        {"0s", 0},
        {"30s", 30},
        {"90m", 5400},
        {"24h", 86400},
        {"7d", 604800},
        {"2w", 1209600},
        {"3653d", 3653 * 86400LL},
    };
    static const char *const bad[] = {
        "",      "s",   "30",  "30S",  "1y",    "7dd",
        "7 d",   "-7d", "+7d", "1.5h", "3654d", "99999999999999999999s",
        "0x10s",
    };
    int64_t seconds;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_ok(tg_duration_parse(good[i].text, &seconds, &err));
        assert_int_equal(seconds, good[i].seconds);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (tg_duration_parse(bad[i], &seconds, &err) != TG_USAGE)
            fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates_agree_with_the_c_library),
        cmocka_unit_test(test_days_before_1970_are_rounded_down),
        cmocka_unit_test(test_a_day_that_the_month_lacks_becomes_its_last),
        cmocka_unit_test(test_periods_keep_the_day_of_their_anchor),
        cmocka_unit_test(test_before_its_anchor_there_is_only_the_first_period),
        cmocka_unit_test(test_periods_follow_each_other_without_gap),
        cmocka_unit_test(test_times_at_the_ends_of_the_range_do_not_overflow),
        cmocka_unit_test(test_times_are_read_in_every_form),
        cmocka_unit_test(test_what_is_no_time_is_refused),
        cmocka_unit_test(test_durations_are_at_most_ten_years),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
