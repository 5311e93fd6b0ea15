/* dump_line.h: one record of the store as one line of JSON, and back. Pure: no store, no file.
 *
 *   {"db":"associations","key":{"account":7,"domain":"example.com"},"value":{"subdomains":true,"since":1700000000}}
 *
 * A value's fields go by their names in records.proto; those with their default value are left out. Enumerations go
 * by name, octets as base64, times as they are stored. An integer beyond 2^53, which many readers of JSON round, is a
 * string of digits, and text that is not UTF-8 (a sender's address may be anything) is {"base64":"…"}: so what is read
 * back is what was written, to the last bit. A field that this program does not know stays under its number in
 * "unknown_fields". A new field or message needs no code here. */
#ifndef TG_DUMP_LINE_H
#define TG_DUMP_LINE_H

#include "schema/arena.h"
#include "schema/catalog.h"

/* Text that grows. */
struct tg_line {
    char *data;
    size_t len, size;
};
void tg_line_free(struct tg_line *line);
void tg_line_add(struct tg_line *line, const char *text, size_t len);
void tg_line_printf(struct tg_line *line, const char *format, ...) TG_PRINTF(2, 3);
/* As a JSON string, quotes included; what is not UTF-8 as {"base64":"…"}. */
void tg_line_string(struct tg_line *line, const char *text);
void tg_line_base64(struct tg_line *line, const void *data, size_t len);

/* Writes the line, newline included, over what is there. TG_UNUSABLE: key or value are damaged. What it unpacks is in
 * the arena. */
enum tg_code tg_dump_write(struct tg_line *line, struct tg_arena *arena, enum tg_db db, struct tg_span key,
                           struct tg_span value, struct tg_error *err) TG_MUST_CHECK;

struct tg_dump_record {
    enum tg_db db;
    struct tg_key key;
    struct tg_span value;            /* as it is stored */
    const ProtobufCMessage *message; /* NULL where the value is none */
};

/* Reads a line (without its newline). TG_REFUSED: it is not such a line, or something in it is wrong; the sentence says
 * what. All that it makes is in the arena. */
enum tg_code tg_dump_read(struct tg_span line, struct tg_arena *arena, struct tg_dump_record *record,
                          struct tg_error *err) TG_MUST_CHECK;

#endif
