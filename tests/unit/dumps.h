/* dumps.h: exports and imports of a test: a store with something in every corner, its export as text and as a file. */
#ifndef TG_TEST_DUMPS_H
#define TG_TEST_DUMPS_H

#include <fcntl.h>
#include "schema/dump.h"
#include "tests/unit/nouns.h"

struct text {
    char *data;
    size_t len;
};

/* Also to a file, whose name is written into `name`. */
static inline struct text export(struct tg_store *store, char name[64])
{
    struct tg_error err;
    struct tg_dump_counts counts;
    struct stat st;
    strcpy(name, "/tmp/tollgate-export-XXXXXX");
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_ok(tg_store_export(store, fd, NULL, NULL, &counts, &err));
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, counts.bytes);
    struct text text = { calloc(1, counts.bytes + 1), counts.bytes };
    assert_int_equal(pread(fd, text.data, text.len, 0), text.len);
    close(fd);
    return text;
}

static inline enum tg_code import(struct tg_store *store, const char *name, struct tg_error *err)
{
    struct tg_dump_counts counts;
    int fd = open(name, O_RDONLY);
    assert_true(fd >= 0);
    enum tg_code code = tg_store_import(store, fd, name, NOW, NULL, NULL, &counts, err);
    close(fd);
    return code;
}

static inline struct tg_store *open_to_import(const char *dir)
{
    struct tg_error err;
    struct tg_store *store;
    struct tg_store_options options = { .no_sync = true, .import = true };
    assert_ok(tg_store_open(dir, &options, &store, &err));
    return store;
}

static inline struct tg_store *new_to_import(char dir[64])
{
    struct tg_error err;
    scratch_dir(dir);
    assert_ok(tg_store_create(dir, NULL, false, 1, &err));
    return open_to_import(dir);
}

static inline enum tg_code add_domain_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct added *a = arg;
    struct tg_network network = { .family = 4, .prefix_len = 28, .address = { 192, 0, 2, 16 } };
    struct tg_network_limits limits = { 24, 48 };
    Tg__Domain *domain;
    enum tg_code code = tg_domain_add(change, "shop.example", a->wish.customer_id, NOW, &domain, err);
    if (code == TG_OK)
        code = tg_domain_associate(change, "shop.example", a->username, true, NOW, err);
    if (code == TG_OK)
        code = tg_network_add(change, &network, a->username, "office", &limits, NOW, err);
    return code;
}

/* A store with something in every corner, exported. */
static inline struct text filled(struct nouns *n, char name[64], struct added *account)
{
    uint64_t customer = add_customer(n);
    *account = add_account(n, customer);
    add_account(n, add_customer(n));
    assert_changed(n, run(n, add_domain_fn, account));
    return export(n->store, name);
}

#endif
