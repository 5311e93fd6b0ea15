/* wire_text.h: a reply put together in a buffer of fixed size. What does not fit is cut, and said so by
 * wire_text_whole: a door then closes rather than send half an answer. */
#ifndef AUTHD_WIRE_TEXT_H
#define AUTHD_WIRE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { WIRE_TEXT_MAX = 4096 };

struct wire_text {
    size_t len;
    bool cut;
    char data[WIRE_TEXT_MAX];
};

void wire_text_clear(struct wire_text *text);
void wire_text_add(struct wire_text *text, const char *more);
void wire_text_bytes(struct wire_text *text, const char *more, size_t len);
void wire_text_number(struct wire_text *text, unsigned long number);
bool wire_text_whole(const struct wire_text *text);

#endif
