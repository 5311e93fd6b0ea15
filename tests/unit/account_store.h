/* account_store.h: a store of a test's own in a temporary directory, and accounts in it. */
#ifndef TG_TEST_ACCOUNT_STORE_H
#define TG_TEST_ACCOUNT_STORE_H

#include <stdio.h>
#include <unistd.h>
#include "tests/unit/test.h"
#include "schema/calendar.h"
#include "schema/ledger.h"
#include "schema/store.h"
#include "tests/unit/scratch.h"

struct account_store {
    char dir[64];
    struct tg_store *store;
};

static inline void account_store_open(struct account_store *s)
{
    struct tg_error err;
    struct tg_store_options options = {.no_sync = false};
    assert_ok(tg_store_open(s->dir, &options, &s->store, &err));
}

/* With a map that has to grow soon: the file is no longer than what is in it, as a copy is. */
static inline void account_store_open_tight(struct account_store *s)
{
    struct tg_error err;
    struct tg_store_options options = {.map_size = 1 << 20};
    char data[sizeof s->dir + 16];
    snprintf(data, sizeof data, "%s/data.mdb", s->dir);
    assert_int_equal(truncate(data, 1 << 18), 0);
    assert_ok(tg_store_open(s->dir, &options, &s->store, &err));
}

/* Made but not opened, for those who fork first. */
static inline void account_store_make(struct account_store *s)
{
    struct tg_error err;
    scratch_dir(s->dir);
    s->store = NULL;
    assert_ok(tg_store_create(s->dir, "", false, 1700000000, &err));
}

static inline void account_store_end(struct account_store *s)
{
    tg_store_close(&s->store);
    scratch_remove(s->dir);
}

struct new_account {
    uint64_t id;
    struct tg_plan plan;
    bool disabled;
};

static inline enum tg_code put_new_account(struct tg_change *change, void *arg,
                                           struct tg_error *err)
{
    const struct new_account *a = arg;
    struct tg_key key = tg_key_id(a->id);
    struct tg_usage usage;
    struct tg_movement purchase;
    Tg__Account record = TG__ACCOUNT__INIT;
    char username[TG_USERNAME_MAX];
    snprintf(username, sizeof username, "user%llu", (unsigned long long)a->id);
    record.id = a->id;
    record.username = username;
    record.plan = a->plan.kind;
    record.plan_messages = a->plan.messages;
    record.plan_since = a->plan.since;
    record.max_per_hour = a->plan.max_per_hour;
    record.max_per_day = a->plan.max_per_day;
    record.disabled = a->disabled;
    tg_put_record(change, TG_DB_ACCOUNTS, &key, &record.base);
    tg_plan_start(&a->plan, a->plan.since, &usage, &purchase);
    tg_usage_put(change, a->id, &usage);
    tg_ledger_append(change, a->id, &purchase, NULL);
    return tg_change_error(change, err);
}

static inline void add_account(struct account_store *s, struct new_account a)
{
    struct tg_error err;
    assert_ok(tg_store_change(s->store, put_new_account, &a, &err));
}

static inline struct tg_usage usage_of(struct account_store *s, uint64_t id)
{
    struct tg_error err;
    struct tg_view *view;
    struct tg_usage usage;
    assert_ok(tg_view_begin(s->store, &view, &err));
    assert_ok(tg_usage_get(view, id, &usage, &err));
    tg_view_end(&view);
    return usage;
}

/* The sum of the account's movements; *count of them, where given. */
static inline int64_t ledger_sum(struct account_store *s, uint64_t id, size_t *count)
{
    struct tg_error err;
    struct tg_view *view;
    struct tg_walk *walk;
    struct tg_span key, value;
    struct tg_key prefix = tg_key_id(id);
    Tg__Movement *movement;
    enum tg_code code;
    int64_t sum = 0;
    size_t n = 0;
    assert_ok(tg_view_begin(s->store, &view, &err));
    assert_ok(tg_walk_begin(view, TG_DB_LEDGER, &prefix, NULL, TG_FORWARD, &walk, &err));
    while ((code = tg_walk_next(walk, &key, &value, &err)) == TG_OK) {
        assert_ok(tg_unpack(view, TG_DB_LEDGER, value, &tg__movement__descriptor, &movement, &err));
        sum += movement->amount;
        n++;
    }
    assert_int_equal(code, TG_NOT_FOUND);
    tg_walk_end(&walk);
    tg_view_end(&view);
    if (count != NULL)
        *count = n;
    return sum;
}

static inline size_t count_records(struct account_store *s, enum tg_db db, uint64_t account_id)
{
    struct tg_error err;
    struct tg_view *view;
    struct tg_walk *walk;
    struct tg_span key, value;
    struct tg_key prefix = tg_key_id(account_id);
    size_t n = 0;
    assert_ok(tg_view_begin(s->store, &view, &err));
    assert_ok(tg_walk_begin(view, db, &prefix, NULL, TG_FORWARD, &walk, &err));
    while (tg_walk_next(walk, &key, &value, &err) == TG_OK)
        n++;
    tg_walk_end(&walk);
    tg_view_end(&view);
    return n;
}

#endif
