/* metrics.h: what authd counts. The names of doors, mechanisms and results are those of the log; what is not in
 * its list is counted as the last, "other". */
#ifndef AUTHD_METRICS_H
#define AUTHD_METRICS_H

#include <stdbool.h>
#include "authd/conn.h"
#include "schema/metrics.h"

struct tg_metrics *metrics_new(void);

/* The door's place in the lists, to be looked up once a connection. */
unsigned metrics_door(const char *name);

void metrics_opened(struct tg_metrics *metrics, unsigned door);
void metrics_ended(struct tg_metrics *metrics, unsigned door, enum conn_end why);
/* ns: what the request cost us; held-back answers are counted by themselves. */
void metrics_request(struct tg_metrics *metrics, unsigned door, uint64_t ns);
void metrics_held(struct tg_metrics *metrics, unsigned door, unsigned delay_ms);
void metrics_accept_failed(struct tg_metrics *metrics, const char *door);

/* A login that was decided: result "ok", "password", "unknown", "disabled", … or "unusable" (the store). */
void metrics_login(struct tg_metrics *metrics, const char *door, const char *mechanism, const char *result);
/* An answer of a door that looks something up: "ok", "dunno" (policy), "notfound", "refused", "unusable". */
void metrics_answer(struct tg_metrics *metrics, const char *door, const char *answer);
/* entries: in use; limit: room. */
void metrics_throttle(struct tg_metrics *metrics, size_t entries, size_t limit);

/* A sweep ended at `now`. */
void metrics_sweep(struct tg_metrics *metrics, bool done, int64_t now);

#endif
