/* conn.c: see conn.h. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include "authd/clean_memory.h"
#include "authd/conn.h"
#include "authd/door.h"
#include "authd/metrics.h"
#include "schema/log.h"
#include "schema/now.h"

enum {
    OUTPUT_HIGH = 64 * 1024, /* reading stops while more is unsent */
    OUTPUT_LOW = 16 * 1024,
    LATER_MAX = 64,          /* held-back answers of one connection */
};

/* An answer that is held back. */
struct later {
    LIST_ENTRY(later) entry;
    struct conn *conn;
    struct event *timer;
    size_t len;
    char data[];
};

struct conn {
    LIST_ENTRY(conn) entry;
    struct conns *conns;
    const struct door *door;
    struct bufferevent *bev;
    struct event *timer;
    int64_t wakes_ms;      /* when it goes off, by tg_ticks_ms() */
    int64_t deadline_ms;   /* when the peer has been idle, or at its request, for too long */
    LIST_HEAD(, later) later;
    unsigned later_count;
    unsigned long number;
    unsigned metric;       /* the door's */
    bool partial;          /* the deadline is a request's */
    bool held;             /* not read from: too much is unsent */
    bool finishing;
    bool inside;           /* a function of the door is running */
    bool ended;
    enum conn_end why;
    char peer[80];
    void *state;
};

struct conns {
    struct app *app;
    LIST_HEAD(, conn) list;
    size_t count;
    struct {
        const struct door *door;
        size_t count;
    } doors[CONN_DOORS_MAX];
    void (*done)(void *arg);
    void *done_arg;
};

static size_t *door_count(struct conns *conns, const struct door *door)
{
    size_t i = 0;
    while (conns->doors[i].door != NULL && conns->doors[i].door != door)
        i++;
    conns->doors[i].door = door;
    return &conns->doors[i].count;
}

/* ---- its end ---- */

static void log_end(const struct conn *conn, const char *detail)
{
    static const char *const reasons[] = {
        [CONN_PEER_CLOSED] = "the client closed",
        [CONN_FINISHED] = "all was said",
        [CONN_IDLE] = "idle too long",
        [CONN_SLOW_REQUEST] = "a request was not complete in time",
        [CONN_SLOW_READER] = "the client does not read its answers",
        [CONN_LONG_REQUEST] = "a request is too long",
        [CONN_PROTOCOL] = "not this door's protocol",
        [CONN_CROWDED] = "too many connections",
        [CONN_TOO_MUCH] = "too many answers held back",
        [CONN_UNUSABLE] = "the store can't be read",
        [CONN_BROKEN] = "connection lost",
    };
    enum tg_level level = conn->why <= CONN_FINISHED ? TG_DEBUG : conn->why == CONN_IDLE ? TG_INFO : TG_WARNING;
    tg_log(level, "disconnected", "door", conn->door->name, "peer", conn->peer, "reason", reasons[conn->why], "error",
           detail, NULL);
}

static void later_free(struct later *later)
{
    LIST_REMOVE(later, entry);
    later->conn->later_count--;
    event_free(later->timer);
    clean_free(later);
}

static void conn_free(struct conn *conn)
{
    struct conns *conns = conn->conns;
    struct later *later;
    if (conn->door->closed != NULL)
        conn->door->closed(conn->state);
    while ((later = LIST_FIRST(&conn->later)) != NULL)
        later_free(later);
    LIST_REMOVE(conn, entry);
    conns->count--;
    --*door_count(conns, conn->door);
    event_free(conn->timer);
    bufferevent_free(conn->bev);
    clean_free(conn->state);
    free(conn);
    if (conns->count == 0 && conns->done != NULL)
        conns->done(conns->done_arg);
}

static void end_now(struct conn *conn, enum conn_end why, const char *detail)
{
    conn->why = why;
    log_end(conn, detail);
    metrics_ended(conn->conns->app->metrics, conn->metric, why);
    conn_free(conn);
}

/* After a function of the door's: true where the connection is gone. */
static bool left(struct conn *conn)
{
    conn->inside = false;
    if (!conn->ended)
        return false;
    end_now(conn, conn->why, NULL);
    return true;
}

/* true: gone. */
static bool finish_if_done(struct conn *conn)
{
    if (!conn->finishing || conn->later_count > 0 || evbuffer_get_length(bufferevent_get_output(conn->bev)) > 0)
        return false;
    end_now(conn, CONN_FINISHED, NULL);
    return true;
}

/* ---- input ---- */

static void wake_at(struct conn *conn, int64_t at_ms, int64_t now_ms)
{
    int64_t left = at_ms - now_ms;
    struct timeval wait = { .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };
    conn->wakes_ms = at_ms;
    event_add(conn->timer, &wait);
}

/* Each request moves the deadline further away, and a timer that is moved costs more than one that finds, when it goes off,
 * that there is time left: it is touched only where it would come too late. */
static void set_deadline(struct conn *conn, bool partial)
{
    int64_t now_ms = tg_ticks_ms();
    conn->partial = partial;
    conn->deadline_ms = now_ms + 1000 * (int64_t)(partial ? conn->door->request_s : conn->door->idle_s);
    if (conn->wakes_ms == 0 || conn->deadline_ms < conn->wakes_ms)
        wake_at(conn, conn->deadline_ms, now_ms);
}

/* One request out of the input. 1: done, 0: not whole yet, -1: the connection is gone. */
static int take_request(struct conn *conn)
{
    struct evbuffer *input = bufferevent_get_input(conn->bev);
    size_t len = evbuffer_get_length(input);
    if (len == 0)
        return 0;
    unsigned char *in = evbuffer_pullup(input, -1);
    conn->inside = true;
    uint64_t began = tg_ticks_ns();
    ssize_t used = conn->door->read(conn, conn->state, in, len);
    if (used > 0)
        metrics_request(conn->conns->app->metrics, conn->metric, tg_ticks_ns() - began);
    if (left(conn))
        return -1;
    if (used > 0) {
        if (conn->door->secret)
            sodium_memzero(in, (size_t)used);
        evbuffer_drain(input, (size_t)used);
        return 1;
    }
    if (used == 0 && len < conn->door->request_max)
        return 0;
    end_now(conn, len >= conn->door->request_max ? CONN_LONG_REQUEST : CONN_PROTOCOL, NULL);
    return -1;
}

static void take_input(struct conn *conn)
{
    struct evbuffer *output = bufferevent_get_output(conn->bev);
    int taken = 0, requests = 0;
    while (!conn->finishing && evbuffer_get_length(output) <= OUTPUT_HIGH && (taken = take_request(conn)) > 0)
        requests++;
    if (taken < 0 || finish_if_done(conn))
        return;
    if (conn->finishing || evbuffer_get_length(output) > OUTPUT_HIGH) {
        conn->held = !conn->finishing;
        bufferevent_disable(conn->bev, EV_READ);
    }
    bool partial = evbuffer_get_length(bufferevent_get_input(conn->bev)) > 0 && !conn->held;
    /* A request's time runs from its first octet, not from its latest. */
    if (!partial || !conn->partial || requests > 0)
        set_deadline(conn, partial);
}

static void on_read(struct bufferevent *bev, void *arg)
{
    (void)bev;
    take_input(arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct conn *conn = arg;
    if (finish_if_done(conn) || !conn->held)
        return;
    if (evbuffer_get_length(bufferevent_get_output(bev)) > OUTPUT_LOW)
        return;
    conn->held = false;
    bufferevent_enable(bev, EV_READ);
    take_input(conn);
}

/* A client that has said all it will may still wait for answers. */
static void peer_closed(struct conn *conn)
{
    if (conn->later_count == 0 && evbuffer_get_length(bufferevent_get_output(conn->bev)) == 0) {
        end_now(conn, CONN_PEER_CLOSED, NULL);
        return;
    }
    conn->finishing = true;
    bufferevent_disable(conn->bev, EV_READ);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    if ((what & BEV_EVENT_TIMEOUT) != 0)
        end_now(arg, CONN_SLOW_READER, NULL);
    else if ((what & BEV_EVENT_EOF) != 0)
        peer_closed(arg);
    else if ((what & BEV_EVENT_ERROR) != 0)
        end_now(arg, CONN_BROKEN, evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct conn *conn = arg;
    int64_t now_ms = tg_ticks_ms();
    (void)fd;
    (void)what;
    if (now_ms < conn->deadline_ms)
        wake_at(conn, conn->deadline_ms, now_ms);
    else
        end_now(conn, conn->partial ? CONN_SLOW_REQUEST : CONN_IDLE, NULL);
}

/* ---- what doors call ---- */

struct app *conn_app(struct conn *conn)
{
    return conn->conns->app;
}

const char *conn_peer(const struct conn *conn)
{
    return conn->peer;
}

unsigned long conn_number(const struct conn *conn)
{
    return conn->number;
}

/* Most answers fit into the socket's buffer: sent at once they save three calls of epoll, which is half of a short
 * answer's cost. The rest, and what fails, is left to the bufferevent, which tells. */
static size_t send_now(struct conn *conn, const char *data, size_t len)
{
    if (evbuffer_get_length(bufferevent_get_output(conn->bev)) > 0)
        return 0;
    ssize_t sent = send(bufferevent_getfd(conn->bev), data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent > 0 ? (size_t)sent : 0;
}

void conn_send(struct conn *conn, const char *data, size_t len)
{
    size_t sent = send_now(conn, data, len);
    if (sent < len && bufferevent_write(conn->bev, data + sent, len - sent) != 0)
        conn_close(conn, CONN_BROKEN);
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
    struct later *later = arg;
    struct conn *conn = later->conn;
    (void)fd;
    (void)what;
    bufferevent_write(conn->bev, later->data, later->len);
    later_free(later);
}

void conn_send_later(struct conn *conn, const char *data, size_t len, unsigned delay_ms)
{
    if (delay_ms == 0) {
        conn_send(conn, data, len);
        return;
    }
    if (conn->later_count >= LATER_MAX) {
        conn_close(conn, CONN_TOO_MUCH);
        return;
    }
    metrics_held(conn->conns->app->metrics, conn->metric, delay_ms);
    struct later *later = tg_xmalloc(sizeof *later + len);
    struct timeval wait = { .tv_sec = delay_ms / 1000, .tv_usec = (suseconds_t)(delay_ms % 1000) * 1000 };
    later->conn = conn;
    later->len = len;
    memcpy(later->data, data, len);
    later->timer = evtimer_new(conn->conns->app->base, on_later, later);
    if (later->timer == NULL)
        abort(); /* out of memory */
    evtimer_add(later->timer, &wait);
    LIST_INSERT_HEAD(&conn->later, later, entry);
    conn->later_count++;
}

void conn_finish(struct conn *conn)
{
    conn->finishing = true;
}

void conn_close(struct conn *conn, enum conn_end why)
{
    if (conn->inside) {
        if (!conn->ended)
            conn->why = why;
        conn->ended = true;
    } else {
        end_now(conn, why, NULL);
    }
}

/* ---- all of them ---- */

struct conns *conns_new(struct app *app)
{
    struct conns *conns = tg_xcalloc(1, sizeof *conns);
    conns->app = app;
    LIST_INIT(&conns->list);
    return conns;
}

void conns_free(struct conns **conns)
{
    struct conn *conn;
    if (*conns == NULL)
        return;
    (*conns)->done = NULL;
    while ((conn = LIST_FIRST(&(*conns)->list)) != NULL)
        end_now(conn, CONN_FINISHED, NULL);
    free(*conns);
    *conns = NULL;
}

struct app *conns_app(struct conns *conns)
{
    return conns->app;
}

size_t conns_count(const struct conns *conns)
{
    return conns->count;
}

static void start(struct conn *conn)
{
    struct timeval write_timeout = { .tv_sec = conn->door->answer_s > 0 ? conn->door->answer_s : CONN_ANSWER_S };
    bufferevent_setcb(conn->bev, on_read, on_written, on_event, conn);
    bufferevent_setwatermark(conn->bev, EV_READ, 0, conn->door->request_max);
    bufferevent_setwatermark(conn->bev, EV_WRITE, OUTPUT_LOW, 0);
    bufferevent_set_timeouts(conn->bev, NULL, &write_timeout);
    bufferevent_enable(conn->bev, EV_READ | EV_WRITE);
    set_deadline(conn, false);
    if (conn->door->opened == NULL)
        return;
    conn->inside = true;
    conn->door->opened(conn, conn->state);
    if (!left(conn))
        finish_if_done(conn);
}

void conns_add(struct conns *conns, const struct door *door, evutil_socket_t fd, const char *peer)
{
    struct conn *conn = tg_xcalloc(1, sizeof *conn);
    conn->conns = conns;
    conn->door = door;
    conn->number = ++conns->app->connections;
    conn->metric = metrics_door(door->name);
    metrics_opened(conns->app->metrics, conn->metric);
    snprintf(conn->peer, sizeof conn->peer, "%s", peer);
    LIST_INIT(&conn->later);
    conn->state = door->state_size > 0 ? tg_xcalloc(1, door->state_size) : NULL;
    conn->bev = bufferevent_socket_new(conns->app->base, fd, BEV_OPT_CLOSE_ON_FREE);
    conn->timer = evtimer_new(conns->app->base, on_timer, conn);
    if (conn->bev == NULL || conn->timer == NULL)
        abort(); /* out of memory */
    LIST_INSERT_HEAD(&conns->list, conn, entry);
    conns->count++;
    if (++*door_count(conns, door) > door->connections_max)
        end_now(conn, CONN_CROWDED, NULL);
    else
        start(conn);
}

static void stop_one(struct conn *conn)
{
    struct later *later;
    while ((later = LIST_FIRST(&conn->later)) != NULL) {
        bufferevent_write(conn->bev, later->data, later->len);
        later_free(later);
    }
    bufferevent_disable(conn->bev, EV_READ);
    bufferevent_setwatermark(conn->bev, EV_WRITE, 0, 0);
    conn->finishing = true;
    finish_if_done(conn);
}

void conns_stop(struct conns *conns, void (*done)(void *arg), void *arg)
{
    struct conn *conn = LIST_FIRST(&conns->list);
    if (conn == NULL) {
        done(arg);
        return;
    }
    conns->done = done;
    conns->done_arg = arg;
    while (conn != NULL) {
        struct conn *next = LIST_NEXT(conn, entry);
        stop_one(conn);
        conn = next;
    }
}
