/* wire_saslauthd.c: see wire_saslauthd.h. */
#include <string.h>
#include "authd/wire_saslauthd.h"

ssize_t wire_saslauthd_read(const uint8_t *in, size_t len, struct saslauthd_request *request)
{
    struct tg_span *const fields[] = { &request->login, &request->password, &request->service, &request->realm };
    size_t at = 0;
    memset(request, 0, sizeof *request);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (len - at < 2)
            return 0;
        size_t count = (size_t)in[at] << 8 | in[at + 1];
        at += 2;
        /* Said at once, not when the rest has come. */
        if (count > SASLAUTHD_FIELD_MAX)
            return -1;
        size_t here = len - at < count ? len - at : count;
        if (here > 0 && memchr(in + at, '\0', here) != NULL)
            return -1;
        if (here < count)
            return 0;
        *fields[i] = tg_span_of(in + at, count);
        at += count;
    }
    return (ssize_t)at;
}

void wire_saslauthd_answer(struct wire_text *out, bool ok, const char *reason)
{
    const char *word = ok ? "OK" : "NO";
    size_t len = reason != NULL ? strnlen(reason, SASLAUTHD_FIELD_MAX - 3) : 0;
    size_t count = 2 + (len > 0 ? 1 + len : 0);
    const char counted[2] = { (char)(count >> 8), (char)(count & 0xff) };
    wire_text_bytes(out, counted, sizeof counted);
    wire_text_bytes(out, word, 2);
    if (len > 0) {
        wire_text_bytes(out, " ", 1);
        wire_text_bytes(out, reason, len);
    }
}
