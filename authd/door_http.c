/* door_http.c: the http door: /metrics, /healthz and /readyz (schema/monitor.h). One request a connection. */
#include <stdlib.h>
#include "authd/door.h"
#include "authd/metrics.h"
#include "schema/monitor.h"
#include "schema/service_metrics.h"

static void write_metrics(void *arg, FILE *out)
{
    struct app *app = arg;
    metrics_throttle(app->metrics, throttle_count(app->throttle), 2 * THROTTLE_ENTRIES);
    tg_service_metrics_write(app->service, out);
    tg_metrics_write(app->metrics, out);
}

static enum tg_code ready(void *arg, struct tg_error *err)
{
    struct app *app = arg;
    if (app->doors_paused > 0)
        return tg_fail(err, TG_UNUSABLE, "%u doors take no clients: out of file descriptors (raise LimitNOFILE)",
                       app->doors_paused);
    return tg_service_ready(app->service, err);
}

static ssize_t http_read(struct conn *conn, void *state, const uint8_t *in, size_t len)
{
    struct tg_monitor monitor = { write_metrics, ready, conn_app(conn) };
    struct tg_http_request request;
    size_t answer_len;
    (void)state;
    ssize_t used = tg_http_read(in, len, &request);
    if (used <= 0)
        return used;
    char *answer = tg_monitor_answer(&monitor, &request, &answer_len);
    conn_send(conn, answer, answer_len);
    conn_finish(conn);
    free(answer);
    return used;
}

const struct door door_http = {
    .name = "http",
    .request_max = TG_HTTP_REQUEST_MAX,
    .request_s = 10,
    .idle_s = 10,
    .connections_max = 32,
    .read = http_read,
};
