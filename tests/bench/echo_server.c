/* echo_server.c: the least that a policy server on libevent can be: it waits for the empty line and says DUNNO.
 *   echo_server PATH */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static void on_read(struct bufferevent *client, void *arg)
{
    struct evbuffer *in = bufferevent_get_input(client);
    struct evbuffer_ptr end;
    (void)arg;
    while ((end = evbuffer_search(in, "\n\n", 2, NULL)).pos >= 0) {
        evbuffer_drain(in, (size_t)end.pos + 2);
        bufferevent_write(client, "action=DUNNO\n\n", 14);
    }
}

static void on_event(struct bufferevent *client, short what, void *arg)
{
    (void)arg;
    if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
        bufferevent_free(client);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int len, void *base)
{
    (void)listener, (void)address, (void)len;
    struct bufferevent *client = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(client, on_read, NULL, on_event, NULL);
    bufferevent_enable(client, EV_READ | EV_WRITE);
}

int main(int argc, char **argv)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct event_base *base = event_base_new();
    if (argc != 2 || base == NULL) {
        fputs("usage: echo_server PATH\n", stderr);
        return 2;
    }
    snprintf(un.sun_path, sizeof un.sun_path, "%s", argv[1]);
    remove(argv[1]);
    struct evconnlistener *listener = evconnlistener_new_bind(base, on_accept, base, LEV_OPT_CLOSE_ON_FREE, 512,
                                                              (struct sockaddr *)&un, sizeof un);
    if (listener == NULL) {
        perror(argv[1]);
        return 1;
    }
    event_base_dispatch(base);
    evconnlistener_free(listener);
    event_base_free(base);
    return 0;
}
