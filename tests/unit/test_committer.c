/* Charges: exactly as many as are left, however many sessions there are. */
#include <pthread.h>
#include "tests/unit/commits.h"

struct racers {
    pthread_barrier_t start;
    atomic_uint ok, refused, other;
};

static void *race(void *arg)
{
    struct racers *r = arg;
    struct tg_error why;
    struct tg_charge c = charge_of(ACCOUNT, noon_us, 1);
    pthread_barrier_wait(&r->start);
    enum tg_code code = tg_committer_charge(committer, &c, &why);
    if (code == TG_OK)
        r->ok++;
    else if (code == TG_REFUSED && c.outcome == TG_PLAN_EXHAUSTED && c.balance.left == 0)
        r->refused++;
    else
        r->other++;
    return NULL;
}

static void test_of_many_sessions_exactly_as_many_pass_as_are_left(void **state)
{
    (void)state;
    struct racers r = {.ok = 0};
    pthread_t threads[THREADS];
    struct tg_committer_stat stat;
    begin(100);
    assert_ok(charge(noon_us, 90));
    pthread_barrier_init(&r.start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &r), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&r.start);
    assert_int_equal(r.ok, 10);
    assert_int_equal(r.refused, THREADS - 10);
    assert_int_equal(r.other, 0);
    assert_int_equal(usage_of(&s, ACCOUNT).used, 100);
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, ACCOUNT), 11);
    tg_committer_stat(committer, &stat);
    assert_int_equal(stat.charges, THREADS + 1);
    assert_true(stat.batches < stat.charges && stat.largest_batch > 1);
    end();
}

enum { CROWD = 8, EACH = 40 };

static void *charge_often(void *ok)
{
    struct tg_error why;
    for (int i = 0; i < EACH; i++) {
        struct tg_charge c = charge_of(ACCOUNT, noon_us, 1);
        c.under_way = 1000;
        if (tg_committer_charge(committer, &c, &why) == TG_OK)
            ++*(atomic_int *)ok;
    }
    return NULL;
}

/* Of the many that are expected these few are all that come. */
static void test_company_that_does_not_come_holds_nobody_up(void **state)
{
    (void)state;
    pthread_t threads[CROWD];
    atomic_int ok = 0;
    begin(CROWD * EACH + 2);
    for (int i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, charge_often, &ok), 0);
    assert_true(note(ACCOUNT, noon_us, &refused));
    assert_ok(tg_committer_flush(committer, &err));
    for (int i = 0; i < CROWD; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(ok, CROWD * EACH);
    assert_ok(charge(noon_us, 1));
    assert_ok(charge(noon_us, 1));
    assert_int_equal(usage_of(&s, ACCOUNT).used, CROWD * EACH + 2);
    assert_int_equal(daily_refused(ACCOUNT), 1);
    end();
}

static void test_who_has_no_plan_for_it_is_told_why(void **state)
{
    (void)state;
    begin(100);
    add_account(&s, (struct new_account){.id = 8, .disabled = true, .plan = account_with(10).plan});
    struct tg_charge c = charge_of(ACCOUNT, noon_us, 6);
    c.service_per_hour = 5;
    assert_int_equal(tg_committer_charge(committer, &c, &err), TG_REFUSED);
    assert_int_equal(c.outcome, TG_PLAN_HOUR);
    assert_int_equal(c.balance.hour_left, 5);
    c = charge_of(8, noon_us, 1);
    assert_int_equal(tg_committer_charge(committer, &c, &err), TG_NOT_FOUND);
    assert_non_null(strstr(err.text, "disabled"));
    c = charge_of(99, noon_us, 1);
    assert_int_equal(tg_committer_charge(committer, &c, NULL), TG_NOT_FOUND);
    assert_int_equal(charge(noon_us, 0), TG_UNUSABLE);
    assert_int_equal(charge(noon_us, 101), TG_REFUSED);
    assert_ok(charge(noon_us, 100));
    end();
}

static void test_a_new_day_closes_the_ledger_of_the_one_before(void **state)
{
    (void)state;
    begin(100);
    assert_ok(charge(noon_us, 3));
    assert_ok(charge(noon_us + 1, 4));
    assert_int_equal(count_records(&s, TG_DB_LEDGER, ACCOUNT), 1);
    assert_ok(charge(noon_us + INT64_C(86400000000), 5));
    assert_int_equal(count_records(&s, TG_DB_LEDGER, ACCOUNT), 2);
    assert_int_equal(usage_of(&s, ACCOUNT).day_used, 5);
    assert_ledger_adds_up(88);
    /* A clock that goes back charges the day that is open. */
    assert_ok(charge(noon_us, 1));
    assert_int_equal(usage_of(&s, ACCOUNT).day_used, 6);
    assert_ledger_adds_up(87);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_many_sessions_exactly_as_many_pass_as_are_left),
        cmocka_unit_test(test_company_that_does_not_come_holds_nobody_up),
        cmocka_unit_test(test_who_has_no_plan_for_it_is_told_why),
        cmocka_unit_test(test_a_new_day_closes_the_ledger_of_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
