/* Monthly plans from period to period: ordered a week before, paid early, late or never. */
#include "tests/unit/market.h"

static void test_a_renewal_is_ordered_a_week_before_and_once(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    live_until(m, "2027-02-21T09:00:00Z");
    assert_int_equal(count_in(m, TG_DB_ORDERS), 1);
    live_until(m, "2027-02-21T10:00:00Z"); /* the period ends on 28 February */
    assert_int_equal(count_in(m, TG_DB_ORDERS), 2);
    live_until(m, "2027-03-10T00:00:00Z");
    assert_int_equal(count_in(m, TG_DB_ORDERS), 2);
    Tg__Order o = order_of(m, 2);
    assert_int_equal(o.kind, TG__ORDER_KIND__RENEWAL_ORDER);
    assert_int_equal(o.period_start, at("2027-02-28T10:00:00Z"));
    assert_int_equal(o.due_at, at("2027-03-14T10:00:00Z"));
    assert_int_equal(o.amount_minor, 490);
}

static void test_paying_early_loses_nothing_and_gives_nothing_before_its_time(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    live_until(m, "2027-02-22T00:00:00Z");
    assert_true(take(m, 990));
    done(m, pay(m, 2));
    assert_int_equal(left_of(m), 10);
    assert_int_equal(balance_of(m).period_end, at("2027-02-28T10:00:00Z"));
    m->now = at("2027-02-28T09:59:59Z");
    assert_int_equal(left_of(m), 10);
    m->now = at("2027-02-28T10:00:00Z");
    assert_int_equal(left_of(m), 1000);
    assert_int_equal(account_of(m).paid_until, at("2027-03-31T10:00:00Z")); /* the 31st again */
}

static void test_within_grace_the_account_goes_on_then_it_is_in_error(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    live_until(m, "2027-03-14T09:00:00Z");
    assert_string_equal(status_of(m), "enabled");
    assert_true(take(m, 5));
    live_until(m, "2027-03-14T11:00:00Z");
    assert_string_equal(status_of(m), "error");
    assert_string_equal(order_status(m, 2), "overdue");
    assert_false(take(m, 1));
    /* Paid late, it pays its own period: nothing begins anew. */
    m->now = at("2027-03-20T00:00:00Z");
    done(m, pay(m, 2));
    assert_string_equal(status_of(m), "enabled");
    assert_int_equal(left_of(m), 995);
    assert_int_equal(balance_of(m).period_end, at("2027-03-31T10:00:00Z"));
}

static void test_paid_after_its_period_a_new_one_begins_at_the_payment(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    live_until(m, "2027-08-05T12:00:00Z"); /* in error since March */
    assert_int_equal(count_in(m, TG_DB_ORDERS), 2); /* arrears don't pile up */
    done(m, pay(m, 2));
    assert_string_equal(status_of(m), "enabled");
    assert_int_equal(left_of(m), 1000);
    assert_int_equal(balance_of(m).period_start, at("2027-08-05T12:00:00Z"));
    live_until(m, "2027-08-30T00:00:00Z");
    assert_int_equal(count_in(m, TG_DB_ORDERS), 3);
    assert_int_equal(order_of(m, 3).period_start, at("2027-09-05T12:00:00Z"));
}

static void test_a_cancelled_renewal_ends_the_plan_with_what_is_paid(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    live_until(m, "2027-02-22T00:00:00Z");
    done(m, cancel(m, 2));
    live_until(m, "2027-02-28T09:00:00Z");
    assert_string_equal(status_of(m), "enabled");
    live_until(m, "2027-02-28T11:00:00Z");
    assert_string_equal(status_of(m), "error");
    live_until(m, "2027-04-01T00:00:00Z");
    assert_int_equal(count_in(m, TG_DB_ORDERS), 2); /* not made again */
    done(m, change_plan(m, MONTHLY, 1000)); /* but the customer may come back */
    done(m, pay(m, m->order));
    assert_string_equal(status_of(m), "enabled");
    assert_int_equal(left_of(m), 1000);
}

static void test_a_sweep_that_slept_makes_one_renewal_with_its_full_grace(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    m->now = at("2027-05-10T00:00:00Z");
    struct tg_sweep_result r = sweep(m);
    assert_int_equal(r.count[TG_SWEPT_RENEWALS], 1);
    assert_string_equal(status_of(m), "enabled");
    assert_int_equal(order_of(m, 2).due_at, at("2027-05-24T00:00:00Z"));
    assert_int_equal(sweep(m).count[TG_SWEPT_RENEWALS], 0);
}

static void test_leap_days_keep_the_day_of_the_month(void **state)
{
    struct market *m = *state;
    monthly(m, "2028-01-30T10:00:00Z");
    assert_int_equal(account_of(m).paid_until, at("2028-02-29T10:00:00Z"));
    live_until(m, "2028-02-23T00:00:00Z");
    done(m, pay(m, 2));
    assert_int_equal(account_of(m).paid_until, at("2028-03-30T10:00:00Z"));
}

static enum tg_code off_sale_and_dearer(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct market *m = arg;
    Tg__Offer *offer;
    return tg_offer_set(change, MONTHLY, 1000, "5.90", "EUR", TG_OFF_SALE, m->now, &offer, err);
}

static void test_what_is_off_sale_is_renewed_at_the_price_of_the_day(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    done(m, step(m, off_sale_and_dearer));
    live_until(m, "2027-02-22T00:00:00Z");
    assert_int_equal(order_of(m, 2).amount_minor, 590);
    refused(m, buy(m, MONTHLY, 1000), "not on sale");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        market_test(test_a_renewal_is_ordered_a_week_before_and_once),
        market_test(test_paying_early_loses_nothing_and_gives_nothing_before_its_time),
        market_test(test_within_grace_the_account_goes_on_then_it_is_in_error),
        market_test(test_paid_after_its_period_a_new_one_begins_at_the_payment),
        market_test(test_a_cancelled_renewal_ends_the_plan_with_what_is_paid),
        market_test(test_a_sweep_that_slept_makes_one_renewal_with_its_full_grace),
        market_test(test_leap_days_keep_the_day_of_the_month),
        market_test(test_what_is_off_sale_is_renewed_at_the_price_of_the_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
