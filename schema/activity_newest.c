/* activity_newest.c: see activity_newest.h. */
#include <stdlib.h>
#include "schema/activity_newest.h"

enum { FIRST_ROOM = 128 };

/* A heap with the oldest in front, which makes room for a newer one. */
struct found {
    struct tg_event_id *ids;
    size_t count, room;
    bool more;
};

static int compare(const struct tg_event_id *a, const struct tg_event_id *b)
{
    if (a->time_us != b->time_us)
        return a->time_us < b->time_us ? -1 : 1;
    if (a->sequence != b->sequence)
        return a->sequence < b->sequence ? -1 : 1;
    return a->account_id == b->account_id ? 0 : a->account_id < b->account_id ? -1 : 1;
}

static void swap(struct tg_event_id *a, struct tg_event_id *b)
{
    struct tg_event_id was = *a;
    *a = *b;
    *b = was;
}

static void rise(struct found *f, size_t at)
{
    for (size_t parent; at > 0 && compare(&f->ids[at], &f->ids[parent = (at - 1) / 2]) < 0; at = parent)
        swap(&f->ids[at], &f->ids[parent]);
}

static void sink(struct found *f)
{
    for (size_t at = 0, child; (child = 2 * at + 1) < f->count; at = child) {
        if (child + 1 < f->count && compare(&f->ids[child + 1], &f->ids[child]) < 0)
            child++;
        if (compare(&f->ids[at], &f->ids[child]) <= 0)
            return;
        swap(&f->ids[at], &f->ids[child]);
    }
}

static void take(struct found *f, const struct tg_event_id *id, size_t limit)
{
    if (f->count == limit) {
        f->ids[0] = *id;
        sink(f);
        f->more = true;
        return;
    }
    if (f->count == f->room) {
        f->room *= 2;
        f->ids = tg_xrealloc(f->ids, f->room * sizeof *f->ids);
    }
    f->ids[f->count] = *id;
    rise(f, f->count++);
}

/* Its memory is given back: a walk may come by millions. A record that does not unpack is of no kind. */
static bool is_of_kind(struct tg_arena *scratch, struct tg_span value, Tg__ActivityKind kind)
{
    Tg__Activity *activity = tg__activity__unpack(tg_arena_allocator(scratch), value.len, value.data);
    bool is = activity != NULL && activity->kind == kind;
    tg_arena_reset(scratch);
    return is;
}

/* Backward by keys, which are account, time, sequence: behind the first that is too old come the account's older ones. */
static enum tg_code look(struct tg_walk *walk, const struct tg_newest *wanted, struct tg_arena *scratch, struct found *f,
                         struct tg_error *err)
{
    struct tg_span key, value;
    struct tg_event_id id;
    enum tg_code code;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        if (!tg_read_event(key, &id))
            return tg_fail(err, TG_UNUSABLE, "damaged key in the activity log (see tollgate store check)");
        bool older = f->count == wanted->limit && compare(&id, &f->ids[0]) < 0;
        if (older || id.time_us < wanted->since_us) {
            struct tg_event_id first = { .account_id = id.account_id };
            struct tg_key before = tg_key_event(&first);
            f->more |= older && id.time_us >= wanted->since_us;
            if (compare(&id, &first) != 0) /* else it stands there, and would for ever */
                tg_walk_seek(walk, &before);
        } else if (wanted->kind == NULL || is_of_kind(scratch, value, *wanted->kind)) {
            take(f, &id, wanted->limit);
        }
    }
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static int in_order(const void *a, const void *b)
{
    return compare(a, b);
}

enum tg_code tg_activity_newest(struct tg_view *view, const struct tg_newest *wanted, struct tg_event_id **ids, size_t *count,
                                bool *more, struct tg_error *err)
{
    struct found f = { .room = FIRST_ROOM };
    struct tg_walk *walk;
    struct tg_key prefix = wanted->all ? tg_key_all() : tg_key_id(wanted->account_id);
    *ids = NULL;
    *count = 0;
    enum tg_code code = tg_walk_begin(view, TG_DB_ACTIVITY, &prefix, NULL, TG_BACKWARD, &walk, err);
    if (code != TG_OK)
        return code;
    struct tg_arena *scratch = tg_arena_new();
    f.ids = tg_xmalloc(f.room * sizeof *f.ids);
    code = look(walk, wanted, scratch, &f, err);
    tg_arena_free(&scratch);
    tg_walk_end(&walk);
    if (code != TG_OK) {
        free(f.ids);
        return code;
    }
    qsort(f.ids, f.count, sizeof *f.ids, in_order);
    *ids = f.ids;
    *count = f.count;
    *more = f.more;
    return TG_OK;
}
