/* lmdb_walk.c: keys in order, over a snapshot that may be renewed and in changes that write. */
#include <stdlib.h>
#include <string.h>
#include "schema/lmdb_store.h"

struct tg_walk {
    struct tg_view *view;
    enum tg_db db;
    enum tg_direction direction;
    struct tg_key prefix;
    MDB_cursor *cursor;
    unsigned snapshot;    /* of the view, that the cursor belongs to */
    bool seek;            /* the next step starts at `at`, inclusive (len 0: the very first or last) */
    struct tg_key at;     /* else: the key of the last step */
    uint8_t *value;       /* copy of the value, where the transaction may write */
    size_t value_size;
};

static void walk_key(struct tg_key *to, const MDB_val *from)
{
    to->len = from->mv_size < sizeof to->data ? from->mv_size : sizeof to->data;
    memcpy(to->data, from->mv_data, to->len);
}

/* The least key that does not start with the prefix and comes after all that do; false: there is none. */
static bool prefix_end(const struct tg_key *prefix, struct tg_key *end)
{
    *end = *prefix;
    while (end->len > 0) {
        if (++end->data[end->len - 1] != 0)
            return true;
        end->len--;
    }
    return false;
}

static int seek_forward(struct tg_walk *w, const struct tg_key *at, MDB_val *k, MDB_val *v)
{
    if (at->len == 0)
        return mdb_cursor_get(w->cursor, k, v, MDB_FIRST);
    *k = (MDB_val){ at->len, (void *)at->data };
    return mdb_cursor_get(w->cursor, k, v, MDB_SET_RANGE);
}

/* The greatest key <= at (inclusive) or < at. */
static int seek_backward(struct tg_walk *w, const struct tg_key *at, bool inclusive, MDB_val *k, MDB_val *v)
{
    *k = (MDB_val){ at->len, (void *)at->data };
    int rc = mdb_cursor_get(w->cursor, k, v, MDB_SET_RANGE);
    if (rc == MDB_NOTFOUND)
        return mdb_cursor_get(w->cursor, k, v, MDB_LAST);
    if (rc == 0 && inclusive && k->mv_size == at->len && memcmp(k->mv_data, at->data, at->len) == 0)
        return 0;
    return rc == 0 ? mdb_cursor_get(w->cursor, k, v, MDB_PREV) : rc;
}

static int first_step(struct tg_walk *w, MDB_val *k, MDB_val *v)
{
    struct tg_key end;
    if (w->direction == TG_FORWARD)
        return seek_forward(w, w->at.len > 0 ? &w->at : &w->prefix, k, v);
    if (w->at.len > 0)
        return seek_backward(w, &w->at, true, k, v);
    if (prefix_end(&w->prefix, &end))
        return seek_backward(w, &end, false, k, v);
    return mdb_cursor_get(w->cursor, k, v, MDB_LAST);
}

/* The place is found anew by its key: the snapshot is another, or something was written. */
static int step_from_key(struct tg_walk *w, MDB_val *k, MDB_val *v)
{
    if (w->direction == TG_BACKWARD)
        return seek_backward(w, &w->at, false, k, v);
    int rc = seek_forward(w, &w->at, k, v);
    if (rc == 0 && k->mv_size == w->at.len && memcmp(k->mv_data, w->at.data, w->at.len) == 0)
        rc = mdb_cursor_get(w->cursor, k, v, MDB_NEXT);
    return rc;
}

enum tg_code tg_walk_begin(struct tg_view *view, enum tg_db db, const struct tg_key *prefix, const struct tg_key *from,
                           enum tg_direction direction, struct tg_walk **walk, struct tg_error *err)
{
    struct tg_walk *w = tg_xcalloc(1, sizeof *w);
    w->view = view;
    w->db = db;
    w->direction = direction;
    w->prefix = *prefix;
    w->snapshot = view->snapshot;
    w->seek = true;
    if (from != NULL)
        w->at = *from;
    int rc = mdb_cursor_open(view->txn, view->store->dbi[db], &w->cursor);
    if (rc != 0) {
        free(w);
        *walk = NULL;
        return lmdb_fail(view->store, rc, tg_db_name(db), err);
    }
    *walk = w;
    return TG_OK;
}

static int step(struct tg_walk *w, MDB_val *k, MDB_val *v)
{
    if (w->snapshot != w->view->snapshot) {
        int rc = mdb_cursor_renew(w->view->txn, w->cursor);
        if (rc != 0)
            return rc;
        w->snapshot = w->view->snapshot;
        return w->seek ? first_step(w, k, v) : step_from_key(w, k, v);
    }
    if (w->seek)
        return first_step(w, k, v);
    if (w->view->in_change)
        return step_from_key(w, k, v);
    return mdb_cursor_get(w->cursor, k, v, w->direction == TG_FORWARD ? MDB_NEXT : MDB_PREV);
}

/* What LMDB hands out in a change is good only until the next write. */
static struct tg_span value_of(struct tg_walk *w, const MDB_val *v)
{
    if (!w->view->in_change)
        return tg_span_of(v->mv_data, v->mv_size);
    if (v->mv_size > w->value_size) {
        w->value_size = v->mv_size * 2;
        w->value = tg_xrealloc(w->value, w->value_size);
    }
    if (v->mv_size > 0)
        memcpy(w->value, v->mv_data, v->mv_size);
    return tg_span_of(w->value, v->mv_size);
}

enum tg_code tg_walk_next(struct tg_walk *walk, struct tg_span *key, struct tg_span *value, struct tg_error *err)
{
    struct tg_walk *w = walk;
    MDB_val k, v;
    int rc = step(w, &k, &v);
    if (rc == 0 && (k.mv_size < w->prefix.len || memcmp(k.mv_data, w->prefix.data, w->prefix.len) != 0))
        rc = MDB_NOTFOUND;
    if (rc != 0)
        return lmdb_fail(w->view->store, rc, tg_db_name(w->db), err);
    w->seek = false;
    walk_key(&w->at, &k);
    *key = tg_span_of(w->at.data, w->at.len);
    *value = value_of(w, &v);
    return TG_OK;
}

void tg_walk_seek(struct tg_walk *walk, const struct tg_key *key)
{
    walk->at = *key;
    walk->seek = true;
}

void tg_walk_end(struct tg_walk **walk)
{
    if (*walk == NULL)
        return;
    mdb_cursor_close((*walk)->cursor);
    free((*walk)->value);
    free(*walk);
    *walk = NULL;
}
