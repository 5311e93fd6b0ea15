/* report.c: see report.h. Hostile input: bounded in size, depth, parts and recipients.
 *
 * A delivery-status part is groups of fields (RFC 3464 2.1), which are read here line by line; GMime finds the
 * part. What nests deeper than DEPTH_MAX is not parsed at all: GMime descends by recursion. */
#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "milter/report.h"
#include "schema/error.h"

enum { DEPTH_MAX = 16, BOUNDARIES_MAX = 100, FIELD_MAX = 2000, DIAGNOSTIC_MAX = 200, ADDRESS_MAX = 320 };

/* What GMime makes an object of each of, hundreds of octets for a few. */
enum { PARTS_MAX = 1000, FIELDS_MAX = 25000, LISTED_MAX = 25000 };
/* What it decodes as it reads, encoded words and parameters (RFC 2047, 2231): for each a table of its charset may be loaded,
 * which takes a quarter of a millisecond. */
enum { DECODED_MAX = 200 };

const char *report_kind_name(enum report_kind kind)
{
    static const char *const names[] = { "hard", "soft", "delayed", "complaint", "delivered", "unknown" };
    return names[kind];
}

/* ---- texts ---- */

/* One line of printable text, blanks folded into one. */
static const char *clean(struct tg_arena *arena, const char *text, size_t max)
{
    char *out = tg_arena_alloc(arena, strnlen(text, max) + 1);
    size_t len = 0;
    for (; *text != '\0' && len < max; text++) {
        char c = *text >= ' ' && *text < 0x7f ? *text : ' ';
        if (c == ' ' && (len == 0 || out[len - 1] == ' '))
            continue;
        out[len++] = c;
    }
    while (len > 0 && out[len - 1] == ' ')
        len--;
    out[len] = '\0';
    return out;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "rfc822; user+2Btag@dom" → "user+tag@dom": the address type goes, xtext is decoded (RFC 3461 4). */
static const char *address_of(struct tg_arena *arena, const char *field)
{
    const char *semicolon = strchr(field, ';');
    const char *text = clean(arena, semicolon != NULL ? semicolon + 1 : field, ADDRESS_MAX);
    char *out = tg_arena_strdup(arena, text), *to = out;
    for (const char *from = text; *from != '\0'; from++) {
        int high = *from == '+' ? hex_value(from[1]) : -1, low = high >= 0 ? hex_value(from[2]) : -1;
        int octet = low >= 0 ? high * 16 + low : -1;
        if (octet > ' ' && octet < 0x7f && octet != '<' && octet != '>') {
            *to++ = (char)octet;
            from += 2;
        } else if (*from != '<' && *from != '>') {
            *to++ = *from;
        }
    }
    *to = '\0';
    return out;
}

/* ---- fields ---- */

struct fields {
    const char *action, *status, *final_recipient, *original_recipient, *diagnostic;
};

static void take_field(struct tg_arena *arena, struct fields *f, const char *name, size_t name_len, const char *value)
{
    const struct {
        const char *name;
        const char **to;
    } known[] = {
        { "Action", &f->action },
        { "Status", &f->status },
        { "Final-Recipient", &f->final_recipient },
        { "Original-Recipient", &f->original_recipient },
        { "Diagnostic-Code", &f->diagnostic },
        { "Original-Rcpt-To", &f->original_recipient },
        { "Removal-Recipient", &f->final_recipient },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == name_len && strncasecmp(name, known[i].name, name_len) == 0 && *known[i].to == NULL)
            *known[i].to = clean(arena, value, FIELD_MAX);
}

/* Reads one group of fields; returns where the next begins, NULL at the end. */
static const char *read_group(struct tg_arena *arena, const char *text, struct fields *f)
{
    memset(f, 0, sizeof *f);
    while (*text == '\n' || *text == '\r')
        text++;
    if (*text == '\0')
        return NULL;
    while (*text != '\0' && *text != '\n' && *text != '\r') {
        const char *end = strchr(text, '\n');
        while (end != NULL && (end[1] == ' ' || end[1] == '\t'))
            end = strchr(end + 1, '\n');
        size_t len = end != NULL ? (size_t)(end - text) : strlen(text);
        const char *colon = memchr(text, ':', len);
        if (colon != NULL) {
            size_t value = len - (size_t)(colon - text) - 1;
            take_field(arena, f, text, (size_t)(colon - text),
                       tg_arena_strndup(arena, colon + 1, value < FIELD_MAX ? value : FIELD_MAX));
        }
        text += len + (end != NULL);
    }
    return text;
}

/* RFC 3464 2.3.3, RFC 3463: what failed for good, and what may yet succeed. */
static enum report_kind kind_of(const struct fields *f)
{
    const char *status = f->status != NULL ? f->status : "";
    if (strncasecmp(f->action, "delayed", 7) == 0)
        return REPORT_DELAYED;
    if (strncasecmp(f->action, "delivered", 9) == 0 || strncasecmp(f->action, "relayed", 7) == 0 ||
        strncasecmp(f->action, "expanded", 8) == 0)
        return REPORT_DELIVERED;
    if (strncasecmp(f->action, "failed", 6) != 0)
        return REPORT_UNKNOWN;
    /* A full mailbox may be emptied. */
    return *status == '4' || strncmp(status, "5.2.2", 5) == 0 ? REPORT_SOFT : REPORT_HARD;
}

static void add_entry(struct tg_arena *arena, struct report *out, enum report_kind kind, const struct fields *f)
{
    if (out->count == REPORT_RECIPIENTS)
        return;
    const char *who = f->original_recipient != NULL ? f->original_recipient : f->final_recipient;
    out->entry[out->count].kind = kind;
    out->entry[out->count].recipient = who != NULL ? address_of(arena, who) : "";
    out->entry[out->count].status = f->status != NULL ? clean(arena, f->status, 12) : "";
    out->entry[out->count].diagnostic = f->diagnostic != NULL ? clean(arena, f->diagnostic, DIAGNOSTIC_MAX) : "";
    out->count++;
}

static void read_delivery_status(struct tg_arena *arena, const char *text, struct report *out)
{
    struct fields f;
    while (out->count < REPORT_RECIPIENTS && (text = read_group(arena, text, &f)) != NULL)
        if (f.action != NULL)
            add_entry(arena, out, kind_of(&f), &f);
}

static void read_feedback(struct tg_arena *arena, const char *text, struct report *out)
{
    struct fields f;
    if (read_group(arena, text, &f) != NULL)
        add_entry(arena, out, REPORT_COMPLAINT, &f);
}

/* ---- parts ---- */

/* The decoded text of a part; "" where it has none. */
static const char *part_text(struct tg_arena *arena, GMimeObject *part)
{
    GMimeDataWrapper *content = GMIME_IS_PART(part) ? g_mime_part_get_content(GMIME_PART(part)) : NULL;
    if (content == NULL)
        return "";
    GMimeStream *stream = g_mime_stream_mem_new();
    g_mime_data_wrapper_write_to_stream(content, stream);
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    const char *text = tg_arena_strndup(arena, bytes->data != NULL ? (const char *)bytes->data : "", bytes->len);
    g_object_unref(stream);
    return text;
}

struct search {
    struct tg_arena *arena;
    struct report *out;
};

static void look_at_part(GMimeObject *parent, GMimeObject *part, gpointer data)
{
    struct search *search = data;
    (void)parent;
    if (search->out->count > 0)
        return;
    GMimeContentType *type = g_mime_object_get_content_type(part);
    if (g_mime_content_type_is_type(type, "message", "delivery-status") ||
        g_mime_content_type_is_type(type, "message", "global-delivery-status"))
        read_delivery_status(search->arena, part_text(search->arena, part), search->out);
    else if (g_mime_content_type_is_type(type, "message", "feedback-report"))
        read_feedback(search->arena, part_text(search->arena, part), search->out);
}

/* GMime parses nested parts by recursion (which 3.2.13 ends at 1024 levels), so what could nest deeply never reaches it:
 * every level needs a multipart or message type of its own. */
static bool nests_too_deep(const char *text)
{
    unsigned multiparts = 0, messages = 0;
    for (const char *c = text; (c = strchr(c, '/')) != NULL; c++) {
        const char *end = c;
        while (end > text && strchr(" \t\r\n)", end[-1]) != NULL)
            end--;
        if (end - text >= 9 && strncasecmp(end - 9, "multipart", 9) == 0)
            multiparts++;
        else if (end - text >= 7 && strncasecmp(end - 7, "message", 7) == 0)
            messages++;
    }
    return multiparts > DEPTH_MAX || messages > BOUNDARIES_MAX;
}

/* Does an encoded word begin here, or the value of an extended parameter (a*=, a*0*=)? Before its = may stand comments with
 * anything in them, so the first = behind a * counts, whatever is between. */
static bool is_decoded(const char *c, bool *star)
{
    bool is = *c == '=' && (c[1] == '?' || *star);
    *star = *c == '*' || (*star && *c != '=');
    return is;
}

/* No report that a mail server writes has so many parts, fields, or addresses, parameters and encoded words in fields. */
static bool has_too_much(const char *text)
{
    unsigned parts = 0, fields = 0, listed = 0, decoded = 0;
    bool in_field = false, star = false;
    for (const char *line = text; *line != '\0';) {
        const char *end = line + strcspn(line, "\n");
        size_t name = strcspn(line, ": \t\r\n");
        bool field = name > 0 && line[name + strspn(line + name, " \t")] == ':';
        in_field = field || (in_field && (*line == ' ' || *line == '\t'));
        parts += line[0] == '-' && line[1] == '-';
        fields += field;
        for (const char *c = line; in_field && c < end; c++) {
            listed += *c == ',' || *c == ';';
            decoded += is_decoded(c, &star);
        }
        line = end + (*end == '\n');
    }
    return parts > PARTS_MAX || fields > FIELDS_MAX || listed > LISTED_MAX || decoded > DECODED_MAX;
}

static void parse(struct tg_arena *arena, const char *text, size_t len, struct report *out)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text, len);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    GMimeObject *top = message != NULL ? g_mime_message_get_mime_part(message) : NULL;
    struct search search = { arena, out };
    if (top != NULL && GMIME_IS_MULTIPART(top))
        g_mime_multipart_foreach(GMIME_MULTIPART(top), look_at_part, &search);
    else if (top != NULL)
        look_at_part(NULL, top, &search);
    g_clear_object(&message);
    g_object_unref(parser);
    g_object_unref(stream);
}

void report_read(struct tg_arena *arena, struct tg_span message, struct report *out)
{
    static const struct fields nothing;
    size_t len = message.len < REPORT_MAX_BYTES ? message.len : REPORT_MAX_BYTES;
    out->count = 0;
    if (len > 0) {
        char *text = tg_arena_strndup(arena, (const char *)message.data, len);
        /* A NUL would hide the rest from us, and not from GMime. */
        for (char *nul = text; (nul = memchr(nul, '\0', (size_t)(text + len - nul))) != NULL;)
            *nul = ' ';
        if (!nests_too_deep(text) && !has_too_much(text))
            parse(arena, text, len, out);
    }
    if (out->count == 0)
        add_entry(arena, out, REPORT_UNKNOWN, &nothing);
}
