/* now.c: see now.h. */
#include <time.h>
#include "schema/now.h"

int64_t tg_now(void)
{
    return tg_now_us() / 1000000;
}

int64_t tg_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t tg_ticks_ms(void)
{
    return (int64_t)(tg_ticks_ns() / 1000000);
}

uint64_t tg_ticks_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * TG_NS_PER_S + (uint64_t)now.tv_nsec;
}
