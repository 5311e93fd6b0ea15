/* fuzz_http.c: a request of monitoring. What is consumed is at most what came and ends with an empty line; more input
 * behind a whole request changes nothing; the answer's head is in order, whatever the path says. */
#include "schema/monitor.h"
#include "tests/fuzz/fuzz.h"

static void write_figures(void *arg, FILE *out)
{
    (void)arg;
    fputs("figures 1\n", out);
}

static enum tg_code ready(void *arg, struct tg_error *err)
{
    (void)arg;
    return tg_fail(err, TG_UNUSABLE, "never");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_monitor monitor = { write_figures, ready, NULL };
    struct tg_http_request request, again;
    size_t len;
    ssize_t used = tg_http_read(data, size, &request);
    MUST(used >= -1 && used <= (ssize_t)size);
    if (used <= 0)
        return 0;
    MUST(used >= 2 && data[used - 1] == '\n');
    MUST(!(request.get && request.head));
    MUST(request.path[0] == '/' && strlen(request.path) < TG_HTTP_TARGET_MAX);
    MUST(tg_http_read(data, (size_t)used, &again) == used && memcmp(&request, &again, sizeof again) == 0);
    /* A part of it is no other request. */
    for (ssize_t part = 0; part < used; part++)
        MUST(tg_http_read(data, (size_t)part, &again) == 0);
    char *answer = tg_monitor_answer(&monitor, &request, &len);
    MUST(strlen(answer) == len && strncmp(answer, "HTTP/1.1 ", 9) == 0);
    const char *body = strstr(answer, "\r\n\r\n");
    MUST(body != NULL && (body[4] == '\0') == request.head);
    free(answer);
    return 0;
}
