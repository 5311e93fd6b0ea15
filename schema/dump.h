/* dump.h: the whole store as lines of JSON, and back: for moving to another machine, another version, another back end.
 *
 * First line:  {"tollgate":"export","version":1,"store_format":1,"records":{"meta":4,…}}
 * then a line for each record (dump_line.h), database by database, in the order of the keys;
 * last line:   {"end":true,"records":N,"blake2b":"…"}: the hash of all that stands before it.
 * Indexes are not in it; they are made anew. Whoever edits an export takes "blake2b" out of its last line: then only the
 * lines themselves are checked.
 *
 * An export is one consistent snapshot: a walk that renews its view would tear an account from its usage and its ledger
 * from its balance. The price is that LMDB can't reuse pages while it runs, as with a backup; so a slow reader behind a
 * pipe is worth a file in between.
 *
 * An import marks the store first (TG_META_IMPORT): from then on every view and change of anybody else fails with
 * TG_UNUSABLE, so that mail is deferred, until the last batch takes the mark away. A run that was broken off leaves the
 * mark; the next one begins anew. */
#ifndef TG_DUMP_H
#define TG_DUMP_H

#include "schema/progress.h"
#include "schema/store.h"

enum { TG_DUMP_VERSION = 1 };

struct tg_dump_counts {
    uint64_t records, bytes;
};

/* Writes to fd. TG_FAILED: it could not be written; TG_UNUSABLE: the store could not be read, or a record is damaged. */
enum tg_code tg_store_export(struct tg_store *store, int fd, tg_progress_fn *progress, void *arg,
                             struct tg_dump_counts *counts, struct tg_error *err) TG_MUST_CHECK;

/* Reads `fd`, which must be a file (it is read twice: all is checked before anything is written); `name` is for sentences.
 * TG_REFUSED: a line is wrong ("FILE, line N: …") or missing, or the store has customers or accounts already. In all these
 * cases the store is as it was. The store must be open with `import`. Progress counts records; one that is checked and not
 * yet written is half done. */
enum tg_code tg_store_import(struct tg_store *store, int fd, const char *name, int64_t now, tg_progress_fn *progress,
                             void *arg, struct tg_dump_counts *counts, struct tg_error *err) TG_MUST_CHECK;

#endif
