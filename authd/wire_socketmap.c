/* wire_socketmap.c: see wire_socketmap.h. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "authd/wire_socketmap.h"
#include "schema/error.h"

/* The number in front of the colon: octets of the head with it; 0: not whole yet; -1: none. */
static ssize_t read_length(const uint8_t *in, size_t len, size_t *payload)
{
    *payload = 0;
    for (size_t i = 0; i < len; i++) {
        if (in[i] == ':' && i > 0)
            return (ssize_t)i + 1;
        if (in[i] < '0' || in[i] > '9' || (i == 1 && in[0] == '0'))
            return -1;
        *payload = *payload * 10 + (size_t)(in[i] - '0');
        if (*payload > SOCKETMAP_PAYLOAD_MAX)
            return -1;
    }
    return 0;
}

static bool read_payload(struct tg_span payload, struct socketmap_request *request)
{
    const uint8_t *space = payload.len > 0 ? memchr(payload.data, ' ', payload.len) : NULL;
    if (space == NULL || memchr(payload.data, '\0', payload.len) != NULL)
        return false;
    request->map = tg_span_of(payload.data, (size_t)(space - payload.data));
    request->key = tg_span_of(space + 1, payload.len - request->map.len - 1);
    return true;
}

ssize_t wire_socketmap_read(const uint8_t *in, size_t len, struct socketmap_request *request)
{
    size_t payload;
    memset(request, 0, sizeof *request);
    ssize_t head = read_length(in, len, &payload);
    if (head <= 0)
        return head;
    size_t whole = (size_t)head + payload + 1;
    if (len < whole)
        return 0;
    if (in[whole - 1] != ',' || !read_payload(tg_span_of(in + head, payload), request))
        return -1;
    return (ssize_t)whole;
}

char *wire_socketmap_answer(const char *status, const char *text, size_t *len)
{
    size_t payload = strlen(status) + 1 + strlen(text);
    if (payload > SOCKETMAP_ANSWER_MAX)
        return NULL;
    char *answer = tg_xmalloc(payload + 16);
    *len = (size_t)snprintf(answer, payload + 16, "%zu:%s %s,", payload, status, text);
    return answer;
}
