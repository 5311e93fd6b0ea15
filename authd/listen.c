/* listen.c: see listen.h. */
#include <errno.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "authd/listen.h"
#include "authd/metrics.h"
#include "schema/handed_over.h"
#include "schema/listen_socket.h"
#include "schema/log.h"
#include "schema/network.h"

enum { BACKLOG = 511, LISTENERS_MAX = 64, ACCEPT_PAUSE_MS = 500 };

struct listener {
    const struct door *door;
    struct conns *conns;
    struct evconnlistener *event;
    struct event *pause;
    int fd;
    bool made_here;
    char *address;      /* as in the configuration */
    char path[108];     /* unix: to be removed at the end */
};

struct listeners {
    size_t count;
    struct listener *list[LISTENERS_MAX];
};

struct listeners *listeners_new(void)
{
    return tg_xcalloc(1, sizeof(struct listeners));
}

size_t listeners_count(const struct listeners *listeners)
{
    return listeners->count;
}

void listeners_stop(struct listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; i++) {
        struct listener *l = listeners->list[i];
        if (l->event != NULL)
            evconnlistener_free(l->event);
        if (l->pause != NULL)
            event_free(l->pause);
        l->event = NULL;
        l->pause = NULL;
    }
}

void listeners_free(struct listeners **listeners)
{
    if (*listeners == NULL)
        return;
    listeners_stop(*listeners);
    for (size_t i = 0; i < (*listeners)->count; i++) {
        struct listener *l = (*listeners)->list[i];
        if (l->made_here && l->path[0] != '\0')
            unlink(l->path); /* not allowed: the next start sees that nobody answers there */
        close(l->fd);
        free(l->address);
        free(l);
    }
    free(*listeners);
    *listeners = NULL;
}

/* ---- binding ---- */

enum tg_code listeners_bind(struct listeners *listeners, const struct door *door, const char *text,
                            const struct tg_settings *settings, struct tg_error *err)
{
    struct tg_listen where;
    struct tg_socket_address address;
    if (listeners->count == LISTENERS_MAX)
        return tg_fail(err, TG_UNUSABLE, "more than %d addresses to listen on", LISTENERS_MAX);
    if (!tg_listen_parse(text, &where))
        return tg_fail(err, TG_UNUSABLE, "%s is no address to listen on", text);
    enum tg_code code = tg_socket_resolve(&where, text, &address, err);
    if (code != TG_OK)
        return code;
    int fd = tg_handed_over(&address);
    bool made_here = fd < 0;
    if (made_here && (code = tg_listen_socket(text, BACKLOG, settings, &fd, err)) != TG_OK)
        return code;
    struct listener *l = tg_xcalloc(1, sizeof *l);
    l->door = door;
    l->fd = fd;
    l->made_here = made_here;
    l->address = tg_xstrdup(text);
    if (where.is_unix)
        memcpy(l->path, where.path, sizeof l->path);
    listeners->list[listeners->count++] = l;
    return TG_OK;
}

/* ---- serving ---- */

/* Who is there, for the log: an address and port, or the process behind a unix socket. */
static void name_peer(evutil_socket_t fd, const struct sockaddr *address, char *out, size_t size)
{
    struct tg_network network;
    struct ucred who;
    socklen_t len = sizeof who;
    char text[TG_NETWORK_TEXT];
    if (tg_network_of_sockaddr(address, &network)) {
        in_port_t port = address->sa_family == AF_INET ? ((const struct sockaddr_in *)(const void *)address)->sin_port
                                                       : ((const struct sockaddr_in6 *)(const void *)address)->sin6_port;
        snprintf(out, size, "%s:%u", tg_network_text(&network, text), ntohs(port));
    } else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0) {
        snprintf(out, size, "pid:%ld", (long)who.pid);
    } else {
        snprintf(out, size, "unix");
    }
}

static void on_accept(struct evconnlistener *event, evutil_socket_t fd, struct sockaddr *address, int len, void *arg)
{
    struct listener *l = arg;
    char peer[80];
    int on = 1;
    (void)event;
    (void)len;
    if (address->sa_family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    name_peer(fd, address, peer, sizeof peer);
    conns_add(l->conns, l->door, fd, peer);
}

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
    struct listener *l = arg;
    (void)fd;
    (void)what;
    conns_app(l->conns)->doors_paused--;
    evconnlistener_enable(l->event);
}

/* Out of descriptors: the listening socket stays readable, so wait a little instead of spinning. */
static void on_accept_error(struct evconnlistener *event, void *arg)
{
    struct listener *l = arg;
    struct timeval pause = { .tv_usec = ACCEPT_PAUSE_MS * 1000 };
    tg_log(TG_ERROR, "accept-failed", "door", l->door->name, "address", l->address, "error",
           evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()), NULL);
    metrics_accept_failed(conns_app(l->conns)->metrics, l->door->name);
    conns_app(l->conns)->doors_paused++;
    evconnlistener_disable(event);
    evtimer_add(l->pause, &pause);
}

enum tg_code listeners_serve(struct listeners *listeners, struct conns *conns, struct tg_error *err)
{
    struct event_base *base = conns_app(conns)->base;
    for (size_t i = 0; i < listeners->count; i++) {
        struct listener *l = listeners->list[i];
        l->conns = conns;
        evutil_make_socket_nonblocking(l->fd);
        l->pause = evtimer_new(base, on_pause_over, l);
        l->event = evconnlistener_new(base, on_accept, l, LEV_OPT_CLOSE_ON_EXEC, 0, l->fd);
        if (l->event == NULL || l->pause == NULL)
            return tg_fail(err, TG_UNUSABLE, "can't listen on %s: %s", l->address, strerror(errno));
        evconnlistener_set_error_cb(l->event, on_accept_error);
        tg_log(TG_INFO, "listening", "door", l->door->name, "address", l->address, "handed-over",
               l->made_here ? NULL : "yes", NULL);
    }
    return TG_OK;
}
