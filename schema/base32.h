/* base32.h: RFC 4648 base32 in lower case, without padding: what survives a relay that folds case. Pure. */
#ifndef TG_BASE32_H
#define TG_BASE32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Letters that `len` octets take. */
#define TG_BASE32_LEN(len) (((len) * 8 + 4) / 5)

/* Writes TG_BASE32_LEN(len) letters and a NUL. */
void tg_base32_encode(const uint8_t *bytes, size_t len, char *out);

/* Exactly `len` octets from TG_BASE32_LEN(len) letters of any case; false: other letters, another length, or
 * bits set behind the last octet (one text for one value). */
bool tg_base32_decode(const char *text, size_t text_len, uint8_t *out, size_t len);

#endif
