/* dns_message.h: a DNS answer's octets → its records. Pure; the octets are hostile. */
#ifndef TG_DNS_MESSAGE_H
#define TG_DNS_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>
#include "schema/arena.h"

enum tg_dns_type { TG_DNS_A = 1, TG_DNS_MX = 15, TG_DNS_TXT = 16, TG_DNS_AAAA = 28 };

enum { TG_DNS_RECORDS = 64, TG_DNS_TEXT = 4096, TG_DNS_ALIASES = 8 };

/* In the arena. TXT: its strings joined (RFC 7208 3.3), what is not printable ASCII as '?'; MX: "10
 * mx.example.com"; A, AAAA: the address. */
struct tg_dns_records {
    size_t count;
    char *text[TG_DNS_RECORDS];
};

/* The records of this type that the answer section has for `name` (any case, no dot at its end) or
 * for what its aliases lead to: *end, in the arena, is the name at the end of them (NULL: a circle,
 * or more than TG_DNS_ALIASES). More records than TG_DNS_RECORDS and text beyond TG_DNS_TEXT are
 * left out. false: malformed. */
bool tg_dns_read(const uint8_t *message, size_t len, const char *name, enum tg_dns_type type,
                 struct tg_arena *arena, struct tg_dns_records *records, const char **end);

#endif
