/* door.h: what a door gives conn.c. A door is a protocol that a mail server speaks with us: wire_x turns its
 * bytes into requests and answers into bytes, door_x answers a request; conn.c does all else.
 *
 * The life of a connection: opened (greet, where the server speaks first); read, as often as there is input;
 * closed, once. Within opened and read a door may call conn_send, conn_send_later, conn_finish and conn_close. */
#ifndef AUTHD_DOOR_H
#define AUTHD_DOOR_H

#include <stdint.h>
#include <sys/types.h>
#include "authd/conn.h"

/* Both smtpd's sockets, for the largest relays: one connection of each smtpd. systemd's LimitNOFILE has room for all doors. */
enum { DOOR_MANY = 6000 };

struct door {
    const char *name;         /* for the log: "auth" */
    size_t request_max;       /* octets of a request: more is an end */
    unsigned request_s;       /* a request once begun must be whole in this time */
    unsigned idle_s;          /* without a request */
    unsigned answer_s;        /* a client must read some of its answers in this time; 0: CONN_ANSWER_S */
    unsigned connections_max;
    bool secret;              /* requests hold passwords: wiped once read */
    size_t state_size;        /* of what a connection keeps; zeroed at the start; 0: nothing */
    void (*opened)(struct conn *conn, void *state); /* may be NULL */
    /* Consumed octets; 0: not a whole request yet; -1: not this protocol. */
    ssize_t (*read)(struct conn *conn, void *state, const uint8_t *in, size_t len);
    void (*closed)(void *state); /* may be NULL */
};

extern const struct door door_dict;
extern const struct door door_dovecot;
extern const struct door door_http;
extern const struct door door_policy;
extern const struct door door_saslauthd;
extern const struct door door_socketmap;

#endif
