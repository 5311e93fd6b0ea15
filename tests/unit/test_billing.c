/* The rules of tollgate(1), PLANS AND MONEY, one test a sentence. */
#include "tests/unit/market.h"

/* ---- opening ---- */

static void test_a_paid_plan_begins_when_its_order_is_paid(void **state)
{
    struct market *m = *state;
    done(m, buy(m, MONTHLY, 1000));
    assert_true(m->order > 0);
    assert_string_equal(status_of(m), "waiting");
    assert_false(take(m, 1));
    assert_int_equal(left_of(m), 0);
    m->now += 3 * DAY;
    done(m, pay(m, m->order));
    assert_string_equal(status_of(m), "enabled");
    struct tg_balance b = balance_of(m);
    assert_int_equal(b.left, 1000);
    assert_int_equal(b.period_start, m->now); /* not when it was ordered */
    assert_int_equal(b.period_end, at("2027-02-18T10:00:00Z"));
    assert_true(take(m, 1000));
    assert_false(take(m, 1));
}

static void test_an_order_is_paid_once_however_often_it_is_reported(void **state)
{
    struct market *m = *state;
    bool again;
    done(m, buy(m, PREPAID, 500));
    uint64_t order = m->order;
    done(m, pay_as(m, order, "tx-1", &again));
    assert_false(again);
    assert_int_equal(left_of(m), 500);
    assert_true(take(m, 100));
    for (int i = 0; i < 3; i++) {
        m->now += DAY;
        done(m, pay_as(m, order, "tx-1", &again));
        assert_true(again);
        done(m, pay_as(m, order, NULL, &again));
        assert_true(again);
    }
    assert_int_equal(left_of(m), 400);
    refused(m, pay_as(m, order, "tx-2", NULL), "another payment");
    assert_int_equal(left_of(m), 400);
    assert_int_equal(balance_of(m).expires, at("2028-01-15T10:00:00Z"));
}

static void test_a_token_names_an_order_and_cant_be_guessed(void **state)
{
    struct market *m = *state;
    struct tg_error err;
    done(m, buy(m, MONTHLY, 1000));
    struct tg_view *view = look(m);
    Tg__Order *order, *found;
    assert_ok(tg_order_get(view, m->order, &order, &err));
    assert_true(strlen(order->token) >= 26);
    assert_ok(tg_order_find(view, order->token, &found, &err));
    assert_int_equal(found->id, order->id);
    char *token = strdup(order->token);
    token[strlen(token) - 2] ^= 1;
    assert_int_equal(tg_order_find(view, token, &found, &err), TG_NOT_FOUND);
    assert_int_equal(tg_order_find(view, "1-", &found, &err), TG_NOT_FOUND);
    assert_int_equal(tg_order_find(view, "999-aaaaaaaaaaaaaaaaaaaaaaaaaa", &found, &err), TG_NOT_FOUND);
    assert_int_equal(tg_order_find(view, "x", &found, &err), TG_USAGE);
    assert_int_equal(tg_order_find(view, "", &found, &err), TG_USAGE);
    assert_int_equal(tg_order_find(view, "1 ", &found, &err), TG_USAGE);
    free(token);
    tg_view_end(&view);
}

static enum tg_code no_billing(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct market *m = arg;
    Tg__Customer *c;
    enum tg_code code = tg_customer_get(tg_change_view(change), m->customer, &c, err);
    if (code != TG_OK)
        return code;
    c->billing = NULL;
    return tg_customer_update(change, c, "customer billing", m->now, err);
}

static void test_a_paid_plan_needs_billing_data_and_free_does_not(void **state)
{
    struct market *m = *state;
    done(m, step(m, no_billing));
    refused(m, buy(m, MONTHLY, 1000), "billing data");
    assert_int_equal(count_in(m, TG_DB_ACCOUNTS), 0);
    assert_int_equal(count_in(m, TG_DB_ORDERS), 0);
    done(m, buy(m, FREE, 0));
    assert_int_equal(m->order, 0);
    assert_string_equal(status_of(m), "enabled");
    refused(m, change_plan(m, MONTHLY, 1000), "billing data");
}

static void test_what_is_not_on_sale_or_has_no_such_size_is_refused(void **state)
{
    struct market *m = *state;
    refused(m, buy(m, MONTHLY, 5000), "not on sale");
    refused(m, buy(m, MONTHLY, 1234), "it comes with 1000, 3000");
    assert_int_equal(buy(m, MONTHLY, 0), TG_USAGE);
}

static void test_an_opening_that_is_not_paid_is_an_error_and_paying_mends_it(void **state)
{
    struct market *m = *state;
    done(m, buy(m, MONTHLY, 1000));
    uint64_t order = m->order;
    live_until(m, "2027-01-29T09:00:00Z");
    assert_string_equal(order_status(m, order), "unpaid");
    live_until(m, "2027-01-29T11:00:00Z"); /* grace_days later */
    assert_string_equal(order_status(m, order), "overdue");
    assert_string_equal(status_of(m), "error");
    done(m, pay(m, order));
    assert_string_equal(status_of(m), "enabled");
    assert_int_equal(left_of(m), 1000);
    assert_int_equal(balance_of(m).period_start, m->now);
}

static void test_a_waiting_account_may_choose_again(void **state)
{
    struct market *m = *state;
    done(m, buy(m, MONTHLY, 1000));
    uint64_t first = m->order;
    done(m, change_plan(m, PREPAID, 500));
    assert_string_equal(order_status(m, first), "cancelled");
    refused(m, pay(m, first), "was cancelled");
    done(m, pay(m, m->order));
    assert_int_equal(balance_of(m).expires, at("2028-01-15T10:00:00Z"));
    assert_int_equal(left_of(m), 500);
}

static void test_a_cancelled_opening_leaves_an_account_that_waits_or_goes_free(void **state)
{
    struct market *m = *state;
    done(m, buy(m, MONTHLY, 1000));
    done(m, cancel(m, m->order));
    live_until(m, "2027-04-01T00:00:00Z");
    assert_string_equal(status_of(m), "waiting");
    assert_int_equal(count_in(m, TG_DB_ORDERS), 1);
    done(m, change_plan(m, FREE, 0));
    assert_string_equal(status_of(m), "enabled");
    assert_int_equal(left_of(m), 1000);
}

static void test_cancelled_and_paid_orders_are_not_cancelled(void **state)
{
    struct market *m = *state;
    done(m, buy(m, MONTHLY, 1000));
    uint64_t first = m->order;
    done(m, cancel(m, first));
    refused(m, cancel(m, first), "cancelled already");
    done(m, buy(m, MONTHLY, 1000));
    uint64_t second = m->order;
    done(m, pay(m, second));
    refused(m, cancel(m, second), "paid already");
}

/* ---- free ---- */

static void test_free_is_once_per_customer_at_a_time(void **state)
{
    struct market *m = *state;
    done(m, buy(m, FREE, 0));
    refused(m, buy(m, FREE, 0), "one at a time");
    done(m, change_plan(m, MONTHLY, 1000));
    refused(m, buy(m, FREE, 0), "one at a time"); /* until it is paid */
    done(m, pay(m, m->order));
    done(m, buy(m, FREE, 0));
}

static void test_an_account_that_will_be_free_counts_as_free(void **state)
{
    struct market *m = *state;
    done(m, buy(m, MONTHLY, 1000));
    done(m, pay(m, m->order));
    done(m, change_plan(m, FREE, 0));
    refused(m, buy(m, FREE, 0), "one at a time");
}

static enum tg_code remove_account(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct market *m = arg;
    return tg_account_remove(change, m->user, m->now, err);
}

static void test_a_removed_account_leaves_no_open_order(void **state)
{
    struct market *m = *state;
    done(m, buy(m, MONTHLY, 1000));
    uint64_t order = m->order;
    done(m, step(m, remove_account));
    assert_string_equal(order_status(m, order), "cancelled");
    refused(m, pay(m, order), "was cancelled");
    live_until(m, "2027-03-01T00:00:00Z");
}

/* ---- the catalogue ---- */

static enum tg_code free_of_50(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct market *m = arg;
    Tg__Offer *offer;
    return tg_offer_set(change, FREE, 50, "0", NULL, TG_ON_SALE, m->now, &offer, err);
}

static enum tg_code free_for_money(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct market *m = arg;
    Tg__Offer *offer;
    return tg_offer_set(change, FREE, 70, "1", NULL, TG_ON_SALE, m->now, &offer, err);
}

static enum tg_code monthly_for_nothing(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct market *m = arg;
    Tg__Offer *offer;
    return tg_offer_set(change, MONTHLY, 70, "0.00", NULL, TG_ON_SALE, m->now, &offer, err);
}

static void test_free_costs_nothing_and_comes_in_one_size(void **state)
{
    struct market *m = *state;
    done(m, step(m, free_of_50));
    done(m, buy(m, FREE, 0));
    assert_int_equal(left_of(m), 50);
    assert_int_equal(step(m, free_for_money), TG_USAGE);
    assert_int_equal(step(m, monthly_for_nothing), TG_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        market_test(test_a_paid_plan_begins_when_its_order_is_paid),
        market_test(test_an_order_is_paid_once_however_often_it_is_reported),
        market_test(test_a_token_names_an_order_and_cant_be_guessed),
        market_test(test_a_paid_plan_needs_billing_data_and_free_does_not),
        market_test(test_what_is_not_on_sale_or_has_no_such_size_is_refused),
        market_test(test_an_opening_that_is_not_paid_is_an_error_and_paying_mends_it),
        market_test(test_a_waiting_account_may_choose_again),
        market_test(test_a_cancelled_opening_leaves_an_account_that_waits_or_goes_free),
        market_test(test_cancelled_and_paid_orders_are_not_cancelled),
        market_test(test_free_is_once_per_customer_at_a_time),
        market_test(test_an_account_that_will_be_free_counts_as_free),
        market_test(test_a_removed_account_leaves_no_open_order),
        market_test(test_free_costs_nothing_and_comes_in_one_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
