/* courier.c: see courier.h.
 *
 * A request is its length, the time it has, and the message; the answer a struct answer. Both ends are the same program, so
 * numbers go as they are. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "schema/courier.h"
#include "schema/daemon.h"
#include "schema/mailer.h"
#include "schema/settings.h"

enum { MESSAGE_MAX = 1 << 20, LOOK_MS = 200, FILES = 1024 };

struct tg_courier {
    pid_t pid;
    int fd;
};

struct request {
    uint32_t len;
    int32_t timeout_ms;
};

struct answer {
    int32_t code;
    char text[sizeof ((struct tg_error *)0)->text];
};

/* ---- both ends ---- */

/* false: the other end is gone. */
static bool receive(int fd, void *bytes, size_t len)
{
    for (size_t got = 0; got < len;) {
        ssize_t n = recv(fd, (char *)bytes + got, len - got, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

static bool deliver(int fd, const void *bytes, size_t len)
{
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(fd, (const char *)bytes + sent, len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

/* ---- the courier ---- */

struct watch {
    int fd, ended; /* the daemon's, and an eventfd: the mailer has ended */
    atomic_bool stop;
};

/* Beside the mailer: the daemon may go away, or ask for an end by shutting its side. */
static void *watch_daemon(void *arg)
{
    struct watch *w = arg;
    struct pollfd fds[] = { { .fd = w->ended, .events = POLLIN }, { .fd = w->fd, .events = POLLIN | POLLRDHUP } };
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    if (fds[0].revents == 0)
        w->stop = true;
    return NULL;
}

static void run_mailer(int fd, const char *mailer, const char *message, int timeout_ms, struct answer *answer)
{
    struct watch watch = { .fd = fd, .ended = eventfd(0, EFD_CLOEXEC) };
    struct tg_error err = { 0 };
    pthread_t thread;
    bool watched = watch.ended >= 0 && pthread_create(&thread, NULL, watch_daemon, &watch) == 0;
    answer->code = tg_mailer_run(mailer, message, timeout_ms, &watch.stop, &err);
    if (watched) {
        eventfd_write(watch.ended, 1);
        pthread_join(thread, NULL);
    }
    if (watch.ended >= 0)
        close(watch.ended);
    snprintf(answer->text, sizeof answer->text, "%s", answer->code != TG_OK ? err.text : "");
}

static void read_again(const char *config, char **mailer)
{
    struct tg_settings *settings = NULL;
    if (tg_settings_read(config, &settings, NULL) != TG_OK)
        return;
    free(*mailer);
    *mailer = tg_xstrdup(settings->mailer);
    tg_settings_free(&settings);
}

static _Noreturn void serve(int fd, const char *config, char *mailer)
{
    struct request request;
    while (receive(fd, &request, sizeof request) && request.len <= MESSAGE_MAX) {
        char *message = tg_xmalloc((size_t)request.len + 1);
        struct answer answer = { 0 };
        message[request.len] = '\0';
        bool whole = receive(fd, message, request.len);
        if (whole) {
            read_again(config, &mailer);
            run_mailer(fd, mailer, message, request.timeout_ms, &answer);
        }
        free(message);
        if (!whole || !deliver(fd, &answer, sizeof answer))
            break;
    }
    free(mailer);
    _exit(0);
}

/* What the daemon had open is none of the courier's business. */
static _Noreturn void become_courier(int fd, const char *config, const char *mailer, bool detached)
{
    static const int ignored[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGQUIT, SIGUSR1, SIGUSR2 };
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    tg_daemon_hold_reloads(false);
    prctl(PR_SET_NAME, "tollgate-mailer", 0, 0, 0);
    /* The daemon has taken all it may; programs that close or select all of them want fewer. */
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > FILES) {
        files.rlim_cur = FILES;
        setrlimit(RLIMIT_NOFILE, &files);
    }
#ifndef TG_SANITIZED
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int standard = 0; null >= 0 && standard <= (detached ? STDERR_FILENO : STDOUT_FILENO); standard++)
        dup2(null, standard);
    if (dup2(fd, STDERR_FILENO + 1) < 0)
        _exit(1);
    closefrom(STDERR_FILENO + 2);
    serve(STDERR_FILENO + 1, config, tg_xstrdup(mailer));
}

/* ---- the daemon ---- */

enum tg_code tg_courier_start(const char *config, const char *mailer, bool detached, struct tg_courier **courier,
                              struct tg_error *err)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return tg_fail(err, TG_FAILED, "can't make a pair of sockets: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0) {
        tg_fail(err, TG_FAILED, "can't start the process that runs the mailer: %s", strerror(errno));
        close(fds[0]);
        close(fds[1]);
        return TG_FAILED;
    }
    if (pid == 0)
        become_courier(fds[1], config, mailer, detached);
    close(fds[1]);
    *courier = tg_xcalloc(1, sizeof **courier);
    (*courier)->pid = pid;
    (*courier)->fd = fds[0];
    return TG_OK;
}

enum tg_code tg_courier_run(struct tg_courier *c, const char *message, int timeout_ms, const atomic_bool *stop,
                            struct tg_error *err)
{
    struct request request = { (uint32_t)strlen(message), timeout_ms };
    struct answer answer;
    if (request.len > MESSAGE_MAX)
        return tg_fail(err, TG_FAILED, "a message of %lu octets is too long for the mailer", (unsigned long)request.len);
    bool there = deliver(c->fd, &request, sizeof request) && deliver(c->fd, message, request.len);
    for (struct pollfd fd = { .fd = c->fd, .events = POLLIN }; there && poll(&fd, 1, LOOK_MS) <= 0;)
        if (stop != NULL && *stop) /* the daemon ends: so does the mailer, and nothing is sent after it */
            shutdown(c->fd, SHUT_WR);
    if (!there || !receive(c->fd, &answer, sizeof answer))
        return tg_fail(err, TG_FAILED, "the process that runs the mailer is gone: restart tollgate-authd");
    answer.text[sizeof answer.text - 1] = '\0';
    return answer.code == TG_OK ? TG_OK : tg_fail(err, TG_FAILED, "%s", answer.text);
}

void tg_courier_end(struct tg_courier **courier)
{
    struct tg_courier *c = *courier;
    if (c == NULL)
        return;
    close(c->fd);
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(c);
    *courier = NULL;
}
