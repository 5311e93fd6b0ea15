/* lmdb_env.c: opening, closing and growing the LMDB environment.
 *
 * The data file is as long as the map, and sparse: so a file that is shorter than its last page was
 * truncated, for certain, and no page is ever read behind its end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "schema/lmdb_store.h"
#include "schema/records.pb-c.h"

/* The file's length follows the map's. Where that is refused (a limit, a full quota), LMDB's own writes
 * will say so when it comes to it.
 *
 * Not by fstat and ftruncate where it can be helped: another process may have made the file longer in between, and
 * what it has written there would be cut off. fallocate of the last octet never makes a file shorter, and changes
 * nothing that is there. */
static void extend_file(struct tg_store *store)
{
    mdb_filehandle_t fd;
    MDB_envinfo info;
    struct stat st;
    if (store->read_only || mdb_env_get_fd(store->env, &fd) != 0 || mdb_env_info(store->env, &info) != 0)
        return;
    if (fstat(fd, &st) != 0 || (uint64_t)st.st_size >= info.me_mapsize)
        return;
    if (fallocate(fd, 0, (off_t)info.me_mapsize - 1, 1) == 0 || errno != EOPNOTSUPP)
        return;
    int rc = ftruncate(fd, (off_t)info.me_mapsize);
    (void)rc;
}

enum tg_code lmdb_resize(struct tg_store *store, bool grow, struct tg_error *err)
{
    MDB_envinfo before;
    size_t size = 0; /* what the file's meta page says */
    pthread_rwlock_rdlock(&store->map_lock);
    bool there = store->env != NULL && mdb_env_info(store->env, &before) == 0;
    pthread_rwlock_unlock(&store->map_lock);
    pthread_rwlock_wrlock(&store->map_lock);
    MDB_envinfo now;
    int rc = 0;
    /* Another thread may have been here first. */
    if (there && store->env != NULL && mdb_env_info(store->env, &now) == 0 && now.me_mapsize == before.me_mapsize) {
        if (grow)
            size = now.me_mapsize * 2;
        rc = mdb_env_set_mapsize(store->env, size);
        if (rc == 0 && grow)
            extend_file(store);
    }
    pthread_rwlock_unlock(&store->map_lock);
    return rc == 0 ? TG_OK : lmdb_fail(store, rc, "the map can't grow", err);
}

static enum tg_code open_databases(struct tg_store *store, bool create, struct tg_error *err)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(store->env, NULL, create ? 0 : MDB_RDONLY, &txn);
    if (rc == MDB_MAP_RESIZED && mdb_env_set_mapsize(store->env, 0) == 0)
        rc = mdb_txn_begin(store->env, NULL, create ? 0 : MDB_RDONLY, &txn);
    if (rc != 0)
        return lmdb_fail(store, rc, "can't begin to read", err);
    for (int db = 0; db < TG_DB_COUNT; db++) {
        rc = mdb_dbi_open(txn, tg_db_name((enum tg_db)db), create ? MDB_CREATE : 0, &store->dbi[db]);
        if (rc != 0) {
            mdb_txn_abort(txn);
            return tg_fail(err, TG_UNUSABLE, "%s is not a Tollgate store, or a damaged one: database %s: %s", store->dir,
                           tg_db_name((enum tg_db)db), mdb_strerror(rc));
        }
    }
    rc = mdb_txn_commit(txn);
    return rc == 0 ? TG_OK : lmdb_fail(store, rc, "can't open the databases", err);
}

enum tg_code lmdb_env_open(struct tg_store *store, unsigned flags, size_t map_size, bool create, struct tg_error *err)
{
    int rc = mdb_env_create(&store->env);
    if (rc != 0)
        return lmdb_fail(store, rc, "can't be prepared", err);
    mdb_env_set_maxdbs(store->env, TG_DB_COUNT);
    mdb_env_set_maxreaders(store->env, READERS_MAX);
    mdb_env_set_mapsize(store->env, map_size);
    rc = mdb_env_open(store->env, store->dir, flags | MDB_NOTLS, 0600);
    if (rc == EACCES || rc == EROFS)
        return tg_fail(err, TG_UNUSABLE, "the store %s can't be written: %s", store->dir, mdb_strerror(rc));
    if (rc != 0)
        return lmdb_fail(store, rc, "can't be opened (restore a backup if this stays)", err);
    int dead;
    mdb_reader_check(store->env, &dead);
    extend_file(store);
    return open_databases(store, create, err);
}

static bool env_lives(struct tg_store *store)
{
    MDB_txn *txn;
    if (store->env == NULL)
        return false;
    int rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);
    if (rc == 0)
        mdb_txn_abort(txn);
    return rc != MDB_PANIC;
}

static void env_close(struct tg_store *store)
{
    pthread_mutex_lock(&store->pool_lock);
    for (unsigned i = 0; i < store->views; i++) {
        mdb_txn_abort(store->all[i]->txn);
        store->all[i]->txn = NULL;
    }
    pthread_mutex_unlock(&store->pool_lock);
    if (store->env != NULL)
        mdb_env_close(store->env);
    store->env = NULL;
}

enum tg_code lmdb_reopen(struct tg_store *store, struct tg_error *err)
{
    char path[4096];
    size_t size;
    enum tg_code code = TG_OK;
    snprintf(path, sizeof path, "%s/" DATA_FILE, store->dir);
    pthread_rwlock_wrlock(&store->map_lock);
    /* Another thread may have been here first. */
    if (!env_lives(store)) {
        env_close(store);
        code = lmdb_file_check(path, &size, err);
        if (code == TG_OK && (code = lmdb_env_open(store, store->flags, size, false, err)) != TG_OK)
            env_close(store);
    }
    pthread_rwlock_unlock(&store->map_lock);
    return code;
}

static struct tg_store *store_new(const char *dir)
{
    struct tg_store *store = tg_xcalloc(1, sizeof *store);
    pthread_rwlockattr_t prefer_writer;
    pthread_rwlockattr_init(&prefer_writer);
    pthread_rwlockattr_setkind_np(&prefer_writer, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&store->map_lock, &prefer_writer);
    pthread_rwlockattr_destroy(&prefer_writer);
    pthread_mutex_init(&store->pool_lock, NULL);
    pthread_cond_init(&store->pool_free, NULL);
    store->dir = tg_xstrdup(dir);
    store->actor = tg_xstrdup("");
    store->lock_fd = store->import_fd = -1;
    return store;
}

/* Two imports at once would fill one store twice. */
static enum tg_code lock_import(struct tg_store *store, const char *path, struct tg_error *err)
{
    store->import_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (store->import_fd < 0)
        return tg_fail(err, TG_UNUSABLE, "can't read the store %s: %s", path, strerror(errno));
    if (flock(store->import_fd, LOCK_EX | LOCK_NB) != 0)
        return tg_fail(err, TG_REFUSED, "another import into the store %s is running", store->dir);
    return TG_OK;
}

enum tg_code lmdb_open_locked(const char *dir, const struct tg_store_options *options, struct tg_store **store,
                              struct tg_error *err)
{
    static const struct tg_store_options defaults;
    const struct tg_store_options *o = options != NULL ? options : &defaults;
    char path[4096];
    size_t file_size;
    enum tg_code code;
    *store = NULL;
    if (snprintf(path, sizeof path, "%s/" DATA_FILE, dir) >= (int)sizeof path)
        return tg_fail(err, TG_UNUSABLE, "the path of the store is too long");
    if ((code = lmdb_file_check(path, &file_size, err)) != TG_OK)
        return code;

    size_t map_size = o->map_size != 0 ? o->map_size : DEFAULT_MAP_SIZE;
    struct tg_store *s = store_new(dir);
    s->read_only = o->read_only;
    s->import = o->import;
    unsigned flags = (o->no_sync ? MDB_NOSYNC : 0u) | (o->read_only ? MDB_RDONLY : 0u);
    s->flags = flags;
    code = s->import ? lock_import(s, path, err) : TG_OK;
    if (code == TG_OK)
        code = lmdb_env_open(s, flags, file_size > map_size ? file_size : map_size, false, err);
    if (code == TG_OK)
        code = lmdb_upgrade(s, err);
    if (code != TG_OK) {
        tg_store_close(&s);
        return code;
    }
    *store = s;
    return TG_OK;
}

enum tg_code tg_store_open(const char *dir, const struct tg_store_options *options, struct tg_store **store,
                           struct tg_error *err)
{
    int fd;
    *store = NULL;
    enum tg_code code = lmdb_lock(dir, false, options != NULL && options->no_wait, &fd, err);
    if (code != TG_OK)
        return code;
    code = lmdb_open_locked(dir, options, store, err);
    if (code == TG_OK)
        (*store)->lock_fd = fd;
    else
        close(fd);
    return code;
}

void tg_store_close(struct tg_store **store)
{
    struct tg_store *s = *store;
    if (s == NULL)
        return;
    while (s->pool != NULL) {
        struct tg_view *view = s->pool;
        s->pool = view->next;
        mdb_txn_abort(view->txn);
        tg_arena_free(&view->arena);
        free(view);
    }
    if (s->env != NULL)
        mdb_env_close(s->env);
    if (s->import_fd >= 0)
        close(s->import_fd);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    pthread_rwlock_destroy(&s->map_lock);
    pthread_mutex_destroy(&s->pool_lock);
    pthread_cond_destroy(&s->pool_free);
    free(s->actor);
    free(s->dir);
    free(s);
    *store = NULL;
}

void tg_store_set_actor(struct tg_store *store, const char *who)
{
    free(store->actor);
    store->actor = tg_xstrdup(who);
}

enum tg_code tg_store_stat(struct tg_store *store, struct tg_store_stat *stat, struct tg_error *err)
{
    struct tg_view *view;
    enum tg_code code = tg_view_begin(store, &view, err);
    if (code != TG_OK)
        return code;
    MDB_envinfo info;
    MDB_stat page;
    mdb_env_info(store->env, &info);
    mdb_env_stat(store->env, &page);
    memset(stat, 0, sizeof *stat);
    stat->map_bytes = info.me_mapsize;
    stat->used_bytes = (uint64_t)(info.me_last_pgno + 1) * page.ms_psize;
    stat->readers = info.me_numreaders;
    stat->max_readers = info.me_maxreaders;
    for (int db = 0; db < TG_DB_COUNT && code == TG_OK; db++)
        code = tg_count(view, (enum tg_db)db, &stat->records[db], err);
    tg_view_end(&view);
    return code;
}
