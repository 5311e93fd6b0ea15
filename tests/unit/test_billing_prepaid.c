/* Prepaid packages: what a further one adds, when all of it expires. */
#include "tests/unit/market.h"

static void prepaid(struct market *m, const char *since)
{
    m->now = at(since);
    done(m, buy(m, PREPAID, 500));
    done(m, pay(m, m->order));
}

static void test_a_further_package_moves_the_expiry_of_all_that_is_left(void **state)
{
    struct market *m = *state;
    prepaid(m, "2028-02-29T10:00:00Z");
    assert_int_equal(balance_of(m).expires, at("2029-02-28T10:00:00Z"));
    assert_true(take(m, 120));
    live_until(m, "2028-03-20T00:00:00Z");
    done(m, topup(m, 2000));
    assert_int_equal(left_of(m), 380); /* not before it is paid */
    m->now = at("2028-03-31T08:00:00Z");
    done(m, pay(m, m->order));
    struct tg_balance b = balance_of(m);
    assert_int_equal(b.left, 2380);
    assert_int_equal(b.expires, at("2029-03-31T08:00:00Z"));
    m->now = at("2029-03-31T07:59:59Z");
    assert_true(take(m, 2380 - 1));
    m->now = at("2029-03-31T08:00:00Z");
    assert_false(take(m, 1));
    struct tg_sweep_result r = sweep(m);
    assert_int_equal(r.count[TG_SWEPT_EXPIRED], 1);
    assert_int_equal(sweep(m).count[TG_SWEPT_EXPIRED], 0);
}

static void test_a_package_after_the_expiry_begins_with_what_it_has(void **state)
{
    struct market *m = *state;
    prepaid(m, "2027-01-15T10:00:00Z");
    m->now = at("2028-06-01T00:00:00Z"); /* no sweep came */
    assert_int_equal(left_of(m), 0);
    done(m, topup(m, 500));
    done(m, pay(m, m->order));
    assert_int_equal(left_of(m), 500);
    assert_int_equal(balance_of(m).expires, at("2029-06-01T00:00:00Z"));
}

static void test_one_unpaid_order_of_a_kind_at_a_time(void **state)
{
    struct market *m = *state;
    prepaid(m, "2027-01-15T10:00:00Z");
    done(m, topup(m, 500));
    uint64_t first = m->order;
    refused(m, topup(m, 500), "waits for its payment");
    live_until(m, "2027-02-01T00:00:00Z");
    assert_string_equal(order_status(m, first), "overdue");
    assert_string_equal(status_of(m), "enabled"); /* who does not buy more owes nothing */
    done(m, topup(m, 2000)); /* takes the place of the overdue one */
    assert_string_equal(order_status(m, first), "cancelled");
}

static void test_money_for_an_overdue_package_is_taken(void **state)
{
    struct market *m = *state;
    prepaid(m, "2027-01-15T10:00:00Z");
    done(m, topup(m, 500));
    uint64_t order = m->order;
    live_until(m, "2027-03-01T00:00:00Z");
    done(m, pay(m, order));
    assert_int_equal(left_of(m), 1000);
}

static void test_prepaid_messages_are_not_taken_away_by_another_plan(void **state)
{
    struct market *m = *state;
    prepaid(m, "2027-01-15T10:00:00Z");
    refused(m, change_plan(m, MONTHLY, 1000), "500 prepaid messages left");
    refused(m, change_plan(m, FREE, 0), "left");
    refused(m, change_plan(m, PREPAID, 2000), "topup");
    assert_true(take(m, 500));
    done(m, change_plan(m, MONTHLY, 1000));
    done(m, pay(m, m->order));
    assert_int_equal(left_of(m), 1000);
    refused(m, topup(m, 500), "only a prepaid one");
}

static void test_prepaid_used_up_goes_free_at_once(void **state)
{
    struct market *m = *state;
    prepaid(m, "2027-01-15T10:00:00Z");
    assert_true(take(m, 500));
    done(m, change_plan(m, FREE, 0));
    assert_int_equal(m->order, 0);
    assert_int_equal(left_of(m), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        market_test(test_a_further_package_moves_the_expiry_of_all_that_is_left),
        market_test(test_a_package_after_the_expiry_begins_with_what_it_has),
        market_test(test_one_unpaid_order_of_a_kind_at_a_time),
        market_test(test_money_for_an_overdue_package_is_taken),
        market_test(test_prepaid_messages_are_not_taken_away_by_another_plan),
        market_test(test_prepaid_used_up_goes_free_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
