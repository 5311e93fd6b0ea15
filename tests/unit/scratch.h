/* scratch.h: a directory and a store of one's own for a test. */
#ifndef TG_SCRATCH_H
#define TG_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>
#include "schema/store.h"

static inline int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void scratch_remove(const char *dir)
{
    nftw(dir, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A new directory below /tmp; the name is written into `dir`. */
static inline void scratch_dir(char dir[64])
{
    strcpy(dir, "/tmp/tollgate-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
}

/* A new store in a new directory, opened without syncs (tests of durability open their own). */
static inline struct tg_store *scratch_store(char dir[64])
{
    struct tg_error err = { 0 };
    struct tg_store *store;
    struct tg_store_options options = { .no_sync = true };
    scratch_dir(dir);
    assert_ok(tg_store_create(dir, NULL, false, 1700000000, &err));
    assert_ok(tg_store_open(dir, &options, &store, &err));
    return store;
}

#endif
