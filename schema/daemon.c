/* daemon.c: see daemon.h. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "schema/daemon.h"
#include "schema/log.h"
#include "schema/thread.h"

enum tg_code tg_daemon_own_log(const struct tg_settings *settings, struct tg_error *err)
{
    if (geteuid() != 0 || *settings->user == '\0' || settings->log[0] != '/')
        return TG_OK;
    const struct passwd *pw = getpwnam(settings->user);
    if (pw == NULL)
        return TG_OK; /* the drop of privileges will say so */
    int fd = open(settings->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0640);
    if (fd < 0)
        return tg_fail(err, TG_UNUSABLE, "can't open the log file %s: %s", settings->log, strerror(errno));
    int rc = fchown(fd, pw->pw_uid, (gid_t)-1);
    close(fd);
    return rc == 0 ? TG_OK
                   : tg_fail(err, TG_UNUSABLE, "can't give the log file %s to %s: %s", settings->log, settings->user, strerror(errno));
}

void tg_daemon_hold_reloads(bool hold)
{
    sigset_t hangup;
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &hangup, NULL);
}

void tg_daemon_raise_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t wanted = limit.rlim_max < TG_FILES_MAX ? limit.rlim_max : TG_FILES_MAX;
    if (limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted;
    setrlimit(RLIMIT_NOFILE, &limit); /* not allowed: it stays as it is */
}

static void *end_hard(void *arg)
{
    struct timespec left = { .tv_sec = (time_t)(intptr_t)arg };
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
    tg_log(TG_ERROR, "stopped-hard", "why", "the end was held up: does another process keep the store from being written?", NULL);
    _exit(TG_FAILED);
}

void tg_daemon_end_within(int seconds)
{
    pthread_t thread;
    if (tg_thread_start(&thread, end_hard, (void *)(intptr_t)seconds))
        pthread_detach(thread); /* no thread: then the end is waited for */
}

static bool somebody_listens(const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return true;
    strncpy(to.sun_path, path, sizeof to.sun_path - 1);
    int rc = connect(fd, (const struct sockaddr *)&to, sizeof to);
    bool dead = rc != 0 && (errno == ECONNREFUSED || errno == ENOENT);
    close(fd);
    return !dead;
}

enum tg_code tg_socket_make_room(const char *path, struct tg_error *err)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        if (errno == ENOENT)
            return TG_OK;
        return tg_fail(err, TG_UNUSABLE, "can't look at %s: %s", path, strerror(errno));
    }
    if (!S_ISSOCK(st.st_mode))
        return tg_fail(err, TG_REFUSED, "%s is there and no socket: remove it, or listen elsewhere", path);
    if (somebody_listens(path))
        return tg_fail(err, TG_REFUSED, "another program listens on %s: is this daemon running already?", path);
    if (unlink(path) != 0 && errno != ENOENT)
        return tg_fail(err, TG_UNUSABLE, "can't remove the stale socket %s: %s", path, strerror(errno));
    return TG_OK;
}

enum tg_code tg_socket_permissions(const char *path, const struct tg_settings *settings, struct tg_error *err)
{
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    if (*settings->socket_group != '\0') {
        const struct group *group = getgrnam(settings->socket_group);
        if (group == NULL)
            return tg_fail(err, TG_UNUSABLE, "there is no group %s: set socket_group to the group of your mail server",
                           settings->socket_group);
        gid = group->gr_gid;
    }
    if (geteuid() == 0 && *settings->user != '\0') {
        const struct passwd *pw = getpwnam(settings->user);
        uid = pw != NULL ? pw->pw_uid : (uid_t)-1;
    }
    if (chown(path, uid, gid) != 0)
        return tg_fail(err, TG_UNUSABLE, "can't give %s to group %s: %s (start as root, or set socket_group = \"\")", path,
                       settings->socket_group, strerror(errno));
    if (chmod(path, settings->socket_mode_bits) != 0)
        return tg_fail(err, TG_UNUSABLE, "can't set the mode of %s: %s", path, strerror(errno));
    return TG_OK;
}
