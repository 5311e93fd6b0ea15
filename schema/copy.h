/* copy.h: copies of a whole store, while the service runs. */
#ifndef TG_COPY_H
#define TG_COPY_H

#include "schema/store.h"

/* A consistent copy of the store as it is now, made in `dir`, which must not hold a store yet (TG_REFUSED); on disk when this
 * returns. A failure leaves no half copy behind. */
enum tg_code tg_store_backup(struct tg_store *store, const char *dir, struct tg_error *err) TG_MUST_CHECK;

/* Brings a copy back: from `from` (a directory with a store that opens) to `to`, where none may be (TG_REFUSED). */
enum tg_code tg_store_restore(const char *from, const char *to, struct tg_error *err) TG_MUST_CHECK;

#endif
