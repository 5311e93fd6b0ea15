/* wire_policy.c: see wire_policy.h. */
#include <stdbool.h>
#include <string.h>
#include "authd/wire_policy.h"

struct reading {
    struct policy_request *request;
    struct tg_span kind; /* of "request" */
    unsigned attributes;
};

static bool is(struct tg_span name, const char *known, size_t len)
{
    return name.len == len && memcmp(name.data, known, len) == 0;
}
#define IS(name, known) is(name, known, sizeof known - 1)

/* Postfix sends some thirty attributes with each question. */
static struct tg_span *place_of(struct reading *reading, struct tg_span name)
{
    struct policy_request *request = reading->request;
    return IS(name, "request")        ? &reading->kind
         : IS(name, "client_address") ? &request->client_address
         : IS(name, "sender")         ? &request->sender
         : IS(name, "recipient")      ? &request->recipient
         : IS(name, "sasl_username")  ? &request->sasl_username
         : IS(name, "queue_id")       ? &request->queue_id
                                      : NULL;
}

static bool read_attribute(struct reading *reading, struct tg_span line)
{
    const uint8_t *equals = memchr(line.data, '=', line.len);
    if (equals == NULL || memchr(line.data, '\0', line.len) != NULL ||
        ++reading->attributes > POLICY_ATTRIBUTES_MAX)
        return false;
    struct tg_span *place = place_of(reading, tg_span_of(line.data, (size_t)(equals - line.data)));
    if (place == NULL)
        return true;
    if (place->data != NULL)
        return false; /* twice: two readings */
    *place = tg_span_of(equals + 1, line.len - (size_t)(equals + 1 - line.data));
    return true;
}

ssize_t wire_policy_read(const uint8_t *in, size_t len, struct policy_request *request)
{
    struct reading reading = { .request = request };
    size_t limit = len < POLICY_REQUEST_MAX ? len : POLICY_REQUEST_MAX, at = 0, line_len;
    memset(request, 0, sizeof *request);
    do {
        const uint8_t *end = at < limit ? memchr(in + at, '\n', limit - at) : NULL;
        if (end == NULL)
            return len >= POLICY_REQUEST_MAX ? -1 : 0;
        line_len = (size_t)(end - (in + at));
        if (line_len > 0 && !read_attribute(&reading, tg_span_of(in + at, line_len)))
            return -1;
        at += line_len + 1;
    } while (line_len > 0);
    return IS(reading.kind, "smtpd_access_policy") ? (ssize_t)at : -1;
}

void wire_policy_action(struct wire_text *out, const char *action)
{
    wire_text_add(out, "action=");
    wire_text_add(out, action);
    wire_text_add(out, "\n\n");
}
