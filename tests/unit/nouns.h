/* nouns.h: a store of a test's own with customers and accounts in it, and what must hold after every change. */
#ifndef TG_TEST_NOUNS_H
#define TG_TEST_NOUNS_H

#include "tests/unit/test.h"
#include "schema/account.h"
#include "schema/customer.h"
#include "schema/domain.h"
#include "schema/network.h"
#include "schema/usage.h"
#include "tests/unit/scratch.h"

enum { NOW = 1800000000, DAY = 86400 };

struct nouns {
    char dir[64];
    struct tg_store *store;
    struct tg_error err; /* of the last change */
};

static inline int nouns_begin(void **state)
{
    struct nouns *n = calloc(1, sizeof *n);
    n->store = scratch_store(n->dir);
    tg_store_set_actor(n->store, "tester");
    *state = n;
    return 0;
}

static inline int nouns_end(void **state)
{
    struct nouns *n = *state;
    tg_store_close(&n->store);
    scratch_remove(n->dir);
    free(n);
    return 0;
}

/* ---- looking ---- */

static inline struct tg_view *view_of(struct nouns *n)
{
    struct tg_error err;
    struct tg_view *view;
    assert_ok(tg_view_begin(n->store, &view, &err));
    return view;
}

static inline size_t keys_under(struct nouns *n, enum tg_db db, struct tg_key prefix)
{
    struct tg_error err;
    struct tg_view *view = view_of(n);
    struct tg_walk *walk;
    struct tg_span key, value;
    size_t count = 0;
    assert_ok(tg_walk_begin(view, db, &prefix, NULL, TG_FORWARD, &walk, &err));
    while (tg_walk_next(walk, &key, &value, &err) == TG_OK)
        count++;
    tg_walk_end(&walk);
    tg_view_end(&view);
    return count;
}

static inline size_t keys_in(struct nouns *n, enum tg_db db)
{
    return keys_under(n, db, tg_key_all());
}

static inline bool is_there(struct tg_view *view, enum tg_db db, struct tg_key key)
{
    struct tg_span value;
    return tg_get(view, db, &key, &value, NULL) == TG_OK;
}

/* For every key of `db`, `expected` checks what the others must hold of it. */
static inline void for_each_key(struct tg_view *view, enum tg_db db, void (*expected)(struct tg_view *, struct tg_span, struct tg_span))
{
    struct tg_error err;
    struct tg_key all = tg_key_all();
    struct tg_walk *walk;
    struct tg_span key, value;
    assert_ok(tg_walk_begin(view, db, &all, NULL, TG_FORWARD, &walk, &err));
    while (tg_walk_next(walk, &key, &value, &err) == TG_OK)
        expected(view, key, value);
    tg_walk_end(&walk);
}

static inline void expect_account(struct tg_view *view, struct tg_span key, struct tg_span value)
{
    struct tg_error err;
    Tg__Account *a, *by_name;
    uint64_t id;
    assert_true(tg_read_id(key, &id));
    assert_ok(tg_unpack(view, TG_DB_ACCOUNTS, value, &tg__account__descriptor, &a, &err));
    assert_int_equal(a->id, id);
    assert_ok(tg_account_by_username(view, a->username, &by_name, &err));
    assert_int_equal(by_name->id, id);
    assert_true(is_there(view, TG_DB_CUSTOMERS, tg_key_id(a->customer_id)));
    assert_true(is_there(view, TG_DB_CUSTOMER_ACCOUNTS, tg_key_id_pair(a->customer_id, id)));
    assert_true(is_there(view, TG_DB_USAGE, tg_key_id(id)));
}

static inline void expect_domain(struct tg_view *view, struct tg_span key, struct tg_span value)
{
    struct tg_error err;
    char name[TG_DOMAIN_MAX + 1];
    Tg__Domain *d;
    assert_true(tg_read_name(key, name));
    assert_ok(tg_unpack(view, TG_DB_DOMAINS, value, &tg__domain__descriptor, &d, &err));
    assert_string_equal(d->domain, name);
    assert_true(is_there(view, TG_DB_CUSTOMERS, tg_key_id(d->customer_id)));
    assert_true(is_there(view, TG_DB_CUSTOMER_DOMAINS, tg_key_id_name(d->customer_id, name)));
}

static inline void expect_association(struct tg_view *view, struct tg_span key, struct tg_span value)
{
    char name[TG_DOMAIN_MAX + 1];
    uint64_t id;
    (void)value;
    assert_true(tg_read_id_name(key, &id, name));
    assert_true(is_there(view, TG_DB_ACCOUNTS, tg_key_id(id)));
    assert_true(is_there(view, TG_DB_DOMAINS, tg_key_name(name)));
    assert_true(is_there(view, TG_DB_DOMAIN_ACCOUNTS, tg_key_name_id(name, id)));
}

static inline void expect_network(struct tg_view *view, struct tg_span key, struct tg_span value)
{
    struct tg_network network;
    uint64_t id;
    (void)value;
    assert_true(tg_read_network(key, &network, &id));
    assert_true(is_there(view, TG_DB_ACCOUNTS, tg_key_id(id)));
    assert_true(is_there(view, TG_DB_ACCOUNT_NETWORKS, tg_key_account_network(id, &network)));
}

/* Every record has its index entries, and there are no others. */
static inline void assert_indexes_agree(struct nouns *n)
{
    struct tg_view *view = view_of(n);
    for_each_key(view, TG_DB_ACCOUNTS, expect_account);
    for_each_key(view, TG_DB_DOMAINS, expect_domain);
    for_each_key(view, TG_DB_ASSOCIATIONS, expect_association);
    for_each_key(view, TG_DB_NETWORKS, expect_network);
    tg_view_end(&view);
    const size_t accounts = keys_in(n, TG_DB_ACCOUNTS);
    assert_int_equal(keys_in(n, TG_DB_LOGINS), accounts);
    assert_int_equal(keys_in(n, TG_DB_USAGE), accounts);
    assert_int_equal(keys_in(n, TG_DB_CUSTOMER_ACCOUNTS), accounts);
    assert_int_equal(keys_in(n, TG_DB_CUSTOMER_DOMAINS), keys_in(n, TG_DB_DOMAINS));
    assert_int_equal(keys_in(n, TG_DB_DOMAIN_ACCOUNTS), keys_in(n, TG_DB_ASSOCIATIONS));
    assert_int_equal(keys_in(n, TG_DB_ACCOUNT_NETWORKS), keys_in(n, TG_DB_NETWORKS));
}

/* The audit log's entry that is `back` entries older than the newest. */
static inline void assert_audit(struct nouns *n, size_t back, const char *action, const char *subject,
                                const char *old_value, const char *new_value)
{
    struct tg_error err;
    struct tg_view *view = view_of(n);
    struct tg_key all = tg_key_all();
    struct tg_walk *walk;
    struct tg_span key, value;
    Tg__Audit *entry;
    assert_ok(tg_walk_begin(view, TG_DB_AUDIT, &all, NULL, TG_BACKWARD, &walk, &err));
    for (size_t i = 0; i <= back; i++)
        assert_ok(tg_walk_next(walk, &key, &value, &err));
    assert_ok(tg_unpack(view, TG_DB_AUDIT, value, &tg__audit__descriptor, &entry, &err));
    assert_string_equal(entry->who, "tester");
    assert_string_equal(entry->action, action);
    assert_string_equal(entry->subject, subject);
    assert_string_equal(entry->old_value, old_value);
    assert_string_equal(entry->new_value, new_value);
    tg_walk_end(&walk);
    tg_view_end(&view);
}

/* ---- changing ---- */

static inline enum tg_code run(struct nouns *n, tg_change_fn *fn, void *args)
{
    const size_t before = keys_in(n, TG_DB_AUDIT);
    n->err = (struct tg_error){ .code = TG_OK };
    enum tg_code code = tg_store_change(n->store, fn, args, &n->err);
    if (code == TG_OK) {
        assert_true(keys_in(n, TG_DB_AUDIT) > before);
    } else {
        /* A refusal says why, in one sentence, and changes nothing. */
        assert_int_equal(n->err.code, code);
        assert_true(strlen(n->err.text) > 10);
        assert_null(strpbrk(n->err.text, "\r\n"));
        assert_int_equal(keys_in(n, TG_DB_AUDIT), before);
    }
    assert_indexes_agree(n);
    return code;
}

/* The change is refused with this code, in a sentence that has these words in it. */
#define assert_refused(n, call, expected, words)                             \
    do {                                                                     \
        assert_int_equal(call, expected);                                    \
        if (strstr((n)->err.text, words) == NULL)                            \
            fail_msg("\"%s\" does not say \"%s\"", (n)->err.text, words);    \
    } while (0)

#define assert_changed(n, call)                                              \
    do {                                                                     \
        enum tg_code code_ = (call);                                         \
        if (code_ != TG_OK)                                                  \
            fail_msg("%s: %s", tg_code_name(code_), (n)->err.text);          \
    } while (0)

static inline enum tg_code add_customer_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    uint64_t *id = arg;
    Tg__Customer c = TG__CUSTOMER__INIT;
    c.name = "Example Ltd";
    c.email = "office@example.com";
    c.terms_version = "1";
    enum tg_code code = tg_customer_add(change, &c, NOW, err);
    *id = c.id;
    return code;
}

static inline uint64_t add_customer(struct nouns *n)
{
    uint64_t id;
    assert_changed(n, run(n, add_customer_fn, &id));
    return id;
}

struct added {
    Tg__Account wish;
    uint64_t id;
    char username[TG_USERNAME_MAX];
    struct tg_secret password;
};

static inline enum tg_code add_account_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct added *a = arg;
    Tg__Account *account;
    enum tg_code code = tg_account_add(change, &a->wish, NOW, &account, &a->password, err);
    if (code == TG_OK) {
        a->id = account->id;
        strcpy(a->username, account->username);
    }
    return code;
}

static inline struct added wish_for(uint64_t customer_id)
{
    struct added a = { .wish = TG__ACCOUNT__INIT };
    a.wish.customer_id = customer_id;
    a.wish.description = "newsletter";
    return a;
}

static inline struct added add_account(struct nouns *n, uint64_t customer_id)
{
    struct added a = wish_for(customer_id);
    assert_changed(n, run(n, add_account_fn, &a));
    return a;
}

#define on_a_store(test) cmocka_unit_test_setup_teardown(test, nouns_begin, nouns_end)

#endif
