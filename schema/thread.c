/* thread.c: see thread.h. */
#include <signal.h>
#include "schema/thread.h"

bool tg_thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
    sigset_t mains, before;
    sigemptyset(&mains);
    sigaddset(&mains, SIGHUP);
    sigaddset(&mains, SIGINT);
    sigaddset(&mains, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &mains, &before); /* a thread begins with its maker's */
    bool started = pthread_create(thread, NULL, run, arg) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}
