/* lmdb_store.h: what the files of the LMDB back end share. Nobody else includes it. */
#ifndef TG_LMDB_STORE_H
#define TG_LMDB_STORE_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include "schema/store.h"

/* Views at once, of all threads of a process; one more waits. The reader table has room for several
 * processes. */
enum { VIEWS_MAX = 256, READERS_MAX = 2048 };

#define DEFAULT_MAP_SIZE ((size_t)1 << 30)
#define DATA_FILE "data.mdb"

struct tg_view {
    struct tg_store *store;
    MDB_txn *txn;
    struct tg_arena *arena;
    bool in_change;      /* writes may move what a walk looks at */
    unsigned snapshot;   /* counts renewals: a walk that is behind seeks its place again */
    struct tg_view *next;
};

struct tg_store {
    char *dir;
    char *actor;
    MDB_env *env;
    MDB_dbi dbi[TG_DB_COUNT];
    bool read_only;
    bool import;         /* the mark of an import is this process's own, or is to be mended by it */
    int lock_fd;         /* the directory, locked as long as the store is open; -1: by the caller */
    int import_fd;       /* the data file, locked against a second import; -1: no import */
    unsigned flags; /* of mdb_env_open */
    atomic_uint changes; /* that were written */
    /* Read side: a transaction is open, env is used. Write side: the map changes its size, or env is replaced (NULL:
     * that failed). Prefers the writer. */
    pthread_rwlock_t map_lock;
    pthread_mutex_t pool_lock; /* guards the rest */
    pthread_cond_t pool_free;
    struct tg_view *pool;
    struct tg_view *all[VIEWS_MAX];
    unsigned views; /* in use of all */
};

struct tg_change {
    struct tg_view view;
    int rc;              /* LMDB's first failure; MDB_MAP_FULL: run again with a larger map */
    struct tg_error err; /* its sentence; err.code TG_OK: none */
};

/* "store DIR: WHAT: why". NOT_FOUND for MDB_NOTFOUND, TG_UNUSABLE for everything else. */
enum tg_code lmdb_fail(const struct tg_store *store, int rc, const char *what, struct tg_error *err);

/* Another process made the map larger, or (grow) we must. Waits until this process has no transaction. */
enum tg_code lmdb_resize(struct tg_store *store, bool grow, struct tg_error *err);

/* A write of the meta page failed: LMDB gives up on its environment (MDB_PANIC), for readers too. Closes it and opens it
 * again; waits until this process has no transaction. */
enum tg_code lmdb_reopen(struct tg_store *store, struct tg_error *err);

/* Opens LMDB in dir and all databases (create: makes them). Used by open and create alike. */
enum tg_code lmdb_env_open(struct tg_store *store, unsigned flags, size_t map_size, bool create, struct tg_error *err);

/* What LMDB itself would not survive: missing, empty, truncated, something else, somebody else's. */
enum tg_code lmdb_file_check(const char *path, size_t *size, struct tg_error *err);

/* Views and changes of everybody but the import fail while its mark is there. */
enum tg_code lmdb_mark_check(struct tg_store *store, MDB_txn *txn, struct tg_error *err);

/* Who has the store open shares a lock on its directory (flock: it ends with the process, however that ends); who swaps
 * its file needs it alone. Waits some seconds for the others. TG_REFUSED: shared with others still (alone); TG_UNUSABLE:
 * somebody has it alone. */
enum tg_code lmdb_lock(const char *dir, bool alone, bool no_wait, int *fd, struct tg_error *err);

/* Removes a directory that a compaction or a restore works in, with what one that was killed left there. */
void lmdb_clear_work(const char *dir);

/* tg_store_open under a lock that the caller holds. */
enum tg_code lmdb_open_locked(const char *dir, const struct tg_store_options *options, struct tg_store **store,
                              struct tg_error *err);

/* Brings an older format up to date, after a backup; refuses a newer one. */
enum tg_code lmdb_upgrade(struct tg_store *store, struct tg_error *err);

#endif
