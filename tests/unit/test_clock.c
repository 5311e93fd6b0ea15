/* A clock that was ahead and was set back: what each account has then. */
#include "tests/unit/market.h"
#include <time.h>
#include "schema/clock.h"
#include "schema/now.h"
#include "schema/token.h"

#define MONTHLY TG__PLAN_KIND__MONTHLY
#define PREPAID TG__PLAN_KIND__PREPAID

/* now.c's, in its place: of how long something takes the test decides. */
static int64_t ticks_ms, ticks_step_ms;

int64_t tg_ticks_ms(void)
{
    return ticks_ms += ticks_step_ms;
}

uint64_t tg_ticks_ns(void)
{
    return (uint64_t)tg_ticks_ms() * 1000000;
}

int64_t tg_now(void)
{
    return time(NULL);
}

int64_t tg_now_us(void)
{
    return tg_now() * 1000000;
}

static void keep_event(void *arg, const struct tg_sweep_event *event)
{
    if (event->problem)
        fail_msg("%s: %s", event->subject, event->detail);
    if (arg != NULL)
        snprintf(arg, 300, "%s", event->detail);
}

/* How many accounts came back. */
static uint64_t set_back(struct market *m, bool dry_run, char *told)
{
    struct tg_sweep_options options = { .dry_run = dry_run, .event = keep_event, .arg = told };
    uint64_t accounts, problems;
    done(m, tg_clock_set_back(m->store, &m->settings, m->now, &options, &accounts, &problems, &m->err));
    assert_int_equal(problems, 0);
    must_agree(m);
    return accounts;
}

static int64_t latest_in(struct market *m)
{
    struct tg_view *view = look(m);
    int64_t latest;
    done(m, tg_clock_latest(view, 100, &latest, &m->err));
    tg_view_end(&view);
    return latest;
}

static void test_a_period_comes_back_with_all_that_was_used(void **state)
{
    struct market *m = *state;
    char told[300];
    monthly(m, "2027-01-31T10:00:00Z");
    m->now = at("2027-02-10T10:00:00Z");
    assert_true(take(m, 300));
    m->now = at("2028-02-10T10:00:00Z");
    assert_true(take(m, 200));
    m->now = at("2027-02-10T11:00:00Z");
    assert_true(take(m, 50));
    /* What the administrator sees: a period of next year. */
    assert_int_equal(balance_of(m).period_start, at("2028-01-31T10:00:00Z"));
    assert_int_equal(latest_in(m), at("2028-02-10T10:00:00Z"));

    assert_int_equal(set_back(m, true, told), 1);
    assert_int_equal(balance_of(m).period_start, at("2028-01-31T10:00:00Z"));
    assert_int_equal(set_back(m, false, told), 1);
    assert_string_equal(told, "enabled, period from 2027-01-31, 550 used, 450 left; was: enabled, period from 2028-01-31, 250 used, 750 left");
    assert_int_equal(balance_of(m).period_start, at("2027-01-31T10:00:00Z"));
    assert_int_equal(balance_of(m).used, 550);
    assert_true(latest_in(m) <= m->now);
    assert_int_equal(set_back(m, false, NULL), 0);
    assert_false(take(m, 451));
    assert_true(take(m, 450));
    assert_false(take(m, 1));
    m->now = at("2027-02-28T10:00:00Z");
    assert_int_equal(left_of(m), 1000);
    assert_true(take(m, 1));
    must_agree(m);
    /* A second jump is seen again, the events of the first are not held against the clock. */
    m->now = at("2027-06-01T10:00:00Z");
    assert_true(take(m, 1));
    m->now = at("2027-03-01T10:00:00Z");
    assert_int_equal(latest_in(m), at("2027-06-01T10:00:00Z"));
    assert_int_equal(set_back(m, false, NULL), 1);
    assert_int_equal(balance_of(m).used, 2);
    assert_int_equal(balance_of(m).period_start, at("2027-02-28T10:00:00Z"));
}

static void test_messages_that_came_along_with_a_plan_are_not_lost(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    m->now = at("2027-02-10T10:00:00Z");
    assert_true(take(m, 300));
    done(m, change_plan(m, MONTHLY, 3000));
    done(m, pay(m, m->order));
    assert_int_equal(left_of(m), 3700);
    m->now = at("2028-02-15T10:00:00Z");
    assert_true(take(m, 100));
    m->now = at("2027-02-11T10:00:00Z");
    assert_int_equal(set_back(m, false, NULL), 1);
    assert_int_equal(left_of(m), 3600);
    assert_int_equal(balance_of(m).period_start, at("2027-02-10T10:00:00Z"));
}

static void test_set_back_months_later_what_was_used_since_counts(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    m->now = at("2027-02-10T10:00:00Z");
    assert_true(take(m, 300));
    m->now = at("2028-02-10T10:00:00Z");
    assert_true(take(m, 200));
    for (const char *const *when = (const char *const[]){ "2027-02-12T10:00:00Z", "2027-03-20T10:00:00Z", "2027-04-02T10:00:00Z", NULL };
         *when != NULL; when++) {
        m->now = at(*when);
        assert_true(take(m, 100));
    }
    assert_int_equal(set_back(m, false, NULL), 1);
    assert_int_equal(balance_of(m).period_start, at("2027-03-31T10:00:00Z"));
    assert_int_equal(balance_of(m).used, 500);
    assert_int_equal(left_of(m), 500);
}

static void test_orders_and_errors_of_that_time_come_back(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    m->now = at("2027-02-10T10:00:00Z");
    sweep(m);
    m->now = at("2028-02-10T10:00:00Z");
    sweep(m); /* orders the renewal */
    m->now = at("2028-03-10T10:00:00Z");
    sweep(m); /* and has no money for it */
    m->now = at("2027-02-10T11:00:00Z");
    sweep(m);
    assert_string_equal(status_of(m), "error");
    assert_int_equal(set_back(m, false, NULL), 1);
    assert_string_equal(status_of(m), "enabled");
    assert_string_equal(order_status(m, 2), "unpaid");
    assert_int_equal(order_of(m, 2).created_at, m->now);
    assert_int_equal(order_of(m, 2).due_at, at("2027-03-14T10:00:00Z"));
    assert_true(take(m, 1));
    assert_int_equal(set_back(m, false, NULL), 0);
    /* From here on as ever: once, and overdue when it is. */
    live_until(m, "2027-03-14T09:00:00Z");
    assert_int_equal(count_in(m, TG_DB_ORDERS), 2);
    assert_string_equal(status_of(m), "enabled");
    live_until(m, "2027-03-14T11:00:00Z");
    assert_string_equal(status_of(m), "error");
}

static void test_an_order_from_before_is_due_as_it_was(void **state)
{
    struct market *m = *state;
    m->now = at("2027-01-31T10:00:00Z");
    done(m, buy(m, MONTHLY, 1000));
    m->now = at("2028-01-31T10:00:00Z");
    sweep(m);
    assert_string_equal(status_of(m), "error");
    m->now = at("2027-02-01T10:00:00Z");
    assert_int_equal(set_back(m, false, NULL), 1);
    assert_string_equal(status_of(m), "waiting");
    assert_int_equal(order_of(m, 1).due_at, at("2027-02-14T10:00:00Z"));
    done(m, pay(m, 1));
    assert_string_equal(status_of(m), "enabled");
    assert_int_equal(balance_of(m).period_start, m->now);
}

static void test_an_account_that_is_in_error_by_right_stays_so(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    live_until(m, "2027-03-20T00:00:00Z");
    assert_string_equal(status_of(m), "error");
    m->now = at("2028-03-20T00:00:00Z");
    done(m, tg_store_change(m->store, open_catalogue, m, &m->err)); /* an audit line of then */
    m->now = at("2027-03-20T01:00:00Z");
    assert_int_equal(set_back(m, false, NULL), 0);
    assert_string_equal(status_of(m), "error");
    assert_true(latest_in(m) <= m->now);
}

static void test_a_package_that_only_the_clock_made_expire_is_back(void **state)
{
    struct market *m = *state;
    m->now = at("2027-01-31T10:00:00Z");
    done(m, buy(m, PREPAID, 500));
    done(m, pay(m, m->order));
    assert_true(take(m, 100));
    m->now = at("2028-06-01T10:00:00Z");
    sweep(m);
    m->now = at("2027-02-10T10:00:00Z");
    assert_int_equal(left_of(m), 0);
    assert_int_equal(set_back(m, false, NULL), 1);
    assert_int_equal(left_of(m), 400);
    assert_int_equal(balance_of(m).expires, at("2028-01-31T10:00:00Z"));
    assert_int_equal(set_back(m, false, NULL), 0);
    m->now = at("2028-02-01T00:00:00Z");
    sweep(m);
    assert_int_equal(left_of(m), 0);
}

static void test_a_package_bought_in_that_time_is_valid_for_twelve_months(void **state)
{
    struct market *m = *state;
    m->now = at("2027-01-31T10:00:00Z");
    done(m, buy(m, PREPAID, 500));
    done(m, pay(m, m->order));
    m->now = at("2027-11-30T10:00:00Z");
    done(m, topup(m, 2000));
    done(m, pay(m, m->order));
    m->now = at("2027-02-10T10:00:00Z");
    assert_int_equal(set_back(m, false, NULL), 1);
    assert_int_equal(left_of(m), 2500);
    assert_int_equal(balance_of(m).expires, at("2028-02-10T10:00:00Z"));
}

static void test_a_plan_that_was_begun_in_that_time_begins_now(void **state)
{
    struct market *m = *state;
    monthly(m, "2028-05-31T10:00:00Z");
    assert_true(take(m, 10));
    live_until(m, "2028-06-26T10:00:00Z");
    assert_int_equal(order_of(m, 2).period_start, at("2028-06-30T10:00:00Z"));
    m->now = at("2027-02-10T10:00:00Z");
    assert_int_equal(set_back(m, false, NULL), 1);
    assert_int_equal(balance_of(m).period_start, m->now);
    assert_int_equal(balance_of(m).period_end, at("2027-03-10T10:00:00Z"));
    assert_int_equal(left_of(m), 990);
    assert_int_equal(account_of(m).created_at, m->now);
    assert_int_equal(account_of(m).paid_until, at("2027-03-10T10:00:00Z"));
    assert_int_equal(order_of(m, 2).period_start, at("2027-03-10T10:00:00Z"));
    assert_int_equal(order_of(m, 2).due_at, at("2027-03-24T10:00:00Z"));
    assert_int_equal(set_back(m, false, NULL), 0);
    live_until(m, "2027-03-11T10:00:00Z");
    assert_int_equal(count_in(m, TG_DB_ORDERS), 2);
    done(m, pay(m, 2));
    assert_int_equal(account_of(m).paid_until, at("2027-04-10T10:00:00Z"));
}

static enum tg_code cap_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct market *m = arg;
    Tg__Account *account;
    enum tg_code code = tg_account_get(tg_change_view(change), m->id, &account, err);
    if (code != TG_OK)
        return code;
    account->max_per_hour = 20;
    return tg_account_update(change, account, m->now, err);
}

/* Months of it were no more than it has from now on. */
static void test_a_plan_that_was_begun_in_that_time_has_less_all_that_was_used_of_it(void **state)
{
    struct market *m = *state;
    monthly(m, "2028-01-31T10:00:00Z");
    assert_true(take(m, 200));
    m->now = at("2028-03-02T10:00:00Z");
    assert_true(take(m, 50));
    m->now = at("2028-03-03T10:00:00Z");
    assert_true(take(m, 25));
    m->now = at("2027-02-11T10:00:00Z");
    assert_int_equal(set_back(m, false, NULL), 1);
    assert_int_equal(balance_of(m).period_start, m->now);
    assert_int_equal(balance_of(m).used, 275);
    assert_int_equal(left_of(m), 725);
    assert_int_equal(set_back(m, false, NULL), 0);
}

static void test_what_came_along_with_a_plan_of_that_time_is_there(void **state)
{
    struct market *m = *state;
    monthly(m, "2028-01-31T10:00:00Z");
    assert_true(take(m, 300));
    m->now = at("2028-02-10T10:00:00Z");
    done(m, change_plan(m, MONTHLY, 3000));
    done(m, pay(m, m->order));
    assert_int_equal(left_of(m), 3700);
    assert_true(take(m, 100));
    m->now = at("2028-03-20T10:00:00Z");
    assert_true(take(m, 50));
    m->now = at("2027-02-11T10:00:00Z");
    assert_int_equal(set_back(m, false, NULL), 1);
    assert_int_equal(left_of(m), 3550);
    assert_int_equal(balance_of(m).used, 150);
    assert_int_equal(set_back(m, false, NULL), 0);
}

static void test_limits_by_the_hour_hold_for_an_hour_and_not_for_a_year(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    done(m, step(m, cap_fn));
    m->now = at("2028-02-10T10:00:00Z");
    assert_true(take(m, 20));
    m->now = at("2027-02-10T10:00:00Z");
    assert_false(take(m, 1));
    m->now = at("2027-02-11T10:00:00Z");
    assert_false(take(m, 1));
    assert_int_equal(set_back(m, false, NULL), 1);
    assert_false(take(m, 1));
    m->now += HOUR + 300;
    assert_true(take(m, 20));
    assert_false(take(m, 1));
}

static enum tg_code password_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct market *m = arg;
    Tg__Account *account;
    struct tg_secret password;
    int64_t until;
    return tg_account_password(change, m->user, 7 * DAY, m->now, &account, &password, &until, err);
}

static void test_an_old_password_does_not_live_until_that_time(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    m->now = at("2028-02-10T10:00:00Z");
    done(m, step(m, password_fn));
    m->now = at("2027-02-10T10:00:00Z");
    assert_int_equal(set_back(m, false, NULL), 1);
    struct tg_view *view = look(m);
    Tg__Account *account;
    done(m, tg_account_get(view, m->id, &account, &m->err));
    assert_int_equal(account->old_credential->expires_at, at("2027-02-17T10:00:00Z"));
    tg_view_end(&view);
    assert_int_equal(set_back(m, false, NULL), 0);
}

static enum tg_code newest_key(struct tg_change *change, void *arg, struct tg_error *err)
{
    uint32_t number;
    return tg_seal_keys_newest(tg_change_view(change), &number, arg, err);
}

static void test_keys_are_made_every_month_again(void **state)
{
    struct market *m = *state;
    int64_t made;
    m->now = at("2037-01-31T10:00:00Z");
    sweep(m);
    m->now = at("2027-02-10T10:00:00Z");
    set_back(m, false, NULL);
    done(m, tg_store_change(m->store, newest_key, &made, &m->err));
    assert_int_equal(made, m->now);
}

/* ---- whatever happens ---- */

static uint32_t random_state;

static uint32_t any(uint32_t n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

/* A free account, whose messages are counted here too, by a clock that is right: within a period never more than a thousand beside
 * those of one jump, and after each set back exactly what is left of the thousand. */
static void test_no_message_is_gained_whatever_the_clock_did(void **state)
{
    struct market *m = *state;
    m->now = at("2027-01-31T10:00:00Z");
    done(m, buy(m, TG__PLAN_KIND__FREE, 0));
    const int64_t since = account_of(m).plan_since;
    int64_t right = m->now, period = since;
    uint64_t used = 0; /* in the right period, or since the clock ran ahead */
    int times = 0;
    random_state = 7;
    for (int i = 0; i < 600; i++) {
        bool ahead = m->now != right;
        right += any(4) * DAY + any(DAY);
        if (!ahead && any(8) == 0)
            m->now = right + any(500) * DAY;
        else if (!ahead)
            m->now = right;
        else if (any(3) == 0)
            m->now += any(DAY);
        if (!ahead && tg_period_start(since, right) != period) {
            period = tg_period_start(since, right);
            used = 0;
        }
        uint64_t n = 1 + any(400);
        used += take(m, n) ? n : 0;
        if (any(4) == 0)
            sweep(m);
        if (ahead && any(4) == 0) {
            bool same = tg_period_start(since, right) == period;
            m->now = right;
            set_back(m, false, NULL);
            assert_int_equal(set_back(m, false, NULL), 0);
            assert_true(left_of(m) <= 1000);
            if (same)
                assert_int_equal(left_of(m), used < 1000 ? 1000 - used : 0);
            period = tg_period_start(since, right);
            used = 1000 - left_of(m);
            times++;
        }
        must_agree(m);
    }
    assert_true(times > 20);
}

/* Of a million accounts the last comes minutes after the first, and the service goes on meanwhile. */
static void test_what_is_sent_while_accounts_are_set_back_is_not_ahead(void **state)
{
    struct market *m = *state;
    monthly(m, "2027-01-31T10:00:00Z");
    m->now = at("2027-02-10T10:05:00Z");
    assert_true(take(m, 100));
    m->now = at("2027-02-10T10:00:00Z");
    ticks_step_ms = 300000;
    assert_int_equal(set_back(m, true, NULL), 0);
    ticks_step_ms = 0;
    assert_int_equal(set_back(m, true, NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_period_comes_back_with_all_that_was_used, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_messages_that_came_along_with_a_plan_are_not_lost, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_set_back_months_later_what_was_used_since_counts, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_orders_and_errors_of_that_time_come_back, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_an_order_from_before_is_due_as_it_was, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_an_account_that_is_in_error_by_right_stays_so, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_a_package_that_only_the_clock_made_expire_is_back, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_a_package_bought_in_that_time_is_valid_for_twelve_months, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_a_plan_that_was_begun_in_that_time_begins_now, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_a_plan_that_was_begun_in_that_time_has_less_all_that_was_used_of_it, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_what_came_along_with_a_plan_of_that_time_is_there, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_limits_by_the_hour_hold_for_an_hour_and_not_for_a_year, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_an_old_password_does_not_live_until_that_time, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_keys_are_made_every_month_again, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_what_is_sent_while_accounts_are_set_back_is_not_ahead, market_begin, market_end),
        cmocka_unit_test_setup_teardown(test_no_message_is_gained_whatever_the_clock_did, market_begin, market_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
