#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include "tests/unit/account_store.h"
#include "schema/committer.h"

enum { ACCOUNT = 7, THREADS = 200, NOON = 20781 * 86400 + 43200 };
static const int64_t noon_us = NOON * INT64_C(1000000);

static struct tg_error err;
static struct account_store s;
static struct tg_committer *committer;
static Tg__Activity accepted, refused;

static struct new_account account_with(uint64_t messages)
{
    return (struct new_account){
        .id = ACCOUNT, .plan = {.kind = TG__PLAN_KIND__FREE, .messages = messages, .since = NOON}};
}

static void make_store(uint64_t messages)
{
    tg__activity__init(&accepted);
    accepted.recipients = 1;
    tg__activity__init(&refused);
    refused.kind = TG__ACTIVITY_KIND__REFUSED;
    refused.rule = "plan";
    account_store_make(&s);
    account_store_open(&s);
    add_account(&s, account_with(messages));
}

static void begin(uint64_t messages)
{
    make_store(messages);
    committer = tg_committer_new(s.store);
}

static void end(void)
{
    tg_committer_free(&committer);
    assert_null(committer);
    account_store_end(&s);
}

/* Within this second; each at another time, for the random part of ids is small. */
static int64_t later(int64_t time_us)
{
    static atomic_int count;
    return time_us + count++ % 900000;
}

static struct tg_charge charge_of(uint64_t account_id, int64_t time_us, uint64_t units)
{
    return (struct tg_charge){
        .id = tg_event_new(account_id, later(time_us)), .units = units, .activity = &accepted};
}

static enum tg_code charge(int64_t time_us, uint64_t units)
{
    struct tg_charge c = charge_of(ACCOUNT, time_us, units);
    return tg_committer_charge(committer, &c, &err);
}

static bool note(uint64_t account_id, int64_t time_us, const Tg__Activity *activity)
{
    struct tg_event_id id = tg_event_new(account_id, later(time_us));
    return tg_committer_note(committer, &id, activity);
}

static uint64_t daily_refused(uint64_t account_id)
{
    struct tg_view *view;
    Tg__Daily *daily;
    assert_ok(tg_view_begin(s.store, &view, &err));
    assert_ok(tg_daily_get(view, account_id, tg_day_of(NOON), &daily, &err));
    assert_int_equal(daily->n_refused, 1);
    uint64_t count = daily->refused[0]->count;
    tg_view_end(&view);
    return count;
}

static void assert_ledger_adds_up(uint64_t left)
{
    assert_int_equal(ledger_sum(&s, ACCOUNT, NULL) - (int64_t)usage_of(&s, ACCOUNT).day_used, left);
}

/* ---- charges ---- */

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

/* ---- processes ---- */

struct loop {
    int fd;
};

/* One octet a success, until it is refused. */
static void *charge_in_a_loop(void *arg)
{
    const struct loop *loop = arg;
    struct tg_error why;
    for (;;) {
        struct tg_charge c = charge_of(ACCOUNT, noon_us, 1);
        if (tg_committer_charge(committer, &c, &why) != TG_OK || write(loop->fd, "+", 1) != 1)
            return NULL;
    }
}

enum { LOOPS = 4 };

/* A process of its own that charges with LOOPS threads; *fd tells of each success. */
static pid_t charging_child(int *fd)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct loop loop = {.fd = ends[1]};
        struct tg_store_options options = {.no_sync = false};
        pthread_t threads[LOOPS];
        close(ends[0]);
        if (tg_store_open(s.dir, &options, &s.store, &err) != TG_OK)
            _exit(1);
        committer = tg_committer_new(s.store);
        for (int i = 0; i < LOOPS; i++)
            if (pthread_create(&threads[i], NULL, charge_in_a_loop, &loop) != 0)
                _exit(1);
        for (int i = 0; i < LOOPS; i++)
            pthread_join(threads[i], NULL);
        tg_committer_free(&committer);
        tg_store_close(&s.store);
        _exit(0);
    }
    close(ends[1]);
    *fd = ends[0];
    return pid;
}

static size_t read_octets(int fd, size_t at_most)
{
    char buf[4096];
    size_t sum = 0;
    while (sum < at_most) {
        size_t want = at_most - sum < sizeof buf ? at_most - sum : sizeof buf;
        ssize_t n = read(fd, buf, want);
        if (n <= 0)
            break;
        sum += (size_t)n;
    }
    return sum;
}

static void test_kill_9_never_loses_a_charge_that_was_reported(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        int fd, status;
        make_store(1000000);
        tg_store_close(&s.store);
        pid_t child = charging_child(&fd);
        size_t reported = read_octets(fd, 100 + (size_t)round * 37);
        assert_true(reported >= 100);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        reported += read_octets(fd, SIZE_MAX);
        close(fd);
        account_store_open(&s);
        uint64_t counted = usage_of(&s, ACCOUNT).total;
        assert_true(counted >= reported && counted <= reported + LOOPS);
        assert_int_equal(count_records(&s, TG_DB_ACTIVITY, ACCOUNT), counted);
        assert_ledger_adds_up(1000000 - counted);
        account_store_end(&s);
    }
}

static void test_two_processes_share_what_is_left_exactly(void **state)
{
    (void)state;
    int fd[2], status;
    pid_t child[2];
    make_store(300);
    tg_store_close(&s.store);
    for (int i = 0; i < 2; i++)
        child[i] = charging_child(&fd[i]);
    size_t reported = read_octets(fd[0], SIZE_MAX) + read_octets(fd[1], SIZE_MAX);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        close(fd[i]);
    }
    assert_int_equal(reported, 300);
    account_store_open(&s);
    assert_int_equal(usage_of(&s, ACCOUNT).used, 300);
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, ACCOUNT), 300);
    account_store_end(&s);
}

/* ---- a store that can't be written ---- */

static void allow_writing(bool allowed)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = allowed ? limit.rlim_max : 1;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_what_cannot_be_written_is_not_accepted(void **state)
{
    (void)state;
    struct tg_committer_stat stat;
    signal(SIGXFSZ, SIG_IGN);
    begin(100);
    assert_ok(charge(noon_us, 10));
    allow_writing(false);
    enum tg_code code = charge(noon_us, 1), again = charge(noon_us, 1);
    bool queued = note(ACCOUNT, noon_us, &refused);
    struct tg_error why = {.text = ""};
    enum tg_code flushed = tg_committer_flush(committer, &why);
    allow_writing(true);
    assert_int_equal(code, TG_UNUSABLE);
    assert_int_equal(again, TG_UNUSABLE);
    assert_true(queued);
    assert_int_equal(flushed, TG_UNUSABLE);
    assert_true(err.text[0] != '\0' && why.text[0] != '\0');
    assert_int_equal(usage_of(&s, ACCOUNT).used, 10);
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, ACCOUNT), 1);
    tg_committer_stat(committer, &stat);
    assert_true(stat.failures >= 3);
    /* (Unless the note has been tried again meanwhile.) */
    assert_true(stat.failing || stat.notes > 0);
    /* And on it goes; the note has waited. */
    assert_ok(charge(noon_us, 5));
    assert_ok(tg_committer_flush(committer, &err));
    tg_committer_stat(committer, &stat);
    assert_false(stat.failing);
    assert_int_equal(usage_of(&s, ACCOUNT).used, 15);
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, ACCOUNT), 3);
    assert_int_equal(daily_refused(ACCOUNT), 1);
    assert_ledger_adds_up(85);
    end();
}

static void test_a_batch_that_runs_again_is_counted_once(void **state)
{
    (void)state;
    struct tg_store_stat before, after;
    Tg__Activity long_text = TG__ACTIVITY__INIT;
    char text[901];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    long_text.kind = TG__ACTIVITY_KIND__BOUNCE;
    long_text.text = text;
    make_store(1000);
    tg_store_close(&s.store);
    account_store_open_tight(&s);
    committer = tg_committer_new(s.store);
    assert_ok(tg_store_stat(s.store, &before, &err));
    for (int i = 0; i < 50; i++) {
        for (int k = 0; k < 100; k++)
            assert_true(note(ACCOUNT, noon_us, &long_text));
        assert_ok(charge(noon_us, 1));
    }
    assert_ok(tg_committer_flush(committer, &err));
    assert_ok(tg_store_stat(s.store, &after, &err));
    assert_true(after.map_bytes > before.map_bytes);
    assert_int_equal(usage_of(&s, ACCOUNT).used, 50);
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, ACCOUNT), 50 * 101);
    assert_ledger_adds_up(950);
    end();
}

/* ---- notes ---- */

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
        cmocka_unit_test(test_kill_9_never_loses_a_charge_that_was_reported),
        cmocka_unit_test(test_two_processes_share_what_is_left_exactly),
        cmocka_unit_test(test_of_many_sessions_exactly_as_many_pass_as_are_left),
        cmocka_unit_test(test_company_that_does_not_come_holds_nobody_up),
        cmocka_unit_test(test_who_has_no_plan_for_it_is_told_why),
        cmocka_unit_test(test_a_new_day_closes_the_ledger_of_the_one_before),
        cmocka_unit_test(test_what_cannot_be_written_is_not_accepted),
        cmocka_unit_test(test_a_batch_that_runs_again_is_counted_once),
        cmocka_unit_test(test_a_thousand_refusals_of_a_minute_make_21_records),
        cmocka_unit_test(test_a_note_is_written_soon_though_nobody_waits),
        cmocka_unit_test(test_the_end_writes_all_that_is_queued_or_folded),
        cmocka_unit_test(test_nothing_is_noted_of_an_account_that_was_removed_meanwhile),
        cmocka_unit_test(test_a_full_queue_drops_and_says_so),
        cmocka_unit_test(test_notes_charges_and_flushes_go_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
