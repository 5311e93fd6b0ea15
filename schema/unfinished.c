/* unfinished.c: see unfinished.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "schema/unfinished.h"

enum { SUFFIX_ROOM = 32 };

void tg_sync_path(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
}

bool tg_unfinished_begin(const char *file, struct tg_unfinished *u)
{
    const char *slash = strrchr(file, '/');
    int len = slash == NULL ? 1 : slash == file ? 1 : (int)(slash - file);
    u->fd = -1;
    u->name[0] = '\0';
    if (strlen(file) >= sizeof u->file - SUFFIX_ROOM) {
        errno = ENAMETOOLONG;
        return false;
    }
    snprintf(u->file, sizeof u->file, "%s", file);
    snprintf(u->directory, sizeof u->directory, "%.*s", len, slash == NULL ? "." : file);
    if (access("/proc/self/fd", X_OK) == 0)
        u->fd = open(u->directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (u->fd >= 0)
        return true;
    snprintf(u->name, sizeof u->name, "%.4150s.part-%ld", file, (long)getpid());
    u->fd = open(u->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return u->fd >= 0;
}

static int give_name(const struct tg_unfinished *u)
{
    char nameless[40];
    if (u->name[0] != '\0')
        return link(u->name, u->file);
    snprintf(nameless, sizeof nameless, "/proc/self/fd/%d", u->fd);
    return linkat(AT_FDCWD, nameless, AT_FDCWD, u->file, AT_SYMLINK_FOLLOW);
}

bool tg_unfinished_name(const struct tg_unfinished *u)
{
    if (fsync(u->fd) != 0 || give_name(u) != 0)
        return false;
    tg_sync_path(u->directory);
    return true;
}

void tg_unfinished_end(struct tg_unfinished *u)
{
    close(u->fd);
    if (u->name[0] != '\0')
        unlink(u->name);
    u->fd = -1;
}
