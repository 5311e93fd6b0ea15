/* thread.h: threads that leave a daemon's signals to its main thread.
 *
 * The kernel gives a signal to any thread that does not block it. In another one its handler would run beside the main thread,
 * which may just be giving back what the handler uses: libevent's writes to a pipe that is closed at the end. */
#ifndef TG_THREAD_H
#define TG_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* As pthread_create, with SIGHUP, SIGINT and SIGTERM blocked. false: no thread can be started. */
bool tg_thread_start(pthread_t *thread, void *(*run)(void *), void *arg);

#endif
