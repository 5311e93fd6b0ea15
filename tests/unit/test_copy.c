#include "tests/unit/test.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "schema/check.h"
#include "schema/copy.h"
#include "tests/unit/nouns.h"

static enum tg_code restore(const char *from, const char *to, int64_t now, struct tg_restored *restored, struct tg_error *err)
{
    struct tg_restore wanted = { .from = from, .to = to, .who = "tester", .now = now };
    return tg_store_restore(&wanted, restored, err);
}

static void note_problem(void *arg, const char *sentence)
{
    print_message("%s\n", sentence);
    ++*(int *)arg;
}

static int problems_in(struct tg_store *store)
{
    struct tg_error err;
    struct tg_store_stat stat;
    int problems = 0;
    assert_ok(tg_store_check(store, NOW, note_problem, &problems, NULL, NULL, &stat, &err));
    return problems;
}

/* ---- a copy while others write ---- */

struct writer {
    struct tg_store *store;
    _Atomic bool stop;
    _Atomic int written;
};

/* Each change leaves customer and account together, or neither. */
static void *write_all_the_time(void *arg)
{
    struct writer *w = arg;
    struct tg_error err;
    while (!w->stop) {
        uint64_t customer;
        if (tg_store_change(w->store, add_customer_fn, &customer, &err) != TG_OK)
            return "a customer could not be added";
        struct added a = wish_for(customer);
        if (tg_store_change(w->store, add_account_fn, &a, &err) != TG_OK)
            return "an account could not be added";
        w->written++;
    }
    return NULL;
}

static enum tg_code bulk_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    uint64_t first = *(uint64_t *)arg;
    for (uint64_t i = 0; i < 1000; i++) {
        struct tg_event_id id = { 0, (int64_t)(first + i), 1 };
        struct tg_key key = tg_key_event(&id);
        Tg__Activity activity = TG__ACTIVITY__INIT;
        char filler[2500];
        memset(filler, 'x', sizeof filler - 1);
        filler[sizeof filler - 1] = '\0';
        activity.text = filler;
        tg_put_record(change, TG_DB_ACTIVITY, &key, &activity.base);
    }
    return tg_change_error(change, err);
}

static void add_bulk(struct tg_store *store, int thousands)
{
    struct tg_error err;
    for (uint64_t i = 0; i < (uint64_t)thousands; i++)
        assert_ok(tg_store_change(store, bulk_fn, &(uint64_t){ i * 1000 + 1 }, &err));
}

static void test_backups_under_load_are_whole_and_come_back(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct writer w = { .store = n->store };
    pthread_t thread;
    void *failed;
    char place[64];
    scratch_dir(place);
    add_bulk(n->store, 10);
    pthread_create(&thread, NULL, write_all_the_time, &w);
    for (int round = 0; round < 3; round++) {
        char backup[100], back[100];
        int before = w.written;
        snprintf(backup, sizeof backup, "%s/backup%d", place, round);
        snprintf(back, sizeof back, "%s/back%d", place, round);
        while (w.written == before)
            usleep(1000);
        before = w.written;
        assert_ok(tg_store_backup(n->store, backup, NULL, NULL, &err));
        struct tg_restored restored;
        assert_ok(restore(backup, back, NOW, &restored, &err));
        struct nouns copy = { 0 };
        assert_ok(tg_store_open(back, NULL, &copy.store, &err));
        assert_int_equal(problems_in(copy.store), 0);
        assert_indexes_agree(&copy);
        assert_true(keys_in(&copy, TG_DB_ACCOUNTS) >= (size_t)before);
        /* It can be written like any other. */
        uint64_t id;
        assert_ok(tg_store_change(copy.store, add_customer_fn, &id, &err));
        tg_store_close(&copy.store);
        assert_int_equal(tg_store_backup(n->store, backup, NULL, NULL, &err), TG_REFUSED);
        assert_int_equal(restore(backup, back, NOW, &restored, &err), TG_REFUSED);
    }
    w.stop = true;
    pthread_join(thread, &failed);
    assert_null(failed);
    scratch_remove(place);
}

static void test_a_restore_is_refused_while_somebody_has_the_old_file_open(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    char place[64], backup[100], data[100], aside[100];
    int status;
    scratch_dir(place);
    snprintf(backup, sizeof backup, "%s/backup", place);
    snprintf(data, sizeof data, "%s/data.mdb", n->dir);
    snprintf(aside, sizeof aside, "%s/old.mdb", place);
    assert_ok(tg_store_backup(n->store, backup, NULL, NULL, &err));
    assert_int_equal(rename(data, aside), 0);
    for (int open = 1; open >= 0; open--) {
        pid_t child = fork();
        if (child == 0) {
            struct tg_restored restored;
            enum tg_code code = restore(backup, n->dir, NOW, &restored, &err);
            bool in_use = code == TG_REFUSED && strstr(err.text, "in use") != NULL;
            _exit(open ? !in_use : (int)code);
        }
        waitpid(child, &status, 0);
        assert_int_equal(status, 0);
        if (open)
            tg_store_close(&n->store);
    }
    assert_ok(tg_store_open(n->dir, NULL, &n->store, &err));
    scratch_remove(place);
}

/* ---- numbers ---- */

static enum tg_code take_all(struct tg_change *change, void *arg, struct tg_error *err)
{
    uint64_t *taken = arg;
    enum tg_code code = TG_OK;
    for (int s = 0; code == TG_OK && s < TG_SEQUENCE_COUNT; s++)
        code = tg_next_id(change, (enum tg_sequence)s, &taken[s], err);
    return code;
}

static void restore_at(const char *backup, const char *to, int64_t now, struct tg_restored *restored)
{
    struct tg_error err;
    assert_ok(restore(backup, to, now, restored, &err));
}

static void take_from(const char *dir, uint64_t *taken)
{
    struct tg_error err;
    struct tg_store *store;
    assert_ok(tg_store_open(dir, NULL, &store, &err));
    assert_ok(tg_store_change(store, take_all, taken, &err));
    tg_store_close(&store);
}

static void test_numbers_given_since_a_backup_are_not_given_again(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct tg_restored first, second, back;
    uint64_t before[TG_SEQUENCE_COUNT], after[TG_SEQUENCE_COUNT];
    char place[64], backup[100], to[100];
    scratch_dir(place);
    snprintf(backup, sizeof backup, "%s/backup", place);
    add_account(n, add_customer(n)); /* audited at NOW; no order was ever made */
    assert_ok(tg_store_change(n->store, take_all, before, &err));
    assert_ok(tg_store_backup(n->store, backup, NULL, NULL, &err));

    /* Where one was killed in the middle. */
    snprintf(to, sizeof to, "%s/first", place);
    assert_int_equal(mkdir(to, 0700), 0);
    strcat(to, "/new-restore");
    assert_int_equal(mkdir(to, 0700), 0);
    strcat(to, "/data.mdb.part-1");
    close(open(to, O_CREAT | O_WRONLY, 0600));

    snprintf(to, sizeof to, "%s/first", place);
    restore_at(backup, to, NOW + DAY, &first);
    take_from(to, after);
    for (int s = 0; s < TG_SEQUENCE_COUNT; s++) {
        assert_int_equal(first.next[s], before[s] + 1 + 1000000 + 10 * DAY);
        assert_int_equal(after[s], first.next[s]);
    }
    /* The same backup again, an hour later: none of the first restore's. */
    snprintf(to, sizeof to, "%s/second", place);
    restore_at(backup, to, NOW + DAY + 3600, &second);
    for (int s = 0; s < TG_SEQUENCE_COUNT; s++)
        assert_int_equal(second.next[s], first.next[s] + 36000);
    /* A machine whose clock is wrong still leaves the million out. */
    snprintf(to, sizeof to, "%s/back", place);
    restore_at(backup, to, 1000, &back);
    for (int s = 0; s < TG_SEQUENCE_COUNT; s++)
        assert_true(back.next[s] >= before[s] + 1 + 1000000);
    /* Who knows that none was given since keeps them. */
    snprintf(to, sizeof to, "%s/moved", place);
    struct tg_restore move = { .from = backup, .to = to, .who = "tester", .now = NOW + DAY, .keep_numbers = true };
    assert_ok(tg_store_restore(&move, &back, &err));
    for (int s = 0; s < TG_SEQUENCE_COUNT; s++)
        assert_int_equal(back.next[s], before[s] + 1);
    /* It is a store like any other, and the log says what was done. */
    struct nouns copy = { 0 };
    snprintf(to, sizeof to, "%s/first", place);
    assert_ok(tg_store_open(to, NULL, &copy.store, &err));
    assert_int_equal(problems_in(copy.store), 0);
    assert_int_equal(keys_in(&copy, TG_DB_AUDIT), keys_in(n, TG_DB_AUDIT) + 1);
    tg_store_close(&copy.store);
    snprintf(to, sizeof to, "%s/first/new-restore", place);
    assert_int_not_equal(access(to, F_OK), 0);
    scratch_remove(place);
}

static enum tg_code damage_counter(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct tg_key key = tg_key_sequence(TG_SEQUENCE_ORDER);
    Tg__Counter counter = TG__COUNTER__INIT;
    (void)arg;
    counter.next = (UINT64_C(1) << 48) - 1000;
    tg_put_record(change, TG_DB_META, &key, &counter.base);
    return tg_change_error(change, err);
}

static void test_a_restore_that_has_no_numbers_left_leaves_nothing(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct tg_restored restored;
    char place[64], backup[100], to[100];
    scratch_dir(place);
    snprintf(backup, sizeof backup, "%s/backup", place);
    snprintf(to, sizeof to, "%s/to", place);
    assert_ok(tg_store_change(n->store, damage_counter, NULL, &err));
    assert_ok(tg_store_backup(n->store, backup, NULL, NULL, &err));
    assert_int_equal(restore(backup, to, NOW, &restored, &err), TG_UNUSABLE);
    assert_non_null(strstr(err.text, "no more numbers for orders"));
    assert_int_not_equal(access(to, F_OK), 0);
    scratch_remove(place);
}

/* ---- compact ---- */

static enum tg_code drop_bulk_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    (void)arg;
    tg_delete_all(change, TG_DB_ACTIVITY);
    return tg_change_error(change, err);
}

static void test_compact_gives_space_back_and_keeps_every_record(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct tg_compacted sizes;
    char left[100];
    struct stat st;
    struct added a = add_account(n, add_customer(n));
    add_bulk(n->store, 10);
    assert_ok(tg_store_change(n->store, drop_bulk_fn, NULL, &err));
    tg_store_close(&n->store);
    /* Of a run that was killed. */
    snprintf(left, sizeof left, "%s/new-compact", n->dir);
    assert_int_equal(mkdir(left, 0700), 0);
    strcat(left, "/data.mdb");
    close(open(left, O_CREAT | O_WRONLY, 0600));
    assert_ok(tg_store_compact(n->dir, NULL, NULL, &sizes, &err));
    assert_true(sizes.after * 10 < sizes.before);
    assert_int_not_equal(stat(left, &st), 0);
    snprintf(left, sizeof left, "%s/data.mdb", n->dir);
    assert_int_equal(stat(left, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(tg_store_open(n->dir, NULL, &n->store, &err));
    assert_int_equal(problems_in(n->store), 0);
    assert_indexes_agree(n);
    struct tg_view *view = view_of(n);
    Tg__Account *account;
    assert_ok(tg_account_check_password(view, a.username, a.password.text, strlen(a.password.text), NOW, &account, &(const char *){ NULL }, &err));
    tg_view_end(&view);
    add_account(n, add_customer(n));
}

static void test_compact_is_refused_while_somebody_has_the_store_open(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    int status;
    char data[100];
    struct stat before, after;
    snprintf(data, sizeof data, "%s/data.mdb", n->dir);
    assert_int_equal(stat(data, &before), 0);
    pid_t child = fork();
    if (child == 0) {
        struct tg_compacted sizes;
        enum tg_code code = tg_store_compact(n->dir, NULL, NULL, &sizes, &err);
        _exit(code == TG_REFUSED && strstr(err.text, "in use") != NULL ? 0 : 1);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(stat(data, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    add_customer(n);
}

static void hold(void *arg, uint64_t done, uint64_t all)
{
    (void)done;
    (void)all;
    assert_int_equal(write(*(int *)arg, "c", 1), 1);
    for (;;)
        pause();
}

static void test_nobody_opens_a_store_that_is_being_compacted_and_a_kill_loses_nothing(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct tg_store_options options = { .no_wait = true };
    int inside[2], status;
    char byte;
    add_customer(n);
    tg_store_close(&n->store);
    assert_int_equal(pipe(inside), 0);
    pid_t child = fork();
    if (child == 0) {
        struct tg_compacted sizes;
        (void)!tg_store_compact(n->dir, hold, &inside[1], &sizes, &err);
        _exit(1);
    }
    assert_int_equal(read(inside[0], &byte, 1), 1);
    assert_int_equal(tg_store_open(n->dir, &options, &n->store, &err), TG_UNUSABLE);
    assert_non_null(strstr(err.text, "being compacted"));
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    assert_ok(tg_store_open(n->dir, &options, &n->store, &err));
    assert_int_equal(keys_in(n, TG_DB_CUSTOMERS), 1);
}

/* ---- no room ---- */

static void test_a_backup_that_does_not_fit_leaves_nothing(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    char place[64], backup[100];
    int status;
    struct stat st;
    scratch_dir(place);
    snprintf(backup, sizeof backup, "%s/backup", place);
    add_bulk(n->store, 2);
    tg_store_close(&n->store);
    pid_t child = fork();
    if (child == 0) {
        /* A file may have 1 MiB: the write that goes beyond it fails. */
        struct rlimit limit = { 1 << 20, 1 << 20 };
        struct tg_store_options options = { .read_only = true };
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        if (tg_store_open(n->dir, &options, &n->store, &err) != TG_OK)
            _exit(2);
        enum tg_code code = tg_store_backup(n->store, backup, NULL, NULL, &err);
        _exit(code == TG_FAILED && strstr(err.text, "File too large") != NULL ? 0 : 1);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_not_equal(stat(backup, &st), 0);
    scratch_remove(place);
    assert_ok(tg_store_open(n->dir, NULL, &n->store, &err));
    assert_int_equal(problems_in(n->store), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_backups_under_load_are_whole_and_come_back, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_a_restore_is_refused_while_somebody_has_the_old_file_open, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_numbers_given_since_a_backup_are_not_given_again, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_a_restore_that_has_no_numbers_left_leaves_nothing, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_compact_gives_space_back_and_keeps_every_record, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_compact_is_refused_while_somebody_has_the_store_open, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_nobody_opens_a_store_that_is_being_compacted_and_a_kill_loses_nothing, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_a_backup_that_does_not_fit_leaves_nothing, nouns_begin, nouns_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
