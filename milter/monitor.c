/* monitor.c: see monitor.h. One request a connection; who is too slow, too long or one too many is disconnected. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "milter/metrics.h"
#include "milter/monitor.h"
#include "schema/listen_socket.h"
#include "schema/log.h"
#include "schema/monitor.h"
#include "schema/service_metrics.h"
#include "schema/thread.h"

enum { LISTENERS_MAX = 8, CLIENTS_MAX = 32, CLIENT_S = 10 };

struct client {
    struct monitor *monitor;
    struct bufferevent *bev; /* NULL: the place is free */
    struct event *timer;     /* all of it must be over by then */
    bool answered;
};

struct monitor {
    struct filter *filter;
    struct event_base *base;
    struct client client[CLIENTS_MAX];
    size_t listeners;
    struct {
        int fd;
        char *address, path[108]; /* path: of a unix socket */
        struct evconnlistener *event;
    } listener[LISTENERS_MAX];
    int stop_fd; /* readable: the thread is to end */
    struct event *stop;
    pthread_t thread;
    bool running;
};

/* ---- a client ---- */

static void client_end(struct client *client)
{
    bufferevent_free(client->bev);
    event_free(client->timer);
    client->bev = NULL;
    client->timer = NULL;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    client_end(arg);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    (void)what;
    client_end(arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct client *client = arg;
    if (client->answered && evbuffer_get_length(bufferevent_get_output(bev)) == 0)
        client_end(client);
}

static void write_metrics(void *arg, FILE *out)
{
    struct filter *filter = arg;
    tg_service_metrics_write(filter->service, out);
    tg_metrics_write(filter->metrics, out);
}

static enum tg_code ready(void *arg, struct tg_error *err)
{
    struct filter *filter = arg;
    return tg_service_ready(filter->service, err);
}

static void on_read(struct bufferevent *bev, void *arg)
{
    struct client *client = arg;
    struct tg_monitor monitor = { write_metrics, ready, client->monitor->filter };
    struct evbuffer *input = bufferevent_get_input(bev);
    struct tg_http_request request;
    size_t len = evbuffer_get_length(input), answer_len;
    ssize_t used = tg_http_read(evbuffer_pullup(input, -1), len, &request);
    if (used < 0 || (used == 0 && len >= TG_HTTP_REQUEST_MAX)) {
        client_end(client);
        return;
    }
    if (used == 0)
        return;
    bufferevent_disable(bev, EV_READ);
    char *answer = tg_monitor_answer(&monitor, &request, &answer_len);
    client->answered = true;
    bufferevent_write(bev, answer, answer_len);
    free(answer);
}

static void on_accept(struct evconnlistener *event, evutil_socket_t fd, struct sockaddr *address, int len, void *arg)
{
    struct monitor *monitor = arg;
    struct client *client = monitor->client;
    struct timeval wait = { .tv_sec = CLIENT_S };
    (void)event;
    (void)address;
    (void)len;
    while (client < monitor->client + CLIENTS_MAX && client->bev != NULL)
        client++;
    if (client == monitor->client + CLIENTS_MAX) {
        tg_log(TG_WARNING, "disconnected", "door", "http", "reason", "too many connections", NULL);
        close(fd);
        return;
    }
    client->monitor = monitor;
    client->answered = false;
    client->bev = bufferevent_socket_new(monitor->base, fd, BEV_OPT_CLOSE_ON_FREE);
    client->timer = evtimer_new(monitor->base, on_timer, client);
    if (client->bev == NULL || client->timer == NULL)
        abort(); /* out of memory */
    bufferevent_setcb(client->bev, on_read, on_written, on_event, client);
    bufferevent_setwatermark(client->bev, EV_READ, 0, TG_HTTP_REQUEST_MAX);
    bufferevent_enable(client->bev, EV_READ | EV_WRITE);
    evtimer_add(client->timer, &wait);
}

/* Out of descriptors: not worth spinning for. */
static void on_accept_error(struct evconnlistener *event, void *arg)
{
    struct monitor *monitor = arg;
    (void)event;
    tg_log(TG_ERROR, "accept-failed", "door", "http", "error", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()), NULL);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (monitor->client[i].bev != NULL)
            client_end(&monitor->client[i]);
    usleep(100000);
}

/* ---- the thread ---- */

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
    struct monitor *monitor = arg;
    (void)fd;
    (void)what;
    event_base_loopbreak(monitor->base);
}

static void *run(void *arg)
{
    struct monitor *monitor = arg;
    event_base_dispatch(monitor->base);
    return NULL;
}

enum tg_code monitor_bind(const struct tg_settings *settings, struct monitor **out, struct tg_error *err)
{
    const struct tg_list *list = &settings->milter_http_listen;
    enum tg_code code = TG_OK;
    *out = NULL;
    if (list->count > LISTENERS_MAX)
        return tg_fail(err, TG_UNUSABLE, "milter_http_listen: more than %d addresses", LISTENERS_MAX);
    if (list->count == 0)
        return TG_OK;
    struct monitor *monitor = tg_xcalloc(1, sizeof *monitor);
    monitor->stop_fd = -1;
    for (size_t i = 0; i < list->count && code == TG_OK; i++) {
        struct tg_listen where;
        code = tg_listen_socket(list->item[i], CLIENTS_MAX, settings, &monitor->listener[i].fd, err);
        if (code != TG_OK)
            break;
        monitor->listeners++;
        monitor->listener[i].address = tg_xstrdup(list->item[i]);
        if (tg_listen_parse(list->item[i], &where) && where.is_unix)
            memcpy(monitor->listener[i].path, where.path, sizeof where.path);
    }
    if (code != TG_OK)
        monitor_free(&monitor);
    *out = monitor;
    return code;
}

enum tg_code monitor_serve(struct monitor *monitor, struct filter *filter, struct tg_error *err)
{
    if (monitor == NULL)
        return TG_OK;
    monitor->filter = filter;
    monitor->base = event_base_new();
    monitor->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (monitor->base != NULL && monitor->stop_fd >= 0)
        monitor->stop = event_new(monitor->base, monitor->stop_fd, EV_READ, on_stop, monitor);
    if (monitor->stop == NULL || event_add(monitor->stop, NULL) != 0)
        return tg_fail(err, TG_FAILED, "can't make an event loop: %s", strerror(errno));
    for (size_t i = 0; i < monitor->listeners; i++) {
        evutil_make_socket_nonblocking(monitor->listener[i].fd);
        monitor->listener[i].event = evconnlistener_new(monitor->base, on_accept, monitor, LEV_OPT_CLOSE_ON_EXEC, 0,
                                                        monitor->listener[i].fd);
        if (monitor->listener[i].event == NULL)
            return tg_fail(err, TG_FAILED, "can't listen on %s: %s", monitor->listener[i].address, strerror(errno));
        evconnlistener_set_error_cb(monitor->listener[i].event, on_accept_error);
        tg_log(TG_INFO, "listening", "door", "http", "address", monitor->listener[i].address, NULL);
    }
    if (!tg_thread_start(&monitor->thread, run, monitor))
        return tg_fail(err, TG_FAILED, "can't start the thread that serves milter_http_listen: %s", strerror(errno));
    monitor->running = true;
    return TG_OK;
}

void monitor_free(struct monitor **out)
{
    struct monitor *monitor = *out;
    uint64_t one = 1;
    if (monitor == NULL)
        return;
    if (monitor->running && write(monitor->stop_fd, &one, sizeof one) == sizeof one)
        pthread_join(monitor->thread, NULL);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        if (monitor->client[i].bev != NULL)
            client_end(&monitor->client[i]);
    for (size_t i = 0; i < monitor->listeners; i++) {
        if (monitor->listener[i].event != NULL)
            evconnlistener_free(monitor->listener[i].event);
        if (monitor->listener[i].path[0] != '\0')
            unlink(monitor->listener[i].path); /* not allowed: the next start sees that nobody answers there */
        close(monitor->listener[i].fd);
        free(monitor->listener[i].address);
    }
    if (monitor->stop != NULL)
        event_free(monitor->stop);
    if (monitor->stop_fd >= 0)
        close(monitor->stop_fd);
    if (monitor->base != NULL)
        event_base_free(monitor->base);
    free(monitor);
    libevent_global_shutdown();
    *out = NULL;
}
