/* copy.h: copies of a whole store, while the service runs. */
#ifndef TG_COPY_H
#define TG_COPY_H

#include "schema/progress.h"
#include "schema/store.h"

/* A consistent copy of the store as it is now, without the free pages, made in `dir`, which must not hold a store yet
 * (TG_REFUSED); on disk when this returns. A failure (no space) leaves no half copy behind. Progress is in octets. The
 * service goes on meanwhile; LMDB can't reuse pages until the copy is done. */
enum tg_code tg_store_backup(struct tg_store *store, const char *dir, tg_progress_fn *progress, void *arg,
                             struct tg_error *err) TG_MUST_CHECK;

/* Brings a copy back: from `from` (a directory with a store that opens) to `to`, where none may be, and which no
 * process may have open (TG_REFUSED). */
enum tg_code tg_store_restore(const char *from, const char *to, tg_progress_fn *progress, void *arg,
                              struct tg_error *err) TG_MUST_CHECK;

/* Puts a copy without free pages in the place of the store's file. Nobody else may have the store open, for a process that
 * has it mapped would go on writing the old file, and what it accepts would be lost: TG_REFUSED where somebody does. Killed at
 * any moment it leaves the old file or the new one. The space of the copy is needed beside the old. */
struct tg_compacted {
    uint64_t before, after; /* octets on disk */
};
enum tg_code tg_store_compact(const char *dir, tg_progress_fn *progress, void *arg, struct tg_compacted *compacted,
                              struct tg_error *err) TG_MUST_CHECK;

#endif
