/* dump_file.h: an export, line by line, and whether it is whole. */
#ifndef TG_DUMP_FILE_H
#define TG_DUMP_FILE_H

#include <sodium.h>
#include "schema/dump_line.h"

/* A line longer than this is no line of ours. */
enum { TG_DUMP_LINE_MAX = 16 << 20 };

struct tg_dump_file {
    int fd;
    const char *name;
    uint64_t line;      /* number of the one that was read last, from 1 */
    uint64_t announced; /* records, as the first line says */
    uint64_t records;   /* read so far */
    uint64_t bytes;
    /* Its own. */
    char *buffer;
    size_t size, start, end;
    bool eof, seen[TG_DB_COUNT];
    struct tg_dump_record last;
    crypto_generichash_state *hash; /* not in here: gcc 12 places it wrongly in a stack frame that AddressSanitizer keeps */
};

/* Reads the first line. Begins at the file's start, also a second time. TG_REFUSED: not an export, or a newer one. */
enum tg_code tg_dump_file_begin(struct tg_dump_file *file, int fd, const char *name, struct tg_error *err) TG_MUST_CHECK;
/* TG_OK: the next record, in the arena. TG_NOT_FOUND: the last line was there, and all agrees. TG_REFUSED: "FILE, line N: …". */
enum tg_code tg_dump_file_next(struct tg_dump_file *file, struct tg_arena *arena, struct tg_dump_record *record,
                               struct tg_error *err) TG_MUST_CHECK;
void tg_dump_file_end(struct tg_dump_file *file);

#endif
