/* fuzz_dovecot.c: what a client of the auth door may send. Whatever it is, it is read the same in one piece or
 * byte by byte, and every request ends within its input. */
#include "authd/wire_dovecot.h"
#include "tests/fuzz/fuzz.h"

static void check(const uint8_t *in, size_t used, const struct dovecot_request *request)
{
    MUST(memchr(request->mechanism, '\0', sizeof request->mechanism) != NULL);
    MUST(memchr(request->service, '\0', sizeof request->service) != NULL);
    MUST(memchr(request->remote, '\0', sizeof request->remote) != NULL);
    MUST(used <= DOVECOT_LINE_MAX && in[used - 1] == '\n');
    if (request->response.len > 0)
        MUST(request->response.data >= in && request->response.data + request->response.len < in + used);
}

/* A name given back to the client can't end its line or begin another field. */
static void answer(const struct dovecot_request *request)
{
    struct wire_text out;
    size_t tabs = 0;
    wire_text_clear(&out);
    wire_dovecot_fail(&out, request->id, request->remote, false, request->service);
    MUST(wire_text_whole(&out) && out.data[out.len - 1] == '\n');
    MUST(memchr(out.data, '\n', out.len - 1) == NULL);
    for (size_t i = 0; i < out.len; i++)
        tabs += out.data[i] == '\t';
    MUST(tabs == 1u + (*request->remote != '\0') + (*request->service != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dovecot_request request, again;
    for (size_t at = 0; at < size;) {
        ssize_t used = wire_dovecot_read(data + at, size - at, &request);
        if (used <= 0)
            break;
        MUST((size_t)used <= size - at);
        check(data + at, (size_t)used, &request);
        answer(&request);
        MUST(wire_dovecot_read(data + at, (size_t)used - 1, &again) == 0);
        MUST(wire_dovecot_read(data + at, (size_t)used, &again) == used);
        MUST(again.command == request.command && again.id == request.id && again.response.len == request.response.len);
        at += (size_t)used;
    }
    return 0;
}
