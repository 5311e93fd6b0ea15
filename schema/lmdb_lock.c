/* lmdb_lock.c: who may use the store, beyond LMDB's own locks: the mark of an import, and the lock of its directory. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "schema/lmdb_store.h"
#include "schema/records.pb-c.h"

enum { WAIT_MS = 50, OPEN_TRIES = 100, ALONE_TRIES = 40 };

enum tg_code lmdb_mark_check(struct tg_store *store, MDB_txn *txn, struct tg_error *err)
{
    MDB_val key = { sizeof TG_META_IMPORT - 1, TG_META_IMPORT }, value;
    if (store->import)
        return TG_OK;
    int rc = mdb_get(txn, store->dbi[TG_DB_META], &key, &value);
    if (rc == MDB_NOTFOUND)
        return TG_OK;
    if (rc != 0)
        return lmdb_fail(store, rc, "can't be read", err);
    return tg_fail(err, TG_UNUSABLE, "the store %s is being imported, or an import was broken off: let it end, or run tollgate "
                   "store import again", store->dir);
}

static enum tg_code unreadable(const char *dir, int why, struct tg_error *err)
{
    struct stat st;
    const struct passwd *pw = why == EACCES && stat(dir, &st) == 0 ? getpwuid(st.st_uid) : NULL;
    if (pw == NULL)
        return tg_fail(err, TG_UNUSABLE, "can't look at the store %s: %s", dir, strerror(why));
    return tg_fail(err, TG_UNUSABLE, "can't look at the store %s: it is owned by user %s: run this as that user or as root (which "
                   "becomes the store's owner, who must be able to read a backup: chown -R)", dir, pw->pw_name);
}

enum tg_code lmdb_lock(const char *dir, bool alone, bool no_wait, int *fd, struct tg_error *err)
{
    const int most = no_wait ? 0 : alone ? ALONE_TRIES : OPEN_TRIES;
    *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return tg_fail(err, TG_UNUSABLE, "there is no store: %s/" DATA_FILE " does not exist (tollgate init makes one)", dir);
    if (*fd < 0)
        return unreadable(dir, errno, err);
    for (int tries = 0; flock(*fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0; tries++) {
        int why = errno;
        if (why == EWOULDBLOCK && tries < most) {
            nanosleep(&(struct timespec){ .tv_nsec = WAIT_MS * 1000000L }, NULL);
            continue;
        }
        if (why == EINTR)
            continue;
        close(*fd);
        *fd = -1;
        if (why != EWOULDBLOCK)
            return tg_fail(err, TG_UNUSABLE, "the store %s can't be locked: %s", dir, strerror(why));
        return alone ? tg_fail(err, TG_REFUSED, "the store %s is in use: stop tollgate-authd, tollgate-milter and other tollgate "
                               "commands first, for its file is exchanged", dir)
                     : tg_fail(err, TG_UNUSABLE, "the store %s is being compacted: try again when that is done", dir);
    }
    return TG_OK;
}
