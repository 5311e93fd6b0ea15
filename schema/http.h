/* http.h: as much of HTTP/1 (RFC 9112) as monitoring needs: a request without a body, an answer, and the end. Pure.
 * (libevent's evhttp can't bound the connections of one socket; conn.c and milter/monitor.c can.) */
#ifndef TG_HTTP_H
#define TG_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { TG_HTTP_REQUEST_MAX = 8192, TG_HTTP_TARGET_MAX = 256 };

struct tg_http_request {
    bool get, head;                    /* neither: a method that nobody serves here */
    char path[TG_HTTP_TARGET_MAX];     /* without what follows a '?' */
};

/* Consumed octets; 0: not whole yet; -1: not this protocol. */
ssize_t tg_http_read(const uint8_t *in, size_t len, struct tg_http_request *request);

/* A whole answer, after which the connection is to be closed; to be freed. A HEAD request's has no body. */
char *tg_http_answer(const struct tg_http_request *request, unsigned status, const char *type, const char *body, size_t body_len,
                     size_t *len);

#endif
