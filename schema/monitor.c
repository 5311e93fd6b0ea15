/* monitor.c: see monitor.h. */
#include <stdlib.h>
#include <string.h>
#include "schema/metrics.h"
#include "schema/monitor.h"

#define PLAIN_TEXT "text/plain; charset=utf-8"

static char *answer_text(const struct tg_http_request *request, unsigned status, const char *text, size_t *len)
{
    char line[sizeof((struct tg_error *)0)->text + 2];
    snprintf(line, sizeof line, "%s\n", text);
    return tg_http_answer(request, status, PLAIN_TEXT, line, strlen(line), len);
}

static char *answer_metrics(const struct tg_monitor *monitor, const struct tg_http_request *request, size_t *len)
{
    char *body = NULL;
    size_t body_len = 0;
    FILE *out = open_memstream(&body, &body_len);
    if (out == NULL)
        abort(); /* out of memory */
    monitor->write(monitor->arg, out);
    if (fclose(out) != 0)
        abort();
    char *answer = tg_http_answer(request, 200, TG_METRICS_CONTENT_TYPE, body, body_len, len);
    free(body);
    return answer;
}

static char *answer_ready(const struct tg_monitor *monitor, const struct tg_http_request *request, size_t *len)
{
    struct tg_error err;
    if (monitor->ready(monitor->arg, &err) == TG_OK)
        return answer_text(request, 200, "ready", len);
    return answer_text(request, 503, err.text, len);
}

char *tg_monitor_answer(const struct tg_monitor *monitor, const struct tg_http_request *request, size_t *len)
{
    if (!request->get && !request->head)
        return answer_text(request, 405, "only GET and HEAD are answered here", len);
    if (strcmp(request->path, "/metrics") == 0)
        return answer_metrics(monitor, request, len);
    if (strcmp(request->path, "/readyz") == 0)
        return answer_ready(monitor, request, len);
    if (strcmp(request->path, "/healthz") == 0)
        return answer_text(request, 200, "alive", len);
    return answer_text(request, 404, "there are /metrics, /healthz and /readyz", len);
}
