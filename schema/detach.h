/* detach.h: a daemon goes to the background (-d), and writes its pid file.
 *
 * tg_detach comes first of all, while there is one thread and no store. The process that was started waits until
 * tg_detach_ready is called, so its exit status says whether the daemon runs: what goes wrong before still
 * reaches the terminal. */
#ifndef TG_DETACH_H
#define TG_DETACH_H

#include "schema/error.h"

struct tg_detached;

/* Returns in the child. pid_file may be NULL; it is opened here, while the program may still be root. */
enum tg_code tg_detach(const char *pid_file, struct tg_detached **detached, struct tg_error *err) TG_MUST_CHECK;
/* Writes the pid file, lets go of the terminal, and the first process exits with 0. NULL: nothing. */
void tg_detach_ready(struct tg_detached *detached);
/* At the end: the pid file is emptied and, where that is still allowed, removed; before tg_detach_ready only one that was not there:
 * another is that of a daemon that runs. */
void tg_detach_end(struct tg_detached **detached);

#endif
