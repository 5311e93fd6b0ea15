/* privilege.c: see privilege.h. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "schema/privilege.h"

/* Groups first: without root they could not be changed any more. */
static enum tg_code become(const struct passwd *pw, struct tg_error *err)
{
    if (initgroups(pw->pw_name, pw->pw_gid) != 0 || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
        setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
        return tg_fail(err, TG_UNUSABLE, "can't become user %s: %s", pw->pw_name, strerror(errno));
    return TG_OK;
}

enum tg_code tg_privilege_drop(const char *user, struct tg_error *err)
{
    if (*user == '\0' || geteuid() != 0)
        return TG_OK;
    errno = 0;
    const struct passwd *pw = getpwnam(user);
    if (pw == NULL)
        return tg_fail(err, TG_UNUSABLE, "there is no user %s: make it (systemd-sysusers, adduser --system) or set `user`",
                       user);
    return become(pw, err);
}

enum tg_code tg_privilege_store_owner(const char *store_dir, struct tg_error *err)
{
    struct stat st;
    if (geteuid() != 0 || stat(store_dir, &st) != 0 || st.st_uid == 0)
        return TG_OK;
    const struct passwd *pw = getpwuid(st.st_uid);
    if (pw != NULL)
        return become(pw, err);
    /* An owner without a name: the ids alone. */
    if (setgroups(0, NULL) != 0 || setresgid(st.st_gid, st.st_gid, st.st_gid) != 0 ||
        setresuid(st.st_uid, st.st_uid, st.st_uid) != 0)
        return tg_fail(err, TG_UNUSABLE, "can't become the owner of the store %s (uid %ld): %s", store_dir,
                       (long)st.st_uid, strerror(errno));
    return TG_OK;
}
