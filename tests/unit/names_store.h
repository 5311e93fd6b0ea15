/* names_store.h: an empty store as a test's state, and keys to put into it. */
#ifndef TG_TEST_NAMES_STORE_H
#define TG_TEST_NAMES_STORE_H

#include "tests/unit/test.h"
#include "tests/unit/scratch.h"

struct fixture {
    char dir[64];
    struct tg_store *store;
};

static inline int begin(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->store = scratch_store(f->dir);
    *state = f;
    return 0;
}

static inline int end(void **state)
{
    struct fixture *f = *state;
    tg_store_close(&f->store);
    scratch_remove(f->dir);
    free(f);
    return 0;
}

static inline enum tg_code put_names(struct tg_change *change, void *arg, struct tg_error *err)
{
    for (const char *const *name = arg; *name != NULL; name++) {
        struct tg_key key = tg_key_name(*name);
        tg_put(change, TG_DB_LOGINS, &key, tg_span_str(*name));
    }
    return tg_change_error(change, err);
}

#define on_scratch(test) cmocka_unit_test_setup_teardown(test, begin, end)

#endif
