#include "tests/unit/test.h"
#include <stdio.h>
#include "authd/throttle.h"

enum { MINUTE = 60 * 1000 };

static int setup(void **state)
{
    *state = throttle_new(64);
    return 0;
}

static int teardown(void **state)
{
    struct throttle *t = *state;
    throttle_free(&t);
    assert_null(t);
    return 0;
}

static void fail_times(struct throttle *t, const char *address, const char *username, int times, int64_t now)
{
    for (int i = 0; i < times; i++)
        throttle_failure(t, address, username, now);
}

static void test_failures_are_answered_later_and_later(void **state)
{
    struct throttle *t = *state;
    static const unsigned expected[] = { 0, 500, 1000, 2000, 4000, THROTTLE_MAX_MS, THROTTLE_MAX_MS };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(throttle_failure(t, "192.0.2.1", "alice", 1000 + (int64_t)i), expected[i]);
    /* Postfix gives up after 10 s. */
    fail_times(t, "192.0.2.1", "alice", 100000, 2000);
    assert_int_equal(throttle_failure(t, "192.0.2.1", "alice", 2000), THROTTLE_MAX_MS);
}

static void test_an_address_and_a_username_count_for_themselves(void **state)
{
    struct throttle *t = *state;
    /* Many names from one address … */
    for (int i = 0; i < 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "user%d", i);
        throttle_failure(t, "192.0.2.1", name, 0);
    }
    assert_int_equal(throttle_failure(t, "192.0.2.1", "other", 0), THROTTLE_MAX_MS);
    assert_int_equal(throttle_failure(t, "192.0.2.2", "another", 0), 0);
    /* … and one name from many addresses. */
    for (int i = 0; i < 5; i++) {
        char address[32];
        snprintf(address, sizeof address, "198.51.100.%d", i);
        throttle_failure(t, address, "alice", 0);
    }
    assert_int_equal(throttle_failure(t, "203.0.113.1", "alice", 0), THROTTLE_MAX_MS);
    assert_int_equal(throttle_failure(t, "203.0.113.1", "bob", 0), 500);
}

static void test_what_is_not_known_does_not_count(void **state)
{
    struct throttle *t = *state;
    fail_times(t, "", "", 10, 0);
    assert_int_equal(throttle_count(t), 0);
    assert_int_equal(throttle_failure(t, "", "", 0), 0);
    fail_times(t, "", "alice", 10, 0);
    assert_int_equal(throttle_failure(t, "", "bob", 0), 0);
    assert_int_equal(throttle_failure(t, "192.0.2.1", "", 0), 0);
}

static void test_an_ipv6_address_is_its_64(void **state)
{
    struct throttle *t = *state;
    throttle_failure(t, "2001:db8:1:2::1", "a", 0);
    throttle_failure(t, "2001:DB8:1:2:ffff:ffff:ffff:ffff", "b", 0);
    assert_int_equal(throttle_failure(t, "2001:db8:1:2:3::", "c", 0), 1000);
    assert_int_equal(throttle_failure(t, "2001:db8:1:3::1", "d", 0), 0);
    /* IPv4 in IPv6 is the IPv4 address. */
    throttle_failure(t, "::ffff:192.0.2.9", "e", 0);
    assert_int_equal(throttle_failure(t, "192.0.2.9", "f", 0), 500);
    assert_int_equal(throttle_failure(t, "192.0.2.10", "g", 0), 0);
    /* What is no address is a name of its own. */
    throttle_failure(t, "pid:17", "h", 0);
    assert_int_equal(throttle_failure(t, "pid:17", "i", 0), 500);
}

static void test_scores_fall_by_half_in_five_minutes(void **state)
{
    struct throttle *t = *state;
    fail_times(t, "192.0.2.1", "alice", 4, 0);
    assert_int_equal(throttle_failure(t, "192.0.2.1", "alice", 5 * MINUTE), 1000); /* 4 became 2 */
    assert_int_equal(throttle_failure(t, "192.0.2.1", "alice", 15 * MINUTE), 0);   /* 3 became less than 1 */
    assert_int_equal(throttle_failure(t, "192.0.2.1", "alice", 24 * 60 * MINUTE), 0);
    /* A clock that goes back frees nobody. */
    fail_times(t, "192.0.2.2", "bob", 4, 10 * MINUTE);
    assert_int_equal(throttle_failure(t, "192.0.2.2", "bob", 0), 4000);
}

static void test_a_success_takes_back_what_the_pair_added(void **state)
{
    struct throttle *t = *state;
    fail_times(t, "192.0.2.1", "alice", 5, 0);
    throttle_success(t, "192.0.2.1", "alice", 0);
    assert_int_equal(throttle_count(t), 0);
    assert_int_equal(throttle_failure(t, "192.0.2.1", "alice", 0), 0);
}

/* Whoever owns one account can't wipe out what he tried on others. */
static void test_a_success_takes_back_nothing_of_others(void **state)
{
    struct throttle *t = *state;
    fail_times(t, "192.0.2.1", "victim", 5, 0);
    for (int i = 0; i < 4; i++) {
        char other[16];
        snprintf(other, sizeof other, "victim%d", i);
        throttle_failure(t, "192.0.2.1", other, 0);
    }
    for (int i = 0; i < 10; i++)
        throttle_success(t, "192.0.2.1", "mine", 0);
    assert_int_equal(throttle_failure(t, "192.0.2.1", "victim", 0), THROTTLE_MAX_MS);
    fail_times(t, "192.0.2.1", "mine", 1, 0);
    throttle_success(t, "192.0.2.1", "mine", 0);
    throttle_success(t, "192.0.2.1", "mine", 0);
    assert_int_equal(throttle_failure(t, "192.0.2.1", "new", 0), THROTTLE_MAX_MS);
    /* Nor does the owner's success from elsewhere forgive who guesses. */
    for (int i = 0; i < 5; i++) {
        char address[16];
        snprintf(address, sizeof address, "192.0.2.1%d", i);
        throttle_failure(t, address, "victim", 0);
    }
    throttle_success(t, "198.51.100.1", "victim", 0);
    assert_int_equal(throttle_failure(t, "203.0.113.1", "victim", 0), THROTTLE_MAX_MS);
}

/* One broken client with an old password, behind the address of an office. */
static void test_repeats_of_a_pair_weigh_on_nobody_else(void **state)
{
    struct throttle *t = *state;
    for (int i = 0; i < 1000; i++)
        throttle_failure(t, "192.0.2.1", "broken", i * 1000);
    assert_int_equal(throttle_failure(t, "192.0.2.1", "broken", 1000 * 1000), THROTTLE_MAX_MS);
    /* A colleague's slip of the finger waits for as long as after any one failure, and so does the owner elsewhere. */
    assert_in_range(throttle_failure(t, "192.0.2.1", "colleague", 1000 * 1000), 0, 500);
    assert_in_range(throttle_failure(t, "198.51.100.1", "broken", 1000 * 1000), 0, 500);
    /* The broken one mended takes its own back, the colleague's stays. */
    throttle_success(t, "192.0.2.1", "broken", 1000 * 1000);
    assert_int_equal(throttle_failure(t, "192.0.2.1", "third", 1000 * 1000), 500);
    assert_int_equal(throttle_failure(t, "192.0.2.1", "fourth", 1000 * 1000), 1000);
}

/* A pair that fails now and then keeps its one on the address, and never more. */
static void test_a_pair_weighs_one_at_any_pace(void **state)
{
    struct throttle *t = *state;
    for (int i = 0; i < 50; i++)
        throttle_failure(t, "192.0.2.1", "slow", i * 7 * (int64_t)MINUTE);
    int64_t now = 49 * 7 * (int64_t)MINUTE;
    assert_int_equal(throttle_failure(t, "192.0.2.1", "other", now), 500);
    throttle_success(t, "192.0.2.1", "other", now);
    throttle_success(t, "192.0.2.1", "slow", now);
    assert_int_equal(throttle_count(t), 0);
}

/* The names of a pair can't be moved into each other. */
static void test_pairs_are_told_apart(void **state)
{
    struct throttle *t = *state;
    fail_times(t, "ab", "c", 5, 0);
    throttle_success(t, "a", "bc", 0);
    assert_int_equal(throttle_failure(t, "ab", "c", 0), THROTTLE_MAX_MS);
}

static void test_tables_are_bounded_and_the_oldest_goes(void **state)
{
    struct throttle *t = *state;
    char name[24];
    fail_times(t, "10.0.0.1", "first", 5, 0);
    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "user%d", i);
        throttle_failure(t, name, name, 1);
        assert_true(throttle_count(t) <= 2 * 64);
        if (i % 50 == 0 && i < 5000) /* touched again and again: it stays */
            assert_int_equal(throttle_failure(t, "10.0.0.1", "first", 1), THROTTLE_MAX_MS);
    }
    assert_int_equal(throttle_count(t), 2 * 64);
    assert_int_equal(throttle_failure(t, "10.0.0.1", "first", 2), 0); /* forgotten */
    for (int i = 9999; i > 9999 - 60; i--) {
        snprintf(name, sizeof name, "user%d", i);
        throttle_success(t, name, name, 2);
    }
    assert_in_range(throttle_count(t), 1, 10);
}

static void test_a_table_of_one(void **state)
{
    (void)state;
    struct throttle *t = throttle_new(1);
    for (int i = 0; i < 100; i++) {
        fail_times(t, "a", "b", 2, i);
        throttle_failure(t, "c", "d", i);
        throttle_success(t, "c", "d", i);
        throttle_success(t, "a", "b", i);
    }
    assert_int_equal(throttle_count(t), 0);
    throttle_free(&t);
    throttle_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_failures_are_answered_later_and_later),
        TEST(test_an_address_and_a_username_count_for_themselves),
        TEST(test_what_is_not_known_does_not_count),
        TEST(test_an_ipv6_address_is_its_64),
        TEST(test_scores_fall_by_half_in_five_minutes),
        TEST(test_a_success_takes_back_what_the_pair_added),
        TEST(test_a_success_takes_back_nothing_of_others),
        TEST(test_repeats_of_a_pair_weigh_on_nobody_else),
        TEST(test_a_pair_weighs_one_at_any_pace),
        TEST(test_pairs_are_told_apart),
        TEST(test_tables_are_bounded_and_the_oldest_goes),
        TEST(test_a_table_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
