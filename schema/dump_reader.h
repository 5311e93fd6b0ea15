/* dump_reader.h: what the files that read a line of an export share (dump_line.h). Nobody else includes it. */
#ifndef TG_DUMP_READER_H
#define TG_DUMP_READER_H

#include <jansson.h>
#include "schema/dump_line.h"

struct reader {
    struct tg_arena *arena;
    struct tg_error *err;
    const char *where; /* the field's name, for the sentence */
    int depth;
};

/* TG_REFUSED: "FIELD: what". */
enum tg_code dump_wrong(const struct reader *r, const char *what);

/* Single values (dump_value.c). A number, or one in a string: that is how those beyond 2^53 come. */
enum tg_code dump_read_integer(const struct reader *r, const json_t *value, int64_t min, int64_t max, int64_t *number);
enum tg_code dump_read_number(const struct reader *r, const json_t *value, uint64_t max, uint64_t *number);
enum tg_code dump_read_double(const struct reader *r, const json_t *value, double *number);
enum tg_code dump_read_base64(const struct reader *r, const json_t *value, uint8_t **data, size_t *len);
/* Text, or {"base64":"…"} for what is not UTF-8. */
enum tg_code dump_read_string(const struct reader *r, const json_t *value, char **text);

/* A message, by its descriptor (dump_message.c); in the arena. */
enum tg_code dump_read_message(struct reader *r, const ProtobufCMessageDescriptor *type, const json_t *object,
                               ProtobufCMessage **message);

#endif
