/* dump_write.c: a record as a line of JSON, see dump_line.h. */
#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "schema/dump_line.h"
#include "schema/network.h"
#include "schema/text.h"
#include "schema/usage.h"

/* ---- text that grows ---- */

void tg_line_free(struct tg_line *line)
{
    free(line->data);
    *line = (struct tg_line){ 0 };
}

static void need(struct tg_line *line, size_t more)
{
    if (line->size - line->len > more)
        return;
    line->size = line->size * 2 + more + 256;
    line->data = tg_xrealloc(line->data, line->size);
}

void tg_line_add(struct tg_line *line, const char *text, size_t len)
{
    need(line, len);
    memcpy(line->data + line->len, text, len);
    line->len += len;
}

static void add(struct tg_line *line, const char *text)
{
    tg_line_add(line, text, strlen(text));
}

void tg_line_printf(struct tg_line *line, const char *format, ...)
{
    va_list args;
    for (size_t room = 128;; room *= 4) {
        need(line, room);
        va_start(args, format);
        int len = vsnprintf(line->data + line->len, room, format, args);
        va_end(args);
        if (len >= 0 && (size_t)len < room) {
            line->len += (size_t)len;
            return;
        }
    }
}

void tg_line_base64(struct tg_line *line, const void *data, size_t len)
{
    size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
    add(line, "\"");
    need(line, room);
    sodium_bin2base64(line->data + line->len, room, data, len, sodium_base64_VARIANT_ORIGINAL);
    line->len += room - 1;
    add(line, "\"");
}

void tg_line_string(struct tg_line *line, const char *text)
{
    size_t start = line->len;
    add(line, "\"");
    for (const char *s = text; *s != '\0';) {
        size_t plain = 0;
        while ((unsigned char)s[plain] >= ' ' && (unsigned char)s[plain] < 0x80 && s[plain] != '"' && s[plain] != '\\')
            plain++;
        tg_line_add(line, s, plain);
        s += plain;
        if (*s == '\0')
            break;
        size_t len = tg_utf8_length(s);
        if (len == 0) {
            line->len = start;
            add(line, "{\"base64\":");
            tg_line_base64(line, text, strlen(text));
            add(line, "}");
            return;
        }
        if (len > 1)
            tg_line_add(line, s, len);
        else if (*s == '"' || *s == '\\')
            tg_line_printf(line, "\\%c", *s);
        else
            tg_line_printf(line, "\\u%04x", (unsigned)(unsigned char)*s);
        s += len;
    }
    add(line, "\"");
}

/* ---- numbers ---- */

#define EXACT ((uint64_t)1 << 53)

static void add_number(struct tg_line *line, uint64_t number)
{
    tg_line_printf(line, number <= EXACT ? "%" PRIu64 : "\"%" PRIu64 "\"", number);
}

static void add_integer(struct tg_line *line, int64_t number)
{
    bool exact = number <= (int64_t)EXACT && number >= -(int64_t)EXACT;
    tg_line_printf(line, exact ? "%" PRId64 : "\"%" PRId64 "\"", number);
}

/* ---- messages, by their descriptor ---- */

static void add_message(struct tg_line *line, const ProtobufCMessage *message);

static size_t size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL: return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM: return 4;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return 8;
    case PROTOBUF_C_TYPE_STRING: return sizeof(char *);
    case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_MESSAGE: return sizeof(ProtobufCMessage *);
    }
    return 0;
}

static void add_enum(struct tg_line *line, const ProtobufCEnumDescriptor *type, int number)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(type, number);
    if (value != NULL)
        tg_line_printf(line, "\"%s\"", value->name);
    else
        tg_line_printf(line, "%d", number);
}

static void add_double(struct tg_line *line, double number)
{
    tg_line_printf(line, isfinite(number) ? "%.17g" : "\"%g\"", number);
}

static void add_value(struct tg_line *line, const ProtobufCFieldDescriptor *field, const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL: add(line, *(const protobuf_c_boolean *)at ? "true" : "false"); break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32: add_integer(line, *(const int32_t *)at); break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32: add_number(line, *(const uint32_t *)at); break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64: add_integer(line, *(const int64_t *)at); break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: add_number(line, *(const uint64_t *)at); break;
    case PROTOBUF_C_TYPE_FLOAT: add_double(line, (double)*(const float *)at); break;
    case PROTOBUF_C_TYPE_DOUBLE: add_double(line, *(const double *)at); break;
    case PROTOBUF_C_TYPE_ENUM: add_enum(line, field->descriptor, *(const int *)at); break;
    case PROTOBUF_C_TYPE_STRING: tg_line_string(line, *(char *const *)at != NULL ? *(char *const *)at : ""); break;
    case PROTOBUF_C_TYPE_BYTES: {
        const ProtobufCBinaryData *bytes = at;
        tg_line_base64(line, bytes->data, bytes->len);
        break;
    }
    case PROTOBUF_C_TYPE_MESSAGE: add_message(line, *(ProtobufCMessage *const *)at); break;
    }
}

/* Has it another value than its default? (Where presence is kept: is it there?) */
static bool is_set(const ProtobufCFieldDescriptor *field, const uint8_t *message)
{
    static const uint8_t zero[8];
    const void *at = message + field->offset, *quantifier = message + field->quantifier_offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)quantifier > 0;
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        return *(const uint32_t *)quantifier == field->id;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return *(char *const *)at != NULL && **(char *const *)at != '\0';
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(ProtobufCMessage *const *)at != NULL;
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL)
        return *(const protobuf_c_boolean *)quantifier;
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return ((const ProtobufCBinaryData *)at)->len > 0;
    return memcmp(at, zero, size_of(field->type)) != 0;
}

static void add_field(struct tg_line *line, const ProtobufCFieldDescriptor *field, const uint8_t *message)
{
    tg_line_printf(line, "\"%s\":", field->name);
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        add_value(line, field, message + field->offset);
        return;
    }
    size_t count = *(const size_t *)(const void *)(message + field->quantifier_offset), size = size_of(field->type);
    const uint8_t *list = *(uint8_t *const *)(const void *)(message + field->offset);
    for (size_t i = 0; i < count; i++) {
        add(line, i == 0 ? "[" : ",");
        add_value(line, field, list + i * size);
    }
    add(line, "]");
}

static void add_unknown(struct tg_line *line, const ProtobufCMessage *message)
{
    add(line, "\"unknown_fields\":[");
    for (unsigned i = 0; i < message->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        tg_line_printf(line, "%s{\"number\":%" PRIu32 ",\"wire_type\":%d,\"data\":", i > 0 ? "," : "", field->tag,
                       (int)field->wire_type);
        tg_line_base64(line, field->data, field->len);
        add(line, "}");
    }
    add(line, "]");
}

static void add_message(struct tg_line *line, const ProtobufCMessage *message)
{
    const char *comma = "";
    add(line, "{");
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (!is_set(field, (const uint8_t *)message))
            continue;
        add(line, comma);
        add_field(line, field, (const uint8_t *)message);
        comma = ",";
    }
    if (message->n_unknown_fields > 0) {
        add(line, comma);
        add_unknown(line, message);
    }
    add(line, "}");
}

/* ---- keys, and what is no message ---- */

static bool add_key(struct tg_line *line, const struct tg_database *database, struct tg_span key)
{
    struct tg_part_value value;
    char text[TG_NETWORK_TEXT];
    add(line, "{");
    for (size_t i = 0; i < TG_KEY_PARTS && database->key[i].part != TG_PART_END; i++) {
        const struct tg_key_part *part = &database->key[i];
        if (!tg_key_take_part(&key, part->part, &value))
            return false;
        tg_line_printf(line, "%s\"%s\":", i > 0 ? "," : "", part->name);
        if (part->part == TG_PART_NAME || part->part == TG_PART_NAME_NUL)
            tg_line_string(line, value.name);
        else if (part->part == TG_PART_NETWORK)
            tg_line_string(line, tg_network_text(&value.network, text));
        else if (part->part == TG_PART_TIME_US)
            add_integer(line, (int64_t)value.number);
        else
            add_number(line, value.number);
    }
    add(line, "}");
    return key.len == 0;
}

static void add_usage(struct tg_line *line, const struct tg_usage *usage)
{
    for (const struct tg_usage_field *f = tg_usage_fields; f->name != NULL; f++) {
        const uint8_t *at = (const uint8_t *)usage + f->offset;
        tg_line_printf(line, "%s\"%s\":%s", f == tg_usage_fields ? "{" : ",", f->name, f->count > 1 ? "[" : "");
        for (size_t i = 0; i < f->count; i++, at += f->size) {
            add(line, i > 0 ? "," : "");
            /* Signed or not: all that is real reads alike. */
            if (f->size == 8)
                add_integer(line, *(const int64_t *)(const void *)at);
            else
                add_number(line, *(const uint32_t *)(const void *)at);
        }
        add(line, f->count > 1 ? "]" : "");
    }
    add(line, "}");
}

enum tg_code tg_dump_write(struct tg_line *line, struct tg_arena *arena, enum tg_db db, struct tg_span key,
                           struct tg_span value, struct tg_error *err)
{
    const struct tg_database *database = tg_catalog(db);
    uint64_t id;
    struct tg_usage usage;
    line->len = 0;
    tg_line_printf(line, "{\"db\":\"%s\",\"key\":", tg_db_name(db));
    if (!add_key(line, database, key))
        return tg_fail(err, TG_UNUSABLE, "%s: a key is damaged (tollgate store check says more)", tg_db_name(db));
    int shown = line->len > 200 ? 200 : (int)line->len;
    add(line, ",\"value\":");
    if (database->value == TG_VALUE_ID && tg_read_id(value, &id)) {
        add_number(line, id);
    } else if (database->value == TG_VALUE_USAGE && tg_usage_unpack(value, &usage, NULL) == TG_OK) {
        add_usage(line, &usage);
    } else {
        const ProtobufCMessageDescriptor *type = tg_catalog_type(db, key);
        const ProtobufCMessage *message =
            type != NULL ? protobuf_c_message_unpack(type, tg_arena_allocator(arena), value.len, value.data) : NULL;
        if (message == NULL)
            return tg_fail(err, TG_UNUSABLE, "a damaged record: %.*s (tollgate store check says more)", shown, line->data);
        add_message(line, message);
    }
    add(line, "}\n");
    return TG_OK;
}
