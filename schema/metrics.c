/* metrics.c: see metrics.h. Each family has a run of cells: one a series, or, of a histogram, one a bucket, one
 * for what is above them all, and the sum. */
#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "schema/error.h"
#include "schema/metrics.h"

const uint64_t tg_bounds_fast[] = { 10000, 25000, 50000, 100000, 250000, 1000000, 10000000, 100000000, 1000000000, 0 };
const uint64_t tg_bounds_sync[] = { 500000, 1000000, 2500000, 5000000, 10000000, 25000000, 50000000, 100000000,
                                    250000000, 1000000000, 5000000000, 0 };

struct family {
    const struct tg_metric *row;
    unsigned values[TG_METRIC_LABELS]; /* of each label; 1 where there is none */
    unsigned bounds;
    size_t first;                      /* cell */
    size_t stride;                     /* cells of a series */
};

struct tg_metrics {
    size_t count;
    struct family *family;
    _Atomic uint64_t *cell;
};

static unsigned values_of(const struct tg_metric_label *label)
{
    unsigned count = 0;
    while (label->name != NULL && label->values[count] != NULL)
        count++;
    return label->name == NULL ? 1 : count;
}

static size_t series_of(const struct family *family)
{
    return (size_t)family->values[0] * family->values[1] * family->values[2];
}

struct tg_metrics *tg_metrics_new(const struct tg_metric *table, size_t count)
{
    struct tg_metrics *metrics = tg_xcalloc(1, sizeof *metrics);
    size_t cells = 0;
    metrics->count = count;
    metrics->family = tg_xcalloc(count, sizeof *metrics->family);
    for (size_t i = 0; i < count; i++) {
        struct family *family = &metrics->family[i];
        family->row = &table[i];
        for (int l = 0; l < TG_METRIC_LABELS; l++)
            family->values[l] = values_of(&table[i].label[l]);
        while (table[i].bounds != NULL && table[i].bounds[family->bounds] != 0)
            family->bounds++;
        family->stride = table[i].type == TG_HISTOGRAM ? family->bounds + 2u : 1;
        family->first = cells;
        cells += series_of(family) * family->stride;
    }
    metrics->cell = tg_xcalloc(cells, sizeof *metrics->cell);
    return metrics;
}

void tg_metrics_free(struct tg_metrics **metrics)
{
    if (*metrics == NULL)
        return;
    free((*metrics)->family);
    free((*metrics)->cell);
    free(*metrics);
    *metrics = NULL;
}

/* ---- counting ---- */

static _Atomic uint64_t *cell_of(struct tg_metrics *metrics, unsigned metric, struct tg_series series)
{
    assert(metric < metrics->count);
    const struct family *f = &metrics->family[metric];
    const unsigned *at = series.at;
    assert(at[0] < f->values[0] && at[1] < f->values[1] && at[2] < f->values[2]);
    size_t place = ((size_t)at[0] * f->values[1] + at[1]) * f->values[2] + at[2];
    return &metrics->cell[f->first + place * f->stride];
}

void tg_metric_add(struct tg_metrics *metrics, unsigned metric, struct tg_series series, uint64_t n)
{
    if (metrics != NULL)
        atomic_fetch_add_explicit(cell_of(metrics, metric, series), n, memory_order_relaxed);
}

void tg_metric_subtract(struct tg_metrics *metrics, unsigned metric, struct tg_series series, uint64_t n)
{
    if (metrics != NULL)
        atomic_fetch_sub_explicit(cell_of(metrics, metric, series), n, memory_order_relaxed);
}

void tg_metric_set(struct tg_metrics *metrics, unsigned metric, struct tg_series series, uint64_t value)
{
    if (metrics != NULL)
        atomic_store_explicit(cell_of(metrics, metric, series), value, memory_order_relaxed);
}

void tg_metric_observe(struct tg_metrics *metrics, unsigned metric, struct tg_series series, uint64_t value)
{
    if (metrics == NULL)
        return;
    _Atomic uint64_t *cell = cell_of(metrics, metric, series);
    const struct family *family = &metrics->family[metric];
    unsigned bucket = 0;
    while (bucket < family->bounds && value > family->row->bounds[bucket])
        bucket++;
    atomic_fetch_add_explicit(&cell[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&cell[family->bounds + 1], value, memory_order_relaxed);
}

unsigned tg_metric_place(const char *const *values, const char *word)
{
    unsigned i = 0;
    while (values[i + 1] != NULL && strcmp(values[i], word) != 0)
        i++;
    return i;
}

/* ---- writing ---- */

/* Exactly, without needless zeros. */
static void write_number(FILE *out, uint64_t value, uint64_t per_unit)
{
    if (per_unit <= 1) {
        fprintf(out, "%" PRIu64, value);
        return;
    }
    fprintf(out, "%" PRIu64, value / per_unit);
    uint64_t rest = value % per_unit;
    if (rest != 0)
        fputc('.', out);
    while (rest != 0) {
        rest *= 10;
        fputc((int)('0' + rest / per_unit), out);
        rest %= per_unit;
    }
}

/* {a="x",le="0.1"}; bound NULL: no le; 0: +Inf. */
static void write_labels(FILE *out, const struct family *family, const unsigned at[TG_METRIC_LABELS], const uint64_t *bound)
{
    const char *before = "{";
    for (int l = 0; l < TG_METRIC_LABELS && family->row->label[l].name != NULL; l++) {
        fprintf(out, "%s%s=\"%s\"", before, family->row->label[l].name, family->row->label[l].values[at[l]]);
        before = ",";
    }
    if (bound != NULL) {
        fprintf(out, "%sle=\"", before);
        if (*bound == 0)
            fputs("+Inf", out);
        else
            write_number(out, *bound, family->row->per_unit);
        fputc('"', out);
    }
    if (bound != NULL || *before == ',')
        fputc('}', out);
}

static void write_line(FILE *out, const struct family *family, const char *suffix, const unsigned at[TG_METRIC_LABELS],
                       const uint64_t *bound, uint64_t value, uint64_t per_unit)
{
    fprintf(out, "%s%s", family->row->name, suffix);
    write_labels(out, family, at, bound);
    fputc(' ', out);
    write_number(out, value, per_unit);
    fputc('\n', out);
}

/* The count is the sum of the buckets as they were read, so that the two always agree. */
static void write_histogram(FILE *out, const struct family *family, const unsigned at[TG_METRIC_LABELS],
                            const _Atomic uint64_t *cell)
{
    uint64_t count = 0;
    for (unsigned b = 0; b <= family->bounds; b++) {
        count += atomic_load_explicit(&cell[b], memory_order_relaxed);
        write_line(out, family, "_bucket", at, &family->row->bounds[b], count, 1);
    }
    write_line(out, family, "_sum", at, NULL, atomic_load_explicit(&cell[family->bounds + 1], memory_order_relaxed),
               family->row->per_unit);
    write_line(out, family, "_count", at, NULL, count, 1);
}

static void write_family(FILE *out, const struct family *family, const _Atomic uint64_t *cell)
{
    static const char *const types[] = { "counter", "gauge", "histogram" };
    unsigned at[TG_METRIC_LABELS];
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", family->row->name, family->row->help, family->row->name,
            types[family->row->type]);
    for (at[0] = 0; at[0] < family->values[0]; at[0]++)
        for (at[1] = 0; at[1] < family->values[1]; at[1]++)
            for (at[2] = 0; at[2] < family->values[2]; at[2]++, cell += family->stride) {
                if (family->row->type == TG_HISTOGRAM)
                    write_histogram(out, family, at, cell);
                else
                    write_line(out, family, "", at, NULL, atomic_load_explicit(cell, memory_order_relaxed),
                               family->row->per_unit);
            }
}

void tg_metrics_write(const struct tg_metrics *metrics, FILE *out)
{
    for (size_t i = 0; i < metrics->count; i++)
        write_family(out, &metrics->family[i], &metrics->cell[metrics->family[i].first]);
}
