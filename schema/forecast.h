/* forecast.h: when a plan will be used up, if the account goes on as in the last days. Pure. */
#ifndef TG_FORECAST_H
#define TG_FORECAST_H

#include <stdint.h>

enum { TG_FORECAST_DAYS = 7 };

struct tg_forecast {
    double per_day; /* units; 0: nothing was used in the last days */
    int64_t runs_out; /* 0: not before `end` */
};

/* used[0]: the running UTC day's units, used[i]: those of i days before. `since`: when the account
 * was made, so that a new one is not measured by days that it did not have. left: of the plan. end:
 * when the period or package ends (0: never). */
struct tg_forecast tg_forecast(const uint64_t used[TG_FORECAST_DAYS], int64_t since, uint64_t left,
                               int64_t end, int64_t now);

#endif
