/* dump_file.c: see dump_file.h. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "schema/dump.h"
#include "schema/dump_file.h"

enum { FIRST_SIZE = 1 << 18 };

static enum tg_code wrong(const struct tg_dump_file *f, struct tg_error *err, const char *what)
{
    return tg_fail(err, TG_REFUSED, "%.100s, line %" PRIu64 ": %s", f->name, f->line, what);
}

/* More octets behind those that are there. */
static enum tg_code fill(struct tg_dump_file *f, struct tg_error *err)
{
    if (f->start > 0) {
        memmove(f->buffer, f->buffer + f->start, f->end - f->start);
        f->end -= f->start;
        f->start = 0;
    }
    if (f->end == f->size) {
        if (f->size >= TG_DUMP_LINE_MAX)
            return wrong(f, err, "too long a line");
        f->size *= 2;
        f->buffer = tg_xrealloc(f->buffer, f->size);
    }
    ssize_t got;
    do
        got = read(f->fd, f->buffer + f->end, f->size - f->end);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return tg_fail(err, TG_FAILED, "can't read %.100s: %s", f->name, strerror(errno));
    f->eof = got == 0;
    f->end += (size_t)got;
    return TG_OK;
}

/* Without its newline, which a line must have. TG_NOT_FOUND: the file is at its end. */
static enum tg_code next_line(struct tg_dump_file *f, struct tg_span *line, struct tg_error *err)
{
    size_t looked = 0;
    f->line++;
    for (;;) {
        const char *start = f->buffer + f->start;
        const char *newline = memchr(start + looked, '\n', f->end - f->start - looked);
        if (newline != NULL) {
            *line = tg_span_of(start, (size_t)(newline - start));
            f->start += line->len + 1;
            f->bytes += line->len + 1;
            return TG_OK;
        }
        looked = f->end - f->start;
        if (f->eof && looked == 0)
            return TG_NOT_FOUND;
        if (f->eof)
            return wrong(f, err, "the file ends in the middle of a line: it is not whole");
        enum tg_code code = fill(f, err);
        if (code != TG_OK)
            return code;
    }
}

static enum tg_code read_first(struct tg_dump_file *f, struct tg_span line, struct tg_error *err)
{
    json_int_t version = 0, format = 0;
    const char *word = NULL, *db;
    json_t *records = NULL, *count, *json = json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, NULL);
    enum tg_code code = TG_OK;
    if (json == NULL || json_unpack(json, "{s:s, s:I, s:I, s:o}", "tollgate", &word, "version", &version, "store_format", &format,
                                    "records", &records) != 0 || strcmp(word, "export") != 0)
        code = wrong(f, err, "this is not an export of a Tollgate store");
    else if (version > TG_DUMP_VERSION || format > TG_STORE_FORMAT)
        code = tg_fail(err, TG_REFUSED, "%.100s was made by a newer Tollgate (version %lld, store format %lld): install that one",
                       f->name, (long long)version, (long long)format);
    else if (version < 1 || format < TG_STORE_FORMAT)
        code = wrong(f, err, "no released Tollgate wrote this version");
    json_object_foreach(code == TG_OK ? records : NULL, db, count)
        f->announced += json_integer_value(count) > 0 ? (uint64_t)json_integer_value(count) : 0;
    json_decref(json);
    return code;
}

/* With the newline, which stands behind it. */
static void take_hash(struct tg_dump_file *f, struct tg_span line)
{
    crypto_generichash_update(f->hash, line.data, line.len + 1);
}

enum tg_code tg_dump_file_begin(struct tg_dump_file *f, int fd, const char *name, struct tg_error *err)
{
    struct tg_span line = { NULL, 0 };
    *f = (struct tg_dump_file){ .fd = fd, .name = name, .size = FIRST_SIZE, .buffer = tg_xmalloc(FIRST_SIZE) };
    f->hash = tg_xaligned(alignof(crypto_generichash_state), sizeof *f->hash);
    crypto_generichash_init(f->hash, NULL, 0, 32);
    if (lseek(fd, 0, SEEK_SET) != 0)
        return tg_fail(err, TG_REFUSED, "%.100s can't be read twice: an import needs a file, not a pipe", name);
    enum tg_code code = next_line(f, &line, err);
    if (code == TG_NOT_FOUND)
        return tg_fail(err, TG_REFUSED, "%.100s is empty: not an export of a Tollgate store", name);
    if (code == TG_OK)
        code = read_first(f, line, err);
    if (code == TG_OK)
        take_hash(f, line);
    return code;
}

void tg_dump_file_end(struct tg_dump_file *f)
{
    if (f->buffer != NULL)
        sodium_memzero(f->buffer, f->size);
    free(f->buffer);
    free(f->hash);
    f->buffer = NULL;
    f->hash = NULL;
}

/* The line that says that all is there. */
static enum tg_code read_last(struct tg_dump_file *f, struct tg_span line, struct tg_error *err)
{
    json_int_t records = -1;
    const char *hash = NULL;
    uint8_t seen[32];
    char hex[2 * sizeof seen + 1];
    struct tg_span more;
    enum tg_code code = TG_OK;
    json_t *json = json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, NULL);
    crypto_generichash_final(f->hash, seen, sizeof seen);
    sodium_bin2hex(hex, sizeof hex, seen, sizeof seen);
    if (json == NULL || json_unpack(json, "{s:b, s?I, s?s}", "end", &(int){ 0 }, "records", &records, "blake2b", &hash) != 0)
        code = wrong(f, err, "neither a record nor the last line of an export");
    else if (hash != NULL && (records < 0 || (uint64_t)records != f->records || f->records != f->announced))
        code = wrong(f, err, "lines are missing: the number of records is another than the first and last line say");
    else if (hash != NULL && strcmp(hash, hex) != 0)
        code = wrong(f, err, "the file was changed or damaged: its hash is another (take \"blake2b\" out of this line where "
                             "it was edited on purpose)");
    json_decref(json);
    if (code == TG_OK && (code = next_line(f, &more, err)) == TG_OK)
        code = wrong(f, err, "something follows the last line");
    return code;
}

/* Within a database the keys go up, and each database comes once: so nothing is there twice. */
static enum tg_code check_order(struct tg_dump_file *f, const struct tg_dump_record *record, struct tg_error *err)
{
    const struct tg_dump_record *last = &f->last;
    if (f->seen[record->db] && last->db != record->db)
        return wrong(f, err, "this database has come already");
    if (f->seen[record->db]) {
        size_t len = last->key.len < record->key.len ? last->key.len : record->key.len;
        int order = memcmp(last->key.data, record->key.data, len);
        if (order > 0 || (order == 0 && last->key.len >= record->key.len))
            return wrong(f, err, "this record stands twice, or not in the order of the keys");
    }
    f->seen[record->db] = true;
    f->last.db = record->db;
    f->last.key = record->key;
    return TG_OK;
}

enum tg_code tg_dump_file_next(struct tg_dump_file *f, struct tg_arena *arena, struct tg_dump_record *record, struct tg_error *err)
{
    struct tg_span line;
    struct tg_error why;
    enum tg_code code = next_line(f, &line, err);
    if (code == TG_NOT_FOUND)
        return tg_fail(err, TG_REFUSED, "%.100s is not whole: its last line is missing (after line %" PRIu64 ")", f->name, f->line - 1);
    if (code != TG_OK)
        return code;
    if (line.len > 6 && memcmp(line.data, "{\"end\"", 6) == 0)
        return read_last(f, line, err);
    take_hash(f, line);
    if (tg_dump_read(line, arena, record, &why) != TG_OK)
        return wrong(f, err, why.text);
    f->records++;
    return check_order(f, record, err);
}
