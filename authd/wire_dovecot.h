/* wire_dovecot.h: the Dovecot authentication client protocol, version 1: bytes to requests, answers to bytes.
 *
 * One request a line of at most DOVECOT_LINE_MAX octets, its fields parted by tabs; inside a field octet 1
 * begins an escape (1 '0': NUL, 1 '1': 1, 1 't', 1 'r', 1 'n'). Pure: no descriptor, no store. */
#ifndef AUTHD_WIRE_DOVECOT_H
#define AUTHD_WIRE_DOVECOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "authd/wire_text.h"
#include "schema/span.h"

enum { DOVECOT_LINE_MAX = 8192 };

enum dovecot_command {
    DOVECOT_VERSION,
    DOVECOT_CPID,
    DOVECOT_AUTH,
    DOVECOT_CONT,
    DOVECOT_CANCEL,
    DOVECOT_OTHER, /* unknown: to be ignored, as the protocol wants it */
};

struct dovecot_request {
    enum dovecot_command command;
    uint32_t major;       /* VERSION */
    uint32_t id;          /* AUTH, CONT, CANCEL; CPID's number */
    char mechanism[24];   /* AUTH, upper case; "" where it is none that could be known */
    char service[32];     /* "smtp" */
    char remote[64];      /* rip=, the client's address; "" where not told */
    bool secured;         /* the client's session is under TLS */
    bool has_response;    /* AUTH: there was a resp= with something in it */
    struct tg_span response; /* AUTH, CONT: base64 as it came, into the input; "=" alone has become empty */
};

/* Consumed octets; 0: no whole line yet; -1: not this protocol, drop the client. */
ssize_t wire_dovecot_read(const uint8_t *in, size_t len, struct dovecot_request *request);

/* The server's half of the handshake. mechanisms: names of SASL mechanisms. */
void wire_dovecot_greeting(struct wire_text *out, char *const *mechanisms, size_t count, unsigned long pid,
                           unsigned long connection, const char *cookie);
void wire_dovecot_cont(struct wire_text *out, uint32_t id, struct tg_span challenge);
/* user= is needed: Postfix takes an OK without it for an error. */
void wire_dovecot_ok(struct wire_text *out, uint32_t id, const char *user);
/* user and reason may be NULL. Postfix shows the reason to the client: controls in it become spaces. */
void wire_dovecot_fail(struct wire_text *out, uint32_t id, const char *user, bool disabled, const char *reason);

#endif
