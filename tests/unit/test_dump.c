#include "tests/unit/test.h"
#include <fcntl.h>
#include <sys/wait.h>
#include "schema/check.h"
#include "schema/dump.h"
#include "schema/dump_line.h"
#include "tests/unit/nouns.h"

/* ---- one record ---- */

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

/* ---- a whole store ---- */

struct text {
    char *data;
    size_t len;
};

/* Also to a file, whose name is written into `name`. */
static struct text export(struct tg_store *store, char name[64])
{
    struct tg_error err;
    struct tg_dump_counts counts;
    struct stat st;
    strcpy(name, "/tmp/tollgate-export-XXXXXX");
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_ok(tg_store_export(store, fd, NULL, NULL, &counts, &err));
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, counts.bytes);
    struct text text = { calloc(1, counts.bytes + 1), counts.bytes };
    assert_int_equal(pread(fd, text.data, text.len, 0), text.len);
    close(fd);
    return text;
}

static void write_file(const char *name, const char *data, size_t len)
{
    int fd = open(name, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, data, len), len);
    close(fd);
}

static enum tg_code import(struct tg_store *store, const char *name, struct tg_error *err)
{
    struct tg_dump_counts counts;
    int fd = open(name, O_RDONLY);
    assert_true(fd >= 0);
    enum tg_code code = tg_store_import(store, fd, name, NOW, NULL, NULL, &counts, err);
    close(fd);
    return code;
}

static struct tg_store *open_to_import(const char *dir)
{
    struct tg_error err;
    struct tg_store *store;
    struct tg_store_options options = { .no_sync = true, .import = true };
    assert_ok(tg_store_open(dir, &options, &store, &err));
    return store;
}

static struct tg_store *new_to_import(char dir[64])
{
    struct tg_error err;
    scratch_dir(dir);
    assert_ok(tg_store_create(dir, NULL, false, 1, &err));
    return open_to_import(dir);
}

static enum tg_code add_domain_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct added *a = arg;
    struct tg_network network = { .family = 4, .prefix_len = 28, .address = { 192, 0, 2, 16 } };
    struct tg_network_limits limits = { 24, 48 };
    Tg__Domain *domain;
    enum tg_code code = tg_domain_add(change, "shop.example", a->wish.customer_id, NOW, &domain, err);
    if (code == TG_OK)
        code = tg_domain_associate(change, "shop.example", a->username, true, NOW, err);
    if (code == TG_OK)
        code = tg_network_add(change, &network, a->username, "office", &limits, NOW, err);
    return code;
}

/* A store with something in every corner, exported. */
static struct text filled(struct nouns *n, char name[64], struct added *account)
{
    uint64_t customer = add_customer(n);
    *account = add_account(n, customer);
    add_account(n, add_customer(n));
    assert_changed(n, run(n, add_domain_fn, account));
    return export(n->store, name);
}

static void ignore_problem(void *arg, const char *sentence)
{
    print_message("%s\n", sentence);
    ++*(int *)arg;
}

static void test_a_store_from_an_export_gives_the_same_export_and_its_passwords_work(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    char first[64], second[64], dir[64];
    struct added account;
    struct text text = filled(n, first, &account);
    struct tg_store *store = new_to_import(dir);
    assert_ok(import(store, first, &err));
    tg_store_close(&store);

    struct nouns copy = { 0 };
    assert_ok(tg_store_open(dir, NULL, &copy.store, &err));
    struct text again = export(copy.store, second);
    assert_int_equal(text.len, again.len);
    assert_memory_equal(text.data, again.data, text.len);
    assert_indexes_agree(&copy);
    struct tg_store_stat stat;
    int problems = 0;
    assert_ok(tg_store_check(copy.store, NOW, ignore_problem, &problems, NULL, NULL, &stat, &err));
    assert_int_equal(problems, 0);
    struct tg_view *view = view_of(&copy);
    Tg__Account *found;
    assert_ok(tg_account_check_password(view, account.username, account.password.text, strlen(account.password.text), NOW,
                                        &found, &(const char *){ NULL }, &err));
    tg_view_end(&view);
    assert_non_null(strstr(text.data, "\"network\":\"192.0.2.16/28\""));
    tg_store_close(&copy.store);
    scratch_remove(dir);
    unlink(first);
    unlink(second);
    free(text.data);
    free(again.data);
}

static void test_a_store_with_customers_is_not_imported_into(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    char name[64];
    struct added account;
    struct text text = filled(n, name, &account);
    tg_store_close(&n->store);
    n->store = open_to_import(n->dir);
    assert_int_equal(import(n->store, name, &err), TG_REFUSED);
    assert_non_null(strstr(err.text, "2 customers and 2 accounts already"));
    tg_store_close(&n->store);
    assert_ok(tg_store_open(n->dir, NULL, &n->store, &err));
    assert_int_equal(keys_in(n, TG_DB_ACCOUNTS), 2);
    unlink(name);
    free(text.data);
}

/* The file is refused with these words, and the store is as it was. */
static void refused(struct tg_store *store, const char *name, const struct text *before, const char *words)
{
    struct tg_error err = { 0 };
    char again[64];
    if (import(store, name, &err) != TG_REFUSED || strstr(err.text, words) == NULL || strchr(err.text, '\n') != NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    struct text after = export(store, again);
    assert_int_equal(before->len, after.len);
    assert_memory_equal(before->data, after.data, after.len);
    unlink(again);
    free(after.data);
}

static void test_a_file_cut_anywhere_is_refused_and_changes_nothing(void **state)
{
    struct nouns *n = *state;
    char name[64], dir[64], empty[64];
    struct added account;
    struct text text = filled(n, name, &account);
    struct tg_store *store = new_to_import(dir);
    struct text before = export(store, empty);
    for (size_t len = 0; len < text.len; len += len + 400 < text.len ? 97 : 1) {
        write_file(name, text.data, len);
        refused(store, name, &before, len == 0 ? "empty" : "whole");
    }
    /* The newline alone is missing. */
    write_file(name, text.data, text.len - 1);
    refused(store, name, &before, "in the middle of a line");
    tg_store_close(&store);
    scratch_remove(dir);
    unlink(name);
    unlink(empty);
    free(text.data);
    free(before.data);
}

/* `text` with what stands first replaced. */
static struct text replaced(const struct text *text, const char *old, const char *new)
{
    const char *at = strstr(text->data, old);
    assert_non_null(at);
    size_t before = (size_t)(at - text->data), rest = text->len - before - strlen(old);
    struct text out = { calloc(1, before + strlen(new) + rest + 1), before + strlen(new) + rest };
    memcpy(out.data, text->data, before);
    memcpy(out.data + before, new, strlen(new));
    memcpy(out.data + before + strlen(new), at + strlen(old), rest);
    return out;
}

static void test_a_changed_file_is_refused_with_its_line(void **state)
{
    struct nouns *n = *state;
    static const struct {
        const char *old, *new, *words;
    } changes[] = {
        { "Example Ltd", "Example Inc", "its hash is another" },
        { "\"tollgate\":\"export\"", "\"tollgate\":\"import\"", "line 1: this is not an export" },
        { "\"version\":1", "\"version\":2", "made by a newer Tollgate" },
        { "\"store_format\":1", "\"store_format\":9", "made by a newer Tollgate" },
        { "\"next\":3", "\"next\":\"x\"", "next: not a number" },
        { "{\"db\":\"meta\"", "{\"db\":\"meta\",\"key\":{\"name\":\"import\"},\"value\":{}}\n{\"db\":\"meta\"", "no record to import" },
        { "\"value\":{\"format\":1,", "\"value\":{\"format\":3,", "a store format" },
        { "{\"db\":\"customers\"", "{\"db\":\"costumers\"", "line 6: a database" },
        { "\n{\"db\":\"customers\"", "\n\n{\"db\":\"customers\"", "line 6: no JSON" },
        { "{\"account\":2},\"value\":{\"id\"", "{\"account\":1},\"value\":{\"id\"", "line 9: this record stands twice" },
        { "{\"end\":true", "{\"end\":1", "neither a record nor the last line" },
        { "\"records\":{", "\"records\":[{", "not an export" },
    };
    char name[64], dir[64], empty[64];
    struct added account;
    struct text text = filled(n, name, &account);
    struct tg_store *store = new_to_import(dir);
    struct text before = export(store, empty);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct text bad = replaced(&text, changes[i].old, changes[i].new);
        write_file(name, bad.data, bad.len);
        refused(store, name, &before, changes[i].words);
        free(bad.data);
    }
    struct text twice = { calloc(1, text.len * 2 + 1), text.len * 2 };
    memcpy(twice.data, text.data, text.len);
    memcpy(twice.data + text.len, text.data, text.len);
    write_file(name, twice.data, twice.len);
    refused(store, name, &before, "something follows the last line");
    free(twice.data);
    tg_store_close(&store);
    scratch_remove(dir);
    unlink(name);
    unlink(empty);
    free(text.data);
    free(before.data);
}

static void test_an_edited_file_is_taken_without_its_hash(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    char name[64], dir[64], again[64];
    struct added account;
    struct text text = filled(n, name, &account);
    struct text edited = replaced(&text, "Example Ltd", "Example Incorporated");
    char *hash = strstr(edited.data, ",\"blake2b\"");
    strcpy(hash, "}\n");
    write_file(name, edited.data, strlen(edited.data));
    struct tg_store *store = new_to_import(dir);
    assert_ok(import(store, name, &err));
    struct text after = export(store, again);
    assert_non_null(strstr(after.data, "Example Incorporated"));
    tg_store_close(&store);
    scratch_remove(dir);
    unlink(name);
    unlink(again);
    free(text.data);
    free(edited.data);
    free(after.data);
}

/* ---- an import that is broken off ---- */

static void exit_when_half_done(void *arg, uint64_t done, uint64_t all)
{
    (void)arg;
    (void)all;
    /* Half of it: the 20,000 were only checked; then a whole batch is written. */
    if (done > 18250)
        _exit(42);
}

/* 20,000 customers: several batches. */
static void write_large(const char *name, const struct text *text)
{
    FILE *out = fopen(name, "w");
    const char *line = text->data;
    while (line != NULL && *line != '\0') {
        const char *newline = strchr(line, '\n');
        if (strncmp(line, "{\"db\":\"customers\"", 17) == 0) {
            for (int i = 1; strstr(line, "\"id\":1,") == strstr(line, "\"id\":") && i <= 20000; i++)
                fprintf(out, "{\"db\":\"customers\",\"key\":{\"customer\":%d},\"value\":{\"id\":%d,\"name\":\"n\"}}\n", i, i);
        } else if (strncmp(line, "{\"end\"", 6) == 0) {
            fputs("{\"end\":true}\n", out);
        } else {
            fwrite(line, 1, (size_t)(newline + 1 - line), out);
        }
        line = newline + 1;
    }
    fclose(out);
}

static void test_a_broken_off_import_is_noticed_by_all_and_mended_by_the_next(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    char name[64], dir[64];
    int status;
    struct added account;
    struct tg_view *view;
    struct text text = filled(n, name, &account);
    write_large(name, &text);
    scratch_dir(dir);
    assert_ok(tg_store_create(dir, NULL, false, 1, &err));
    pid_t child = fork();
    if (child == 0) {
        struct tg_dump_counts counts;
        struct tg_store *theirs = open_to_import(dir);
        int fd = open(name, O_RDONLY);
        (void)!tg_store_import(theirs, fd, name, NOW, exit_when_half_done, NULL, &counts, &err);
        _exit(1);
    }
    /* A daemon that has it open all the while. */
    struct tg_store *running;
    assert_ok(tg_store_open(dir, NULL, &running, &err));
    waitpid(child, &status, 0);
    assert_int_equal(WEXITSTATUS(status), 42);
    assert_int_equal(tg_view_begin(running, &view, &err), TG_UNUSABLE);
    assert_non_null(strstr(err.text, "run tollgate store import again"));
    uint64_t id;
    assert_int_equal(tg_store_change(running, add_customer_fn, &id, &err), TG_UNUSABLE);
    /* LMDB: one environment a process. */
    pid_t command = fork();
    if (command == 0) {
        struct tg_store *other;
        _exit(tg_store_open(dir, NULL, &other, &err) == TG_UNUSABLE && strstr(err.text, "run tollgate store import again") != NULL ? 0 : 1);
    }
    waitpid(command, &status, 0);
    assert_int_equal(status, 0);
    /* The import is whole before its process ends. */
    pid_t again = fork();
    if (again == 0) {
        struct tg_store_options options = { .import = true };
        struct tg_store *store = open_to_import(dir), *second;
        pid_t rival = fork();
        if (rival == 0)
            _exit(tg_store_open(dir, &options, &second, &err) == TG_REFUSED && strstr(err.text, "another import") != NULL ? 0 : 1);
        waitpid(rival, &status, 0);
        _exit(status != 0 || import(store, name, &err) != TG_OK);
    }
    waitpid(again, &status, 0);
    assert_int_equal(status, 0);
    /* The daemon goes on by itself. */
    assert_ok(tg_view_begin(running, &view, &err));
    tg_view_end(&view);
    struct nouns mended = { .store = running };
    assert_int_equal(keys_in(&mended, TG_DB_CUSTOMERS), 20000);
    assert_indexes_agree(&mended);
    tg_store_close(&running);
    scratch_remove(dir);
    unlink(name);
    free(text.data);
}

/* ---- and while others write ---- */

static enum tg_code move_one(struct tg_change *change, void *arg, struct tg_error *err)
{
    /* Two records that say the same: a torn snapshot would show them apart. */
    uint64_t *step = arg;
    Tg__Counter counter = TG__COUNTER__INIT;
    counter.next = ++*step;
    struct tg_key first = tg_key_name("next-aaa"), last = tg_key_name("next-zzz");
    tg_put_record(change, TG_DB_META, &first, &counter.base);
    tg_put_record(change, TG_DB_META, &last, &counter.base);
    return tg_change_error(change, err);
}

static void write_in_between(void *arg, uint64_t done, uint64_t all)
{
    struct nouns *n = arg;
    struct tg_error err;
    static uint64_t step = 100;
    (void)done;
    (void)all;
    assert_ok(tg_store_change(n->store, move_one, &step, &err));
}

static enum tg_code many(struct tg_change *change, void *arg, struct tg_error *err)
{
    (void)arg;
    for (uint64_t i = 1; i <= 20000; i++) {
        Tg__Customer c = TG__CUSTOMER__INIT;
        struct tg_key key = tg_key_id(i);
        c.id = i;
        tg_put_record(change, TG_DB_CUSTOMERS, &key, &c.base);
    }
    return move_one(change, &(uint64_t){ 0 }, err);
}

static void test_an_export_is_one_snapshot(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct tg_dump_counts counts;
    char name[] = "/tmp/tollgate-export-XXXXXX";
    int fd = mkstemp(name);
    assert_ok(tg_store_change(n->store, many, NULL, &err));
    assert_ok(tg_store_export(n->store, fd, write_in_between, n, &counts, &err));
    struct text text = { calloc(1, counts.bytes + 1), counts.bytes };
    assert_int_equal(pread(fd, text.data, text.len, 0), text.len);
    assert_non_null(strstr(text.data, "{\"name\":\"next-aaa\"},\"value\":{\"next\":1}"));
    assert_non_null(strstr(text.data, "{\"name\":\"next-zzz\"},\"value\":{\"next\":1}"));
    close(fd);
    unlink(name);
    free(text.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_of_every_record_comes_back_to_the_bit),
        cmocka_unit_test(test_ids_and_usage_come_back_to_the_bit),
        cmocka_unit_test(test_a_field_of_a_newer_program_is_kept),
        cmocka_unit_test(test_every_database_is_in_the_catalog_or_made_from_one),
        cmocka_unit_test(test_a_wrong_line_is_refused_with_its_reason),
        cmocka_unit_test_setup_teardown(test_a_store_from_an_export_gives_the_same_export_and_its_passwords_work, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_a_store_with_customers_is_not_imported_into, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_a_file_cut_anywhere_is_refused_and_changes_nothing, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_a_changed_file_is_refused_with_its_line, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_an_edited_file_is_taken_without_its_hash, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_a_broken_off_import_is_noticed_by_all_and_mended_by_the_next, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_an_export_is_one_snapshot, nouns_begin, nouns_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
