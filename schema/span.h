/* span.h: bytes that somebody else owns, with their number. Not NUL-terminated. */
#ifndef TG_SPAN_H
#define TG_SPAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct tg_span {
    const uint8_t *data;
    size_t len;
};

static inline struct tg_span tg_span_of(const void *data, size_t len)
{
    return (struct tg_span){ .data = data, .len = len };
}

static inline struct tg_span tg_span_str(const char *text)
{
    return tg_span_of(text, strlen(text));
}

#endif
