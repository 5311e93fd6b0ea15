#include "tests/unit/test.h"
#include "schema/usage.h"

static struct tg_error err;

static struct tg_usage sample(void)
{
    struct tg_usage u = {
        .period_start = -5,
        .used = 1,
        .extra = UINT64_MAX,
        .prepaid_left = 3,
        .prepaid_expires = INT64_MIN,
        .total = 5,
        .last_at = 0x0102030405060708,
        .day = 7,
        .day_used = 8,
        .hour_slot = 9,
        .day_slot = 10,
    };
    for (uint32_t i = 0; i < TG_HOUR_SLOTS; i++)
        u.hour[i] = 100 + i;
    for (uint32_t i = 0; i < TG_DAY_SLOTS; i++)
        u.day_hours[i] = UINT32_MAX - i;
    return u;
}

static void test_usage_survives_packing(void **state)
{
    (void)state;
    struct tg_usage u = sample(), back;
    uint8_t packed[TG_USAGE_SIZE];
    tg_usage_pack(&u, packed);
    assert_ok(tg_usage_unpack(tg_span_of(packed, sizeof packed), &back, &err));
    assert_memory_equal(&u, &back, sizeof u);
}

/* These bytes are in stores: a change of them is a new version. */
static void test_the_bytes_on_disk_stay_what_they_are(void **state)
{
    (void)state;
    struct tg_usage u = sample();
    uint8_t packed[TG_USAGE_SIZE];
    static const uint8_t header[] = {1, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t last_at[] = {8, 7, 6, 5, 4, 3, 2, 1};
    static const uint8_t last[] = {0xe7, 0xff, 0xff, 0xff};
    tg_usage_pack(&u, packed);
    assert_int_equal(sizeof packed, 248);
    assert_memory_equal(packed, header, 8);
    assert_int_equal(packed[8], 0xfb);
    assert_int_equal(packed[16], 1);
    assert_memory_equal(packed + 8 + 6 * 8, last_at, 8);
    assert_int_equal(packed[96], 100);
    assert_memory_equal(packed + 244, last, 4);
}

static void test_a_damaged_record_is_not_read_as_no_usage(void **state)
{
    (void)state;
    struct tg_usage u = sample();
    uint8_t packed[TG_USAGE_SIZE + 1] = {0};
    tg_usage_pack(&u, packed);
    assert_int_equal(tg_usage_unpack(tg_span_of(packed, 0), &u, &err), TG_UNUSABLE);
    assert_int_equal(tg_usage_unpack(tg_span_of(packed, TG_USAGE_SIZE - 1), &u, &err), TG_UNUSABLE);
    assert_int_equal(tg_usage_unpack(tg_span_of(packed, TG_USAGE_SIZE + 1), &u, &err), TG_UNUSABLE);
    packed[0] = 2;
    assert_int_equal(tg_usage_unpack(tg_span_of(packed, TG_USAGE_SIZE), &u, &err), TG_UNUSABLE);
    assert_non_null(strstr(err.text, "version 2"));
}

static void test_windows_leave_out_what_is_too_old(void **state)
{
    (void)state;
    struct tg_usage u = {.hour_slot = 1000, .day_slot = 1000};
    u.hour[1000 % TG_HOUR_SLOTS] = 5;
    u.hour[(1000 - 12) % TG_HOUR_SLOTS] = 7;
    u.day_hours[1000 % TG_DAY_SLOTS] = 5;
    u.day_hours[(1000 - 24) % TG_DAY_SLOTS] = 7;
    int64_t now = 1000 * TG_HOUR_SLOT_S;
    assert_int_equal(tg_usage_last_hour(&u, now), 12);
    assert_int_equal(tg_usage_last_hour(&u, now + TG_HOUR_SLOT_S - 1), 12);
    assert_int_equal(tg_usage_last_hour(&u, now + TG_HOUR_SLOT_S), 5);
    assert_int_equal(tg_usage_last_hour(&u, now + 12 * TG_HOUR_SLOT_S), 5);
    assert_int_equal(tg_usage_last_hour(&u, now + 13 * TG_HOUR_SLOT_S), 0);
    assert_int_equal(tg_usage_last_hour(&u, INT64_MAX), 0);
    now = 1000 * TG_DAY_SLOT_S;
    assert_int_equal(tg_usage_last_day(&u, now), 12);
    assert_int_equal(tg_usage_last_day(&u, now + TG_DAY_SLOT_S), 5);
    assert_int_equal(tg_usage_last_day(&u, now + 25 * TG_DAY_SLOT_S), 0);
}

static void test_a_clock_that_goes_back_frees_nothing(void **state)
{
    (void)state;
    struct tg_usage u = {.hour_slot = 1000};
    u.hour[1000 % TG_HOUR_SLOTS] = 5;
    u.hour[(1000 - 12) % TG_HOUR_SLOTS] = 7;
    assert_int_equal(tg_usage_last_hour(&u, 0), 12);
    assert_int_equal(tg_usage_last_hour(&u, INT64_MIN), 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usage_survives_packing),
        cmocka_unit_test(test_the_bytes_on_disk_stay_what_they_are),
        cmocka_unit_test(test_a_damaged_record_is_not_read_as_no_usage),
        cmocka_unit_test(test_windows_leave_out_what_is_too_old),
        cmocka_unit_test(test_a_clock_that_goes_back_frees_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
