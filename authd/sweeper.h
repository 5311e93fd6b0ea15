/* sweeper.h: the hourly sweep, in a thread of its own beside the event loop. */
#ifndef AUTHD_SWEEPER_H
#define AUTHD_SWEEPER_H

#include "authd/app.h"

struct sweeper;

/* Begins soon, then every hour. All calls are the loop's thread's. */
struct sweeper *sweeper_new(struct app *app);
/* These settings are replaced: freed at once, or when the running sweep has ended that works with them. */
void sweeper_release(struct sweeper *sweeper, struct tg_settings **settings);
/* The running sweep ends after its batch. */
void sweeper_stop(struct sweeper *sweeper);
/* Waits for the running sweep; app->settings and the store must still be there. */
void sweeper_free(struct sweeper **sweeper);

#endif
