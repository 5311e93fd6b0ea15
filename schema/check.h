/* check.h: walks every record and every index of a store and says what does not agree. */
#ifndef TG_CHECK_H
#define TG_CHECK_H

#include "schema/progress.h"
#include "schema/store.h"

/* One sentence a problem. */
typedef void tg_problem_fn(void *arg, const char *sentence);

/* TG_OK where everything could be looked at, whatever was found. Reads in short views, so the service goes on;
 * records counts what was there at the start. */
enum tg_code tg_store_check(struct tg_store *store, int64_t now, tg_problem_fn *problem, void *problem_arg,
                            tg_progress_fn *progress, void *progress_arg, struct tg_store_stat *records,
                            struct tg_error *err) TG_MUST_CHECK;

#endif
