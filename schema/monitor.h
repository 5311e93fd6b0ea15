/* monitor.h: what monitoring may ask of a daemon, and its answers:
 *
 *   /metrics   all figures, in Prometheus' text format
 *   /healthz   200: the process lives and answers
 *   /readyz    200: it can do its work; 503: it can't, and why */
#ifndef TG_MONITOR_H
#define TG_MONITOR_H

#include <stdio.h>
#include "schema/error.h"
#include "schema/http.h"

struct tg_monitor {
    void (*write)(void *arg, FILE *out);
    enum tg_code (*ready)(void *arg, struct tg_error *err);
    void *arg;
};

/* The whole answer; to be freed. */
char *tg_monitor_answer(const struct tg_monitor *monitor, const struct tg_http_request *request, size_t *len);

#endif
