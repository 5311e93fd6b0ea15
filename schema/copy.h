/* copy.h: copies of a whole store, while the service runs. */
#ifndef TG_COPY_H
#define TG_COPY_H

#include "schema/progress.h"
#include "schema/store.h"

/* A consistent copy of the store as it is now, without the free pages, made in `dir`, which must not hold a store yet
 * (TG_REFUSED); on disk when this returns. A failure (no space) leaves no half copy behind, nor does who is
 * killed (unfinished.h). Progress is in octets. The service goes on meanwhile; LMDB can't reuse pages until the copy
 * is done. */
enum tg_code tg_store_backup(struct tg_store *store, const char *dir, tg_progress_fn *progress, void *arg,
                             struct tg_error *err) TG_MUST_CHECK;

/* Brings a copy back: from `from` (a directory with a store that opens) to `to`, where none may be, and which no
 * process may have open (TG_REFUSED). Nobody knows which numbers were given since the copy was made: so that none of them is given
 * again, every sequence goes on TG_NUMBERS_SKIPPED further and TG_NUMBERS_A_SECOND for each second until now since the copy's last
 * line in the audit log. The copy stays as it is: a second restore of it comes later, and so skips what was given after the first.
 * Killed at any moment it leaves no store or the whole one. */
enum { TG_NUMBERS_SKIPPED = 1000000, TG_NUMBERS_A_SECOND = 10 };
struct tg_restore {
    const char *from, *to;
    const char *who;           /* for the audit log */
    int64_t now;
    bool keep_numbers;         /* none was given since: they go on where they were */
    tg_progress_fn *progress;  /* in octets; may be NULL */
    void *progress_arg;
};
struct tg_restored {
    uint64_t next[TG_SEQUENCE_COUNT]; /* the first number that is given from now on */
};
enum tg_code tg_store_restore(const struct tg_restore *wanted, struct tg_restored *restored, struct tg_error *err) TG_MUST_CHECK;

/* Puts a copy without free pages in the place of the store's file. Nobody else may have the store open, for a process that
 * has it mapped would go on writing the old file, and what it accepts would be lost: TG_REFUSED where somebody does. Killed at
 * any moment it leaves the old file or the new one. The space of the copy is needed beside the old. */
struct tg_compacted {
    uint64_t before, after; /* octets on disk */
};
enum tg_code tg_store_compact(const char *dir, tg_progress_fn *progress, void *arg, struct tg_compacted *compacted,
                              struct tg_error *err) TG_MUST_CHECK;

#endif
