#include "tests/unit/test.h"
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "schema/records.pb-c.h"
#include "tests/unit/scratch.h"

struct fixture {
    char dir[64];
    struct tg_store *store;
};

static int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->store = scratch_store(f->dir);
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    tg_store_close(&f->store);
    scratch_remove(f->dir);
    free(f);
    return 0;
}

static enum tg_code put_names(struct tg_change *change, void *arg, struct tg_error *err)
{
    for (const char *const *name = arg; *name != NULL; name++) {
        struct tg_key key = tg_key_name(*name);
        tg_put(change, TG_DB_LOGINS, &key, tg_span_str(*name));
    }
    return tg_change_error(change, err);
}

/* The keys of a walk, joined by blanks. */
static void walked(struct tg_view *view, const char *prefix, const char *from, enum tg_direction direction, char *out)
{
    struct tg_error err;
    struct tg_walk *walk;
    struct tg_key p = tg_key_name(prefix), f = tg_key_name(from != NULL ? from : "");
    struct tg_span key, value;
    enum tg_code code;
    *out = '\0';
    assert_ok(tg_walk_begin(view, TG_DB_LOGINS, &p, from != NULL ? &f : NULL, direction, &walk, &err));
    while ((code = tg_walk_next(walk, &key, &value, &err)) == TG_OK) {
        assert_int_equal(key.len, value.len);
        strncat(out, (const char *)key.data, key.len);
        strcat(out, " ");
    }
    assert_int_equal(code, TG_NOT_FOUND);
    tg_walk_end(&walk);
}

static void test_walks_go_both_ways_within_their_prefix(void **state)
{
    struct fixture *f = *state;
    struct tg_error err;
    const char *names[] = { "a", "b1", "b2", "b3", "c", "\xff\xff", NULL };
    struct tg_view *view;
    char keys[200];
    assert_ok(tg_store_change(f->store, put_names, names, &err));
    assert_ok(tg_view_begin(f->store, &view, &err));
    walked(view, "", NULL, TG_FORWARD, keys);
    assert_string_equal(keys, "a b1 b2 b3 c \xff\xff ");
    walked(view, "", NULL, TG_BACKWARD, keys);
    assert_string_equal(keys, "\xff\xff c b3 b2 b1 a ");
    walked(view, "b", NULL, TG_FORWARD, keys);
    assert_string_equal(keys, "b1 b2 b3 ");
    walked(view, "b", NULL, TG_BACKWARD, keys);
    assert_string_equal(keys, "b3 b2 b1 ");
    walked(view, "b", "b2", TG_FORWARD, keys);
    assert_string_equal(keys, "b2 b3 ");
    walked(view, "b", "b2", TG_BACKWARD, keys);
    assert_string_equal(keys, "b2 b1 ");
    walked(view, "b", "b25", TG_BACKWARD, keys);
    assert_string_equal(keys, "b2 b1 ");
    walked(view, "\xff", NULL, TG_BACKWARD, keys);
    assert_string_equal(keys, "\xff\xff ");
    walked(view, "x", NULL, TG_BACKWARD, keys);
    assert_string_equal(keys, "");
    tg_view_end(&view);
}

static enum tg_code delete_walked(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct tg_walk *walk;
    struct tg_key all = tg_key_name("k");
    struct tg_span key, value;
    int *deleted = arg;
    enum tg_code code = tg_walk_begin(tg_change_view(change), TG_DB_LOGINS, &all, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    *deleted = 0;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        struct tg_key this = { .len = key.len };
        memcpy(this.data, key.data, key.len);
        tg_delete(change, TG_DB_LOGINS, &this);
        tg_put(change, TG_DB_USAGE, &this, value);
        assert_memory_equal(value.data, this.data, this.len); /* still there after a write */
        (*deleted)++;
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? tg_change_error(change, err) : code;
}

static void test_a_walk_survives_the_deletion_of_where_it_stands(void **state)
{
    struct fixture *f = *state;
    struct tg_error err;
    static char text[1000][16];
    const char *names[1001];
    int deleted;
    for (int i = 0; i < 1000; i++) {
        snprintf(text[i], sizeof text[i], "k%05d", i);
        names[i] = text[i];
    }
    names[1000] = NULL;
    assert_ok(tg_store_change(f->store, put_names, names, &err));
    assert_ok(tg_store_change(f->store, delete_walked, &deleted, &err));
    assert_int_equal(deleted, 1000);
    struct tg_store_stat stat;
    assert_ok(tg_store_stat(f->store, &stat, &err));
    assert_int_equal(stat.records[TG_DB_LOGINS], 0);
    assert_int_equal(stat.records[TG_DB_USAGE], 1000);
}

static void test_a_walk_goes_on_in_a_renewed_view(void **state)
{
    struct fixture *f = *state;
    struct tg_error err;
    const char *first[] = { "a", "b", "d", NULL }, *later[] = { "c", NULL };
    struct tg_view *view;
    struct tg_walk *walk;
    struct tg_span key, value;
    struct tg_key all = tg_key_all();
    assert_ok(tg_store_change(f->store, put_names, first, &err));
    assert_ok(tg_view_begin(f->store, &view, &err));
    assert_ok(tg_walk_begin(view, TG_DB_LOGINS, &all, NULL, TG_FORWARD, &walk, &err));
    assert_ok(tg_walk_next(walk, &key, &value, &err));
    assert_ok(tg_walk_next(walk, &key, &value, &err));
    assert_ok(tg_store_change(f->store, put_names, later, &err));
    assert_ok(tg_view_renew(view, &err));
    assert_ok(tg_walk_next(walk, &key, &value, &err));
    assert_int_equal(*key.data, 'c');
    tg_walk_end(&walk);
    tg_view_end(&view);
}

static void test_a_view_that_pauses_holds_no_snapshot_and_its_walk_goes_on(void **state)
{
    struct fixture *f = *state;
    struct tg_error err;
    const char *first[] = { "a", "c", NULL }, *later[] = { "b", NULL };
    struct tg_view *view;
    struct tg_walk *walk;
    struct tg_span key, value;
    struct tg_key all = tg_key_all();
    assert_ok(tg_store_change(f->store, put_names, first, &err));
    assert_ok(tg_view_begin(f->store, &view, &err));
    assert_ok(tg_walk_begin(view, TG_DB_LOGINS, &all, NULL, TG_FORWARD, &walk, &err));
    assert_ok(tg_walk_next(walk, &key, &value, &err));
    tg_view_pause(view);
    assert_int_equal(tg_count(view, TG_DB_LOGINS, &(uint64_t){ 0 }, &err), TG_UNUSABLE);
    assert_ok(tg_store_change(f->store, put_names, later, &err));
    tg_view_pause(view); /* once more does no harm */
    assert_ok(tg_view_renew(view, &err));
    assert_ok(tg_walk_next(walk, &key, &value, &err));
    assert_int_equal(*key.data, 'b');
    tg_view_pause(view);
    tg_walk_end(&walk);
    tg_view_end(&view);
    assert_ok(tg_view_begin(f->store, &view, &err));
    assert_ok(tg_count(view, TG_DB_LOGINS, &(uint64_t){ 0 }, &err));
    tg_view_end(&view);
}

static void test_a_view_does_not_see_what_came_after_it(void **state)
{
    struct fixture *f = *state;
    struct tg_error err;
    const char *names[] = { "late", NULL };
    struct tg_view *view;
    struct tg_key key = tg_key_name("late");
    struct tg_span value;
    assert_ok(tg_view_begin(f->store, &view, &err));
    assert_ok(tg_store_change(f->store, put_names, names, &err));
    assert_int_equal(tg_get(view, TG_DB_LOGINS, &key, &value, &err), TG_NOT_FOUND);
    tg_view_end(&view);
    assert_ok(tg_view_begin(f->store, &view, &err));
    assert_ok(tg_get(view, TG_DB_LOGINS, &key, &value, &err));
    tg_view_end(&view);
}

static enum tg_code put_and_refuse(struct tg_change *change, void *arg, struct tg_error *err)
{
    put_names(change, arg, err);
    return tg_fail(err, TG_REFUSED, "no");
}

static void test_a_change_that_refuses_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct tg_error err;
    const char *names[] = { "x", NULL };
    struct tg_store_stat stat;
    assert_int_equal(tg_store_change(f->store, put_and_refuse, names, &err), TG_REFUSED);
    assert_ok(tg_store_stat(f->store, &stat, &err));
    assert_int_equal(stat.records[TG_DB_LOGINS], 0);
}

static enum tg_code take_id(struct tg_change *change, void *arg, struct tg_error *err)
{
    return tg_next_id(change, "account", arg, err);
}

static void test_numbers_go_up_from_one(void **state)
{
    struct fixture *f = *state;
    struct tg_error err;
    uint64_t id;
    for (uint64_t expected = 1; expected <= 3; expected++) {
        assert_ok(tg_store_change(f->store, take_id, &id, &err));
        assert_int_equal(id, expected);
    }
}

/* ---- the map grows ---- */

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

/* ---- damage ---- */

static enum tg_code hang(struct tg_change *change, void *arg, struct tg_error *err)
{
    const char *names[] = { "half", NULL };
    put_names(change, names, err);
    assert_int_equal(write(*(int *)arg, "i", 1), 1);
    while (*(int *)arg >= 0)
        pause();
    return TG_OK;
}

static void test_a_writer_that_is_killed_leaves_nothing_and_blocks_nobody(void **state)
{
    (void)state;
    struct tg_error err;
    char dir[64], byte;
    int inside[2], status;
    struct tg_store *store;
    scratch_dir(dir);
    assert_ok(tg_store_create(dir, NULL, false, 0, &err));
    assert_int_equal(pipe(inside), 0);
    pid_t child = fork();
    if (child == 0) {
        struct tg_store *theirs;
        if (tg_store_open(dir, NULL, &theirs, &err) == TG_OK)
            (void)!tg_store_change(theirs, hang, &inside[1], &err);
        _exit(1);
    }
    assert_int_equal(read(inside[0], &byte, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    const char *names[] = { "whole", NULL };
    struct tg_store_stat stat;
    assert_ok(tg_store_open(dir, NULL, &store, &err));
    assert_ok(tg_store_change(store, put_names, names, &err));
    assert_ok(tg_store_stat(store, &stat, &err));
    assert_int_equal(stat.records[TG_DB_LOGINS], 1);
    tg_store_close(&store);
    scratch_remove(dir);
}

static void refused(const char *dir, const char *words)
{
    struct tg_store *store;
    struct tg_error err = { 0 };
    assert_int_equal(tg_store_open(dir, NULL, &store, &err), TG_UNUSABLE);
    assert_null(store);
    if (strstr(err.text, words) == NULL || strstr(err.text, dir) == NULL || strchr(err.text, '\n') != NULL)
        fail_msg("expected '%s', got '%s'", words, err.text);
}

static void test_a_damaged_store_is_refused_in_one_sentence(void **state)
{
    (void)state;
    struct tg_error err;
    char dir[64], data[80];
    struct stat before, after;
    scratch_dir(dir);
    snprintf(data, sizeof data, "%s/data.mdb", dir);
    refused(dir, "there is no store");
    assert_ok(tg_store_create(dir, NULL, false, 0, &err));
    assert_int_equal(stat(data, &before), 0);
    assert_int_equal(before.st_mode & 0777, 0600);

    assert_int_equal(truncate(data, 8192), 0);
    refused(dir, "truncated");
    assert_int_equal(truncate(data, 100), 0);
    refused(dir, "damaged");
    assert_int_equal(truncate(data, 0), 0);
    refused(dir, "empty");
    /* Nobody made a new store out of it. */
    assert_int_equal(stat(data, &after), 0);
    assert_int_equal(after.st_size, 0);
    assert_int_equal(tg_store_create(dir, NULL, false, 0, &err), TG_REFUSED);

    FILE *out = fopen(data, "w");
    for (int i = 0; i < 100000; i++)
        fputc(i * 7, out);
    fclose(out);
    refused(dir, "not a Tollgate store");
    scratch_remove(dir);
}

static enum tg_code make_newer(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct tg_key key = tg_key_name("store");
    Tg__Meta meta = TG__META__INIT;
    meta.format = *(uint32_t *)arg;
    tg_put_record(change, TG_DB_META, &key, &meta.base);
    return tg_change_error(change, err);
}

static void test_a_store_of_a_newer_format_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tg_error err;
    uint32_t format = TG_STORE_FORMAT + 1;
    assert_ok(tg_store_change(f->store, make_newer, &format, &err));
    tg_store_close(&f->store);
    refused(f->dir, "newer");
}

static void test_init_makes_a_store_once(void **state)
{
    struct fixture *f = *state;
    struct tg_error err;
    struct tg_store *again;
    assert_int_equal(tg_store_create(f->dir, NULL, false, 0, &err), TG_REFUSED);
    const char *names[] = { "old", NULL };
    assert_ok(tg_store_change(f->store, put_names, names, &err));
    tg_store_close(&f->store);
    assert_ok(tg_store_create(f->dir, NULL, true, 1234, &err));
    char old[100];
    snprintf(old, sizeof old, "%s/data.mdb.old-1234", f->dir);
    assert_int_equal(access(old, F_OK), 0);
    struct tg_store_stat stat;
    assert_ok(tg_store_open(f->dir, NULL, &again, &err));
    assert_ok(tg_store_stat(again, &stat, &err));
    assert_int_equal(stat.records[TG_DB_LOGINS], 0);
    assert_true(stat.records[TG_DB_PLANS] > 1);
    tg_store_close(&again);
}

static void test_a_directory_with_other_files_is_no_place_for_a_store(void **state)
{
    (void)state;
    struct tg_error err;
    char dir[64], other[80];
    scratch_dir(dir);
    snprintf(other, sizeof other, "%s/letters.txt", dir);
    close(open(other, O_CREAT | O_WRONLY, 0600));
    assert_int_equal(tg_store_create(dir, NULL, true, 0, &err), TG_REFUSED);
    assert_non_null(strstr(err.text, "letters.txt"));
    scratch_remove(dir);
}

static void test_a_store_opened_for_reading_takes_no_change(void **state)
{
    struct fixture *f = *state;
    struct tg_error err;
    const char *names[] = { "x", NULL };
    struct tg_store_options options = { .read_only = true };
    tg_store_close(&f->store);
    assert_ok(tg_store_open(f->dir, &options, &f->store, &err));
    assert_int_equal(tg_store_change(f->store, put_names, names, &err), TG_UNUSABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_walks_go_both_ways_within_their_prefix, begin, end),
        cmocka_unit_test_setup_teardown(test_a_walk_survives_the_deletion_of_where_it_stands, begin, end),
        cmocka_unit_test_setup_teardown(test_a_walk_goes_on_in_a_renewed_view, begin, end),
        cmocka_unit_test_setup_teardown(test_a_view_that_pauses_holds_no_snapshot_and_its_walk_goes_on, begin, end),
        cmocka_unit_test_setup_teardown(test_a_view_does_not_see_what_came_after_it, begin, end),
        cmocka_unit_test_setup_teardown(test_a_change_that_refuses_leaves_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_numbers_go_up_from_one, begin, end),
        cmocka_unit_test(test_the_map_grows_under_readers),
        cmocka_unit_test(test_another_process_may_grow_the_map),
        cmocka_unit_test(test_two_processes_that_write_both_grow_the_map),
        cmocka_unit_test(test_a_writer_that_is_killed_leaves_nothing_and_blocks_nobody),
        cmocka_unit_test(test_a_damaged_store_is_refused_in_one_sentence),
        cmocka_unit_test_setup_teardown(test_a_store_of_a_newer_format_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_init_makes_a_store_once, begin, end),
        cmocka_unit_test(test_a_directory_with_other_files_is_no_place_for_a_store),
        cmocka_unit_test_setup_teardown(test_a_store_opened_for_reading_takes_no_change, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
