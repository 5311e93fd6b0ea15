/* lmdb_copy.c: see copy.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "schema/copy.h"
#include "schema/lmdb_store.h"

static void sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

enum tg_code tg_store_backup(struct tg_store *store, const char *dir, struct tg_error *err)
{
    char whole[4200], part[4200];
    if (strlen(dir) > 4000)
        return tg_fail(err, TG_USAGE, "the path is too long");
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return tg_fail(err, TG_FAILED, "can't make %s: %s", dir, strerror(errno));
    snprintf(whole, sizeof whole, "%s/" DATA_FILE, dir);
    snprintf(part, sizeof part, "%s/" DATA_FILE ".part-%ld", dir, (long)getpid());
    if (access(whole, F_OK) == 0)
        return tg_fail(err, TG_REFUSED, "there is already a store in %s: choose another directory", dir);
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return tg_fail(err, TG_FAILED, "can't write in %s: %s", dir, strerror(errno));
    int rc = mdb_env_copyfd2(store->env, fd, MDB_CP_COMPACT);
    if (rc == 0 && fsync(fd) != 0)
        rc = errno;
    close(fd);
    enum tg_code code = TG_OK;
    if (rc != 0)
        code = tg_fail(err, TG_FAILED, "the copy to %s failed: %s", dir, mdb_strerror(rc));
    else if (link(part, whole) != 0)
        code = errno == EEXIST ? tg_fail(err, TG_REFUSED, "there is already a store in %s", dir)
                               : tg_fail(err, TG_FAILED, "can't make %s: %s", whole, strerror(errno));
    unlink(part);
    sync_path(dir);
    return code;
}

enum tg_code tg_store_restore(const char *from, const char *to, struct tg_error *err)
{
    struct tg_store *copy;
    char there[4200];
    if (strlen(to) > 4000)
        return tg_fail(err, TG_USAGE, "the path is too long");
    snprintf(there, sizeof there, "%s/" DATA_FILE, to);
    if (access(there, F_OK) == 0)
        return tg_fail(err, TG_REFUSED, "there is a store in %s: a restore overwrites nothing; move it away first", to);
    /* Opening it checks it; a copy of a copy is whole or is not there. */
    enum tg_code code = tg_store_open(from, &(struct tg_store_options){ .read_only = true }, &copy, err);
    if (code != TG_OK)
        return code;
    code = tg_store_backup(copy, to, err);
    tg_store_close(&copy);
    return code;
}
