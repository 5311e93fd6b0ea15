/* lmdb_restore.c: a backup comes back, see copy.h. The new file is made in a directory of its own and moved in when it is
 * whole and its numbers have gone on, so that no program ever opens one that would give them again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "schema/audit.h"
#include "schema/copy.h"
#include "schema/lmdb_store.h"
#include "schema/records.pb-c.h"
#include "schema/unfinished.h"

enum { PATH_ROOM = 4200, DIR_MAX = 4000, SEQUENCE_BITS = 24 };

struct restoring {
    const struct tg_restore *wanted;
    struct tg_restored *restored;
};

/* ---- numbers ---- */

/* When the backup was made, or earlier: a line of the audit log of a clock that was ahead says nothing. */
static enum tg_code last_change(struct tg_view *view, int64_t now, int64_t *last, struct tg_error *err)
{
    struct tg_key all = tg_key_all(), from = tg_key_audit(now * 1000000, (1u << SEQUENCE_BITS) - 1);
    struct tg_key store = tg_key_name(TG_META_STORE);
    struct tg_span key, value;
    struct tg_walk *walk;
    Tg__Meta *meta;
    int64_t time_us;
    uint32_t sequence;
    enum tg_code code = tg_walk_begin(view, TG_DB_AUDIT, &all, &from, TG_BACKWARD, &walk, err);
    if (code != TG_OK)
        return code;
    code = tg_walk_next(walk, &key, &value, err);
    if (code == TG_OK && tg_read_audit(key, &time_us, &sequence))
        *last = time_us / 1000000;
    else if (code == TG_OK)
        code = tg_fail(err, TG_UNUSABLE, "a damaged key in audit (run tollgate store check)");
    tg_walk_end(&walk);
    if (code != TG_NOT_FOUND)
        return code;
    code = tg_get_record(view, TG_DB_META, &store, &tg__meta__descriptor, &meta, err);
    if (code == TG_OK)
        *last = meta->created_at;
    return code;
}

static enum tg_code go_on(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct restoring *r = arg;
    const int64_t now = r->wanted->now;
    struct tg_view *view = tg_change_view(change);
    int64_t last = now;
    uint64_t *next = r->restored->next;
    enum tg_code code = last_change(view, now, &last, err);
    uint64_t age = last < now ? (uint64_t)(now - last) : 0;
    uint64_t skipped = r->wanted->keep_numbers ? 0 : TG_NUMBERS_SKIPPED + age * TG_NUMBERS_A_SECOND;
    for (int s = 0; code == TG_OK && s < TG_SEQUENCE_COUNT; s++)
        code = tg_skip_ids(change, (enum tg_sequence)s, skipped, &next[s], err);
    if (code != TG_OK)
        return code;
    tg_audit(change, now, "store restore", r->wanted->from, "",
             tg_arena_printf(tg_view_arena(view), "numbers go on: customer %llu, account %llu, order %llu",
                             (unsigned long long)next[TG_SEQUENCE_CUSTOMER], (unsigned long long)next[TG_SEQUENCE_ACCOUNT],
                             (unsigned long long)next[TG_SEQUENCE_ORDER]));
    return tg_change_error(change, err);
}

/* ---- files ---- */

struct places {
    char work[PATH_ROOM]; /* "new-…", which init knows to be nobody's data */
    char copy[PATH_ROOM], data[PATH_ROOM], lock[PATH_ROOM];
};

/* Opening the backup checks it; a copy of a copy is whole or is not there. */
static enum tg_code copy_backup(const struct tg_restore *wanted, const char *work, struct tg_error *err)
{
    struct tg_store *backup;
    char data[PATH_ROOM];
    snprintf(data, sizeof data, "%.4000s/" DATA_FILE, wanted->from);
    if (access(data, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) /* the store's sentence would advise to make one there */
        return tg_fail(err, TG_UNUSABLE, "there is no backup in %s: name the directory that store backup made, with its " DATA_FILE, wanted->from);
    enum tg_code code = tg_store_open(wanted->from, &(struct tg_store_options){ .read_only = true }, &backup, err);
    if (code != TG_OK)
        return code;
    code = tg_store_backup(backup, work, wanted->progress, wanted->progress_arg, err);
    tg_store_close(&backup);
    return code;
}

static enum tg_code go_on_with_numbers(const char *work, struct restoring *r, struct tg_error *err)
{
    struct tg_store *copy;
    enum tg_code code = tg_store_open(work, NULL, &copy, err);
    if (code != TG_OK)
        return code;
    tg_store_set_actor(copy, r->wanted->who);
    code = tg_store_change(copy, go_on, r, err);
    tg_store_close(&copy);
    return code;
}

/* link, not rename: it refuses where somebody else was faster. LMDB's lock file belongs to another file's transactions. */
static enum tg_code move_in(const struct places *p, const char *to, struct tg_error *err)
{
    unlink(p->lock);
    if (link(p->copy, p->data) != 0)
        return errno == EEXIST ? tg_fail(err, TG_REFUSED, "there is already a store in %s", to)
                               : tg_fail(err, TG_FAILED, "can't make %s: %s", p->data, strerror(errno));
    tg_sync_path(to);
    return TG_OK;
}

enum tg_code tg_store_restore(const struct tg_restore *wanted, struct tg_restored *restored, struct tg_error *err)
{
    const char *to = wanted->to;
    struct places p;
    struct restoring r = { wanted, restored };
    int fd = -1;
    if (strlen(to) > DIR_MAX)
        return tg_fail(err, TG_USAGE, "the path is too long");
    snprintf(p.work, sizeof p.work, "%s/new-restore", to);
    snprintf(p.copy, sizeof p.copy, "%.4050s/new-restore/" DATA_FILE, to);
    snprintf(p.data, sizeof p.data, "%s/" DATA_FILE, to);
    snprintf(p.lock, sizeof p.lock, "%s/lock.mdb", to);
    if (access(p.data, F_OK) == 0)
        return tg_fail(err, TG_REFUSED, "there is a store in %s: a restore overwrites nothing; move it away first", to);
    bool made = mkdir(to, 0700) == 0;
    if (!made && errno != EEXIST)
        return tg_fail(err, TG_FAILED, "can't make %s: %s", to, strerror(errno));
    /* A daemon may still have open what was moved away from there: what it went on accepting would be lost. */
    enum tg_code code = lmdb_lock(to, true, false, &fd, err);
    if (code == TG_OK) {
        lmdb_clear_work(p.work);
        code = copy_backup(wanted, p.work, err);
        if (code == TG_OK)
            code = go_on_with_numbers(p.work, &r, err);
        if (code == TG_OK)
            code = move_in(&p, to, err);
        lmdb_clear_work(p.work);
        close(fd);
    }
    if (code != TG_OK && made)
        rmdir(to);
    return code;
}
