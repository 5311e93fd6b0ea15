/* Notes: queued, folded, dropped and written at last, alone and beside charges. */
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include "tests/unit/commits.h"

static void test_a_thousand_refusals_of_a_minute_make_21_records(void **state)
{
    (void)state;
    begin(100);
    for (int account = 0; account <= ACCOUNT; account += ACCOUNT) { /* nobody's too */
        int queued = 0;
        for (int i = 0; i < 1000; i++)
            queued += note((uint64_t)account, noon_us + i, &refused);
        assert_int_equal(queued, 20);
        assert_ok(tg_committer_flush(committer, &err));
        assert_int_equal(count_records(&s, TG_DB_ACTIVITY, (uint64_t)account), 21);
        assert_int_equal(daily_refused((uint64_t)account), 1000);
    }
    end();
}

static void test_a_note_is_written_soon_though_nobody_waits(void **state)
{
    (void)state;
    struct tg_committer_stat stat;
    struct timespec pause = {.tv_nsec = 5000000};
    begin(100);
    assert_true(note(ACCOUNT, noon_us, &refused));
    for (int i = 0; i < 6000; i++) {
        tg_committer_stat(committer, &stat);
        if (stat.notes > 0)
            break;
        nanosleep(&pause, NULL);
    }
    assert_int_equal(stat.notes, 1);
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, ACCOUNT), 1);
    end();
}

static void test_the_end_writes_all_that_is_queued_or_folded(void **state)
{
    (void)state;
    begin(100);
    for (uint64_t account = 100; account < 150; account++)
        add_account(&s, (struct new_account){.id = account, .plan = {.since = NOON}});
    for (int i = 0; i < 5000; i++)
        note((uint64_t)i % 50 + 100, noon_us, &refused);
    tg_committer_free(&committer);
    for (uint64_t account = 100; account < 150; account++) {
        assert_int_equal(count_records(&s, TG_DB_ACTIVITY, account), 21);
        assert_int_equal(daily_refused(account), 100);
    }
    end();
}

static enum tg_code remove_the_account(struct tg_change *change, void *arg, struct tg_error *error)
{
    struct tg_key key = tg_key_id(ACCOUNT);
    (void)arg;
    tg_delete(change, TG_DB_ACCOUNTS, &key);
    return tg_change_error(change, error);
}

static void test_nothing_is_noted_of_an_account_that_was_removed_meanwhile(void **state)
{
    (void)state;
    begin(100);
    for (int i = 0; i < 100; i++)
        note(ACCOUNT, noon_us, &refused);
    assert_ok(tg_committer_flush(committer, &err));
    size_t before = count_records(&s, TG_DB_ACTIVITY, ACCOUNT);
    for (int i = 0; i < 100; i++)
        note(ACCOUNT, noon_us, &refused); /* folded */
    assert_ok(tg_store_change(s.store, remove_the_account, NULL, &err));
    assert_ok(tg_committer_flush(committer, &err));
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, ACCOUNT), before);
    assert_int_equal(daily_refused(ACCOUNT), 100);
    end();
}

struct hold {
    sem_t held, release;
};

static enum tg_code hold_write_lock(struct tg_change *change, void *arg, struct tg_error *error)
{
    struct hold *hold = arg;
    sem_post(&hold->held);
    while (sem_wait(&hold->release) != 0)
        ;
    sem_post(&hold->release); /* a change may run again */
    return tg_change_error(change, error);
}

static void *holder(void *hold)
{
    struct tg_error why;
    return tg_store_change(s.store, hold_write_lock, hold, &why) == TG_OK ? NULL : hold;
}

static void test_a_full_queue_drops_and_says_so(void **state)
{
    (void)state;
    struct hold hold;
    struct tg_committer_stat stat;
    pthread_t thread;
    void *failed;
    Tg__Activity bounce = TG__ACTIVITY__INIT;
    bounce.kind = TG__ACTIVITY_KIND__BOUNCE;
    begin(100);
    sem_init(&hold.held, 0, 0);
    sem_init(&hold.release, 0, 0);
    assert_int_equal(pthread_create(&thread, NULL, holder, &hold), 0);
    while (sem_wait(&hold.held) != 0)
        ;
    unsigned queued = 0;
    for (int i = 0; i < 10050; i++)
        queued += note(ACCOUNT, noon_us + i, &bounce);
    tg_committer_stat(committer, &stat);
    sem_post(&hold.release);
    pthread_join(thread, &failed);
    assert_null(failed);
    assert_int_equal(queued, 10000);
    assert_int_equal(stat.dropped, 50);
    assert_ok(tg_committer_flush(committer, &err));
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, ACCOUNT), 10000);
    sem_destroy(&hold.held);
    sem_destroy(&hold.release);
    end();
}

static void *note_and_charge(void *arg)
{
    atomic_uint *ok = arg;
    for (int i = 0; i < 20; i++) {
        struct tg_error why;
        struct tg_charge c = charge_of(ACCOUNT, noon_us + i, 1);
        note(ACCOUNT, noon_us + i, &refused);
        if (tg_committer_charge(committer, &c, &why) == TG_OK)
            (*ok)++;
        if (i % 5 == 0 && tg_committer_flush(committer, &why) != TG_OK)
            return NULL;
    }
    return NULL;
}

static void test_notes_charges_and_flushes_go_together(void **state)
{
    (void)state;
    enum { MIXED = 16 };
    pthread_t threads[MIXED];
    atomic_uint ok = 0;
    begin(1000);
    for (int i = 0; i < MIXED; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, note_and_charge, &ok), 0);
    for (int i = 0; i < MIXED; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(ok, MIXED * 20);
    assert_ok(tg_committer_flush(committer, &err));
    assert_int_equal(daily_refused(ACCOUNT), MIXED * 20);
    assert_int_equal(usage_of(&s, ACCOUNT).used, MIXED * 20);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thousand_refusals_of_a_minute_make_21_records),
        cmocka_unit_test(test_a_note_is_written_soon_though_nobody_waits),
        cmocka_unit_test(test_the_end_writes_all_that_is_queued_or_folded),
        cmocka_unit_test(test_nothing_is_noted_of_an_account_that_was_removed_meanwhile),
        cmocka_unit_test(test_a_full_queue_drops_and_says_so),
        cmocka_unit_test(test_notes_charges_and_flushes_go_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
