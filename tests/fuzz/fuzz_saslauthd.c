/* fuzz_saslauthd.c: what a client of the saslauthd door may send: it is whole at one length only, and its strings
 * lie within it, without NUL. */
#include "authd/wire_saslauthd.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct saslauthd_request request;
    for (size_t at = 0; at < size;) {
        ssize_t used = wire_saslauthd_read(data + at, size - at, &request);
        if (used <= 0)
            break;
        MUST((size_t)used <= size - at && used <= SASLAUTHD_REQUEST_MAX);
        MUST(request.login.len + request.password.len + request.service.len + request.realm.len + 8 == (size_t)used);
        const struct tg_span spans[] = { request.login, request.password, request.service, request.realm };
        for (size_t i = 0; i < 4; i++) {
            MUST(spans[i].data >= data + at && spans[i].data + spans[i].len <= data + at + used);
            MUST(memchr(spans[i].data, '\0', spans[i].len) == NULL);
        }
        MUST(wire_saslauthd_read(data + at, (size_t)used - 1, &request) == 0);
        at += (size_t)used;
    }
    return 0;
}
