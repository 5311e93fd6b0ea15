/* fuzz_import.c: what a file for `tollgate store import` may hold. A line that is taken is a record that writes the same
 * line again, and one that LMDB can hold; a whole file is read to its end or refused with a sentence that names it. */
#include <sys/mman.h>
#include <unistd.h>
#include "schema/dump_file.h"
#include "tests/fuzz/fuzz.h"

enum { LMDB_KEY_MAX = 511 };

static void check_record(const struct tg_dump_record *record)
{
    struct tg_arena *arena = tg_arena_new();
    struct tg_line line = { 0 }, again = { 0 };
    struct tg_dump_record back;
    struct tg_error err;
    const struct tg_database *database = tg_catalog(record->db);
    MUST(record->key.len > 0 && record->key.len <= LMDB_KEY_MAX);
    MUST(tg_dump_write(&line, arena, record->db, tg_key_span(&record->key), record->value, &err) == TG_OK);
    MUST(tg_dump_read(tg_span_of(line.data, line.len - 1), arena, &back, &err) == TG_OK);
    MUST(back.db == record->db && back.key.len == record->key.len && memcmp(back.key.data, record->key.data, back.key.len) == 0);
    MUST(tg_dump_write(&again, arena, back.db, tg_key_span(&back.key), back.value, &err) == TG_OK);
    MUST(again.len == line.len && memcmp(again.data, line.data, line.len) == 0);
    if (database->index != TG_DB_COUNT) {
        struct tg_key entry;
        database->entry(tg_key_span(&record->key), record->message, &entry);
        MUST(entry.len > 0 && entry.len <= LMDB_KEY_MAX);
    }
    tg_line_free(&line);
    tg_line_free(&again);
    tg_arena_free(&arena);
}

static void read_lines(const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        const uint8_t *newline = memchr(data + at, '\n', size - at);
        size_t len = newline != NULL ? (size_t)(newline - data) - at : size - at;
        struct tg_arena *arena = tg_arena_new();
        struct tg_dump_record record;
        struct tg_error err = { 0 };
        if (tg_dump_read(tg_span_of(data + at, len), arena, &record, &err) == TG_OK)
            check_record(&record);
        else
            MUST(err.code == TG_REFUSED && strlen(err.text) > 5);
        tg_arena_free(&arena);
        at += len + 1;
    }
}

static void read_file(const uint8_t *data, size_t size)
{
    struct tg_dump_file file;
    struct tg_dump_record record;
    struct tg_error err = { 0 };
    int fd = memfd_create("import", MFD_CLOEXEC);
    MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    enum tg_code code = tg_dump_file_begin(&file, fd, "FILE", &err);
    while (code == TG_OK) {
        struct tg_arena *arena = tg_arena_new();
        code = tg_dump_file_next(&file, arena, &record, &err);
        MUST(code != TG_OK || file.bytes <= size);
        tg_arena_free(&arena);
    }
    MUST(code == TG_NOT_FOUND || (code == TG_REFUSED && strstr(err.text, "FILE") != NULL));
    tg_dump_file_end(&file);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_lines(data, size);
    read_file(data, size);
    return 0;
}
