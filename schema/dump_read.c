/* dump_read.c: a line of JSON as a record, see dump_line.h. Hostile until it is read: everything is checked. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include "schema/dump_line.h"
#include "schema/network.h"
#include "schema/text.h"
#include "schema/usage.h"

enum { DEPTH_MAX = 8 };

struct reader {
    struct tg_arena *arena;
    struct tg_error *err;
    const char *where; /* the field's name, for the sentence */
    int depth;
};

static enum tg_code wrong(const struct reader *r, const char *what)
{
    return tg_fail(r->err, TG_REFUSED, "%.60s: %s", r->where, what);
}

/* ---- single values ---- */

/* A number, or one in a string: that is how those beyond 2^53 come. */
static enum tg_code read_integer(const struct reader *r, const json_t *value, int64_t min, int64_t max, int64_t *number)
{
    char *end;
    long long n = 0;
    errno = 0;
    if (json_is_integer(value)) {
        n = json_integer_value(value);
    } else if (json_is_string(value)) {
        const char *text = json_string_value(value);
        n = strtoll(text, &end, 10);
        if (errno != 0 || *end != '\0' || (*text != '-' && (*text < '0' || *text > '9')) || json_string_length(value) == 0)
            return wrong(r, "not a number");
    } else {
        return wrong(r, "not a number");
    }
    if (n < min || n > max)
        return wrong(r, "a number out of range");
    *number = n;
    return TG_OK;
}

static enum tg_code read_number(const struct reader *r, const json_t *value, uint64_t max, uint64_t *number)
{
    char *end;
    errno = 0;
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *number = (uint64_t)json_integer_value(value);
    } else if (json_is_string(value) && *json_string_value(value) >= '0' && *json_string_value(value) <= '9') {
        *number = strtoull(json_string_value(value), &end, 10);
        if (errno != 0 || *end != '\0')
            return wrong(r, "not a number");
    } else {
        return wrong(r, "not a number of 0 or more");
    }
    return *number <= max ? TG_OK : wrong(r, "a number out of range");
}

static enum tg_code read_base64(const struct reader *r, const json_t *value, uint8_t **data, size_t *len)
{
    size_t size = json_string_length(value) / 4 * 3 + 3;
    const char *end;
    if (!json_is_string(value))
        return wrong(r, "not a string of base64");
    *data = tg_arena_alloc(r->arena, size);
    if (sodium_base642bin(*data, size, json_string_value(value), json_string_length(value), NULL, len, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 || end != json_string_value(value) + json_string_length(value))
        return wrong(r, "not base64");
    return TG_OK;
}

/* Text, or {"base64":"…"} for what is not UTF-8. */
static enum tg_code read_string(const struct reader *r, const json_t *value, char **text)
{
    const json_t *encoded = json_object_get(value, "base64");
    uint8_t *data;
    size_t len;
    if (json_is_string(value)) {
        *text = tg_arena_strndup(r->arena, json_string_value(value), json_string_length(value));
        return TG_OK;
    }
    if (encoded == NULL || json_object_size(value) != 1)
        return wrong(r, "not text");
    enum tg_code code = read_base64(r, encoded, &data, &len);
    if (code == TG_OK && memchr(data, '\0', len) != NULL)
        code = wrong(r, "text with a NUL");
    if (code == TG_OK)
        *text = tg_arena_strndup(r->arena, (const char *)data, len);
    return code;
}

static enum tg_code read_double(const struct reader *r, const json_t *value, double *number)
{
    char *end;
    if (json_is_number(value)) {
        *number = json_number_value(value);
        return TG_OK;
    }
    if (!json_is_string(value) || json_string_length(value) == 0)
        return wrong(r, "not a number");
    *number = strtod(json_string_value(value), &end);
    return *end == '\0' ? TG_OK : wrong(r, "not a number");
}

static enum tg_code read_enum(const struct reader *r, const ProtobufCEnumDescriptor *type, const json_t *value, int *number)
{
    int64_t n;
    if (!json_is_string(value)) {
        enum tg_code code = read_integer(r, value, INT32_MIN, INT32_MAX, &n);
        *number = code == TG_OK ? (int)n : 0;
        return code;
    }
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value_by_name(type, json_string_value(value));
    if (known == NULL)
        return wrong(r, "a word that this Tollgate does not know");
    *number = known->value;
    return TG_OK;
}

/* ---- messages, by their descriptor ---- */

static enum tg_code read_message(struct reader *r, const ProtobufCMessageDescriptor *type, const json_t *object,
                                 ProtobufCMessage **message);

static enum tg_code read_value(struct reader *r, const ProtobufCFieldDescriptor *field, const json_t *value, void *at)
{
    int64_t integer = 0;
    uint64_t number = 0;
    double real = 0;
    enum tg_code code = TG_OK;
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = json_is_true(value);
        return json_is_boolean(value) ? TG_OK : wrong(r, "not true or false");
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        code = read_integer(r, value, INT32_MIN, INT32_MAX, &integer);
        *(int32_t *)at = (int32_t)integer;
        return code;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        code = read_number(r, value, UINT32_MAX, &number);
        *(uint32_t *)at = (uint32_t)number;
        return code;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64: return read_integer(r, value, INT64_MIN, INT64_MAX, at);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: return read_number(r, value, UINT64_MAX, at);
    case PROTOBUF_C_TYPE_FLOAT:
        code = read_double(r, value, &real);
        *(float *)at = (float)real;
        return code;
    case PROTOBUF_C_TYPE_DOUBLE: return read_double(r, value, at);
    case PROTOBUF_C_TYPE_ENUM: return read_enum(r, field->descriptor, value, at);
    case PROTOBUF_C_TYPE_STRING: return read_string(r, value, at);
    case PROTOBUF_C_TYPE_BYTES: {
        ProtobufCBinaryData *bytes = at;
        return read_base64(r, value, &bytes->data, &bytes->len);
    }
    case PROTOBUF_C_TYPE_MESSAGE: return read_message(r, field->descriptor, value, at);
    }
    return wrong(r, "of an unknown type");
}

/* Room for the largest of the types, for each. */
static enum tg_code read_list(struct reader *r, const ProtobufCFieldDescriptor *field, const json_t *list, uint8_t *message)
{
    static const uint8_t sizes[] = {
        [PROTOBUF_C_TYPE_INT32] = 4, [PROTOBUF_C_TYPE_SINT32] = 4, [PROTOBUF_C_TYPE_SFIXED32] = 4, [PROTOBUF_C_TYPE_INT64] = 8,
        [PROTOBUF_C_TYPE_SINT64] = 8, [PROTOBUF_C_TYPE_SFIXED64] = 8, [PROTOBUF_C_TYPE_UINT32] = 4,
        [PROTOBUF_C_TYPE_FIXED32] = 4, [PROTOBUF_C_TYPE_UINT64] = 8, [PROTOBUF_C_TYPE_FIXED64] = 8,
        [PROTOBUF_C_TYPE_FLOAT] = 4, [PROTOBUF_C_TYPE_DOUBLE] = 8, [PROTOBUF_C_TYPE_BOOL] = sizeof(protobuf_c_boolean),
        [PROTOBUF_C_TYPE_ENUM] = 4, [PROTOBUF_C_TYPE_STRING] = sizeof(char *),
        [PROTOBUF_C_TYPE_BYTES] = sizeof(ProtobufCBinaryData), [PROTOBUF_C_TYPE_MESSAGE] = sizeof(ProtobufCMessage *),
    };
    size_t i, size = sizes[field->type];
    const json_t *value;
    if (!json_is_array(list))
        return wrong(r, "not a list");
    uint8_t *values = tg_arena_calloc(r->arena, json_array_size(list) + 1, size);
    json_array_foreach((json_t *)list, i, value) {
        enum tg_code code = read_value(r, field, value, values + i * size);
        if (code != TG_OK)
            return code;
    }
    *(size_t *)(void *)(message + field->quantifier_offset) = json_array_size(list);
    *(uint8_t **)(void *)(message + field->offset) = values;
    return TG_OK;
}

static enum tg_code read_field(struct reader *r, const ProtobufCFieldDescriptor *field, const json_t *value, uint8_t *message)
{
    void *quantifier = message + field->quantifier_offset;
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return read_list(r, field, value, message);
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
        *(uint32_t *)quantifier = field->id;
    else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->type != PROTOBUF_C_TYPE_STRING &&
             field->type != PROTOBUF_C_TYPE_MESSAGE)
        *(protobuf_c_boolean *)quantifier = 1;
    return read_value(r, field, value, message + field->offset);
}

static bool fits_wire_type(int64_t wire_type, const uint8_t *data, size_t len)
{
    size_t size = 0, prefix = 0;
    if (wire_type == PROTOBUF_C_WIRE_TYPE_64BIT)
        return len == 8;
    if (wire_type == PROTOBUF_C_WIRE_TYPE_32BIT)
        return len == 4;
    while (prefix < len && prefix < 10 && (data[prefix] & 0x80) != 0)
        prefix++;
    if (prefix == len || prefix == 10)
        return false;
    if (wire_type == PROTOBUF_C_WIRE_TYPE_VARINT)
        return prefix + 1 == len;
    for (size_t i = 0; i <= prefix && i < 5; i++)
        size |= (size_t)(data[i] & 0x7f) << (7 * i);
    return wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && len - prefix - 1 == size;
}

static enum tg_code read_unknown(struct reader *r, const json_t *list, ProtobufCMessage *message)
{
    size_t i;
    const json_t *one;
    if (!json_is_array(list) || json_array_size(list) > 1000)
        return wrong(r, "not a list of fields");
    message->unknown_fields = tg_arena_calloc(r->arena, json_array_size(list) + 1, sizeof *message->unknown_fields);
    json_array_foreach((json_t *)list, i, one) {
        ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        int64_t tag = 0, wire_type = 0;
        enum tg_code code = read_integer(r, json_object_get(one, "number"), 1, 536870911, &tag);
        if (code == TG_OK)
            code = read_integer(r, json_object_get(one, "wire_type"), 0, 5, &wire_type);
        if (code == TG_OK)
            code = read_base64(r, json_object_get(one, "data"), &field->data, &field->len);
        if (code == TG_OK && !fits_wire_type(wire_type, field->data, field->len))
            code = wrong(r, "a field's octets don't fit its wire type");
        if (code != TG_OK)
            return code;
        field->tag = (uint32_t)tag;
        field->wire_type = (ProtobufCWireType)wire_type;
    }
    message->n_unknown_fields = (unsigned)json_array_size(list);
    return TG_OK;
}

static enum tg_code read_message(struct reader *r, const ProtobufCMessageDescriptor *type, const json_t *object,
                                 ProtobufCMessage **message)
{
    const char *name;
    json_t *value;
    enum tg_code code = TG_OK;
    if (!json_is_object(object))
        return wrong(r, "not an object");
    if (++r->depth > DEPTH_MAX)
        return wrong(r, "too deep");
    ProtobufCMessage *m = tg_arena_calloc(r->arena, 1, type->sizeof_message);
    protobuf_c_message_init(type, m);
    json_object_foreach((json_t *)object, name, value) {
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(type, name);
        r->where = name;
        if (field != NULL)
            code = read_field(r, field, value, (uint8_t *)m);
        else if (strcmp(name, "unknown_fields") == 0)
            code = read_unknown(r, value, m);
        else
            code = wrong(r, "a field that this Tollgate does not know (made by a newer one?)");
        if (code != TG_OK)
            return code;
    }
    r->depth--;
    *message = m;
    return TG_OK;
}

/* ---- keys, and what is no message ---- */

static enum tg_code read_part(struct reader *r, const struct tg_key_part *part, const json_t *value, struct tg_key *key)
{
    struct tg_part_value v = { 0 };
    enum tg_code code = TG_OK;
    char *text;
    int64_t time;
    r->where = part->name;
    if (value == NULL)
        return wrong(r, "missing in the key");
    switch (part->part) {
    case TG_PART_NAME:
    case TG_PART_NAME_NUL:
        code = read_string(r, value, &text);
        if (code == TG_OK && strlen(text) >= sizeof v.name)
            code = wrong(r, "too long");
        if (code == TG_OK)
            strcpy(v.name, text);
        break;
    case TG_PART_NETWORK:
        if (!json_is_string(value) || tg_network_parse(json_string_value(value), false, &v.network, NULL) != TG_OK)
            return wrong(r, "not a network");
        break;
    case TG_PART_TIME_US:
        code = read_integer(r, value, INT64_MIN, INT64_MAX, &time);
        v.number = code == TG_OK ? (uint64_t)time : 0;
        break;
    default: code = read_number(r, value, UINT64_MAX, &v.number);
    }
    if (code == TG_OK && !tg_key_add_part(key, part->part, &v))
        code = wrong(r, "no such key is possible");
    return code;
}

static enum tg_code read_key(struct reader *r, const struct tg_database *database, const json_t *object, struct tg_key *key)
{
    size_t parts = 0;
    enum tg_code code = TG_OK;
    r->where = "key";
    if (!json_is_object(object))
        return wrong(r, "missing");
    *key = tg_key_all();
    for (; parts < TG_KEY_PARTS && database->key[parts].part != TG_PART_END && code == TG_OK; parts++)
        code = read_part(r, &database->key[parts], json_object_get(object, database->key[parts].name), key);
    if (code == TG_OK && json_object_size(object) != parts) {
        r->where = "key";
        code = wrong(r, "more in it than belongs there");
    }
    return code;
}

static enum tg_code read_usage_field(struct reader *r, const struct tg_usage_field *field, const json_t *value, uint8_t *at)
{
    if (field->size == 8)
        return read_integer(r, value, INT64_MIN, INT64_MAX, (int64_t *)(void *)at);
    uint64_t number;
    enum tg_code code = read_number(r, value, UINT32_MAX, &number);
    if (code == TG_OK)
        *(uint32_t *)(void *)at = (uint32_t)number;
    return code;
}

static enum tg_code read_usage(struct reader *r, const json_t *object, struct tg_span *value)
{
    struct tg_usage usage = { 0 };
    size_t fields = 0;
    enum tg_code code = TG_OK;
    for (const struct tg_usage_field *f = tg_usage_fields; f->name != NULL; f++, fields++) {
        const json_t *number = json_object_get(object, f->name);
        uint8_t *at = (uint8_t *)&usage + f->offset;
        r->where = f->name;
        if (f->count > 1 && (!json_is_array(number) || json_array_size(number) != f->count))
            return wrong(r, "not a list of the right length");
        for (size_t i = 0; i < f->count && code == TG_OK; i++)
            code = read_usage_field(r, f, f->count > 1 ? json_array_get(number, i) : number, at + i * f->size);
        if (code != TG_OK)
            return code;
    }
    r->where = "value";
    if (json_object_size(object) != fields)
        return wrong(r, "more in it than belongs there");
    uint8_t *packed = tg_arena_alloc(r->arena, TG_USAGE_SIZE);
    tg_usage_pack(&usage, packed);
    *value = tg_span_of(packed, TG_USAGE_SIZE);
    return TG_OK;
}

static enum tg_code read_record_value(struct reader *r, const json_t *json, struct tg_dump_record *record)
{
    const struct tg_database *database = tg_catalog(record->db);
    uint64_t id;
    ProtobufCMessage *message;
    r->where = "value";
    if (database->value == TG_VALUE_USAGE)
        return read_usage(r, json, &record->value);
    if (database->value == TG_VALUE_ID) {
        enum tg_code code = read_number(r, json, UINT64_MAX, &id);
        uint8_t *octets = tg_arena_alloc(r->arena, 8);
        record->value = tg_value_id(code == TG_OK ? id : 0, octets);
        return code;
    }
    const ProtobufCMessageDescriptor *type = tg_catalog_type(record->db, tg_key_span(&record->key));
    if (type == NULL)
        return wrong(r, "of a record that this Tollgate does not know (made by a newer one?)");
    enum tg_code code = read_message(r, type, json, &message);
    if (code != TG_OK)
        return code;
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = tg_arena_alloc(r->arena, size);
    protobuf_c_message_pack(message, packed);
    record->message = message;
    record->value = tg_span_of(packed, size);
    return TG_OK;
}

enum tg_code tg_dump_read(struct tg_span line, struct tg_arena *arena, struct tg_dump_record *record, struct tg_error *err)
{
    struct reader r = { .arena = arena, .err = err, .where = "db" };
    json_error_t why;
    json_t *json = json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, &why);
    memset(record, 0, sizeof *record);
    if (json == NULL)
        return tg_fail(err, TG_REFUSED, "no JSON: %.120s", tg_text_is_clean(why.text, 120) ? why.text : "ill-formed");
    const char *db = json_string_value(json_object_get(json, "db"));
    enum tg_code code = TG_OK;
    if (db == NULL || json_object_size(json) != 3)
        code = tg_fail(err, TG_REFUSED, "not a record: it has \"db\", \"key\" and \"value\", nothing else");
    else if (!tg_catalog_find(db, &record->db))
        code = tg_fail(err, TG_REFUSED, "a database that this Tollgate does not know (made by a newer one?)");
    else if ((code = read_key(&r, tg_catalog(record->db), json_object_get(json, "key"), &record->key)) == TG_OK)
        code = read_record_value(&r, json_object_get(json, "value"), record);
    json_decref(json);
    return code;
}
