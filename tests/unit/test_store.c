/* Views, walks and changes of a store. */
#include "tests/unit/names_store.h"

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
    return tg_next_id(change, TG_SEQUENCE_ACCOUNT, arg, err);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_scratch(test_walks_go_both_ways_within_their_prefix),
        on_scratch(test_a_walk_survives_the_deletion_of_where_it_stands),
        on_scratch(test_a_walk_goes_on_in_a_renewed_view),
        on_scratch(test_a_view_that_pauses_holds_no_snapshot_and_its_walk_goes_on),
        on_scratch(test_a_view_does_not_see_what_came_after_it),
        on_scratch(test_a_change_that_refuses_leaves_nothing),
        on_scratch(test_numbers_go_up_from_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
