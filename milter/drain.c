/* drain.c: see drain.h. It is waited for once in the life of a process, so by looking again and again. */
#include <stdint.h>
#include <time.h>
#include "milter/drain.h"
#include "schema/metrics.h"
#include "schema/now.h"

enum { LOOK_MS = 5 };

bool drain_enter(struct drain *drain)
{
    atomic_fetch_add(&drain->callbacks, 1);
    if (!atomic_load(&drain->closed))
        return true;
    atomic_fetch_sub(&drain->callbacks, 1);
    return false;
}

void drain_leave(struct drain *drain)
{
    atomic_fetch_sub(&drain->callbacks, 1);
}

void drain_message_begins(struct drain *drain)
{
    atomic_fetch_add(&drain->messages, 1);
}

void drain_message_ends(struct drain *drain)
{
    atomic_fetch_sub(&drain->messages, 1);
}

unsigned drain_messages(struct drain *drain)
{
    return atomic_load(&drain->messages);
}

bool drain_begun(struct drain *drain)
{
    return atomic_load(&drain->draining);
}

/* Returns what is left. By the clock: where the cores are busy a pause takes much longer than it says. */
static unsigned wait_for_none(atomic_uint *count, int wait_ms)
{
    const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
    const int64_t until = tg_ticks_ms() + wait_ms;
    unsigned left;
    while ((left = atomic_load(count)) > 0 && tg_ticks_ms() < until)
        nanosleep(&pause, NULL);
    return left;
}

void drain_begin(struct drain *drain)
{
    atomic_store(&drain->draining, true);
}

unsigned drain_wait(struct drain *drain, int wait_ms)
{
    return wait_for_none(&drain->messages, wait_ms);
}

bool drain_close(struct drain *drain, int wait_ms)
{
    atomic_store(&drain->closed, true);
    return wait_for_none(&drain->callbacks, wait_ms) == 0;
}
