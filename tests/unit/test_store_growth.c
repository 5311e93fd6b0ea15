/* The map grows by itself, under readers and beside other processes. */
#include "tests/unit/test.h"
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include "schema/records.pb-c.h"
#include "tests/unit/scratch.h"

static enum tg_code put_much(struct tg_change *change, void *arg, struct tg_error *err)
{
    static const uint8_t bulk[4000];
    int *next = arg, n = *next;
    for (int i = 0; i < 100; i++) {
        struct tg_key key = tg_key_id((uint64_t)(n + i));
        tg_put(change, TG_DB_USAGE, &key, tg_span_of(bulk, sizeof bulk));
    }
    return tg_change_error(change, err);
}

struct reading {
    struct tg_store *store;
    _Atomic bool stop;
    uint64_t views;
};

static void *read_all_the_time(void *arg)
{
    struct reading *r = arg;
    struct tg_error err;
    struct tg_key key = tg_key_name("store");
    while (!r->stop) {
        struct tg_view *view;
        Tg__Meta *meta;
        if (tg_view_begin(r->store, &view, &err) != TG_OK ||
            tg_get_record(view, TG_DB_META, &key, &tg__meta__descriptor, &meta, &err) != TG_OK || meta->format != TG_STORE_FORMAT)
            return "a reader failed";
        tg_view_end(&view);
        r->views++;
    }
    return NULL;
}

static void test_the_map_grows_under_readers(void **state)
{
    (void)state;
    struct tg_error err;
    char dir[64];
    struct tg_store *store;
    struct tg_store_options options = { .no_sync = true, .map_size = 1 << 20 };
    struct tg_store_stat stat;
    scratch_dir(dir);
    assert_ok(tg_store_create(dir, NULL, false, 0, &err));
    char data[80];
    snprintf(data, sizeof data, "%s/data.mdb", dir);
    /* As a copy made by other tools would be: no longer than its pages. */
    struct stat st;
    assert_int_equal(truncate(data, 1 << 18), 0);
    assert_ok(tg_store_open(dir, &options, &store, &err));
    pthread_t threads[4];
    struct reading readings[4];
    for (int i = 0; i < 4; i++) {
        readings[i] = (struct reading){ .store = store };
        pthread_create(&threads[i], NULL, read_all_the_time, &readings[i]);
    }
    for (int n = 0; n < 3000; n += 100)
        assert_ok(tg_store_change(store, put_much, &n, &err));
    for (int i = 0; i < 4; i++) {
        void *failed;
        readings[i].stop = true;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_ok(tg_store_stat(store, &stat, &err));
    assert_int_equal(stat.records[TG_DB_USAGE], 3000);
    assert_true(stat.map_bytes >= 12000000);
    assert_int_equal(lstat(data, &st), 0);
    assert_int_equal(st.st_size, stat.map_bytes);
    tg_store_close(&store);
    scratch_remove(dir);
}

static void test_another_process_may_grow_the_map(void **state)
{
    (void)state;
    struct tg_error err;
    char dir[64];
    struct tg_store *store;
    struct tg_store_options options = { .no_sync = true, .map_size = 1 << 20 };
    int go[2], status;
    scratch_dir(dir);
    assert_ok(tg_store_create(dir, NULL, false, 0, &err));
    char data[80];
    snprintf(data, sizeof data, "%s/data.mdb", dir);
    assert_int_equal(truncate(data, 1 << 18), 0);
    assert_int_equal(pipe(go), 0);
    pid_t child = fork(); /* before this process opens the store */
    if (child == 0) {
        char byte;
        struct tg_store *theirs;
        close(go[1]);
        int rc = (int)read(go[0], &byte, 1) == 1 ? 0 : 1;
        if (rc == 0 && tg_store_open(dir, &options, &theirs, &err) == TG_OK) {
            for (int n = 0; n < 1000 && rc == 0; n += 100)
                rc = tg_store_change(theirs, put_much, &n, &err) != TG_OK;
            tg_store_close(&theirs);
        }
        _exit(rc);
    }
    close(go[0]);
    assert_ok(tg_store_open(dir, &options, &store, &err));
    struct tg_view *view;
    assert_ok(tg_view_begin(store, &view, &err));
    tg_view_end(&view);
    assert_int_equal(write(go[1], "g", 1), 1);
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    struct tg_key last = tg_key_id(999);
    struct tg_span value;
    assert_ok(tg_view_begin(store, &view, &err));
    assert_ok(tg_get(view, TG_DB_USAGE, &last, &value, &err));
    tg_view_end(&view);
    int n = 5000;
    assert_ok(tg_store_change(store, put_much, &n, &err));
    close(go[1]);
    tg_store_close(&store);
    scratch_remove(dir);
}

static void test_two_processes_that_write_both_grow_the_map(void **state)
{
    (void)state;
    struct tg_error err;
    char dir[64], data[80];
    struct tg_store_options options = { .no_sync = true, .map_size = 1 << 20 };
    struct tg_store_stat stat;
    struct tg_store *store;
    pid_t child[2];
    scratch_dir(dir);
    assert_ok(tg_store_create(dir, NULL, false, 0, &err));
    snprintf(data, sizeof data, "%s/data.mdb", dir);
    assert_int_equal(truncate(data, 1 << 18), 0);
    for (int i = 0; i < 2; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            int rc = tg_store_open(dir, &options, &store, &err) != TG_OK;
            for (int n = i * 100000; n < i * 100000 + 3000 && rc == 0; n += 100)
                rc = tg_store_change(store, put_much, &n, &err) != TG_OK;
            if (rc != 0)
                fprintf(stderr, "%s\n", err.text);
            _exit(rc);
        }
    }
    for (int i = 0; i < 2; i++) {
        int status;
        waitpid(child[i], &status, 0);
        assert_int_equal(status, 0);
    }
    assert_ok(tg_store_open(dir, &options, &store, &err));
    assert_ok(tg_store_stat(store, &stat, &err));
    assert_int_equal(stat.records[TG_DB_USAGE], 6000);
    tg_store_close(&store);
    scratch_remove(dir);
}

/* By how much the file grows where the same is written again and again. */
static uint64_t growth_of(struct tg_store *store, int changes)
{
    struct tg_store_stat before, after;
    struct tg_error err;
    int first = 0;
    assert_ok(tg_store_stat(store, &before, &err));
    for (int i = 0; i < changes; i++)
        assert_ok(tg_store_change(store, put_much, &first, &err));
    assert_ok(tg_store_stat(store, &after, &err));
    return after.used_bytes - before.used_bytes;
}

/* A list that Ctrl-C ended, say. */
static void test_the_snapshot_of_a_killed_reader_is_let_go(void **state)
{
    (void)state;
    struct tg_error err;
    char dir[64], byte;
    struct tg_store *store;
    struct tg_store_options options = { .no_sync = true };
    int reads[2], status;
    scratch_dir(dir);
    assert_ok(tg_store_create(dir, NULL, false, 0, &err));
    assert_int_equal(pipe(reads), 0);
    pid_t child = fork();
    if (child == 0) {
        struct tg_view *view;
        if (tg_store_open(dir, &options, &store, &err) != TG_OK || tg_view_begin(store, &view, &err) != TG_OK)
            _exit(1);
        (void)!write(reads[1], "r", 1);
        for (;;)
            pause();
    }
    close(reads[1]);
    assert_int_equal(read(reads[0], &byte, 1), 1);
    close(reads[0]);
    assert_ok(tg_store_open(dir, &options, &store, &err)); /* the reader lives yet */
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(growth_of(store, 20) > 10 * 100 * 4096);
    growth_of(store, 600);
    assert_int_equal(growth_of(store, 600), 0);
    tg_store_close(&store);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_map_grows_under_readers),
        cmocka_unit_test(test_another_process_may_grow_the_map),
        cmocka_unit_test(test_two_processes_that_write_both_grow_the_map),
        cmocka_unit_test(test_the_snapshot_of_a_killed_reader_is_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
