/* lmdb_copy.c: see copy.h. */
#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "schema/copy.h"
#include "schema/lmdb_store.h"
#include "schema/unfinished.h"

enum { PATH_ROOM = 4200, DIR_MAX = 4000, TELL_MS = 100 };

void lmdb_clear_work(const char *dir)
{
    char path[PATH_ROOM + 256];
    DIR *entries = opendir(dir);
    if (entries == NULL)
        return;
    for (const struct dirent *e; (e = readdir(entries)) != NULL;)
        if (strncmp(e->d_name, DATA_FILE, sizeof DATA_FILE - 1) == 0 || strcmp(e->d_name, "lock.mdb") == 0) {
            snprintf(path, sizeof path, "%.4150s/%s", dir, e->d_name);
            unlink(path);
        }
    closedir(entries);
    rmdir(dir);
}

/* ---- the copy, and how far it is ---- */

struct copy {
    struct tg_store *store;
    int fd;
    int rc;
    _Atomic bool done;
};

static void *copy_in_thread(void *arg)
{
    struct copy *copy = arg;
    copy->rc = mdb_env_copyfd2(copy->store->env, copy->fd, MDB_CP_COMPACT);
    copy->done = true;
    return NULL;
}

/* Octets in use by records: what the copy will have. */
static uint64_t pages_in_use(struct tg_store *store)
{
    struct tg_view *view;
    uint64_t octets = 0;
    if (tg_view_begin(store, &view, NULL) != TG_OK)
        return 0;
    for (int db = 0; db < TG_DB_COUNT; db++) {
        MDB_stat s;
        if (mdb_stat(view->txn, store->dbi[db], &s) == 0)
            octets += (uint64_t)(s.ms_branch_pages + s.ms_leaf_pages + s.ms_overflow_pages) * s.ms_psize;
    }
    tg_view_end(&view);
    return octets;
}

static int copy_once(struct tg_store *store, int fd, tg_progress_fn *progress, void *arg)
{
    struct copy copy = { .store = store, .fd = fd };
    uint64_t all = pages_in_use(store);
    pthread_t thread;
    struct stat st;
    /* Nobody in this process moves the map meanwhile. */
    pthread_rwlock_rdlock(&store->map_lock);
    if (pthread_create(&thread, NULL, copy_in_thread, &copy) != 0) {
        copy_in_thread(&copy);
    } else {
        while (!copy.done) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_nsec += TELL_MS * 1000000L;
            until.tv_sec += until.tv_nsec / 1000000000L;
            until.tv_nsec %= 1000000000L;
            if (pthread_timedjoin_np(thread, NULL, &until) == 0)
                goto joined;
            if (progress != NULL && fstat(fd, &st) == 0)
                progress(arg, (uint64_t)st.st_size, (uint64_t)st.st_size > all ? (uint64_t)st.st_size : all);
        }
        pthread_join(thread, NULL);
    }
joined:
    pthread_rwlock_unlock(&store->map_lock);
    if (progress != NULL)
        progress(arg, all, all);
    return copy.rc;
}

/* Another process may have made the map larger just before: then LMDB has written nothing yet. */
static int copy_to(struct tg_store *store, int fd, tg_progress_fn *progress, void *arg)
{
    int rc = MDB_MAP_RESIZED;
    for (int tries = 0; rc == MDB_MAP_RESIZED && tries < 10; tries++)
        rc = copy_once(store, fd, progress, arg);
    return rc;
}

/* Root's command has become that user, who may not write where root may. */
static const char *owner(char name[64])
{
    const struct passwd *pw = getpwuid(geteuid());
    if (pw != NULL)
        snprintf(name, 64, "%.63s", pw->pw_name);
    else
        snprintf(name, 64, "user %ld", (long)geteuid());
    return name;
}

/* The directory that was made for a copy that failed goes again; one that was there stays. */
static enum tg_code backup_into(struct tg_store *store, const char *dir, tg_progress_fn *progress, void *arg, struct tg_error *err)
{
    char whole[PATH_ROOM], name[64];
    struct tg_unfinished u;
    snprintf(whole, sizeof whole, "%.4050s/" DATA_FILE, dir);
    if (access(whole, F_OK) == 0)
        return tg_fail(err, TG_REFUSED, "there is already a store in %s: choose another directory", dir);
    if (!tg_unfinished_begin(whole, &u))
        return tg_fail(err, TG_FAILED, "can't write in %s: %s (as %s, the store's owner)", dir, strerror(errno), owner(name));
    int rc = copy_to(store, u.fd, progress, arg);
    enum tg_code code = TG_OK;
    if (rc != 0)
        code = tg_fail(err, TG_FAILED, "the copy to %s failed: %s", dir, mdb_strerror(rc));
    else if (!tg_unfinished_name(&u))
        code = errno == EEXIST ? tg_fail(err, TG_REFUSED, "there is already a store in %s", dir)
                               : tg_fail(err, TG_FAILED, "can't make %s: %s", whole, strerror(errno));
    tg_unfinished_end(&u);
    return code;
}

enum tg_code tg_store_backup(struct tg_store *store, const char *dir, tg_progress_fn *progress, void *arg, struct tg_error *err)
{
    char name[64];
    if (strlen(dir) > DIR_MAX)
        return tg_fail(err, TG_USAGE, "the path is too long");
    bool made = mkdir(dir, 0700) == 0;
    if (!made && errno == EACCES)
        return tg_fail(err, TG_FAILED, "can't make %s: %s (as %s, the store's owner)", dir, strerror(EACCES), owner(name));
    if (!made && errno != EEXIST)
        return tg_fail(err, TG_FAILED, "can't make %s: %s", dir, strerror(errno));
    enum tg_code code = backup_into(store, dir, progress, arg, err);
    if (code != TG_OK && made)
        rmdir(dir);
    return code;
}

/* ---- compact ---- */

struct compaction {
    char work[PATH_ROOM]; /* "new-…", which init knows to be nobody's data */
    char data[PATH_ROOM], copy[PATH_ROOM], lock[PATH_ROOM];
};

static uint64_t on_disk(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

/* The copy opens, and has as many records of each kind. */
static enum tg_code compare(struct tg_store *store, const char *dir, struct tg_error *err)
{
    struct tg_store *copy;
    struct tg_store_stat old, new;
    enum tg_code code = tg_store_open(dir, &(struct tg_store_options){ .read_only = true }, &copy, err);
    if (code != TG_OK)
        return code;
    code = tg_store_stat(store, &old, err);
    if (code == TG_OK)
        code = tg_store_stat(copy, &new, err);
    if (code == TG_OK && memcmp(old.records, new.records, sizeof old.records) != 0)
        code = tg_fail(err, TG_FAILED, "the compacted copy of %s has not the same records: the old file stays (tollgate store check)",
                       store->dir);
    tg_store_close(&copy);
    return code;
}

static enum tg_code make_copy(const char *dir, const struct compaction *c, tg_progress_fn *progress, void *arg, struct tg_error *err)
{
    struct tg_store *store;
    enum tg_code code = lmdb_open_locked(dir, NULL, &store, err);
    if (code != TG_OK)
        return code;
    lmdb_clear_work(c->work);
    code = tg_store_backup(store, c->work, progress, arg, err);
    if (code == TG_OK)
        code = compare(store, c->work, err);
    tg_store_close(&store);
    return code;
}

/* LMDB's lock file belongs to the old file's transactions: a new one is made at the next open. */
static enum tg_code swap(const char *dir, const struct compaction *c, struct tg_error *err)
{
    unlink(c->lock);
    if (rename(c->copy, c->data) != 0)
        return tg_fail(err, TG_FAILED, "can't put the compacted file in the place of %s: %s", c->data, strerror(errno));
    tg_sync_path(dir);
    return TG_OK;
}

enum tg_code tg_store_compact(const char *dir, tg_progress_fn *progress, void *arg, struct tg_compacted *compacted, struct tg_error *err)
{
    struct compaction c;
    int fd;
    if (strlen(dir) > DIR_MAX)
        return tg_fail(err, TG_USAGE, "the path is too long");
    snprintf(c.work, sizeof c.work, "%s/new-compact", dir);
    snprintf(c.data, sizeof c.data, "%s/" DATA_FILE, dir);
    snprintf(c.lock, sizeof c.lock, "%s/lock.mdb", dir);
    snprintf(c.copy, sizeof c.copy, "%.4050s/new-compact/" DATA_FILE, dir);
    enum tg_code code = lmdb_lock(dir, true, false, &fd, err);
    if (code != TG_OK)
        return code;
    compacted->before = on_disk(c.data);
    code = make_copy(dir, &c, progress, arg, err);
    compacted->after = on_disk(c.copy);
    if (code == TG_OK)
        code = swap(dir, &c, err);
    lmdb_clear_work(c.work);
    close(fd);
    return code;
}
