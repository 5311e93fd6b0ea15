/* A year of an account, day by day, with everything that can be sent sent: never a message too many or too few, no order
 * twice. The counts are made beside Tollgate's, from the dates alone. */
#include "tests/unit/market.h"

/* Takes up to `wish` one by one; returns how many were taken. */
static uint64_t take_some(struct market *m, uint64_t wish)
{
    uint64_t taken = 0;
    for (uint64_t i = 0; i < wish; i++)
        taken += take(m, 1);
    return taken;
}

/* Renewals, oldest first. */
static size_t renewals(struct market *m, uint64_t *unpaid)
{
    struct tg_error err;
    struct tg_view *view = look(m);
    struct tg_key all = tg_key_all();
    struct tg_walk *walk;
    Tg__Order *o;
    int64_t last = 0;
    size_t count = 0;
    *unpaid = 0;
    assert_ok(tg_walk_begin(view, TG_DB_ORDERS, &all, NULL, TG_FORWARD, &walk, &err));
    while (tg_order_next(view, walk, &o, &err) == TG_OK) {
        if (o->kind != TG__ORDER_KIND__RENEWAL_ORDER)
            continue;
        count++;
        assert_true(o->period_start > last); /* each period once */
        last = o->period_start;
        if (tg_order_is_open(o))
            *unpaid = o->id;
    }
    tg_walk_end(&walk);
    tg_view_end(&view);
    return count;
}

static void test_a_year_of_a_monthly_account(void **state)
{
    struct market *m = *state;
    m->now = at("2027-12-31T10:30:00Z"); /* a leap year, and a day that most months lack */
    done(m, buy(m, TG__PLAN_KIND__MONTHLY, 1000));
    done(m, pay(m, m->order));
    static const char *const starts[] = {
        "2027-12-31T10:30:00Z", "2028-01-31T10:30:00Z", "2028-02-29T10:30:00Z", "2028-03-31T10:30:00Z", "2028-04-30T10:30:00Z",
        "2028-05-31T10:30:00Z", "2028-06-30T10:30:00Z", "2028-07-31T10:30:00Z", "2028-08-31T10:30:00Z", "2028-09-30T10:30:00Z",
        "2028-10-31T10:30:00Z", "2028-11-30T10:30:00Z", "2028-12-31T10:30:00Z",
    };
    uint64_t ever = 0, unpaid;
    int64_t due = 0;
    for (size_t period = 0; period < 12; period++) {
        int64_t begin = at(starts[period]), end = at(starts[period + 1]);
        uint64_t taken = 0;
        bool was_in_error = false;
        /* At noon, at midnight, and in the last second of the period. */
        for (m->now = begin; m->now < end; m->now += 12 * HOUR) {
            sweep(m);
            bool in_error = strcmp(status_of(m), "error") == 0;
            was_in_error = was_in_error || in_error;
            uint64_t some = take_some(m, 23);
            assert_true(!in_error || some == 0);
            assert_true(some == 23 || taken + some == 1000 || in_error); /* never too few */
            taken += some;
            if (renewals(m, &unpaid) > 0 && unpaid != 0) {
                Tg__Order o = order_of(m, unpaid);
                /* In time; on the last day; in May 20 days late; the rest at once. */
                if (o.period_start == begin ? m->now >= o.period_start + (period == 5 ? 20 : 13) * DAY
                                            : period % 3 == 0)
                    done(m, pay(m, unpaid));
                due = o.period_start;
            }
        }
        int64_t last = end - 1;
        m->now = last;
        taken += take_some(m, 2000 - taken);
        assert_int_equal(taken, 1000);
        assert_int_equal(left_of(m), 0);
        assert_int_equal(was_in_error, period == 5);
        ever += taken;
    }
    assert_int_equal(ever, 12000);
    assert_int_equal(due, at(starts[12]));
    assert_int_equal(renewals(m, &unpaid), 12);
    assert_int_equal(count_in(m, TG_DB_ORDERS), 13);
    m->now = at(starts[12]);
    assert_int_equal(left_of(m), 1000);
    must_agree(m);
}

static void test_a_year_and_a_half_of_a_prepaid_account(void **state)
{
    struct market *m = *state;
    m->now = at("2028-02-29T10:30:00Z");
    done(m, buy(m, TG__PLAN_KIND__PREPAID, 2000));
    done(m, pay(m, m->order));
    uint64_t bought = 2000, taken = 0;
    int64_t expires = at("2029-02-28T10:30:00Z");
    for (; m->now < at("2028-12-01T00:00:00Z"); m->now += DAY) {
        sweep(m);
        uint64_t some = take_some(m, 9);
        taken += some;
        assert_true(some == 9 || taken == bought);
        assert_int_equal(left_of(m), bought - taken);
        assert_int_equal(balance_of(m).expires, expires);
        if (m->now == at("2028-06-30T10:30:00Z") || m->now == at("2028-11-05T10:30:00Z")) {
            done(m, topup(m, 500));
            done(m, pay(m, m->order));
            bought += 500;
            expires = at(m->now == at("2028-06-30T10:30:00Z") ? "2029-06-30T10:30:00Z" : "2029-11-05T10:30:00Z");
        }
    }
    assert_true(taken > 2000 && taken < bought);
    for (m->now = at("2028-12-01T00:00:00Z"); m->now < expires; m->now += DAY)
        sweep(m);
    m->now = expires - 1;
    assert_int_equal(left_of(m), bought - taken);
    assert_true(take(m, 1));
    m->now = expires;
    assert_int_equal(left_of(m), 0);
    assert_int_equal(take_some(m, 5), 0);
    assert_int_equal(sweep(m).count[TG_SWEPT_EXPIRED], 1);
    assert_int_equal(count_in(m, TG_DB_ORDERS), 3);
    assert_string_equal(status_of(m), "enabled");
}

#define market_test(name) cmocka_unit_test_setup_teardown(name, market_begin, market_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        market_test(test_a_year_of_a_monthly_account),
        market_test(test_a_year_and_a_half_of_a_prepaid_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
