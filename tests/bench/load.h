/* load.h: closed-loop load on one server, for benchmarks: N connections, each asks, waits for the answer and asks again,
 * for a given time. One thread and epoll, so that it takes as little as it can from the server beside it.
 *
 * A protocol is a state machine over bytes; load.c does sockets, clocks and figures. The result is one line of JSON on
 * standard output: requests, failures, seconds, rate, and percentiles of the whole request and of its last step. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stddef.h>
#include <stdint.h>

struct load_buf {
    uint8_t *data;
    size_t len, room;
};
void load_add(struct load_buf *buf, const void *data, size_t len);
void load_printf(struct load_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum load_next {
    LOAD_WAIT,      /* for more bytes; what was used is in *used all the same */
    LOAD_WRITE,     /* the next step is in out */
    LOAD_DONE,      /* a request is answered; the next one's first step is in out */
    LOAD_RECONNECT, /* a request is answered, and its connection with it */
    LOAD_AGAIN,     /* no request was answered: connect again */
    LOAD_ERROR,     /* not what was expected; printed by the protocol */
};

struct load_protocol {
    const char *name;
    size_t state_size; /* of a connection; zeroed when it connects */
    /* A connection is there: its number, and what to send first (nothing: the server speaks first). */
    void (*start)(void *state, unsigned long number, struct load_buf *out);
    enum load_next (*read)(void *state, const uint8_t *in, size_t len, size_t *used, struct load_buf *out);
};

struct load_options {
    const char *address; /* "unix:PATH" or "HOST:PORT" */
    unsigned connections;
    double seconds;
    const char *label;   /* printed back */
};

/* Runs it and prints the line; the program's exit status. */
int load_run(const struct load_protocol *protocol, const struct load_options *options);

/* -a ADDRESS -c CONNECTIONS -t SECONDS, common to all; a program's own letters are given as `more` with a handler. */
void load_options_read(int argc, char **argv, struct load_options *options, const char *more, const char *usage,
                       void (*handle)(int letter, const char *value));

#endif
