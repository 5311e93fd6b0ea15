/* batch.h: what the committer writes in one change: charges that somebody waits for, and notes. */
#ifndef TG_BATCH_H
#define TG_BATCH_H

#include <semaphore.h>
#include "schema/committer.h"
#include "schema/notes.h"

/* Bounds, so that other writers get the write lock in between. */
enum { TG_BATCH_CHARGES = 1000, TG_BATCH_NOTES = 1000 };

/* One charge; lives on the stack of whoever waits for `done`. */
struct tg_batch_request {
    struct tg_batch_request *next;
    sem_t done;
    struct tg_charge *charge;
    enum tg_code code;
    struct tg_error err;
};

struct tg_batch {
    struct tg_batch_request *first; /* served in this order */
    size_t charge_count;
    struct tg_notes *notes; /* the first note_count of them */
    size_t note_count;
    size_t unwritable; /* notes left out, for their account's counters are damaged */
    struct tg_error note_err; /* why, of the last of them */
};

/* TG_OK: it is on disk, and each request has its own code. Anything else: nothing of it is, and all
 * requests are TG_UNUSABLE. A damaged record fails its own account's charges only. Posts nothing.
 */
enum tg_code tg_batch_write(struct tg_store *store, struct tg_batch *batch,
                            struct tg_error *err) TG_MUST_CHECK;

#endif
