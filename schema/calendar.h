/* calendar.h: UTC days, monthly periods, durations and RFC 3339, all pure.
 *
 * Times are int64_t seconds since 1970 (UTC), days int64_t days since then. */
#ifndef TG_CALENDAR_H
#define TG_CALENDAR_H

#include <stdint.h>
#include "schema/error.h"

enum { TG_RFC3339_SIZE = 32 };

/* floor(t / 86400), also before 1970. */
int64_t tg_day_of(int64_t t);

/* `anchor` moved by `months` calendar months (negative too), keeping day and time of day; a day that
 * the month does not have becomes its last (31 January + 1 = 28 or 29 February, + 2 = 31 March). */
int64_t tg_month_add(int64_t anchor, int months);

/* The start of the monthly period that holds t, where periods start at anchor + k months: the greatest
 * such instant <= t. For t < anchor: anchor (there was no period before). */
int64_t tg_period_start(int64_t anchor, int64_t t);
/* The start of the period after the one that holds t. */
int64_t tg_period_end(int64_t anchor, int64_t t);

/* "2026-11-24T10:00:00Z" into buf, which is returned. */
char *tg_rfc3339(int64_t t, char buf[TG_RFC3339_SIZE]);

/* RFC 3339 ("2026-11-24T10:00:00Z", offsets and a fraction allowed) or "2026-11-24" (midnight UTC), or a
 * duration before now ("90m", "24h", "7d", "2w"; units s m h d w), or "now". TG_USAGE otherwise. */
enum tg_code tg_time_parse(const char *text, int64_t now, int64_t *t, struct tg_error *err) TG_MUST_CHECK;

/* "30s" "90m" "24h" "7d" "2w" → seconds, at most ten years. TG_USAGE otherwise. */
enum tg_code tg_duration_parse(const char *text, int64_t *seconds, struct tg_error *err) TG_MUST_CHECK;

#endif
