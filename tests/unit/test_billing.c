/* The rules of tollgate(1), PLANS AND MONEY, one test a sentence. */
#include "tests/unit/market.h"

#define FREE TG__PLAN_KIND__FREE
#define MONTHLY TG__PLAN_KIND__MONTHLY
#define PREPAID TG__PLAN_KIND__PREPAID

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

/* ---- renewals ---- */

static void monthly(struct market *m, const char *since)
{
    m->now = at(since);
    done(m, buy(m, MONTHLY, 1000));
    done(m, pay(m, m->order));
}

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

/* ---- prepaid ---- */

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

/* ---- up and down ---- */

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

#define market_test(name) cmocka_unit_test_setup_teardown(name, market_begin, market_end)

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
        market_test(test_a_renewal_is_ordered_a_week_before_and_once),
        market_test(test_paying_early_loses_nothing_and_gives_nothing_before_its_time),
        market_test(test_within_grace_the_account_goes_on_then_it_is_in_error),
        market_test(test_paid_after_its_period_a_new_one_begins_at_the_payment),
        market_test(test_a_cancelled_renewal_ends_the_plan_with_what_is_paid),
        market_test(test_a_sweep_that_slept_makes_one_renewal_with_its_full_grace),
        market_test(test_leap_days_keep_the_day_of_the_month),
        market_test(test_what_is_off_sale_is_renewed_at_the_price_of_the_day),
        market_test(test_a_further_package_moves_the_expiry_of_all_that_is_left),
        market_test(test_a_package_after_the_expiry_begins_with_what_it_has),
        market_test(test_one_unpaid_order_of_a_kind_at_a_time),
        market_test(test_money_for_an_overdue_package_is_taken),
        market_test(test_prepaid_messages_are_not_taken_away_by_another_plan),
        market_test(test_prepaid_used_up_goes_free_at_once),
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
        market_test(test_a_removed_account_leaves_no_open_order),
        market_test(test_free_costs_nothing_and_comes_in_one_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
