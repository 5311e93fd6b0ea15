/* forecast.c: see forecast.h. */
#include "schema/calendar.h"
#include "schema/forecast.h"

enum { DAY = 86400 };

struct tg_forecast tg_forecast(const uint64_t used[TG_FORECAST_DAYS], int64_t since, uint64_t left,
                               int64_t end, int64_t now)
{
    struct tg_forecast f = {0};
    int64_t from = (tg_day_of(now) - TG_FORECAST_DAYS + 1) * DAY;
    double sum = 0;
    for (int i = 0; i < TG_FORECAST_DAYS; i++)
        sum += (double)used[i];
    if (sum <= 0)
        return f;
    from = since > from ? since : from;
    /* The first hour of an account says nothing about its day: at least one is assumed. */
    double days = (double)(now - from) / DAY;
    f.per_day = sum / (days < 1 ? 1 : days);
    double seconds = (double)left / f.per_day * DAY;
    if (seconds < 100.0 * 365 * DAY && (end == 0 || (double)now + seconds < (double)end))
        f.runs_out = now + (int64_t)seconds;
    return f;
}
