/* fuzz_dict.c: what a client of the dict door may send: every request is one line, and what is given back of it in
 * an answer can't end that answer's line. */
#include "authd/wire_dict.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dict_request request;
    struct wire_text out;
    for (size_t at = 0; at < size;) {
        ssize_t used = wire_dict_read(data + at, size - at, &request);
        if (used <= 0)
            break;
        MUST((size_t)used <= size - at && used <= DICT_LINE_MAX && data[at + (size_t)used - 1] == '\n');
        MUST(memchr(request.key, '\0', sizeof request.key) != NULL && memchr(request.id, '\0', sizeof request.id) != NULL);
        wire_text_clear(&out);
        wire_dict_fail(&out, request.id, request.key);
        MUST(wire_text_whole(&out) && out.data[out.len - 1] == '\n' && memchr(out.data, '\n', out.len - 1) == NULL);
        MUST(wire_dict_read(data + at, (size_t)used - 1, &request) == 0);
        at += (size_t)used;
    }
    return 0;
}
