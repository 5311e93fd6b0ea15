/* listen.c: see listen.h. */
#include <errno.h>
#include <fcntl.h>
#include <libmilter/mfapi.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "milter/listen.h"
#include "schema/daemon.h"
#include "schema/handed_over.h"

enum { LAST_FD = 1024 };

/* libmilter's way of writing an address; it takes a socket that listens already as fd:N. */
static void milter_address(const struct tg_listen *where, int handed_over, char *out, size_t size)
{
    if (handed_over >= 0)
        snprintf(out, size, "fd:%d", handed_over);
    else if (where->is_unix)
        snprintf(out, size, "unix:%s", where->path);
    else
        snprintf(out, size, "%s:%u@%s", strchr(where->host, ':') != NULL ? "inet6" : "inet", where->port, where->host);
}

static bool listens(int fd)
{
    int on = 0;
    socklen_t len = sizeof on;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len) == 0 && on != 0;
}

/* libmilter does not tell its descriptor: it is the one that listens now and did not before. */
static enum tg_code open_conn(const char *address, const char *option, int handed_over, struct listener *listener,
                              struct tg_error *err)
{
    bool before[LAST_FD];
    for (int fd = 0; fd < LAST_FD; fd++)
        before[fd] = fd != handed_over && listens(fd);
    mode_t old = umask(0177);
    errno = 0;
    bool opened = smfi_setconn((char *)address) == MI_SUCCESS && smfi_opensocket(0) == MI_SUCCESS;
    umask(old);
    int why = errno;
    for (int fd = 0; opened && listener->fd < 0 && fd < LAST_FD; fd++)
        if (!before[fd] && listens(fd))
            listener->fd = fd;
    if (listener->fd >= 0)
        return TG_OK;
    return tg_fail(err, TG_UNUSABLE, "can't listen on %s: %s%s", option, why != 0 ? strerror(why) : "libmilter refused it",
                   why == ENOENT ? " (make its directory, which user and mail server must be able to enter)" : "");
}

enum tg_code listen_open(const struct tg_settings *settings, struct listener *listener, struct tg_error *err)
{
    const char *option = settings->milter_listen.item[0];
    struct tg_socket_address socket_address;
    struct tg_listen where;
    char address[256];
    if (!tg_listen_parse(option, &where))
        return tg_fail(err, TG_UNUSABLE, "milter_listen is no address");
    enum tg_code code = tg_socket_resolve(&where, option, &socket_address, err);
    if (code != TG_OK)
        return code;
    int handed_over = tg_handed_over(&socket_address);
    listener->made_here = handed_over < 0;
    listener->fd = -1;
    if (listener->made_here && where.is_unix && (code = tg_socket_make_room(where.path, err)) != TG_OK)
        return code;
    milter_address(&where, handed_over, address, sizeof address);
    if ((code = open_conn(address, option, handed_over, listener, err)) != TG_OK)
        return code;
    /* Whoever else listens on the same socket may be faster than our accept. */
    fcntl(listener->fd, F_SETFL, O_NONBLOCK);
    if (!listener->made_here || !where.is_unix)
        return TG_OK;
    snprintf(listener->path, sizeof listener->path, "%s", where.path);
    return tg_socket_permissions(where.path, settings, err);
}

static void on_wake(int number)
{
    (void)number;
}

void listen_prepare_stop(void)
{
    struct sigaction wake = { .sa_handler = on_wake };
    sigemptyset(&wake.sa_mask);
    sigaction(SIGUSR1, &wake, NULL);
}

/* smfi_stop would wait for up to five seconds, as long as libmilter's poll sleeps. So its socket is replaced by one
 * end of a pipe, where nothing ever comes, and the poll interrupted, for it still holds on to the old one. */
void listen_stop(struct listener *listener, pthread_t listen_thread)
{
    int ends[2];
    if (listener->path[0] != '\0')
        unlink(listener->path); /* not allowed: the next milter sees that nobody answers there */
    if (listener->fd < 0)
        return;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return; /* no descriptor free; new connections are put off until the end */
    dup3(ends[0], listener->fd, O_CLOEXEC);
    pthread_kill(listen_thread, SIGUSR1);
}
