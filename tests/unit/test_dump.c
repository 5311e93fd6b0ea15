/* A whole store: exported, imported, exported again. */
#include "schema/check.h"
#include "tests/unit/dumps.h"

static void ignore_problem(void *arg, const char *sentence)
{
    print_message("%s\n", sentence);
    ++*(int *)arg;
}

static void test_a_store_from_an_export_gives_the_same_export_and_its_passwords_work(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    char first[64], second[64], dir[64];
    struct added account;
    struct text text = filled(n, first, &account);
    struct tg_store *store = new_to_import(dir);
    assert_ok(import(store, first, &err));
    tg_store_close(&store);

    struct nouns copy = { 0 };
    assert_ok(tg_store_open(dir, NULL, &copy.store, &err));
    struct text again = export(copy.store, second);
    assert_int_equal(text.len, again.len);
    assert_memory_equal(text.data, again.data, text.len);
    assert_indexes_agree(&copy);
    struct tg_store_stat stat;
    int problems = 0;
    assert_ok(tg_store_check(copy.store, NOW, ignore_problem, &problems, NULL, NULL, &stat, &err));
    assert_int_equal(problems, 0);
    struct tg_view *view = view_of(&copy);
    Tg__Account *found;
    assert_ok(tg_account_check_password(view, account.username, account.password.text, strlen(account.password.text), NOW,
                                        &found, &(const char *){ NULL }, &err));
    tg_view_end(&view);
    assert_non_null(strstr(text.data, "\"network\":\"192.0.2.16/28\""));
    tg_store_close(&copy.store);
    scratch_remove(dir);
    unlink(first);
    unlink(second);
    free(text.data);
    free(again.data);
}

static enum tg_code move_one(struct tg_change *change, void *arg, struct tg_error *err)
{
    /* Two records that say the same: a torn snapshot would show them apart. */
    uint64_t *step = arg;
    Tg__Counter counter = TG__COUNTER__INIT;
    counter.next = ++*step;
    struct tg_key first = tg_key_name("next-aaa"), last = tg_key_name("next-zzz");
    tg_put_record(change, TG_DB_META, &first, &counter.base);
    tg_put_record(change, TG_DB_META, &last, &counter.base);
    return tg_change_error(change, err);
}

static void write_in_between(void *arg, uint64_t done, uint64_t all)
{
    struct nouns *n = arg;
    struct tg_error err;
    static uint64_t step = 100;
    (void)done;
    (void)all;
    assert_ok(tg_store_change(n->store, move_one, &step, &err));
}

static enum tg_code many(struct tg_change *change, void *arg, struct tg_error *err)
{
    (void)arg;
    for (uint64_t i = 1; i <= 20000; i++) {
        Tg__Customer c = TG__CUSTOMER__INIT;
        struct tg_key key = tg_key_id(i);
        c.id = i;
        tg_put_record(change, TG_DB_CUSTOMERS, &key, &c.base);
    }
    return move_one(change, &(uint64_t){ 0 }, err);
}

static void test_an_export_is_one_snapshot(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct tg_dump_counts counts;
    char name[] = "/tmp/tollgate-export-XXXXXX";
    int fd = mkstemp(name);
    assert_ok(tg_store_change(n->store, many, NULL, &err));
    assert_ok(tg_store_export(n->store, fd, write_in_between, n, &counts, &err));
    struct text text = { calloc(1, counts.bytes + 1), counts.bytes };
    assert_int_equal(pread(fd, text.data, text.len, 0), text.len);
    assert_non_null(strstr(text.data, "{\"name\":\"next-aaa\"},\"value\":{\"next\":1}"));
    assert_non_null(strstr(text.data, "{\"name\":\"next-zzz\"},\"value\":{\"next\":1}"));
    close(fd);
    unlink(name);
    free(text.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_a_store(test_a_store_from_an_export_gives_the_same_export_and_its_passwords_work),
        on_a_store(test_an_export_is_one_snapshot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
