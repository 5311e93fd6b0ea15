/* fault.c: lets writes to the store fail as the file $TG_FAULT says, one word a line; no file: none fails.
 *
 *   fdatasync-eio   write-eio   write-enospc   write-short   meta-eio
 *
 * write-*: of data pages; meta-eio: of the page that makes a commit count (LMDB writes it through a descriptor that is
 * O_DSYNC). Only descriptors of files named data.mdb. Built by the test, loaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_store(int fd)
{
    char name[64], path[512];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(name, path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    const char *base = strrchr(path, '/');
    return base != NULL && strncmp(base, "/data.mdb", 9) == 0;
}

static int wanted(const char *fault)
{
    char text[256] = "";
    const char *file = getenv("TG_FAULT");
    int fd = file != NULL ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    return len > 0 && strstr(text, fault) != NULL;
}

/* 0: as it should be; else -1, or octets to write instead of len. */
static ssize_t write_fault(int fd, size_t len)
{
    if (!is_store(fd))
        return 0;
    if ((fcntl(fd, F_GETFL) & O_DSYNC) != 0) {
        errno = EIO;
        return wanted("meta-eio") ? -1 : 0;
    }
    errno = wanted("write-enospc") ? ENOSPC : EIO;
    if (wanted("write-eio") || wanted("write-enospc"))
        return -1;
    return wanted("write-short") ? (ssize_t)(len / 2) : 0;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    ssize_t fault = write_fault(fd, len);
    return fault < 0 ? -1 : real(fd, bytes, fault > 0 ? (size_t)fault : len, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return pwrite64(fd, bytes, len, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    ssize_t (*real)(int, const struct iovec *, int) = dlsym(RTLD_NEXT, "writev");
    size_t len = 0;
    for (int i = 0; i < count; i++)
        len += parts[i].iov_len;
    ssize_t fault = write_fault(fd, len);
    return fault < 0 ? -1 : real(fd, parts, fault > 0 && count > 1 ? count / 2 : count);
}

int fdatasync(int fd)
{
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    if (is_store(fd) && wanted("fdatasync-eio")) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}
