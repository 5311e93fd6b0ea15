/* heed.h: signals that we look at ourselves for a while. */
#ifndef ADMIN_HEED_H
#define ADMIN_HEED_H

#include <signal.h>
#include <stddef.h>

/* Those of these that would do something: what whoever started us has had ignored (nohup; a shell's "&") stays ignored. */
static inline void heed(const int *numbers, size_t count, sigset_t *set)
{
    struct sigaction action;
    sigemptyset(set);
    for (size_t i = 0; i < count; i++)
        if (sigaction(numbers[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(set, numbers[i]);
}

#endif
