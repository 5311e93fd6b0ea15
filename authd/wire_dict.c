/* wire_dict.c: see wire_dict.h. */
#include <string.h>
#include "authd/wire_dict.h"
#include "authd/wire_tabs.h"

static bool read_hello(struct tg_span line, struct dict_request *request)
{
    struct tg_span field;
    uint32_t minor;
    request->command = DICT_HELLO;
    return wire_tabs_next(&line, &field) && wire_tabs_number(field, &request->major) && wire_tabs_next(&line, &field) &&
           wire_tabs_number(field, &minor);
}

static bool read_line(struct tg_span line, struct dict_request *request)
{
    struct tg_span field;
    uint32_t id;
    if (line.len == 0 || line.data[0] < 'A' || line.data[0] > 'Z')
        return false;
    char letter = (char)line.data[0];
    line = tg_span_of(line.data + 1, line.len - 1);
    switch (letter) {
    case 'H':
        return read_hello(line, request);
    case 'L':
        request->command = DICT_LOOKUP;
        if (wire_tabs_next(&line, &field))
            wire_tabs_copy(field, request->key, sizeof request->key);
        return true;
    case 'C':
    case 'D':
        if (!wire_tabs_next(&line, &field) || !wire_tabs_number(field, &id))
            return false;
        wire_tabs_copy(field, request->id, sizeof request->id);
        request->command = DICT_ANSWERED;
        return true;
    case 'I':
        request->command = DICT_ANSWERED;
        return true;
    default:
        request->command = DICT_SILENT;
        return true;
    }
}

ssize_t wire_dict_read(const uint8_t *in, size_t len, struct dict_request *request)
{
    memset(request, 0, sizeof *request);
    size_t look = len < DICT_LINE_MAX ? len : DICT_LINE_MAX;
    const uint8_t *end = look > 0 ? memchr(in, '\n', look) : NULL;
    if (end == NULL)
        return len >= DICT_LINE_MAX ? -1 : 0;
    struct tg_span line = tg_span_of(in, (size_t)(end - in));
    if (line.len > 0 && memchr(line.data, '\0', line.len) != NULL)
        return -1;
    return read_line(line, request) ? (ssize_t)line.len + 1 : -1;
}

void wire_dict_found(struct wire_text *out, const char *value)
{
    wire_text_add(out, "O");
    wire_tabs_add(out, value);
    wire_text_add(out, "\n");
}

void wire_dict_not_found(struct wire_text *out)
{
    wire_text_add(out, "N\n");
}

/* Dovecot takes the first field of a lookup's failure for its text, of a commit's for the transaction. */
void wire_dict_fail(struct wire_text *out, const char *id, const char *reason)
{
    wire_text_add(out, "F");
    wire_text_add(out, id);
    if (id[0] != '\0')
        wire_text_add(out, "\t");
    wire_tabs_add(out, reason);
    wire_text_add(out, "\n");
}
