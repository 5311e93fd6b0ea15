/* credential.h: generated usernames and passwords, and what is kept of a password (DESIGN 4).
 *
 * A password has at least 128 bits, so a fast salted hash of it is as strong as a slow one. Kept: BLAKE2b-256
 * of the password under the key `salt` (PLAIN, LOGIN), and StoredKey and ServerKey of RFC 5803 (SCRAM-SHA-256,
 * 4096 iterations). Comparisons are constant-time. Pure but for the random generator; safe in any thread. */
#ifndef TG_CREDENTIAL_H
#define TG_CREDENTIAL_H

#include <stdbool.h>
#include "schema/arena.h"
#include "schema/span.h"
#include "schema/records.pb-c.h"

enum {
    TG_USERNAME_LEN = 12,
    TG_PASSWORD_LEN = 28, /* of a 32-letter alphabet: 140 bits */
    TG_SALT_LEN = 16,
    TG_SCRAM_ITERATIONS = 4096,
    TG_SCRAM_KEY_LEN = 32,
};

/* Wiped by tg_secret_wipe; no log or print function takes one. */
struct tg_secret {
    char text[128];
};
void tg_secret_wipe(struct tg_secret *secret);

/* libsodium's sodium_init(), once per program before anything else here. */
enum tg_code tg_crypto_init(struct tg_error *err) TG_MUST_CHECK;

void tg_username_make(char out[TG_USERNAME_LEN + 1]); /* [a-z][a-z0-9]{11} */
void tg_password_make(struct tg_secret *out);         /* no look-alikes: no 0 O 1 l I */

/* Verifiers of this password; salt NULL: a new one. In the arena. */
Tg__Credential *tg_credential_make(struct tg_arena *arena, const struct tg_secret *password, const uint8_t *salt,
                                   int64_t now, uint32_t generation);

/* Usable at this time? NULL: no. */
bool tg_credential_live(const Tg__Credential *credential, int64_t now);

/* One hash and one comparison, also where credential is NULL (against a decoy), in the same time. */
bool tg_credential_matches(const Tg__Credential *credential, const char *password, size_t len);

/* The salt to show for a username that does not exist: stable, from the store's decoy key. */
void tg_decoy_salt(const uint8_t decoy_key[32], const char *username, uint8_t salt[TG_SALT_LEN]);

/* SCRAM-SHA-256 (RFC 5802, 7677): does the client's proof fit this credential? On true the server signature
 * is given. NULL credential: the same work, false. */
bool tg_scram_check(const Tg__Credential *credential, struct tg_span auth_message, const uint8_t proof[TG_SCRAM_KEY_LEN],
                    uint8_t server_signature[TG_SCRAM_KEY_LEN]);

#endif
