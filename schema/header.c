/* header.c: see header.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "schema/header.h"

void tg_header_reset(struct tg_header_reader *reader)
{
    free(reader->from);
    free(reader->sender);
    memset(reader, 0, sizeof *reader);
}

static bool is_name(struct tg_span name, const char *word)
{
    return name.len == strlen(word) && strncasecmp((const char *)name.data, word, name.len) == 0;
}

static void keep_first(struct tg_header_reader *reader, unsigned *count, char **kept, struct tg_span body)
{
    if ((*count)++ > 0)
        return;
    if (body.len > TG_FIELD_MAX)
        reader->too_long = true;
    else if (body.len > 0 && memchr(body.data, '\0', body.len) != NULL)
        reader->nul = true;
    else
        *kept = tg_xstrndup((const char *)body.data, body.len);
}

void tg_header_field(struct tg_header_reader *reader, struct tg_span name, struct tg_span body)
{
    if (is_name(name, "From"))
        keep_first(reader, &reader->from_count, &reader->from, body);
    else if (is_name(name, "Sender"))
        keep_first(reader, &reader->sender_count, &reader->sender, body);
    else if (is_name(name, "List-Unsubscribe"))
        reader->list_unsubscribe = true;
    else if (is_name(name, TG_TRACE_FIELD))
        reader->trace_count++;
    else if (tg_author_lookalike(name))
        reader->lookalike = true;
}

static const char *fault(const struct tg_header_reader *r, bool check_sender, struct tg_arena *arena)
{
    if (r->lookalike)
        return "a field's name is almost From or Sender";
    if (r->from_count == 0)
        return "a message needs a From field, and this one has none";
    if (r->from_count > 1)
        return tg_arena_printf(arena, "a message needs exactly one From field, and this one has %u", r->from_count);
    if (check_sender && r->sender_count > 1)
        return tg_arena_printf(arena, "a message may have one Sender field, and this one has %u", r->sender_count);
    if (r->trace_count > TG_TRACE_FIELDS_MAX)
        return tg_arena_printf(arena, "a message may have %d X-Tollgate-Trace fields, and this one has %u", TG_TRACE_FIELDS_MAX,
                               r->trace_count);
    if (r->nul)
        return "there is a NUL in a From or Sender field";
    return r->too_long ? "a From or Sender field is too long" : NULL;
}

void tg_header_end(const struct tg_header_reader *reader, bool check_sender, struct tg_arena *arena,
                   struct tg_header *header)
{
    struct tg_error err;
    memset(header, 0, sizeof *header);
    header->list_unsubscribe = reader->list_unsubscribe;
    header->error = fault(reader, check_sender, arena);
    if (header->error != NULL)
        return;
    if (tg_authors_read(arena, tg_span_str(reader->from), false, &header->from, &err) != TG_OK)
        header->error = tg_arena_printf(arena, "the From field is refused: %s", err.text);
    else if (check_sender && reader->sender_count == 1 &&
             tg_authors_read(arena, tg_span_str(reader->sender), true, &header->sender, &err) != TG_OK)
        header->error = tg_arena_printf(arena, "the Sender field is refused: %s", err.text);
}

/* The end of the field that starts at s: its last line's newline, folds included. */
static size_t field_length(struct tg_span s)
{
    size_t at = 0;
    for (;;) {
        const uint8_t *newline = memchr(s.data + at, '\n', s.len - at);
        if (newline == NULL)
            return s.len;
        at = (size_t)(newline - s.data) + 1;
        if (at >= s.len || (s.data[at] != ' ' && s.data[at] != '\t'))
            return at;
    }
}

/* Octets of the field's name; 0: the line is no field. As Postfix's is_header(): printable ASCII, and white space
 * between name and colon, which is no part of the name. */
static size_t name_length(struct tg_span line, size_t *body)
{
    size_t len = 0, at;
    while (len < line.len && line.data[len] > ' ' && line.data[len] < 0x7f && line.data[len] != ':')
        len++;
    for (at = len; at < line.len && (line.data[at] == ' ' || line.data[at] == '\t');)
        at++;
    if (at == line.len || line.data[at] != ':')
        return 0;
    *body = at + 1;
    return len;
}

void tg_header_message(struct tg_header_reader *reader, struct tg_span message)
{
    while (message.len > 0) {
        size_t len = field_length(message), text = len, body;
        size_t name = name_length(message, &body);
        if (name == 0)
            return;
        while (text > body && (message.data[text - 1] == '\n' || message.data[text - 1] == '\r'))
            text--;
        tg_header_field(reader, tg_span_of(message.data, name), tg_span_of(message.data + body, text - body));
        message = tg_span_of(message.data + len, message.len - len);
    }
}
