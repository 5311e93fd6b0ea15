/* conn.h: bounded connections of clients; the only user of bufferevents. A client that sends too much, too
 * slowly or nonsense, or doesn't read its answers, is disconnected and costs the others nothing. */
#ifndef AUTHD_CONN_H
#define AUTHD_CONN_H

#include <event2/util.h>
#include <stdbool.h>
#include <stddef.h>
#include "authd/app.h"

struct conn;
struct conns;
struct door;

/* Why a connection ended. The first two are no news. */
enum conn_end {
    CONN_PEER_CLOSED,
    CONN_FINISHED,     /* all was said */
    CONN_IDLE,
    CONN_SLOW_REQUEST, /* begun, not ended in time */
    CONN_SLOW_READER,
    CONN_LONG_REQUEST,
    CONN_PROTOCOL,
    CONN_CROWDED,      /* the door has as many as it may have */
    CONN_TOO_MUCH,     /* answers held back */
    CONN_UNUSABLE,     /* the store can't be read: no answer is a temporary failure */
    CONN_BROKEN,       /* an error of the socket */
    CONN_ENDS,         /* how many there are */
};

/* ---- for main ---- */
enum { CONN_DOORS_MAX = 8, CONN_ANSWER_S = 30 };

struct conns *conns_new(struct app *app);
/* Ends all that are left. */
void conns_free(struct conns **conns);
/* Takes the socket over, non-blocking; peer is for the log, copied. */
void conns_add(struct conns *conns, const struct door *door, evutil_socket_t fd, const char *peer);
struct app *conns_app(struct conns *conns);
size_t conns_count(const struct conns *conns);
/* Answers what was asked, held-back answers at once, takes no more; `done` is called when the last is gone
 * (at once where there is none). */
void conns_stop(struct conns *conns, void (*done)(void *arg), void *arg);

/* ---- for doors ---- */
struct app *conn_app(struct conn *conn);
const char *conn_peer(const struct conn *conn);
unsigned long conn_number(const struct conn *conn);
void conn_send(struct conn *conn, const char *data, size_t len);
/* In delay_ms; nothing blocks meanwhile. */
void conn_send_later(struct conn *conn, const char *data, size_t len, unsigned delay_ms);
/* Ends it once what was sent has gone out. */
void conn_finish(struct conn *conn);
/* Ends it now, or when the door's function returns. */
void conn_close(struct conn *conn, enum conn_end why);

#endif
