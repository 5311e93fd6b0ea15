/* token.h: return-path and trace tokens (DESIGN 8). They name an event of an account inside a
 * reverse-path or a header field, can't be forged, and tell a stranger nothing.
 *
 * Lower-case base32 (RFC 4648 alphabet, no padding) of: version and kind 1, key number 1, tag 10, sealed 16
 * octets: account id 6, time in seconds 5, sequence 3, two zero octets reserved. SIV fashion: the tag is
 * keyed BLAKE2b of header and text, and also the nonce of the keystream. 28 octets, 45 letters; at most 64 with
 * room to spare; a relay may fold case. */
#ifndef TG_TOKEN_H
#define TG_TOKEN_H

#include "schema/keys.h"
#include "schema/store.h"

enum { TG_TOKEN_SIZE = 65 };
enum tg_token_kind { TG_TOKEN_RETURN_PATH = 0, TG_TOKEN_TRACE = 1 };

struct tg_token {
    uint64_t account_id;
    int64_t time;      /* seconds */
    uint32_t sequence; /* 24 bits: with account and time, the event that it names */
};

/* The store's keys, read once a view; the newest seals. */
struct tg_seal_keys {
    size_t count;
    struct { uint8_t number; uint8_t secret[32]; } key[16]; /* newest last */
};
enum tg_code tg_seal_keys_get(struct tg_view *view, struct tg_seal_keys *keys, struct tg_error *err) TG_MUST_CHECK;
/* A new key that seals from now on; the 16 newest still open. */
enum tg_code tg_seal_keys_rotate(struct tg_change *change, int64_t now, struct tg_error *err) TG_MUST_CHECK;

/* The key that seals, and since when. */
enum tg_code tg_seal_keys_newest(struct tg_view *view, uint32_t *number, int64_t *created_at, struct tg_error *err) TG_MUST_CHECK;

/* Writes the token, NUL-terminated. */
void tg_token_make(const struct tg_seal_keys *keys, enum tg_token_kind kind, const struct tg_token *token, char out[TG_TOKEN_SIZE]);

/* TG_OK: *out says whose message it was and when it left. TG_REFUSED: malformed, forged, of another kind, of a
 * retired key, or older than max_age_s (0: any age), or more than a day in the future. Reads no store, allocates
 * nothing, safe in any thread; the comparison is constant-time. Any case of letters. */
enum tg_code tg_token_read(const struct tg_seal_keys *keys, enum tg_token_kind kind, struct tg_span text, int64_t now,
                           int64_t max_age_s, struct tg_token *out, struct tg_error *err) TG_MUST_CHECK;

#endif
