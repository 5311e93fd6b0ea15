/* callbacks.h: libmilter's table. Thin: a callback gathers, decides, replies; no policy lives here. */
#ifndef MILTER_CALLBACKS_H
#define MILTER_CALLBACKS_H

#include "milter/filter.h"

/* Registers the callbacks with libmilter, which hands no pointer of ours to a new connection: so there is one
 * filter in a process, and it must outlive smfi_main. */
enum tg_code callbacks_register(struct filter *filter, struct tg_error *err) TG_MUST_CHECK;

#endif
