/* From one plan to another: up at payment, down at the end of what is paid. */
#include "tests/unit/market.h"

static void test_up_comes_at_payment_and_what_was_paid_goes_along(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    assert_true(take(m, 400));
    live_until(m, "2027-02-10T00:00:00Z");
    done(m, change_plan(m, MONTHLY, 3000));
    uint64_t order = m->order;
    assert_int_equal(left_of(m), 600);
    refused(m, change_plan(m, MONTHLY, 3000), "waits for its payment");
    m->now = at("2027-02-11T12:00:00Z");
    done(m, pay(m, order));
    struct tg_balance b = balance_of(m);
    assert_int_equal(b.left, 3600);
    assert_int_equal(b.period_start, m->now);
    assert_int_equal(account_of(m).paid_until, at("2027-03-11T12:00:00Z"));
    m->now = at("2027-03-11T12:00:00Z"); /* the rest is of the first period only */
    assert_int_equal(left_of(m), 3000);
}

static void test_up_with_the_next_period_paid_ahead_keeps_it(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    live_until(m, "2027-02-22T00:00:00Z");
    done(m, pay(m, 2)); /* March */
    done(m, change_plan(m, MONTHLY, 3000));
    done(m, pay(m, m->order));
    assert_int_equal(left_of(m), 1000 + 1000 + 3000);
}

static void test_up_cancels_the_renewal_of_the_old_plan(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    live_until(m, "2027-02-22T00:00:00Z");
    done(m, change_plan(m, MONTHLY, 3000));
    done(m, pay(m, m->order));
    assert_string_equal(order_status(m, 2), "cancelled");
    live_until(m, "2027-03-14T00:00:00Z");
    assert_int_equal(count_in(m, TG_DB_ORDERS), 3); /* nothing is due before 22 March less a week */
}

static void test_up_from_an_unpaid_period_takes_nothing_along(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    live_until(m, "2027-03-05T00:00:00Z"); /* in grace */
    assert_int_equal(left_of(m), 1000);
    done(m, change_plan(m, MONTHLY, 3000));
    done(m, pay(m, m->order));
    assert_int_equal(left_of(m), 3000);
}

static void test_free_goes_up_and_its_rest_is_not_taken_along(void **state)
{
    struct market *m = *state;
    done(m, buy(m, FREE, 0));
    done(m, change_plan(m, MONTHLY, 3000));
    assert_int_equal(left_of(m), 1000);
    live_until(m, "2027-02-20T00:00:00Z"); /* who does not buy stays as he is */
    assert_string_equal(status_of(m), "enabled");
    done(m, pay(m, 1));
    assert_int_equal(left_of(m), 3000);
}

static void test_monthly_goes_to_prepaid_with_what_was_paid(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    assert_true(take(m, 1));
    done(m, change_plan(m, PREPAID, 500));
    done(m, pay(m, m->order));
    assert_int_equal(left_of(m), 999 + 500);
    live_until(m, "2027-06-01T00:00:00Z");
    assert_int_equal(count_in(m, TG_DB_ORDERS), 2);
    assert_int_equal(left_of(m), 999 + 500);
}

static void test_down_comes_at_the_end_of_what_is_paid_to_the_second(void **state)
{
    struct market *m = *state;
    m->now = at("2027-01-31T10:00:00Z");
    done(m, buy(m, MONTHLY, 3000));
    done(m, pay(m, m->order));
    done(m, change_plan(m, MONTHLY, 1000));
    assert_int_equal(m->order, 0);
    assert_int_equal(account_of(m).next_at, at("2027-02-28T10:00:00Z"));
    live_until(m, "2027-02-22T00:00:00Z");
    assert_int_equal(order_of(m, 2).messages, 1000); /* the renewal is of the plan that will be */
    done(m, pay(m, 2));
    m->now = at("2027-02-28T09:59:59Z");
    assert_true(take(m, 2900));
    assert_int_equal(left_of(m), 100);
    m->now++; /* no sweep in between */
    assert_int_equal(left_of(m), 1000);
    assert_true(take(m, 1000));
    assert_false(take(m, 1));
    must_agree(m);
    assert_int_equal(sweep(m).count[TG_SWEPT_PLANS], 1);
    Tg__Account a = account_of(m);
    assert_int_equal(a.plan_messages, 1000);
    assert_int_equal(a.next_at, 0);
    assert_int_equal(left_of(m), 0);
}

static void test_down_with_a_renewal_open_replaces_it(void **state)
{
    struct market *m = *state;
    m->now = at("2027-01-31T10:00:00Z");
    done(m, buy(m, MONTHLY, 3000));
    done(m, pay(m, m->order));
    live_until(m, "2027-02-22T00:00:00Z");
    done(m, change_plan(m, MONTHLY, 1000));
    assert_string_equal(order_status(m, 2), "cancelled");
    assert_int_equal(order_of(m, 3).messages, 1000);
    assert_int_equal(order_of(m, 3).period_start, at("2027-02-28T10:00:00Z"));
    /* The present plan again takes it back, and bills as before. */
    done(m, change_plan(m, MONTHLY, 3000));
    assert_string_equal(order_status(m, 3), "cancelled");
    assert_int_equal(order_of(m, 4).messages, 3000);
    assert_int_equal(account_of(m).next_at, 0);
    refused(m, change_plan(m, MONTHLY, 3000), "already");
}

static void test_down_after_the_next_period_is_paid_comes_after_it(void **state)
{
    struct market *m = *state;
    m->now = at("2027-01-31T10:00:00Z");
    done(m, buy(m, MONTHLY, 3000));
    done(m, pay(m, m->order));
    live_until(m, "2027-02-22T00:00:00Z");
    done(m, pay(m, 2));
    done(m, change_plan(m, FREE, 0));
    assert_int_equal(account_of(m).next_at, at("2027-03-31T10:00:00Z"));
    live_until(m, "2027-03-31T09:00:00Z");
    assert_int_equal(left_of(m), 3000);
    live_until(m, "2027-03-31T11:00:00Z");
    assert_int_equal(left_of(m), 1000);
    assert_int_equal(account_of(m).plan, FREE);
    live_until(m, "2027-06-01T00:00:00Z");
    assert_int_equal(count_in(m, TG_DB_ORDERS), 2); /* free is not billed */
    assert_string_equal(status_of(m), "enabled");
}

static void test_down_is_refused_while_the_running_period_is_owed(void **state)
{
    struct market *m = *state;
    m->now = at("2027-01-31T10:00:00Z");
    done(m, buy(m, MONTHLY, 3000));
    done(m, pay(m, m->order));
    live_until(m, "2027-03-05T00:00:00Z");
    refused(m, change_plan(m, MONTHLY, 1000), "unpaid renewal");
    refused(m, change_plan(m, FREE, 0), "unpaid renewal");
}

/* Down to a smaller plan whose first period is paid: its price bought that, and nothing larger. */
static void test_what_is_paid_for_the_smaller_plan_buys_no_period_of_the_larger(void **state)
{
    struct market *m = *state;
    m->now = at("2027-01-31T10:00:00Z");
    done(m, buy(m, MONTHLY, 3000));
    done(m, pay(m, m->order));
    done(m, change_plan(m, MONTHLY, 1000));
    live_until(m, "2027-02-22T00:00:00Z");
    assert_int_equal(order_of(m, 2).messages, 1000);
    done(m, pay(m, 2));
    refused(m, change_plan(m, MONTHLY, 3000), "is paid already");
    refused(m, change_plan(m, FREE, 0), "is paid already");
    assert_int_equal(account_of(m).next_at, at("2027-02-28T10:00:00Z"));
    m->now = at("2027-02-28T10:10:00Z"); /* no sweep since */
    assert_int_equal(left_of(m), 1000);
    done(m, change_plan(m, FREE, 0));
    assert_int_equal(account_of(m).plan_messages, 1000);
    assert_int_equal(account_of(m).next_at, at("2027-03-31T10:00:00Z"));
}

static void test_up_takes_along_the_smaller_period_that_was_paid_ahead(void **state)
{
    struct market *m = *state;
    m->now = at("2027-01-31T10:00:00Z");
    done(m, buy(m, MONTHLY, 3000));
    done(m, pay(m, m->order));
    done(m, change_plan(m, MONTHLY, 1000));
    live_until(m, "2027-02-22T00:00:00Z");
    done(m, pay(m, 2));
    done(m, change_plan(m, PREPAID, 500));
    done(m, pay(m, m->order));
    assert_int_equal(left_of(m), 3000 + 1000 + 500);
}

static void test_back_from_a_free_plan_that_was_coming_is_billed_as_before(void **state)
{
    struct market *m = *state;
    m->now = at("2027-01-31T10:00:00Z");
    done(m, buy(m, MONTHLY, 3000));
    done(m, pay(m, m->order));
    live_until(m, "2027-02-22T00:00:00Z");
    done(m, change_plan(m, FREE, 0));
    assert_string_equal(order_status(m, 2), "cancelled");
    done(m, change_plan(m, MONTHLY, 3000));
    live_until(m, "2027-02-23T00:00:00Z");
    assert_int_equal(count_in(m, TG_DB_ORDERS), 3);
    assert_int_equal(order_of(m, 3).messages, 3000);
    assert_int_equal(order_of(m, 3).period_start, at("2027-02-28T10:00:00Z"));
    live_until(m, "2027-03-01T00:00:00Z");
    assert_string_equal(status_of(m), "enabled");
    done(m, pay(m, 3));
    assert_int_equal(account_of(m).paid_until, at("2027-03-31T10:00:00Z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        market_test(test_up_comes_at_payment_and_what_was_paid_goes_along),
        market_test(test_up_with_the_next_period_paid_ahead_keeps_it),
        market_test(test_up_cancels_the_renewal_of_the_old_plan),
        market_test(test_up_from_an_unpaid_period_takes_nothing_along),
        market_test(test_free_goes_up_and_its_rest_is_not_taken_along),
        market_test(test_monthly_goes_to_prepaid_with_what_was_paid),
        market_test(test_down_comes_at_the_end_of_what_is_paid_to_the_second),
        market_test(test_down_with_a_renewal_open_replaces_it),
        market_test(test_down_after_the_next_period_is_paid_comes_after_it),
        market_test(test_down_is_refused_while_the_running_period_is_owed),
        market_test(test_what_is_paid_for_the_smaller_plan_buys_no_period_of_the_larger),
        market_test(test_up_takes_along_the_smaller_period_that_was_paid_ahead),
        market_test(test_back_from_a_free_plan_that_was_coming_is_billed_as_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
