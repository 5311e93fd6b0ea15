/* wire_socketmap.h: the socketmap protocol of Sendmail and Postfix: bytes to requests, answers to bytes.
 *
 * A request is a netstring "MAP KEY", an answer a netstring "OK VALUE", "NOTFOUND ", "TEMP WHY" or "PERM WHY".
 * Pure: no descriptor, no store. */
#ifndef AUTHD_WIRE_SOCKETMAP_H
#define AUTHD_WIRE_SOCKETMAP_H

#include <stdint.h>
#include <sys/types.h>
#include "schema/span.h"

/* Payload of a request, with room for the longest address that SMTP knows; of an answer what Postfix reads. */
enum { SOCKETMAP_PAYLOAD_MAX = 4096, SOCKETMAP_REQUEST_MAX = 5 + SOCKETMAP_PAYLOAD_MAX + 1, SOCKETMAP_ANSWER_MAX = 100000 };

/* Spans into the input. */
struct socketmap_request {
    struct tg_span map, key;
};

/* Consumed octets; 0: not whole yet; -1: not this protocol (no netstring, too long, no space in it, a NUL), drop
 * the client. */
ssize_t wire_socketmap_read(const uint8_t *in, size_t len, struct socketmap_request *request);

/* status: "OK", "NOTFOUND", "TEMP", "PERM". The answer is the caller's to free; NULL: longer than the maximum. */
char *wire_socketmap_answer(const char *status, const char *text, size_t *len);

#endif
