/* wire.h: for the tests of what reads the bytes of a client. */
#ifndef TG_TEST_WIRE_H
#define TG_TEST_WIRE_H

#include "tests/unit/test.h"
#include "schema/span.h"

/* Of its very size, so that a sanitizer sees a read behind it. */
static inline uint8_t *exact_copy(const char *in, size_t len)
{
    uint8_t *copy = tg_xmalloc(len > 0 ? len : 1);
    memcpy(copy, in, len);
    return copy;
}

/* A span into the copy becomes the same of the original, which outlives it. */
static inline void point_back(struct tg_span *span, const uint8_t *copy, const char *in)
{
    if (span->data != NULL)
        span->data = (const uint8_t *)in + (span->data - copy);
}

static inline void assert_span(struct tg_span span, const char *text)
{
    assert_int_equal(span.len, strlen(text));
    assert_memory_equal(span.data, text, span.len);
}

#endif
