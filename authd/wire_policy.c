/* wire_policy.c: see wire_policy.h. */
#include <stdbool.h>
#include <string.h>
#include "authd/wire_policy.h"

struct reading {
    struct policy_request *request;
    struct tg_span kind; /* of "request" */
    unsigned attributes;
};

static struct tg_span *place_of(struct reading *reading, struct tg_span name)
{
    struct policy_request *request = reading->request;
    const struct {
        const char *name;
        struct tg_span *place;
    } known[] = {
        { "request", &reading->kind },
        { "client_address", &request->client_address },
        { "sender", &request->sender },
        { "recipient", &request->recipient },
        { "sasl_username", &request->sasl_username },
        { "queue_id", &request->queue_id },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == name.len && memcmp(known[i].name, name.data, name.len) == 0)
            return known[i].place;
    return NULL;
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

/* Octets of the request with its empty line; 0: not whole. */
static size_t whole(const uint8_t *in, size_t len)
{
    if (len > 0 && in[0] == '\n')
        return 1;
    const uint8_t *end = memmem(in, len, "\n\n", 2);
    return end == NULL ? 0 : (size_t)(end - in) + 2;
}

ssize_t wire_policy_read(const uint8_t *in, size_t len, struct policy_request *request)
{
    memset(request, 0, sizeof *request);
    if (len == 0)
        return 0;
    size_t size = whole(in, len < POLICY_REQUEST_MAX ? len : POLICY_REQUEST_MAX);
    if (size == 0)
        return len >= POLICY_REQUEST_MAX ? -1 : 0;
    struct reading reading = { .request = request };
    for (size_t at = 0; at + 1 < size;) {
        const uint8_t *end = memchr(in + at, '\n', size - at);
        size_t line_len = (size_t)(end - (in + at));
        if (!read_attribute(&reading, tg_span_of(in + at, line_len)))
            return -1;
        at += line_len + 1;
    }
    static const char kind[] = "smtpd_access_policy";
    if (reading.kind.len != sizeof kind - 1 || memcmp(reading.kind.data, kind, sizeof kind - 1) != 0)
        return -1;
    return (ssize_t)size;
}

void wire_policy_action(struct wire_text *out, const char *action)
{
    wire_text_add(out, "action=");
    wire_text_add(out, action);
    wire_text_add(out, "\n\n");
}
