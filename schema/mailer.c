/* mailer.c: see mailer.h: running the command. What a message looks like is in mailer_message.c. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "schema/mailer.h"
#include "schema/now.h"
#include "schema/text.h"

extern char **environ;

enum { SAID_SIZE = 160, LOOK_MS = 200 };

struct run {
    pid_t pid;
    int in, out, exited; /* its input, what it says, and a pidfd; -1: closed */
    const char *rest;    /* of the message */
    size_t left;
    char said[SAID_SIZE];
    size_t said_len;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A write to a pipe that nobody reads raises SIGPIPE in this thread: it is held back, and taken away again where it was
 * not there before. */
static ssize_t write_quietly(int fd, const char *bytes, size_t len)
{
    sigset_t pipe_only, before, pending;
    struct timespec at_once = { 0 };
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    ssize_t n = write(fd, bytes, len);
    int why = errno;
    if (n < 0 && why == EPIPE && !was_pending)
        while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return n;
}

/* posix_spawn, for a daemon with threads must not run its own code behind a fork. */
static int spawn(const char *command, int in, int out, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char *argv[] = { "sh", "-c", (char *)command, NULL };
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int rc = posix_spawn(pid, "/bin/sh", &files, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

static enum tg_code start(const char *command, struct run *r, struct tg_error *err)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 };
    int rc = pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 ? errno : 0;
    if (rc == 0)
        rc = spawn(command, in[0], out[1], &r->pid);
    close_fd(&in[0]);
    close_fd(&out[1]);
    r->in = in[1];
    r->out = out[0];
    if (rc != 0)
        return tg_fail(err, TG_FAILED, "the mailer can't be run: %s", strerror(rc));
    fcntl(r->in, F_SETFL, O_NONBLOCK);
    fcntl(r->out, F_SETFL, O_NONBLOCK);
    r->exited = pidfd_open(r->pid, 0);
    return TG_OK;
}

static void feed(struct run *r)
{
    ssize_t n = r->left > 0 ? write_quietly(r->in, r->rest, r->left) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        r->rest += n;
        r->left -= (size_t)n;
    }
    if (n <= 0 || r->left == 0) /* all of it, or nobody reads any more */
        close_fd(&r->in);
}

/* The beginning is kept, the rest is read and forgotten, so that the command does not wait for us. */
static void listen_to(struct run *r)
{
    char bytes[1024];
    ssize_t n = read(r->out, bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        close_fd(&r->out);
        return;
    }
    size_t room = sizeof r->said - 1 - r->said_len, keep = (size_t)n < room ? (size_t)n : room;
    memcpy(r->said + r->said_len, bytes, keep);
    r->said_len += keep;
}

/* true: it has ended, and *status tells how. */
static bool wait_some(struct run *r, int *status)
{
    struct pollfd fds[] = {
        { .fd = r->in, .events = POLLOUT }, { .fd = r->out, .events = POLLIN }, { .fd = r->exited, .events = POLLIN },
    };
    poll(fds, sizeof fds / sizeof *fds, LOOK_MS);
    if (fds[0].revents != 0)
        feed(r);
    if (fds[1].revents != 0)
        listen_to(r);
    if (waitpid(r->pid, status, WNOHANG) != r->pid)
        return false;
    for (ssize_t before = -1; r->out >= 0 && before != (ssize_t)r->said_len;) { /* what it said last */
        before = (ssize_t)r->said_len;
        listen_to(r);
    }
    return true;
}

/* One line, fit for a log. */
static const char *what_it_said(struct run *r)
{
    r->said[r->said_len] = '\0';
    while (r->said_len > 0 && (unsigned char)r->said[r->said_len - 1] <= ' ')
        r->said[--r->said_len] = '\0';
    for (char *c = r->said; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    if (!tg_text_is_clean(r->said, sizeof r->said))
        for (char *c = r->said; *c != '\0'; c++)
            *c = (unsigned char)*c >= 0x80 ? '?' : *c;
    return r->said;
}

static enum tg_code judge(struct run *r, int status, struct tg_error *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return TG_OK;
    const char *said = what_it_said(r);
    if (WIFEXITED(status))
        return tg_fail(err, TG_FAILED, "the mailer exited with %d%s%s", WEXITSTATUS(status), *said != '\0' ? ": " : "", said);
    return tg_fail(err, TG_FAILED, "the mailer was ended by signal %d", WTERMSIG(status));
}

enum tg_code tg_mailer_run(const char *command, const char *message, int timeout_ms, const atomic_bool *stop,
                           struct tg_error *err)
{
    struct run r = { .in = -1, .out = -1, .exited = -1, .rest = message, .left = strlen(message) };
    int status = 0;
    int64_t until = tg_ticks_ms() + timeout_ms;
    enum tg_code code = start(command, &r, err);
    if (code == TG_OK) {
        bool ended, stopped = false;
        while (!(ended = wait_some(&r, &status)) && tg_ticks_ms() < until && !(stopped = stop != NULL && *stop))
            ;
        if (ended) {
            code = judge(&r, status, err);
        } else {
            kill(-r.pid, SIGKILL);
            while (waitpid(r.pid, &status, 0) < 0 && errno == EINTR)
                ;
            code = stopped ? tg_fail(err, TG_FAILED, "the mailer was stopped before its end")
                           : tg_fail(err, TG_FAILED, "the mailer did not end within %d seconds", timeout_ms / 1000);
        }
    }
    close_fd(&r.in);
    close_fd(&r.out);
    close_fd(&r.exited);
    return code;
}
