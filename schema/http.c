/* http.c: see http.h. */
#include <stdio.h>
#include <string.h>
#include "schema/error.h"
#include "schema/http.h"

/* Where the empty line ends; 0: not there yet. */
static size_t head_length(const uint8_t *in, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (in[i] != '\n')
            continue;
        if (i + 1 < len && in[i + 1] == '\n')
            return i + 2;
        if (i + 2 < len && in[i + 1] == '\r' && in[i + 2] == '\n')
            return i + 3;
    }
    return 0;
}

/* "GET /metrics HTTP/1.1", without its line end. */
static bool read_line(const char *line, size_t len, struct tg_http_request *request)
{
    for (size_t i = 0; i < len; i++)
        if (line[i] < ' ' || line[i] > '~')
            return false;
    const char *target = memchr(line, ' ', len);
    if (target == NULL || target == line)
        return false;
    size_t method_len = (size_t)(target - line);
    for (size_t i = 0; i < method_len; i++)
        if (line[i] < 'A' || line[i] > 'Z')
            return false;
    target++;
    const char *version = memchr(target, ' ', len - method_len - 1);
    if (version == NULL || *target != '/')
        return false;
    size_t target_len = (size_t)(version - target), version_len = len - method_len - target_len - 2;
    if (version_len != 8 || memcmp(version + 1, "HTTP/1.", 7) != 0 || (version[8] != '0' && version[8] != '1'))
        return false;
    size_t path_len = target_len;
    const char *query = memchr(target, '?', target_len);
    if (query != NULL)
        path_len = (size_t)(query - target);
    if (path_len >= sizeof request->path)
        return false;
    request->get = method_len == 3 && memcmp(line, "GET", 3) == 0;
    request->head = method_len == 4 && memcmp(line, "HEAD", 4) == 0;
    memcpy(request->path, target, path_len);
    return true;
}

/* What is no request is seen at its first line: nobody waits for the rest. */
ssize_t tg_http_read(const uint8_t *in, size_t len, struct tg_http_request *request)
{
    const uint8_t *end = memchr(in, '\n', len);
    if (end == NULL)
        return len > 0 && (in[0] < 'A' || in[0] > 'Z') ? -1 : 0;
    size_t line = (size_t)(end - in);
    memset(request, 0, sizeof *request);
    if (!read_line((const char *)in, line > 0 && in[line - 1] == '\r' ? line - 1 : line, request))
        return -1;
    return (ssize_t)head_length(in, len);
}

static const char *reason(unsigned status)
{
    switch (status) {
    case 200: return "OK";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 503: return "Service Unavailable";
    default: return "Internal Server Error";
    }
}

char *tg_http_answer(const struct tg_http_request *request, unsigned status, const char *type, const char *body, size_t body_len,
                     size_t *len)
{
    char head[300];
    int head_len = snprintf(head, sizeof head,
                            "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
                            "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
                            status, reason(status), type, body_len, status == 405 ? "Allow: GET, HEAD\r\n" : "");
    size_t shown = request->head ? 0 : body_len;
    char *answer = tg_xmalloc((size_t)head_len + shown + 1);
    memcpy(answer, head, (size_t)head_len);
    if (shown > 0)
        memcpy(answer + head_len, body, shown);
    answer[(size_t)head_len + shown] = '\0';
    *len = (size_t)head_len + shown;
    return answer;
}
