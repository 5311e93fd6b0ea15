/* wire_policy.h: Postfix policy delegation (SMTPD_POLICY_README): bytes to requests, answers to bytes.
 *
 * name=value lines, ended by an empty one. Unknown names are ignored. Pure: no descriptor, no store. */
#ifndef AUTHD_WIRE_POLICY_H
#define AUTHD_WIRE_POLICY_H

#include <stdint.h>
#include <sys/types.h>
#include "authd/wire_text.h"
#include "schema/span.h"

enum { POLICY_REQUEST_MAX = 32768, POLICY_ATTRIBUTES_MAX = 100 };

/* Spans into the input; len 0 where empty or not told. */
struct policy_request {
    struct tg_span client_address;
    struct tg_span sender;
    struct tg_span recipient;
    struct tg_span sasl_username;
    struct tg_span queue_id;
};

/* Consumed octets; 0: no whole request yet; -1: not this protocol (no request=smtpd_access_policy, a line
 * without "=", an attribute given twice, a NUL), drop the client. */
ssize_t wire_policy_read(const uint8_t *in, size_t len, struct policy_request *request);

/* action: "OK", "DUNNO". */
void wire_policy_action(struct wire_text *out, const char *action);

#endif
