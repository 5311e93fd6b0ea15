/* progress.h: how far a long piece of work has come. */
#ifndef TG_PROGRESS_H
#define TG_PROGRESS_H

#include <stdint.h>

/* Called now and then, in the caller's thread: so much is done, of so much (as far as that is known). May be NULL. */
typedef void tg_progress_fn(void *arg, uint64_t done, uint64_t all);

#endif
