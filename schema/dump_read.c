/* dump_read.c: a line of JSON as a record, see dump_line.h. Hostile until it is read: everything is checked. */
#include "schema/dump_reader.h"
#include "schema/network.h"
#include "schema/text.h"
#include "schema/usage.h"

/* ---- keys, and what is no message ---- */

static enum tg_code read_part(struct reader *r, const struct tg_key_part *part, const json_t *value, struct tg_key *key)
{
    struct tg_part_value v = { 0 };
    enum tg_code code = TG_OK;
    char *text;
    int64_t time;
    r->where = part->name;
    if (value == NULL)
        return dump_wrong(r, "missing in the key");
    switch (part->part) {
    case TG_PART_NAME:
    case TG_PART_NAME_NUL:
        code = dump_read_string(r, value, &text);
        if (code == TG_OK && strlen(text) >= sizeof v.name)
            code = dump_wrong(r, "too long");
        if (code == TG_OK)
            strcpy(v.name, text);
        break;
    case TG_PART_NETWORK:
        if (!json_is_string(value) || tg_network_parse(json_string_value(value), false, &v.network, NULL) != TG_OK)
            return dump_wrong(r, "not a network");
        break;
    case TG_PART_TIME_US:
        code = dump_read_integer(r, value, INT64_MIN, INT64_MAX, &time);
        v.number = code == TG_OK ? (uint64_t)time : 0;
        break;
    default: code = dump_read_number(r, value, UINT64_MAX, &v.number);
    }
    if (code == TG_OK && !tg_key_add_part(key, part->part, &v))
        code = dump_wrong(r, "no such key is possible");
    return code;
}

static enum tg_code read_key(struct reader *r, const struct tg_database *database, const json_t *object, struct tg_key *key)
{
    size_t parts = 0;
    enum tg_code code = TG_OK;
    r->where = "key";
    if (!json_is_object(object))
        return dump_wrong(r, "missing");
    *key = tg_key_all();
    for (; parts < TG_KEY_PARTS && database->key[parts].part != TG_PART_END && code == TG_OK; parts++)
        code = read_part(r, &database->key[parts], json_object_get(object, database->key[parts].name), key);
    if (code == TG_OK && json_object_size(object) != parts) {
        r->where = "key";
        code = dump_wrong(r, "more in it than belongs there");
    }
    return code;
}

static enum tg_code read_usage_field(struct reader *r, const struct tg_usage_field *field, const json_t *value, uint8_t *at)
{
    if (field->size == 8)
        return dump_read_integer(r, value, INT64_MIN, INT64_MAX, (int64_t *)(void *)at);
    uint64_t number;
    enum tg_code code = dump_read_number(r, value, UINT32_MAX, &number);
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
            return dump_wrong(r, "not a list of the right length");
        for (size_t i = 0; i < f->count && code == TG_OK; i++)
            code = read_usage_field(r, f, f->count > 1 ? json_array_get(number, i) : number, at + i * f->size);
        if (code != TG_OK)
            return code;
    }
    r->where = "value";
    if (json_object_size(object) != fields)
        return dump_wrong(r, "more in it than belongs there");
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
        enum tg_code code = dump_read_number(r, json, UINT64_MAX, &id);
        uint8_t *octets = tg_arena_alloc(r->arena, 8);
        record->value = tg_value_id(code == TG_OK ? id : 0, octets);
        return code;
    }
    const ProtobufCMessageDescriptor *type = tg_catalog_type(record->db, tg_key_span(&record->key));
    if (type == NULL)
        return dump_wrong(r, "of a record that this Tollgate does not know (made by a newer one?)");
    enum tg_code code = dump_read_message(r, type, json, &message);
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
        return tg_fail(err, TG_REFUSED, "no JSON, near octet %d of the line: %.120s", why.position,
                       tg_text_is_clean(why.text, 120) ? why.text : "ill-formed");
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
