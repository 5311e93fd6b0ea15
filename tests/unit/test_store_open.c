/* Which store is opened, made, or refused in one sentence. */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include "schema/records.pb-c.h"
#include "tests/unit/names_store.h"

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
        cmocka_unit_test(test_a_writer_that_is_killed_leaves_nothing_and_blocks_nobody),
        cmocka_unit_test(test_a_damaged_store_is_refused_in_one_sentence),
        on_scratch(test_a_store_of_a_newer_format_is_refused),
        on_scratch(test_init_makes_a_store_once),
        cmocka_unit_test(test_a_directory_with_other_files_is_no_place_for_a_store),
        on_scratch(test_a_store_opened_for_reading_takes_no_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
