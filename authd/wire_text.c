/* wire_text.c: see wire_text.h. */
#include <stdio.h>
#include <string.h>
#include "authd/wire_text.h"

void wire_text_clear(struct wire_text *text)
{
    text->len = 0;
    text->cut = false;
}

void wire_text_bytes(struct wire_text *text, const char *more, size_t len)
{
    if (len > sizeof text->data - text->len) {
        text->cut = true;
        return;
    }
    memcpy(text->data + text->len, more, len);
    text->len += len;
}

void wire_text_add(struct wire_text *text, const char *more)
{
    wire_text_bytes(text, more, strlen(more));
}

void wire_text_number(struct wire_text *text, unsigned long number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lu", number);
    wire_text_add(text, digits);
}

bool wire_text_whole(const struct wire_text *text)
{
    return !text->cut;
}
