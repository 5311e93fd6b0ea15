/* dump_import.c: a file of lines into a store, see dump.h. */
#include <stdio.h>
#include <string.h>
#include "schema/dump.h"
#include "schema/dump_batch.h"
#include "schema/dump_file.h"
#include "schema/records.pb-c.h"

/* Bounds of a change, so that others get the write lock in between. */
enum { BATCH_RECORDS = 16000, BATCH_BYTES = 4 << 20, TELL_EVERY = 4096 };

struct import {
    struct tg_store *store;
    struct tg_dump_file file;
    struct tg_arena *arena;
    struct tg_dump_batch batch;
    tg_progress_fn *progress;
    void *arg;
    uint64_t done, all; /* checked and written, a record each time */
    int64_t now;
    enum tg_db db; /* which one is emptied */
};

/* A record is half done when it is checked. */
static void tell(struct import *i)
{
    if (i->progress != NULL && ++i->done % TELL_EVERY == 0)
        i->progress(i->arg, i->done / 2, (i->all > i->done ? i->all : i->done) / 2);
}

static bool is_mark(const struct tg_dump_record *record)
{
    struct tg_key mark = tg_key_name(TG_META_IMPORT);
    return record->db == TG_DB_META && record->key.len == mark.len && memcmp(record->key.data, mark.data, mark.len) == 0;
}

/* ---- the file alone ---- */

static enum tg_code check_meta(const struct import *i, const struct tg_dump_record *record, bool *has_meta, struct tg_error *err)
{
    if (is_mark(record))
        return tg_fail(err, TG_REFUSED, "%.100s, line %llu: the mark of an import is no record to import", i->file.name,
                       (unsigned long long)i->file.line);
    if (record->message != NULL && record->message->descriptor == &tg__meta__descriptor) {
        *has_meta = true;
        if (((const Tg__Meta *)record->message)->format != TG_STORE_FORMAT)
            return tg_fail(err, TG_REFUSED, "%.100s, line %llu: a store format that this Tollgate does not write", i->file.name,
                           (unsigned long long)i->file.line);
    }
    return TG_OK;
}

static enum tg_code check_file(struct import *i, int fd, const char *name, struct tg_error *err)
{
    struct tg_dump_record record;
    bool has_meta = false;
    enum tg_code code = tg_dump_file_begin(&i->file, fd, name, err);
    i->all = 2 * i->file.announced;
    while (code == TG_OK && (code = tg_dump_file_next(&i->file, i->arena, &record, err)) == TG_OK) {
        code = check_meta(i, &record, &has_meta, err);
        tg_arena_reset(i->arena);
        tell(i);
    }
    if (code == TG_NOT_FOUND)
        code = has_meta ? TG_OK : tg_fail(err, TG_REFUSED, "%.100s has no record of the store itself (meta, %s)", name, TG_META_STORE);
    i->all = 2 * i->file.records;
    tg_dump_file_end(&i->file);
    return code;
}

/* ---- the store ---- */

/* May this store be filled? Then it is marked. */
static enum tg_code mark(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct import *i = arg;
    struct tg_view *view = tg_change_view(change);
    struct tg_key key = tg_key_name(TG_META_IMPORT);
    uint64_t customers, accounts;
    struct tg_span there;
    Tg__Import record = TG__IMPORT__INIT;
    enum tg_code code = tg_get(view, TG_DB_META, &key, &there, err);
    if (code != TG_OK && code != TG_NOT_FOUND)
        return code;
    if (code == TG_NOT_FOUND) {
        if ((code = tg_count(view, TG_DB_CUSTOMERS, &customers, err)) != TG_OK ||
            (code = tg_count(view, TG_DB_ACCOUNTS, &accounts, err)) != TG_OK)
            return code;
        if (customers > 0 || accounts > 0)
            return tg_fail(err, TG_REFUSED, "the store has %llu customer%s and %llu account%s already: an import fills a new one only "
                           "(tollgate init --force-new keeps this one aside)", (unsigned long long)customers, customers == 1 ? "" : "s",
                           (unsigned long long)accounts, accounts == 1 ? "" : "s");
    }
    record.file = (char *)i->file.name;
    record.started_at = i->now;
    tg_put_record(change, TG_DB_META, &key, &record.base);
    return tg_change_error(change, err);
}

static enum tg_code empty_one(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct import *i = arg;
    tg_delete_all(change, i->db);
    return i->db == TG_DB_META ? mark(change, arg, err) : tg_change_error(change, err);
}

/* Everything but the mark. Meta last: emptied and marked anew in one change. */
static enum tg_code empty(struct import *i, struct tg_error *err)
{
    enum tg_code code = TG_OK;
    for (int db = TG_DB_COUNT - 1; db >= 0 && code == TG_OK; db--) {
        i->db = (enum tg_db)db;
        code = tg_store_change(i->store, empty_one, i, err);
    }
    return code;
}

static enum tg_code write_batch(struct import *i, struct tg_error *err)
{
    enum tg_code code = i->batch.records > 0 ? tg_store_change(i->store, tg_dump_batch_put, &i->batch, err) : TG_OK;
    tg_dump_batch_empty(&i->batch);
    return code;
}

static enum tg_code finish(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct tg_key key = tg_key_name(TG_META_IMPORT);
    (void)arg;
    tg_delete(change, TG_DB_META, &key);
    return tg_change_error(change, err);
}

static enum tg_code write_file(struct import *i, int fd, const char *name, struct tg_error *err)
{
    struct tg_dump_record record;
    enum tg_code code = tg_dump_file_begin(&i->file, fd, name, err);
    while (code == TG_OK && (code = tg_dump_file_next(&i->file, i->arena, &record, err)) == TG_OK) {
        tg_dump_batch_add(&i->batch, &record);
        tg_arena_reset(i->arena);
        if (i->batch.records == BATCH_RECORDS || i->batch.len >= BATCH_BYTES)
            code = write_batch(i, err);
        tell(i);
    }
    if (code == TG_NOT_FOUND)
        code = write_batch(i, err);
    return code == TG_OK ? tg_store_change(i->store, finish, i, err) : code;
}

enum tg_code tg_store_import(struct tg_store *store, int fd, const char *name, int64_t now, tg_progress_fn *progress,
                             void *arg, struct tg_dump_counts *counts, struct tg_error *err)
{
    struct import i = { .store = store, .progress = progress, .arg = arg, .now = now, .arena = tg_arena_new() };
    bool marked = false;
    *counts = (struct tg_dump_counts){ 0 };
    enum tg_code code = check_file(&i, fd, name, err);
    if (code == TG_OK && (code = tg_store_change(store, mark, &i, err)) == TG_OK) {
        marked = true;
        if ((code = empty(&i, err)) == TG_OK)
            code = write_file(&i, fd, name, err);
        *counts = (struct tg_dump_counts){ i.file.records, i.file.bytes };
    }
    if (progress != NULL)
        progress(arg, i.done / 2, i.done / 2);
    tg_dump_file_end(&i.file);
    tg_arena_free(&i.arena);
    tg_dump_batch_free(&i.batch);
    if (code == TG_OK || !marked)
        return code;
    struct tg_error why = *err;
    return tg_fail(err, why.code, "%s; the import is not complete, and the store refuses all else until tollgate store import "
                   "has run to its end", why.text);
}
