/* fuzz_socketmap.c: what a client of the socketmap door may send: it is whole at one length only, and map and key
 * are its payload. */
#include "authd/wire_socketmap.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct socketmap_request request;
    for (size_t at = 0; at < size;) {
        ssize_t used = wire_socketmap_read(data + at, size - at, &request);
        if (used <= 0)
            break;
        MUST((size_t)used <= size - at && used <= SOCKETMAP_REQUEST_MAX && data[at + (size_t)used - 1] == ',');
        MUST(request.map.data > data + at && request.key.data == request.map.data + request.map.len + 1);
        MUST(request.key.data + request.key.len + 1 == data + at + used);
        MUST(memchr(request.map.data, '\0', request.map.len) == NULL && memchr(request.map.data, ' ', request.map.len) == NULL);
        MUST(memchr(request.key.data, '\0', request.key.len) == NULL);
        MUST(wire_socketmap_read(data + at, (size_t)used - 1, &request) == 0);
        at += (size_t)used;
    }
    return 0;
}
