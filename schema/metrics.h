/* metrics.h: figures for monitoring, in Prometheus' text format.
 *
 * A program describes its metrics in a table; all their series are there from the start, for a label has a fixed
 * set of values: no client makes one. Counting is an atomic addition: any thread, no lock, no memory.
 * Times are counted in nanoseconds and shown in seconds. */
#ifndef TG_METRICS_H
#define TG_METRICS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "schema/now.h"

struct tg_metrics;

enum tg_metric_type { TG_COUNTER, TG_GAUGE, TG_HISTOGRAM };
enum { TG_METRIC_LABELS = 3 };

struct tg_metric_label {
    const char *name;           /* NULL: no label */
    const char *const *values;  /* ended by NULL */
};

struct tg_metric {
    const char *name, *help;
    enum tg_metric_type type;
    struct tg_metric_label label[TG_METRIC_LABELS];
    const uint64_t *bounds;     /* of a histogram's buckets, rising, ended by 0; as counted */
    uint64_t per_unit;          /* counted in this many parts of what is shown; 0: 1 */
};

/* Which value each label has, by its place in the list. */
struct tg_series { unsigned at[TG_METRIC_LABELS]; };
#define TG_SERIES(...) ((struct tg_series){ { __VA_ARGS__ } })
#define TG_NO_LABEL TG_SERIES(0)

/* Bounds for what takes microseconds, and for what waits for a disk. */
extern const uint64_t tg_bounds_fast[], tg_bounds_sync[];

/* The table, which stays the caller's, must outlive it. */
struct tg_metrics *tg_metrics_new(const struct tg_metric *table, size_t count);
void tg_metrics_free(struct tg_metrics **metrics);

/* `metric` is a place in the table. Without metrics (NULL) nothing is counted. */
void tg_metric_add(struct tg_metrics *metrics, unsigned metric, struct tg_series series, uint64_t n);
void tg_metric_subtract(struct tg_metrics *metrics, unsigned metric, struct tg_series series, uint64_t n);
void tg_metric_set(struct tg_metrics *metrics, unsigned metric, struct tg_series series, uint64_t value);
/* One observation of a histogram. */
void tg_metric_observe(struct tg_metrics *metrics, unsigned metric, struct tg_series series, uint64_t value);

/* The place of a word in a list that NULL ends; the last one's where it is not there ("other"). */
unsigned tg_metric_place(const char *const *values, const char *word);

/* HELP, TYPE and all series of each. */
void tg_metrics_write(const struct tg_metrics *metrics, FILE *out);
#define TG_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

#endif
