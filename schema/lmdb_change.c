/* lmdb_change.c: one transaction that writes, run again where the map had to grow. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include "schema/lmdb_store.h"
#include "schema/records.pb-c.h"

/* With less room than this the next write may be a short one. */
enum { FULL_BELOW = 1 << 20 };

/* Changes between two looks for readers that are gone. */
enum { LOOK_EVERY = 500 };

/* The first failure stays; the commit will report it. */
static void remember(struct tg_change *change, int rc, const char *what)
{
    if (change->err.code != TG_OK)
        return;
    change->rc = rc;
    lmdb_fail(change->view.store, rc, what, &change->err);
    change->err.code = TG_UNUSABLE;
}

/* LMDB calls a short write an input/output error: nearly always the file system is full. */
static int commit(MDB_txn *txn, const char *dir)
{
    struct statvfs space;
    int rc = mdb_txn_commit(txn);
    if (rc == EIO && statvfs(dir, &space) == 0 && (uint64_t)space.f_bavail * space.f_frsize < FULL_BELOW)
        return ENOSPC;
    return rc;
}

/* The snapshot of a reader that was killed (Ctrl-C in a long list) would keep all that is written from then on from being used
 * again: by some pages a change, until somebody opens the store. */
static void clear_readers(struct tg_store *store)
{
    int dead;
    if (++store->changes % LOOK_EVERY == 0)
        mdb_reader_check(store->env, &dead);
}

/* Runs fn once. Holds map_lock meanwhile, so that nobody moves the map. */
static enum tg_code run_once(struct tg_change *change, tg_change_fn *fn, void *arg, struct tg_error *err)
{
    struct tg_view *view = &change->view;
    change->rc = view->store->env == NULL ? MDB_PANIC : mdb_txn_begin(view->store->env, NULL, 0, &view->txn);
    if (change->rc != 0)
        return lmdb_fail(view->store, change->rc, "can't begin to write", err);
    enum tg_code code = lmdb_mark_check(view->store, view->txn, err);
    if (code == TG_OK)
        code = fn(change, arg, err);
    if (change->err.code != TG_OK) {
        mdb_txn_abort(view->txn);
        return tg_fail(err, change->err.code, "%s", change->err.text);
    }
    if (code != TG_OK) {
        mdb_txn_abort(view->txn);
        return code;
    }
    change->rc = commit(view->txn, view->store->dir);
    if (change->rc != 0)
        return lmdb_fail(view->store, change->rc, "can't be written", err);
    clear_readers(view->store);
    return TG_OK;
}

enum tg_code tg_store_change(struct tg_store *store, tg_change_fn *fn, void *arg, struct tg_error *err)
{
    struct tg_arena *arena = tg_arena_new();
    enum tg_code code;
    struct tg_error unread;
    if (err == NULL)
        err = &unread;
    for (int tries = 0;; tries++) {
        struct tg_change change = { .view = { .store = store, .arena = arena, .in_change = true } };
        if (store->read_only) {
            code = tg_fail(err, TG_UNUSABLE, "the store %s was opened for reading only", store->dir);
            break;
        }
        pthread_rwlock_rdlock(&store->map_lock);
        code = run_once(&change, fn, arg, err);
        pthread_rwlock_unlock(&store->map_lock);
        bool panic = change.rc == MDB_PANIC && tries < 2;
        bool resize = change.rc == MDB_MAP_FULL || change.rc == MDB_MAP_RESIZED;
        if (code == TG_OK || (!resize && !panic) || tries >= 20)
            break;
        code = panic ? lmdb_reopen(store, err) : lmdb_resize(store, change.rc == MDB_MAP_FULL, err);
        if (code != TG_OK)
            break;
        tg_arena_reset(arena);
    }
    tg_arena_free(&arena);
    return code;
}

struct tg_view *tg_change_view(struct tg_change *change)
{
    return &change->view;
}

const char *tg_change_actor(const struct tg_change *change)
{
    return change->view.store->actor;
}

static void put(struct tg_change *change, enum tg_db db, const struct tg_key *key, struct tg_span value, unsigned flags)
{
    MDB_val k = { key->len, (void *)key->data }, v = { value.len, (void *)value.data };
    int rc = mdb_put(change->view.txn, change->view.store->dbi[db], &k, &v, flags);
    if (rc != 0)
        remember(change, rc, tg_db_name(db));
}

void tg_put(struct tg_change *change, enum tg_db db, const struct tg_key *key, struct tg_span value)
{
    put(change, db, key, value, 0);
}

void tg_append(struct tg_change *change, enum tg_db db, const struct tg_key *key, struct tg_span value)
{
    put(change, db, key, value, MDB_APPEND);
}

void tg_put_record(struct tg_change *change, enum tg_db db, const struct tg_key *key, const ProtobufCMessage *record)
{
    size_t size = protobuf_c_message_get_packed_size(record);
    uint8_t *bytes = tg_arena_alloc(change->view.arena, size);
    protobuf_c_message_pack(record, bytes);
    tg_put(change, db, key, tg_span_of(bytes, size));
}

void tg_delete(struct tg_change *change, enum tg_db db, const struct tg_key *key)
{
    MDB_val k = { key->len, (void *)key->data };
    int rc = mdb_del(change->view.txn, change->view.store->dbi[db], &k, NULL);
    if (rc != 0 && rc != MDB_NOTFOUND)
        remember(change, rc, tg_db_name(db));
}

void tg_delete_all(struct tg_change *change, enum tg_db db)
{
    int rc = mdb_drop(change->view.txn, change->view.store->dbi[db], 0);
    if (rc != 0)
        remember(change, rc, tg_db_name(db));
}

enum tg_code tg_change_error(struct tg_change *change, struct tg_error *err)
{
    return change->err.code == TG_OK ? TG_OK : tg_fail(err, change->err.code, "%s", change->err.text);
}

/* ---- numbers ---- */

enum tg_code tg_peek_id(struct tg_view *view, enum tg_sequence sequence, uint64_t *id, struct tg_error *err)
{
    struct tg_key key = tg_key_sequence(sequence);
    Tg__Counter *stored;
    enum tg_code code = tg_get_record(view, TG_DB_META, &key, &tg__counter__descriptor, &stored, err);
    if (code != TG_OK && code != TG_NOT_FOUND)
        return code;
    *id = code == TG_OK && stored->next > 0 ? stored->next : 1;
    return TG_OK;
}

enum tg_code tg_skip_ids(struct tg_change *change, enum tg_sequence sequence, uint64_t count, uint64_t *next, struct tg_error *err)
{
    struct tg_key key = tg_key_sequence(sequence);
    Tg__Counter counter = TG__COUNTER__INIT;
    uint64_t first;
    enum tg_code code = tg_peek_id(&change->view, sequence, &first, err);
    if (code != TG_OK)
        return code;
    if (first > TG_NUMBER_MAX || count > TG_NUMBER_MAX - first)
        return tg_fail(err, TG_UNUSABLE, "the store %s has no more numbers for %ss, or is damaged (tollgate store check)",
                       change->view.store->dir, tg_sequence_name(sequence));
    *next = counter.next = first + count;
    tg_put_record(change, TG_DB_META, &key, &counter.base);
    return TG_OK;
}

enum tg_code tg_next_id(struct tg_change *change, enum tg_sequence sequence, uint64_t *id, struct tg_error *err)
{
    uint64_t next = 1;
    enum tg_code code = tg_skip_ids(change, sequence, 1, &next, err);
    *id = next - 1;
    return code;
}
