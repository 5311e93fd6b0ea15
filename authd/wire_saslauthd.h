/* wire_saslauthd.h: the protocol of saslauthd's mux socket, spoken by libsasl2 where it is told
 * pwcheck_method: saslauthd: bytes to requests, answers to bytes.
 *
 * A request is four counted strings (two octets of length, big-endian, then the octets): login, password, service,
 * realm. The answer is one counted string, "OK" or "NO" and a reason. Pure: no descriptor, no store. */
#ifndef AUTHD_WIRE_SASLAUTHD_H
#define AUTHD_WIRE_SASLAUTHD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "authd/wire_text.h"
#include "schema/span.h"

/* libsasl2 sends no more than 1024 octets in a string. */
enum { SASLAUTHD_FIELD_MAX = 1024, SASLAUTHD_REQUEST_MAX = 4 * (2 + SASLAUTHD_FIELD_MAX) };

/* Spans into the input, without NUL. */
struct saslauthd_request {
    struct tg_span login, password, service, realm;
};

/* Consumed octets; 0: not whole yet; -1: not this protocol (a string too long, a NUL in one), drop the client. */
ssize_t wire_saslauthd_read(const uint8_t *in, size_t len, struct saslauthd_request *request);

/* reason: for the log of whoever asked; "" or NULL: none. */
void wire_saslauthd_answer(struct wire_text *out, bool ok, const char *reason);

#endif
