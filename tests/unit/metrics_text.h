/* metrics_text.h: what the metrics are as text. */
#ifndef TG_TEST_METRICS_TEXT_H
#define TG_TEST_METRICS_TEXT_H

#include <stdio.h>
#include "tests/unit/test.h"
#include "schema/metrics.h"

/* To be freed. */
static inline char *written(const struct tg_metrics *metrics)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    tg_metrics_write(metrics, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

#endif
