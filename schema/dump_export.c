/* dump_export.c: the store as a file of lines, see dump.h. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "schema/dump.h"
#include "schema/dump_line.h"

enum { FLUSH_AT = 1 << 18, TELL_EVERY = 4096 };

struct writer {
    int fd;
    struct tg_line line, out; /* out: what is not written yet */
    crypto_generichash_state *hash; /* see dump_file.h */
    struct tg_view *view;
    struct tg_arena *arena; /* of one record */
    tg_progress_fn *progress;
    void *arg;
    uint64_t all;
    struct tg_dump_counts *counts;
    struct tg_error *err;
};

static enum tg_code flush(struct writer *w)
{
    for (size_t at = 0; at < w->out.len;) {
        ssize_t put = write(w->fd, w->out.data + at, w->out.len - at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return tg_fail(w->err, TG_FAILED, "the export could not be written: %s", strerror(errno));
        at += (size_t)put;
    }
    w->counts->bytes += w->out.len;
    w->out.len = 0;
    return TG_OK;
}

static enum tg_code put_line(struct writer *w)
{
    crypto_generichash_update(w->hash, (const uint8_t *)w->line.data, w->line.len);
    tg_line_add(&w->out, w->line.data, w->line.len);
    return w->out.len >= FLUSH_AT ? flush(w) : TG_OK;
}

static enum tg_code put_first(struct writer *w)
{
    enum tg_code code = TG_OK;
    const char *comma = "";
    w->line.len = 0;
    tg_line_printf(&w->line, "{\"tollgate\":\"export\",\"version\":%d,\"store_format\":%d,\"records\":{", TG_DUMP_VERSION,
                   TG_STORE_FORMAT);
    for (int db = 0; db < TG_DB_COUNT && code == TG_OK; db++) {
        uint64_t count = 0;
        if (tg_catalog((enum tg_db)db) == NULL)
            continue;
        code = tg_count(w->view, (enum tg_db)db, &count, w->err);
        tg_line_printf(&w->line, "%s\"%s\":%" PRIu64, comma, tg_db_name((enum tg_db)db), count);
        w->all += count;
        comma = ",";
    }
    tg_line_printf(&w->line, "}}\n");
    return code == TG_OK ? put_line(w) : code;
}

static enum tg_code put_database(struct writer *w, enum tg_db db)
{
    struct tg_key all = tg_key_all();
    struct tg_walk *walk;
    struct tg_span key, value;
    enum tg_code code = tg_walk_begin(w->view, db, &all, NULL, TG_FORWARD, &walk, w->err);
    if (code != TG_OK)
        return code;
    while ((code = tg_walk_next(walk, &key, &value, w->err)) == TG_OK) {
        if ((code = tg_dump_write(&w->line, w->arena, db, key, value, w->err)) != TG_OK || (code = put_line(w)) != TG_OK)
            break;
        tg_arena_reset(w->arena);
        if (++w->counts->records % TELL_EVERY == 0 && w->progress != NULL)
            w->progress(w->arg, w->counts->records, w->all);
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static enum tg_code put_last(struct writer *w)
{
    uint8_t hash[32];
    char hex[2 * sizeof hash + 1];
    crypto_generichash_final(w->hash, hash, sizeof hash);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    tg_line_printf(&w->out, "{\"end\":true,\"records\":%" PRIu64 ",\"blake2b\":\"%s\"}\n", w->counts->records, hex);
    return flush(w);
}

/* What held secrets is wiped before it is given back. */
static void wipe(struct tg_line *line)
{
    if (line->data != NULL)
        sodium_memzero(line->data, line->size);
    tg_line_free(line);
}

enum tg_code tg_store_export(struct tg_store *store, int fd, tg_progress_fn *progress, void *arg,
                             struct tg_dump_counts *counts, struct tg_error *err)
{
    struct writer w = { .fd = fd, .progress = progress, .arg = arg, .counts = counts, .err = err };
    *counts = (struct tg_dump_counts){ 0 };
    enum tg_code code = tg_view_begin(store, &w.view, err);
    if (code != TG_OK)
        return code;
    w.arena = tg_arena_new();
    w.hash = tg_xaligned(alignof(crypto_generichash_state), sizeof *w.hash);
    crypto_generichash_init(w.hash, NULL, 0, 32);
    code = put_first(&w);
    for (int db = 0; db < TG_DB_COUNT && code == TG_OK; db++)
        if (tg_catalog((enum tg_db)db) != NULL)
            code = put_database(&w, (enum tg_db)db);
    if (code == TG_OK)
        code = put_last(&w);
    if (progress != NULL)
        progress(arg, counts->records, counts->records);
    tg_view_end(&w.view);
    tg_arena_free(&w.arena);
    wipe(&w.line);
    wipe(&w.out);
    free(w.hash);
    return code;
}
