/* store.h: the keyed records, read in views and written in changes. No LMDB in it: a distributed back
 * end will stand behind the same functions.
 *
 * The life of a read: tg_view_begin gives a consistent snapshot and an arena; records are unpacked into
 * that arena; tg_view_end ends both. A view waits for nobody: never keep one across two milter callbacks
 * or a turn of an event loop, for an old reader keeps pages from being reused and hides an administrator's
 * change. A long walk calls tg_view_renew and goes on from its key.
 *
 * The life of a write: tg_store_change runs a function that reads and writes through its handle only, and
 * may be run again (the map grew; elsewhere: somebody else was faster). So it must not keep anything from
 * an earlier run, mail, print or wait. Puts remember their first error and the commit reports it. When
 * tg_store_change returns TG_OK, the change is on disk.
 *
 * Errors: TG_NOT_FOUND means the record is absent; every other failure is TG_UNUSABLE (can't tell).
 *
 * Threads: a store is shared by all threads of a process; a view or change belongs to one thread. A
 * process opens a store after it has forked, once. */
#ifndef TG_STORE_H
#define TG_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include "schema/arena.h"
#include "schema/error.h"
#include "schema/keys.h"
#include "schema/span.h"

struct tg_store;
struct tg_view;
struct tg_change;

struct tg_store_options {
    bool no_sync;          /* sync = "none": for tests and benchmarks only */
    bool read_only;        /* opens a store on a read-only file system; changes fail */
    bool no_wait;          /* fails at once where the store is being compacted */
    bool import;           /* for tg_store_import alone: also a store that an import left half done; one at a time */
    size_t map_size;       /* first size of the map; 0: the default (1 GiB, sparse) */
};

/* The format that this program writes (Meta.format). */
enum { TG_STORE_FORMAT = 1 };

/* Makes a new store in dir (made too if missing, mode 0700): meta record, first seal keys, ids. TG_REFUSED
 * where one is already there, or dir holds anything else. `force` makes it beside what is there: the old
 * data file is kept as data.mdb.old-TIME, never deleted. */
enum tg_code tg_store_create(const char *dir, const char *return_path_domain, bool force, int64_t now,
                             struct tg_error *err) TG_MUST_CHECK;

/* Opens an existing store and clears stale readers, as changes do later now and then. TG_UNUSABLE, with one sentence
 * that says what and where: missing, empty, truncated (file shorter than the last page in use), not a store, newer format, owned by
 * somebody else, not writable, half imported. An older format is upgraded after a backup beside it. Never makes one.
 * Where it is being compacted, waits some seconds. */
enum tg_code tg_store_open(const char *dir, const struct tg_store_options *options, struct tg_store **store,
                           struct tg_error *err) TG_MUST_CHECK;
void tg_store_close(struct tg_store **store);

/* Who makes changes through this handle, for the audit log ("root (sudo: alice)"); copied. */
void tg_store_set_actor(struct tg_store *store, const char *who);

struct tg_store_stat {
    uint64_t map_bytes;    /* size of the map now */
    uint64_t used_bytes;   /* pages in use */
    uint64_t readers, max_readers;
    uint64_t records[TG_DB_COUNT];
};
enum tg_code tg_store_stat(struct tg_store *store, struct tg_store_stat *stat, struct tg_error *err) TG_MUST_CHECK;

/* ---- views ---- */
enum tg_code tg_view_begin(struct tg_store *store, struct tg_view **view, struct tg_error *err) TG_MUST_CHECK;
enum tg_code tg_view_renew(struct tg_view *view, struct tg_error *err) TG_MUST_CHECK; /* new snapshot; the arena stays */
/* Lets the snapshot go, where somebody must be waited for: nothing may be read until tg_view_renew. The arena and walks stay. */
void tg_view_pause(struct tg_view *view);
void tg_view_end(struct tg_view **view);
struct tg_arena *tg_view_arena(struct tg_view *view);

/* The raw value, copied into the arena. */
enum tg_code tg_get(struct tg_view *view, enum tg_db db, const struct tg_key *key, struct tg_span *value,
                    struct tg_error *err) TG_MUST_CHECK;
/* Unpacked into the arena. A record that does not unpack is TG_UNUSABLE ("damaged record …"). */
enum tg_code tg_get_record(struct tg_view *view, enum tg_db db, const struct tg_key *key,
                           const ProtobufCMessageDescriptor *type, void *record /* T ** */,
                           struct tg_error *err) TG_MUST_CHECK;

/* How many records a database has, in this view. */
enum tg_code tg_count(struct tg_view *view, enum tg_db db, uint64_t *count, struct tg_error *err) TG_MUST_CHECK;

/* ---- walks: keys in order ---- */
enum tg_direction { TG_FORWARD, TG_BACKWARD };
struct tg_walk;

/* Walks the keys that start with `prefix` (len 0: all). `from` (NULL: the very first or last) is where to
 * start, inclusive: going forward the least key >= from, going backward the greatest key <= from. The walk
 * must be ended before the view (or change) is. In a change, what the walk has not yet come to may be written;
 * deleting the current key is allowed. */
enum tg_code tg_walk_begin(struct tg_view *view, enum tg_db db, const struct tg_key *prefix,
                           const struct tg_key *from, enum tg_direction direction, struct tg_walk **walk,
                           struct tg_error *err) TG_MUST_CHECK;
/* TG_OK with the next pair (bytes that stay valid until the walk's next step), TG_NOT_FOUND at the end. */
enum tg_code tg_walk_next(struct tg_walk *walk, struct tg_span *key, struct tg_span *value,
                          struct tg_error *err) TG_MUST_CHECK;
/* Carries on from this key, inclusive, in the same direction. */
void tg_walk_seek(struct tg_walk *walk, const struct tg_key *key);
void tg_walk_end(struct tg_walk **walk);
/* A value got from a walk, unpacked into the view's arena. */
enum tg_code tg_unpack(struct tg_view *view, enum tg_db db, struct tg_span value,
                       const ProtobufCMessageDescriptor *type, void *record /* T ** */,
                       struct tg_error *err) TG_MUST_CHECK;

/* ---- changes ---- */
typedef enum tg_code tg_change_fn(struct tg_change *change, void *arg, struct tg_error *err);

/* Runs fn in one transaction; commits where it returns TG_OK, else undoes all of it and returns fn's code. */
enum tg_code tg_store_change(struct tg_store *store, tg_change_fn *fn, void *arg, struct tg_error *err) TG_MUST_CHECK;

/* What a change sees, its own writes included; ends with the change. */
struct tg_view *tg_change_view(struct tg_change *change);
const char *tg_change_actor(const struct tg_change *change);

void tg_put(struct tg_change *change, enum tg_db db, const struct tg_key *key, struct tg_span value);
/* The same of a key that stands behind all that the database has (else it is an error): keys that come in order and are
 * appended fill their pages, those that are put leave half of each free. */
void tg_append(struct tg_change *change, enum tg_db db, const struct tg_key *key, struct tg_span value);
void tg_put_record(struct tg_change *change, enum tg_db db, const struct tg_key *key, const ProtobufCMessage *record);
/* Deleting what is absent is not an error. */
void tg_delete(struct tg_change *change, enum tg_db db, const struct tg_key *key);
/* Everything in a database. */
void tg_delete_all(struct tg_change *change, enum tg_db db);
/* TG_OK, or the change's first error so far. */
enum tg_code tg_change_error(struct tg_change *change, struct tg_error *err) TG_MUST_CHECK;

/* The number that is next in a sequence, from 1; kept in meta. */
enum tg_code tg_peek_id(struct tg_view *view, enum tg_sequence sequence, uint64_t *id, struct tg_error *err) TG_MUST_CHECK;
/* The same, and takes it. */
enum tg_code tg_next_id(struct tg_change *change, enum tg_sequence sequence, uint64_t *id, struct tg_error *err) TG_MUST_CHECK;
/* Leaves `count` numbers out. *next: the one that is given next. TG_UNUSABLE where the numbers would run out. */
enum tg_code tg_skip_ids(struct tg_change *change, enum tg_sequence sequence, uint64_t count, uint64_t *next,
                         struct tg_error *err) TG_MUST_CHECK;

#endif
