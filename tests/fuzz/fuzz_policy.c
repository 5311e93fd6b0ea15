/* fuzz_policy.c: what a client of the policy door may send. A request that is read ends with its empty line, and what
 * it says lies inside it. */
#include "authd/wire_policy.h"
#include "tests/fuzz/fuzz.h"

static void check(const uint8_t *in, size_t used, struct tg_span span)
{
    if (span.data == NULL)
        return;
    MUST(span.data > in && span.data + span.len < in + used);
    MUST(span.len == 0 || (memchr(span.data, '\n', span.len) == NULL && memchr(span.data, '\0', span.len) == NULL));
    MUST(span.data[-1] == '=' && span.data[span.len] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct policy_request request, again;
    for (size_t at = 0; at < size;) {
        ssize_t used = wire_policy_read(data + at, size - at, &request);
        if (used <= 0)
            break;
        MUST((size_t)used <= size - at && used >= 2 && used <= POLICY_REQUEST_MAX);
        MUST(memcmp(data + at + used - 2, "\n\n", 2) == 0);
        check(data + at, (size_t)used, request.client_address);
        check(data + at, (size_t)used, request.sender);
        check(data + at, (size_t)used, request.recipient);
        check(data + at, (size_t)used, request.sasl_username);
        check(data + at, (size_t)used, request.queue_id);
        MUST(wire_policy_read(data + at, (size_t)used - 1, &again) == 0);
        MUST(wire_policy_read(data + at, (size_t)used, &again) == used);
        MUST(again.sender.data == request.sender.data && again.sender.len == request.sender.len);
        at += (size_t)used;
    }
    return 0;
}
