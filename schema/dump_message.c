/* dump_message.c: JSON as a message of records.proto, by its descriptor: see dump_reader.h. */
#include "schema/dump_reader.h"

enum { DEPTH_MAX = 8 };

static enum tg_code read_enum(const struct reader *r, const ProtobufCEnumDescriptor *type, const json_t *value, int *number)
{
    int64_t n;
    if (!json_is_string(value)) {
        enum tg_code code = dump_read_integer(r, value, INT32_MIN, INT32_MAX, &n);
        *number = code == TG_OK ? (int)n : 0;
        return code;
    }
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value_by_name(type, json_string_value(value));
    if (known == NULL)
        return dump_wrong(r, "a word that this Tollgate does not know");
    *number = known->value;
    return TG_OK;
}

static enum tg_code read_value(struct reader *r, const ProtobufCFieldDescriptor *field, const json_t *value, void *at)
{
    int64_t integer = 0;
    uint64_t number = 0;
    double real = 0;
    enum tg_code code = TG_OK;
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = json_is_true(value);
        return json_is_boolean(value) ? TG_OK : dump_wrong(r, "not true or false");
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        code = dump_read_integer(r, value, INT32_MIN, INT32_MAX, &integer);
        *(int32_t *)at = (int32_t)integer;
        return code;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        code = dump_read_number(r, value, UINT32_MAX, &number);
        *(uint32_t *)at = (uint32_t)number;
        return code;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64: return dump_read_integer(r, value, INT64_MIN, INT64_MAX, at);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: return dump_read_number(r, value, UINT64_MAX, at);
    case PROTOBUF_C_TYPE_FLOAT:
        code = dump_read_double(r, value, &real);
        *(float *)at = (float)real;
        return code;
    case PROTOBUF_C_TYPE_DOUBLE: return dump_read_double(r, value, at);
    case PROTOBUF_C_TYPE_ENUM: return read_enum(r, field->descriptor, value, at);
    case PROTOBUF_C_TYPE_STRING: return dump_read_string(r, value, at);
    case PROTOBUF_C_TYPE_BYTES: {
        ProtobufCBinaryData *bytes = at;
        return dump_read_base64(r, value, &bytes->data, &bytes->len);
    }
    case PROTOBUF_C_TYPE_MESSAGE: return dump_read_message(r, field->descriptor, value, at);
    }
    return dump_wrong(r, "of an unknown type");
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
        return dump_wrong(r, "not a list");
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
        return dump_wrong(r, "not a list of fields");
    message->unknown_fields = tg_arena_calloc(r->arena, json_array_size(list) + 1, sizeof *message->unknown_fields);
    json_array_foreach((json_t *)list, i, one) {
        ProtobufCMessageUnknownField *field = &message->unknown_fields[i];
        int64_t tag = 0, wire_type = 0;
        enum tg_code code = dump_read_integer(r, json_object_get(one, "number"), 1, 536870911, &tag);
        if (code == TG_OK)
            code = dump_read_integer(r, json_object_get(one, "wire_type"), 0, 5, &wire_type);
        if (code == TG_OK)
            code = dump_read_base64(r, json_object_get(one, "data"), &field->data, &field->len);
        if (code == TG_OK && !fits_wire_type(wire_type, field->data, field->len))
            code = dump_wrong(r, "a field's octets don't fit its wire type");
        if (code != TG_OK)
            return code;
        field->tag = (uint32_t)tag;
        field->wire_type = (ProtobufCWireType)wire_type;
    }
    message->n_unknown_fields = (unsigned)json_array_size(list);
    return TG_OK;
}

/* They mostly come in the order of the descriptor: *next is where to look first. */
static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *type, const char *name, unsigned *next)
{
    for (unsigned i = *next; i < type->n_fields; i++)
        if (type->fields[i].name[0] == name[0] && strcmp(type->fields[i].name, name) == 0) {
            *next = i + 1;
            return &type->fields[i];
        }
    return protobuf_c_message_descriptor_get_field_by_name(type, name);
}

enum tg_code dump_read_message(struct reader *r, const ProtobufCMessageDescriptor *type, const json_t *object,
                                 ProtobufCMessage **message)
{
    const char *name;
    json_t *value;
    enum tg_code code = TG_OK;
    unsigned next = 0;
    if (!json_is_object(object))
        return dump_wrong(r, "not an object");
    if (++r->depth > DEPTH_MAX)
        return dump_wrong(r, "too deep");
    ProtobufCMessage *m = tg_arena_calloc(r->arena, 1, type->sizeof_message);
    protobuf_c_message_init(type, m);
    json_object_foreach((json_t *)object, name, value) {
        const ProtobufCFieldDescriptor *field = find_field(type, name, &next);
        r->where = name;
        if (field != NULL)
            code = read_field(r, field, value, (uint8_t *)m);
        else if (strcmp(name, "unknown_fields") == 0)
            code = read_unknown(r, value, m);
        else
            code = dump_wrong(r, "a field that this Tollgate does not know (made by a newer one?)");
        if (code != TG_OK)
            return code;
    }
    r->depth--;
    *message = m;
    return TG_OK;
}
