/* A record as one line of an export, there and back to the bit. */
#include "tests/unit/test.h"
#include "schema/dump_line.h"
#include "schema/usage.h"

/* A value for each field of any type: the extremes, text that is not UTF-8, what JSON has to escape. */
static void fill(struct tg_arena *arena, ProtobufCMessage *message, int variant);

static void fill_one(struct tg_arena *arena, const ProtobufCFieldDescriptor *field, void *at, int variant)
{
    static char *const texts[] = { "caf\xc3\xa9 \"\\\n\x01", "\xff\xfe not UTF-8", "plain" };
    static const int64_t numbers[] = { INT64_MIN, INT64_MAX, 9007199254740993 };
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING: *(char **)at = texts[variant]; break;
    case PROTOBUF_C_TYPE_BYTES: *(ProtobufCBinaryData *)at = (ProtobufCBinaryData){ 5, (uint8_t *)"\0\1\xff\"\\" }; break;
    case PROTOBUF_C_TYPE_BOOL: *(protobuf_c_boolean *)at = true; break;
    case PROTOBUF_C_TYPE_ENUM: *(int *)at = variant == 0 ? 1 : 77; break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64: *(int64_t *)at = numbers[variant]; break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_INT32: *(uint32_t *)at = variant == 0 ? UINT32_MAX : 7; break;
    case PROTOBUF_C_TYPE_MESSAGE: {
        const ProtobufCMessageDescriptor *type = field->descriptor;
        ProtobufCMessage *inner = tg_arena_calloc(arena, 1, type->sizeof_message);
        protobuf_c_message_init(type, inner);
        if (variant > 0)
            fill(arena, inner, variant);
        *(ProtobufCMessage **)at = inner;
        break;
    }
    default: fail_msg("%s: a type that this test does not fill", field->name);
    }
}

static void fill(struct tg_arena *arena, ProtobufCMessage *message, int variant)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        uint8_t *at = (uint8_t *)message + field->offset;
        if (field->label != PROTOBUF_C_LABEL_REPEATED) {
            fill_one(arena, field, at, variant);
            continue;
        }
        /* Of what is eight octets wide; another type would need a list of its own width. */
        assert_true(field->type == PROTOBUF_C_TYPE_MESSAGE || field->type == PROTOBUF_C_TYPE_UINT64);
        uint64_t *list = tg_arena_calloc(arena, 2, sizeof *list);
        fill_one(arena, field, (uint8_t *)&list[0], variant);
        fill_one(arena, field, (uint8_t *)&list[1], 0);
        *(size_t *)(void *)((uint8_t *)message + field->quantifier_offset) = 2;
        *(uint64_t **)(void *)at = list;
    }
}

/* A key of this database, with every part. */
static struct tg_key some_key(enum tg_db db)
{
    const struct tg_database *database = tg_catalog(db);
    struct tg_key key = tg_key_all();
    for (size_t i = 0; i < TG_KEY_PARTS && database->key[i].part != TG_PART_END; i++) {
        struct tg_part_value value = { .number = 200, .network = { .family = 6, .prefix_len = 48, .address = { 0x20, 1, 0xd, 0xb8 } },
                                       .name = "xn--caf-dma.example" };
        if (db == TG_DB_META)
            strcpy(value.name, "seal_keys");
        assert_true(tg_key_add_part(&key, database->key[i].part, &value));
    }
    return key;
}

static void there_and_back(enum tg_db db, const struct tg_key *key, struct tg_span value)
{
    struct tg_error err;
    struct tg_arena *arena = tg_arena_new();
    struct tg_line line = { 0 }, again = { 0 };
    struct tg_dump_record record;
    assert_ok(tg_dump_write(&line, arena, db, tg_key_span(key), value, &err));
    assert_int_equal(line.data[line.len - 1], '\n');
    assert_null(memchr(line.data, '\n', line.len - 1));
    assert_ok(tg_dump_read(tg_span_of(line.data, line.len - 1), arena, &record, &err));
    assert_int_equal(record.db, db);
    assert_int_equal(record.key.len, key->len);
    assert_memory_equal(record.key.data, key->data, key->len);
    assert_int_equal(record.value.len, value.len);
    assert_memory_equal(record.value.data, value.data, value.len);
    assert_ok(tg_dump_write(&again, arena, db, tg_key_span(&record.key), record.value, &err));
    assert_int_equal(again.len, line.len);
    assert_memory_equal(again.data, line.data, line.len);
    tg_line_free(&line);
    tg_line_free(&again);
    tg_arena_free(&arena);
}

static void test_every_field_of_every_record_comes_back_to_the_bit(void **state)
{
    (void)state;
    for (int db = 0; db < TG_DB_COUNT; db++) {
        const struct tg_database *database = tg_catalog((enum tg_db)db);
        if (database == NULL || database->value != TG_VALUE_RECORD)
            continue;
        struct tg_key key = some_key((enum tg_db)db);
        const ProtobufCMessageDescriptor *type = tg_catalog_type((enum tg_db)db, tg_key_span(&key));
        assert_non_null(type);
        for (int variant = -1; variant < 3; variant++) {
            struct tg_arena *arena = tg_arena_new();
            ProtobufCMessage *message = tg_arena_calloc(arena, 1, type->sizeof_message);
            protobuf_c_message_init(type, message);
            if (variant >= 0)
                fill(arena, message, variant);
            size_t size = protobuf_c_message_get_packed_size(message);
            uint8_t *packed = tg_arena_alloc(arena, size);
            protobuf_c_message_pack(message, packed);
            there_and_back((enum tg_db)db, &key, tg_span_of(packed, size));
            tg_arena_free(&arena);
        }
    }
}

static void test_ids_and_usage_come_back_to_the_bit(void **state)
{
    (void)state;
    struct tg_usage usage;
    uint8_t packed[TG_USAGE_SIZE], id[8];
    struct tg_key key = some_key(TG_DB_USAGE), login = some_key(TG_DB_LOGINS);
    memset(&usage, 0xa5, sizeof usage);
    tg_usage_pack(&usage, packed);
    there_and_back(TG_DB_USAGE, &key, tg_span_of(packed, sizeof packed));
    memset(&usage, 0, sizeof usage);
    usage.total = 12345;
    tg_usage_pack(&usage, packed);
    there_and_back(TG_DB_USAGE, &key, tg_span_of(packed, sizeof packed));
    there_and_back(TG_DB_LOGINS, &login, tg_value_id(UINT64_MAX, id));
    there_and_back(TG_DB_LOGINS, &login, tg_value_id(7, id));
}

static void test_a_field_of_a_newer_program_is_kept(void **state)
{
    (void)state;
    /* since = 5, then fields 99 (varint 300), 100 (octets "ab") and 101 (64 bits). */
    static const uint8_t newer[] = { 0x10, 5, 0x98, 6, 0xac, 2, 0xa2, 6, 2, 'a', 'b', 0xa9, 6, 1, 2, 3, 4, 5, 6, 7, 8 };
    struct tg_key key = some_key(TG_DB_ASSOCIATIONS);
    there_and_back(TG_DB_ASSOCIATIONS, &key, tg_span_of(newer, sizeof newer));
}

static void test_every_database_is_in_the_catalog_or_made_from_one(void **state)
{
    (void)state;
    for (int db = 0; db < TG_DB_COUNT; db++) {
        bool made = false;
        for (int of = 0; of < TG_DB_COUNT; of++)
            made = made || (tg_catalog((enum tg_db)of) != NULL && (int)tg_catalog((enum tg_db)of)->index == db);
        if ((tg_catalog((enum tg_db)db) != NULL) == made)
            fail_msg("%s: needs its row in schema/catalog.c", tg_db_name((enum tg_db)db));
    }
}

static void test_a_wrong_line_is_refused_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *line, *words;
    } lines[] = {
        { "", "no JSON" },
        { "{\"db\":\"logins\"", "no JSON, near octet 14 of the line: '}' expected" },
        { "{\"db\":\"logins\",\"key\":x}", "near octet 22 of the line: invalid token near 'x'" },
        { "[1]", "not a record" },
        { "{\"db\":\"logins\",\"key\":{\"username\":\"a\"}}", "not a record" },
        { "{\"db\":\"login\",\"key\":{},\"value\":1}", "a database that this Tollgate does not know" },
        { "{\"db\":\"customer_accounts\",\"key\":{},\"value\":1}", "a database" },
        { "{\"db\":\"logins\",\"key\":{\"user\":\"a\"},\"value\":1}", "username: missing" },
        { "{\"db\":\"logins\",\"key\":{\"username\":\"\"},\"value\":1}", "no such key" },
        { "{\"db\":\"logins\",\"key\":{\"username\":\"a\",\"b\":1},\"value\":1}", "more in it" },
        { "{\"db\":\"logins\",\"key\":{\"username\":\"a\"},\"value\":-1}", "not a number of 0" },
        { "{\"db\":\"logins\",\"key\":{\"username\":\"a\"},\"value\":\"18446744073709551616\"}", "not a number" },
        { "{\"db\":\"logins\",\"key\":{\"username\":\"a\"},\"value\":1.5}", "not a number" },
        { "{\"db\":\"plans\",\"key\":{\"plan\":256,\"messages\":1},\"value\":{}}", "no such key" },
        { "{\"db\":\"plans\",\"key\":{\"plan\":1,\"messages\":1},\"value\":{\"plan\":\"WEEKLY\"}}", "plan: a word" },
        { "{\"db\":\"plans\",\"key\":{\"plan\":1,\"messages\":1},\"value\":{\"colour\":1}}", "colour: a field" },
        { "{\"db\":\"plans\",\"key\":{\"plan\":1,\"messages\":1},\"value\":{\"on_sale\":1}}", "on_sale: not true" },
        { "{\"db\":\"plans\",\"key\":{\"plan\":1,\"messages\":1},\"value\":{\"currency\":{\"base64\":\"AA==\"}}}", "NUL" },
        { "{\"db\":\"plans\",\"key\":{\"plan\":1,\"messages\":1},\"value\":{\"currency\":\"\xff\"}}", "unable to decode" },
        { "{\"db\":\"plans\",\"key\":{\"plan\":1,\"messages\":1},\"value\":{\"messages\":1,\"messages\":2}}", "duplicate" },
        { "{\"db\":\"networks\",\"key\":{\"network\":\"192.0.2.1/24\",\"account\":1},\"value\":{}}", "not a network" },
        { "{\"db\":\"meta\",\"key\":{\"name\":\"later\"},\"value\":{}}", "a record that this Tollgate does not know" },
        { "{\"db\":\"meta\",\"key\":{\"name\":\"seal_keys\"},\"value\":{\"keys\":[{\"secret\":\"*\"}]}}", "secret: not base64" },
        { "{\"db\":\"usage\",\"key\":{\"account\":1},\"value\":{}}", "period_start: not a number" },
        { "{\"db\":\"associations\",\"key\":{\"account\":1,\"domain\":\"a\"},\"value\":{\"unknown_fields\":[{\"number\":9,"
          "\"wire_type\":2,\"data\":\"BWFi\"}]}}", "wire type" },
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct tg_error err = { 0 };
        struct tg_arena *arena = tg_arena_new();
        struct tg_dump_record record;
        if (tg_dump_read(tg_span_str(lines[i].line), arena, &record, &err) != TG_REFUSED || strstr(err.text, lines[i].words) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", lines[i].line, err.text, lines[i].words);
        tg_arena_free(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_of_every_record_comes_back_to_the_bit),
        cmocka_unit_test(test_ids_and_usage_come_back_to_the_bit),
        cmocka_unit_test(test_a_field_of_a_newer_program_is_kept),
        cmocka_unit_test(test_every_database_is_in_the_catalog_or_made_from_one),
        cmocka_unit_test(test_a_wrong_line_is_refused_with_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
