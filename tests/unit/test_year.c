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

/* ---- anything at any time ---- */

static uint32_t random_state;

static uint32_t any(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % n;
}

static enum tg_code credit_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct market *m = arg;
    return tg_account_credit(change, m->user, 1 + any(50), "test", m->now, err);
}

/* One order in four is not there, is paid or is cancelled. */
static uint64_t any_order(struct market *m)
{
    return 1 + any((uint32_t)count_in(m, TG_DB_ORDERS) + 1);
}

static enum tg_code any_step(struct market *m)
{
    static const uint64_t sizes[] = { 0, 1000, 3000, 500, 2000 };
    switch (any(12)) {
    case 0: return change_plan(m, (Tg__PlanKind)any(3), sizes[any(5)]);
    case 1: return topup(m, sizes[any(5)]);
    case 2:
    case 3:
    case 4: return pay(m, any_order(m));
    case 5: return any(3) == 0 ? cancel(m, any_order(m)) : TG_OK;
    case 6: return step(m, credit_fn);
    case 7: sweep(m); return TG_OK;
    case 8: m->now += any(40) * DAY + any(DAY); return TG_OK;
    case 9: m->now += any(HOUR); return TG_OK;
    case 10: m->now -= any(3 * HOUR); return TG_OK; /* the clock is set back */
    default: {
        uint64_t left = left_of(m), n = 1 + any(900);
        bool may = strcmp(status_of(m), "enabled") == 0 && n <= left;
        assert_int_equal(take(m, n), may);
        assert_int_equal(left_of(m), may ? left - n : left);
        must_agree(m);
        return TG_OK;
    }
    }
}

/* Whatever happens in whatever order: the ledger sums up to what is left (market.h looks after each step), what is shown as
 * left can be taken, to the last message, and a sweep leaves nothing to do. */
static void test_anything_at_any_time_adds_up(void **state)
{
    struct market *m = *state;
    for (uint32_t seed = 1; seed <= 25; seed++) {
        random_state = seed * 2654435761u;
        done(m, buy(m, seed % 2 == 0 ? TG__PLAN_KIND__MONTHLY : TG__PLAN_KIND__PREPAID, seed % 2 == 0 ? 1000 : 500));
        int happened = 0;
        for (int i = 0; i < 120; i++) {
            enum tg_code code = any_step(m);
            assert_true(code == TG_OK || code == TG_REFUSED || code == TG_USAGE || code == TG_NOT_FOUND);
            happened += code == TG_OK;
        }
        assert_true(happened > 40);
        sweep(m);
        struct tg_sweep_result again = sweep(m);
        for (int c = 0; c < TG_SWEPT_COUNTS; c++)
            assert_int_equal(again.count[c], 0);
        m->now = m->now > at("2030-01-01") ? m->now : m->now + DAY;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        market_test(test_a_year_of_a_monthly_account),
        market_test(test_a_year_and_a_half_of_a_prepaid_account),
        market_test(test_anything_at_any_time_adds_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
