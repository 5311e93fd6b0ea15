/* wire_tabs.c: see wire_tabs.h. */
#include <string.h>
#include "authd/wire_tabs.h"

bool wire_tabs_next(struct tg_span *line, struct tg_span *field)
{
    if (line->data == NULL)
        return false;
    const uint8_t *tab = line->len > 0 ? memchr(line->data, '\t', line->len) : NULL;
    if (tab == NULL) {
        *field = *line;
        *line = tg_span_of(NULL, 0);
        return true;
    }
    *field = tg_span_of(line->data, (size_t)(tab - line->data));
    *line = tg_span_of(tab + 1, line->len - field->len - 1);
    return true;
}

/* What stands behind octet 1; -1: nothing may. */
static int unescaped(uint8_t c)
{
    switch (c) {
    case '1': return 1;
    case 't': return '\t';
    case 'r': return '\r';
    case 'n': return '\n';
    default: return -1;
    }
}

void wire_tabs_copy(struct tg_span field, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < field.len; i++) {
        int c = field.data[i];
        if (c == 1)
            c = ++i < field.len ? unescaped(field.data[i]) : -1;
        if (c < 0 || n + 1 >= size) {
            out[0] = '\0';
            return;
        }
        out[n++] = (char)c;
    }
    out[n] = '\0';
}

bool wire_tabs_number(struct tg_span field, uint32_t *number)
{
    if (field.len == 0 || field.len > 10)
        return false;
    uint64_t n = 0;
    for (size_t i = 0; i < field.len; i++) {
        if (field.data[i] < '0' || field.data[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(field.data[i] - '0');
    }
    *number = (uint32_t)n;
    return n <= UINT32_MAX;
}

void wire_tabs_add(struct wire_text *out, const char *value)
{
    for (const char *c = value; *c != '\0'; c++) {
        switch (*c) {
        case 1: wire_text_add(out, "\0011"); break;
        case '\t': wire_text_add(out, "\001t"); break;
        case '\r': wire_text_add(out, "\001r"); break;
        case '\n': wire_text_add(out, "\001n"); break;
        default: wire_text_bytes(out, c, 1);
        }
    }
}
