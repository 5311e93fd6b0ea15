/* detach.c: see detach.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "schema/detach.h"

struct tg_detached {
    int ready;    /* the first process waits at the other end */
    int pid_fd;   /* -1: none */
    char *pid_file;
    bool made;    /* it was not there before */
    bool written; /* it names this process: until then it may be another daemon's, which runs */
};

/* In the process that was started: as the daemon does, so does it. */
static _Noreturn void wait_for_child(pid_t child, int ready)
{
    char byte;
    int status = 0;
    ssize_t got;
    while ((got = read(ready, &byte, 1)) < 0 && errno == EINTR)
        ;
    if (got == 1)
        _exit(0);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    _exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : TG_FAILED);
}

static enum tg_code go(int pipe_fds[2], struct tg_error *err)
{
    if (pipe2(pipe_fds, O_CLOEXEC) != 0)
        return tg_fail(err, TG_FAILED, "can't make a pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child < 0)
        return tg_fail(err, TG_FAILED, "can't go to the background: %s", strerror(errno));
    if (child > 0) {
        close(pipe_fds[1]);
        wait_for_child(child, pipe_fds[0]);
    }
    close(pipe_fds[0]);
    setsid();
    return chdir("/") == 0 ? TG_OK : tg_fail(err, TG_FAILED, "can't change to /: %s", strerror(errno));
}

enum tg_code tg_detach(const char *pid_file, struct tg_detached **detached, struct tg_error *err)
{
    int pid_fd = -1, pipe_fds[2];
    bool made = false;
    if (pid_file != NULL && pid_file[0] != '/')
        return tg_fail(err, TG_USAGE, "the pid file %s is no absolute path", pid_file);
    if (pid_file != NULL) {
        pid_fd = open(pid_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
        made = pid_fd >= 0;
        if (pid_fd < 0 && errno == EEXIST)
            pid_fd = open(pid_file, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    }
    if (pid_file != NULL && pid_fd < 0)
        return tg_fail(err, TG_FAILED, "can't write the pid file %s: %s", pid_file, strerror(errno));
    enum tg_code code = go(pipe_fds, err);
    if (code != TG_OK) {
        if (pid_fd >= 0)
            close(pid_fd);
        return code;
    }
    *detached = tg_xcalloc(1, sizeof **detached);
    (*detached)->ready = pipe_fds[1];
    (*detached)->pid_fd = pid_fd;
    (*detached)->made = made;
    (*detached)->pid_file = pid_file != NULL ? tg_xstrdup(pid_file) : NULL;
    return TG_OK;
}

void tg_detach_ready(struct tg_detached *detached)
{
    if (detached == NULL)
        return;
    if (detached->pid_fd >= 0 && ftruncate(detached->pid_fd, 0) == 0) {
        dprintf(detached->pid_fd, "%ld\n", (long)getpid());
        detached->written = true;
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    if (null > STDERR_FILENO)
        close(null);
    ssize_t written = write(detached->ready, "", 1);
    (void)written; /* nobody waits any more */
    close(detached->ready);
    detached->ready = -1;
}

void tg_detach_end(struct tg_detached **detached)
{
    struct tg_detached *d = *detached;
    if (d == NULL)
        return;
    if (d->ready >= 0)
        close(d->ready);
    if (d->pid_fd >= 0) {
        int emptied = d->written ? ftruncate(d->pid_fd, 0) : 0;
        (void)emptied;
        close(d->pid_fd);
        if (d->written || d->made)
            unlink(d->pid_file);
    }
    free(d->pid_file);
    free(d);
    *detached = NULL;
}
