/* lmdb_view.c: pooled read transactions, and reading records in views and changes alike. */
#include <stdlib.h>
#include <string.h>
#include "schema/lmdb_store.h"

/* Gives the view a transaction: a new one the first time, else its own, renewed. */
static int view_start(struct tg_view *view)
{
    if (view->store->env == NULL)
        return MDB_PANIC;
    if (view->txn == NULL)
        return mdb_txn_begin(view->store->env, NULL, MDB_RDONLY, &view->txn);
    return mdb_txn_renew(view->txn);
}

/* Holding map_lock on success. */
static enum tg_code view_start_or_grow(struct tg_view *view, struct tg_error *err)
{
    struct tg_store *store = view->store;
    for (int tries = 0;; tries++) {
        pthread_rwlock_rdlock(&store->map_lock);
        int rc = view_start(view);
        enum tg_code code = rc == 0 ? lmdb_mark_check(store, view->txn, err) : TG_OK;
        if (rc == 0 && code == TG_OK)
            return TG_OK;
        int dead;
        if (rc == 0)
            mdb_txn_reset(view->txn);
        else if (rc == MDB_READERS_FULL)
            mdb_reader_check(store->env, &dead);
        pthread_rwlock_unlock(&store->map_lock);
        if (code != TG_OK)
            return code;
        if (rc == MDB_MAP_RESIZED && tries < 10)
            code = lmdb_resize(store, false, err);
        else if (rc == MDB_PANIC && tries < 2)
            code = lmdb_reopen(store, err);
        else if (rc != MDB_READERS_FULL || tries > 0)
            return lmdb_fail(store, rc, "can't begin to read", err);
        if (code != TG_OK)
            return code;
    }
}

static struct tg_view *pool_take(struct tg_store *store)
{
    pthread_mutex_lock(&store->pool_lock);
    while (store->pool == NULL && store->views == VIEWS_MAX)
        pthread_cond_wait(&store->pool_free, &store->pool_lock);
    struct tg_view *view = store->pool;
    if (view != NULL) {
        store->pool = view->next;
    } else {
        view = tg_xcalloc(1, sizeof *view);
        view->store = store;
        view->arena = tg_arena_new();
        store->all[store->views++] = view;
    }
    pthread_mutex_unlock(&store->pool_lock);
    return view;
}

static void pool_give(struct tg_view *view)
{
    struct tg_store *store = view->store;
    pthread_mutex_lock(&store->pool_lock);
    view->next = store->pool;
    store->pool = view;
    pthread_cond_signal(&store->pool_free);
    pthread_mutex_unlock(&store->pool_lock);
}

enum tg_code tg_view_begin(struct tg_store *store, struct tg_view **view, struct tg_error *err)
{
    struct tg_view *v = pool_take(store);
    enum tg_code code = view_start_or_grow(v, err);
    if (code != TG_OK) {
        pool_give(v);
        *view = NULL;
        return code;
    }
    *view = v;
    return TG_OK;
}

void tg_view_pause(struct tg_view *view)
{
    if (!view->in_change && view->txn != NULL)
        mdb_txn_reset(view->txn);
}

enum tg_code tg_view_renew(struct tg_view *view, struct tg_error *err)
{
    /* A change sees itself already; its snapshot is its own. */
    if (view->in_change)
        return TG_OK;
    if (view->txn != NULL) /* NULL: the renewal before failed */
        mdb_txn_reset(view->txn);
    pthread_rwlock_unlock(&view->store->map_lock);
    view->snapshot++;
    enum tg_code code = view_start_or_grow(view, err);
    /* The caller will end the view, which gives the lock back. */
    if (code != TG_OK)
        pthread_rwlock_rdlock(&view->store->map_lock);
    return code;
}

void tg_view_end(struct tg_view **view)
{
    struct tg_view *v = *view;
    if (v == NULL)
        return;
    if (v->txn != NULL)
        mdb_txn_reset(v->txn);
    pthread_rwlock_unlock(&v->store->map_lock);
    tg_arena_reset(v->arena);
    pool_give(v);
    *view = NULL;
}

struct tg_arena *tg_view_arena(struct tg_view *view)
{
    return view->arena;
}

enum tg_code tg_get(struct tg_view *view, enum tg_db db, const struct tg_key *key, struct tg_span *value,
                    struct tg_error *err)
{
    MDB_val k = { key->len, (void *)key->data }, v;
    *value = tg_span_of(NULL, 0);
    if (key->len == 0)
        return tg_fail(err, TG_NOT_FOUND, "an empty name");
    int rc = mdb_get(view->txn, view->store->dbi[db], &k, &v);
    if (rc != 0)
        return lmdb_fail(view->store, rc, tg_db_name(db), err);
    uint8_t *copy = tg_arena_alloc(view->arena, v.mv_size);
    if (v.mv_size > 0)
        memcpy(copy, v.mv_data, v.mv_size);
    *value = tg_span_of(copy, v.mv_size);
    return TG_OK;
}

enum tg_code tg_count(struct tg_view *view, enum tg_db db, uint64_t *count, struct tg_error *err)
{
    MDB_stat stat;
    int rc = mdb_stat(view->txn, view->store->dbi[db], &stat);
    *count = rc == 0 ? stat.ms_entries : 0;
    return rc == 0 ? TG_OK : lmdb_fail(view->store, rc, "can't count", err);
}

enum tg_code tg_unpack(struct tg_view *view, enum tg_db db, struct tg_span value, const ProtobufCMessageDescriptor *type,
                       void *record, struct tg_error *err)
{
    ProtobufCMessage *message =
        protobuf_c_message_unpack(type, tg_arena_allocator(view->arena), value.len, value.data);
    *(void **)record = message;
    if (message == NULL)
        return tg_fail(err, TG_UNUSABLE, "store %s: damaged record in %s (run tollgate store check)", view->store->dir,
                       tg_db_name(db));
    return TG_OK;
}

enum tg_code tg_get_record(struct tg_view *view, enum tg_db db, const struct tg_key *key,
                           const ProtobufCMessageDescriptor *type, void *record, struct tg_error *err)
{
    struct tg_span value;
    *(void **)record = NULL;
    enum tg_code code = tg_get(view, db, key, &value, err);
    return code == TG_OK ? tg_unpack(view, db, value, type, record, err) : code;
}
