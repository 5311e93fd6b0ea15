/* What was reported as charged is on disk: through kill -9, beside another process, and where the disk takes nothing more. */
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "tests/unit/commits.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill_9_never_loses_a_charge_that_was_reported),
        cmocka_unit_test(test_two_processes_share_what_is_left_exactly),
        cmocka_unit_test(test_what_cannot_be_written_is_not_accepted),
        cmocka_unit_test(test_a_batch_that_runs_again_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
