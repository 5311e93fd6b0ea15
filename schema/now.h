/* now.h: the machine's two clocks. Rules have no clock: they are given `now`, which main, a door, a callback or a timer
 * read here. Any thread; neither can fail.
 *
 * tg_now, tg_now_us        the time, since 1970 in UTC: what records hold. It may be set back.
 * tg_ticks_ms, tg_ticks_ns  since some moment before this process, never back: for durations and deadlines alone. It is the
 *                           clock of CLOCK_MONOTONIC, so a timed wait on that one agrees with it. */
#ifndef TG_NOW_H
#define TG_NOW_H

#include <stdint.h>

enum { TG_NS_PER_S = 1000000000 };

int64_t tg_now(void);
int64_t tg_now_us(void);
int64_t tg_ticks_ms(void);
uint64_t tg_ticks_ns(void);

#endif
