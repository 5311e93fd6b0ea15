/* lmdb_file.c: is this a data file that LMDB can open?
 *
 * LMDB takes an empty file for a new store, and dies by SIGBUS where the file is shorter than its newest
 * meta page says. So that page is read by hand first: 16 octets of page header, then (64-bit, version 1)
 * magic 4, version 4, address 8, map size 8, two database records of 48 (the first word of the first is the
 * page size), last page 8, transaction 8. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "schema/lmdb_store.h"

enum { META_BYTES = 152, META_MAGIC_AT = 16, META_PAGE_SIZE_AT = 40, META_LAST_PAGE_AT = 136, META_TXN_AT = 144 };
#define LMDB_MAGIC 0xBEEFC0DEu

static uint32_t word(const uint8_t *bytes)
{
    uint32_t w;
    memcpy(&w, bytes, sizeof w);
    return w;
}

static uint64_t long_word(const uint8_t *bytes)
{
    uint64_t w;
    memcpy(&w, bytes, sizeof w);
    return w;
}

static bool read_meta(int fd, off_t at, uint8_t page[META_BYTES])
{
    return pread(fd, page, META_BYTES, at) == META_BYTES && word(page + META_MAGIC_AT) == LMDB_MAGIC &&
           word(page + META_MAGIC_AT + 4) == 1;
}

/* The size that the file must have at least, from the newer of its two meta pages. */
static enum tg_code needed_size(int fd, const char *path, uint64_t *needed, struct tg_error *err)
{
    uint8_t first[META_BYTES], second[META_BYTES];
    if (!read_meta(fd, 0, first))
        return tg_fail(err, TG_UNUSABLE, "%s is not a Tollgate store: its first page is damaged (restore a backup)", path);
    uint32_t page_size = word(first + META_PAGE_SIZE_AT);
    if (page_size < 512 || page_size > 65536 || (page_size & (page_size - 1)) != 0)
        return tg_fail(err, TG_UNUSABLE, "%s is not a Tollgate store: its page size is damaged (restore a backup)", path);
    const uint8_t *newer = first;
    if (read_meta(fd, (off_t)page_size, second) && long_word(second + META_TXN_AT) > long_word(first + META_TXN_AT))
        newer = second;
    uint64_t last_page = long_word(newer + META_LAST_PAGE_AT);
    if (last_page > (UINT64_MAX >> 20))
        return tg_fail(err, TG_UNUSABLE, "%s is damaged: its last page is out of range (restore a backup)", path);
    *needed = (last_page + 1) * page_size;
    return TG_OK;
}

static enum tg_code owner_check(const char *path, const struct stat *st, struct tg_error *err)
{
    if (geteuid() == 0 || st->st_uid == geteuid())
        return TG_OK;
    const struct passwd *pw = getpwuid(st->st_uid);
    return tg_fail(err, TG_UNUSABLE, "%s is owned by user %s (uid %ld): run this as that user or as root", path,
                   pw != NULL ? pw->pw_name : "?", (long)st->st_uid);
}

enum tg_code lmdb_file_check(const char *path, size_t *size, struct tg_error *err)
{
    struct stat st;
    uint64_t needed = 0;
    int fd = -1;
    enum tg_code code;
    if (stat(path, &st) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return tg_fail(err, TG_UNUSABLE, "there is no store: %s does not exist (tollgate init makes one)", path);
        return tg_fail(err, TG_UNUSABLE, "can't look at the store %s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode))
        return tg_fail(err, TG_UNUSABLE, "%s is not a Tollgate store: it is not a file", path);
    if ((code = owner_check(path, &st, err)) != TG_OK)
        return code;
    if (st.st_size == 0)
        return tg_fail(err, TG_UNUSABLE, "%s is empty: this was a store, or never one (restore a backup)", path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tg_fail(err, TG_UNUSABLE, "can't read the store %s: %s", path, strerror(errno));
    code = needed_size(fd, path, &needed, err);
    /* Its length after what it needs: another process may be growing it, and it never shrinks. */
    if (code == TG_OK && fstat(fd, &st) != 0)
        code = tg_fail(err, TG_UNUSABLE, "can't look at the store %s: %s", path, strerror(errno));
    close(fd);
    if (code != TG_OK)
        return code;
    if ((uint64_t)st.st_size < needed)
        return tg_fail(err, TG_UNUSABLE, "%s is truncated: it has %lld octets and needs %llu (restore a backup)", path,
                       (long long)st.st_size, (unsigned long long)needed);
    *size = (size_t)st.st_size;
    return TG_OK;
}
