/* wire_dict.h: Dovecot's dict protocol, versions 2 and 3: bytes to requests, answers to bytes.
 *
 * One request a line of at most DICT_LINE_MAX octets: a letter, then fields parted by tabs (wire_tabs.h has the
 * escapes). Pure: no descriptor, no store. */
#ifndef AUTHD_WIRE_DICT_H
#define AUTHD_WIRE_DICT_H

#include <stdint.h>
#include <sys/types.h>
#include "authd/wire_text.h"
#include "schema/span.h"

enum { DICT_LINE_MAX = 8192, DICT_KEY_MAX = 512 };

enum dict_command {
    DICT_HELLO,  /* H: major, minor, value type, user, name of the dict */
    DICT_LOOKUP, /* L: key, and since version 3 the user */
    DICT_ANSWERED, /* I, C, D: iterate, commit: an answer is waited for */
    DICT_SILENT,   /* the others: part of a transaction, which its commit answers */
};

struct dict_request {
    enum dict_command command;
    uint32_t major;         /* H */
    char key[DICT_KEY_MAX]; /* L, without escapes; "" where it is none that could be known */
    char id[16];            /* C, D: the transaction's number; "" */
};

/* Consumed octets; 0: no whole line yet; -1: not this protocol, drop the client. */
ssize_t wire_dict_read(const uint8_t *in, size_t len, struct dict_request *request);

void wire_dict_found(struct wire_text *out, const char *value);
void wire_dict_not_found(struct wire_text *out);
/* A temporary failure. id: of the request, or "". */
void wire_dict_fail(struct wire_text *out, const char *id, const char *reason);

#endif
