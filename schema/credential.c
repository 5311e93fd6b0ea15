/* credential.c: see credential.h. */
#include <sodium.h>
#include <string.h>
#include "schema/credential.h"

_Static_assert(TG_SALT_LEN >= crypto_generichash_KEYBYTES_MIN, "a salt is a BLAKE2b key");
enum { HASH_LEN = 32 };

/* 32 letters: without 0 O 1 l I, and without what looks alike in capitals. */
static const char password_alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
_Static_assert(sizeof password_alphabet - 1 == 32, "five bits a letter");

void tg_secret_wipe(struct tg_secret *secret)
{
    sodium_memzero(secret, sizeof *secret);
}

enum tg_code tg_crypto_init(struct tg_error *err)
{
    return sodium_init() >= 0 ? TG_OK : tg_fail(err, TG_FAILED, "libsodium can't be started: no random numbers");
}

void tg_username_make(char out[TG_USERNAME_LEN + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    out[0] = letters[randombytes_uniform(26)];
    for (int i = 1; i < TG_USERNAME_LEN; i++)
        out[i] = letters[randombytes_uniform(36)];
    out[TG_USERNAME_LEN] = '\0';
}

void tg_password_make(struct tg_secret *out)
{
    memset(out, 0, sizeof *out);
    for (int i = 0; i < TG_PASSWORD_LEN; i++)
        out->text[i] = password_alphabet[randombytes_uniform(32)];
}

/* ---- RFC 5802's functions ---- */

static void hmac(uint8_t out[TG_SCRAM_KEY_LEN], const void *key, size_t key_len, const void *text, size_t len)
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, key_len);
    crypto_auth_hmacsha256_update(&state, text, len);
    crypto_auth_hmacsha256_final(&state, out);
    sodium_memzero(&state, sizeof state);
}

/* Hi(): PBKDF2 with HMAC-SHA-256 and one block of output (RFC 8018 5.2). */
static void salted_password(const char *password, size_t len, const uint8_t *salt, size_t salt_len, unsigned iterations,
                            uint8_t out[TG_SCRAM_KEY_LEN])
{
    static const uint8_t block_one[4] = { 0, 0, 0, 1 };
    crypto_auth_hmacsha256_state keyed, state;
    uint8_t u[TG_SCRAM_KEY_LEN];
    crypto_auth_hmacsha256_init(&keyed, (const uint8_t *)password, len);
    state = keyed;
    crypto_auth_hmacsha256_update(&state, salt, salt_len);
    crypto_auth_hmacsha256_update(&state, block_one, sizeof block_one);
    crypto_auth_hmacsha256_final(&state, u);
    memcpy(out, u, sizeof u);
    for (unsigned i = 1; i < iterations; i++) {
        state = keyed;
        crypto_auth_hmacsha256_update(&state, u, sizeof u);
        crypto_auth_hmacsha256_final(&state, u);
        for (size_t b = 0; b < sizeof u; b++)
            out[b] ^= u[b];
    }
    sodium_memzero(&keyed, sizeof keyed);
    sodium_memzero(&state, sizeof state);
    sodium_memzero(u, sizeof u);
}

static void scram_keys(const struct tg_secret *password, const uint8_t salt[TG_SALT_LEN], uint8_t stored[TG_SCRAM_KEY_LEN],
                       uint8_t server[TG_SCRAM_KEY_LEN])
{
    uint8_t salted[TG_SCRAM_KEY_LEN], client[TG_SCRAM_KEY_LEN];
    salted_password(password->text, strlen(password->text), salt, TG_SALT_LEN, TG_SCRAM_ITERATIONS, salted);
    hmac(client, salted, sizeof salted, "Client Key", 10);
    crypto_hash_sha256(stored, client, sizeof client);
    hmac(server, salted, sizeof salted, "Server Key", 10);
    sodium_memzero(salted, sizeof salted);
    sodium_memzero(client, sizeof client);
}

/* ---- verifiers ---- */

static ProtobufCBinaryData bytes_in(struct tg_arena *arena, const uint8_t *bytes, size_t len)
{
    return (ProtobufCBinaryData){ len, memcpy(tg_arena_alloc(arena, len), bytes, len) };
}

Tg__Credential *tg_credential_make(struct tg_arena *arena, const struct tg_secret *password, const uint8_t *salt,
                                   int64_t now, uint32_t generation)
{
    uint8_t fresh[TG_SALT_LEN], hash[HASH_LEN], stored[TG_SCRAM_KEY_LEN], server[TG_SCRAM_KEY_LEN];
    if (salt == NULL) {
        randombytes_buf(fresh, sizeof fresh);
        salt = fresh;
    }
    crypto_generichash(hash, sizeof hash, (const uint8_t *)password->text, strlen(password->text), salt, TG_SALT_LEN);
    scram_keys(password, salt, stored, server);

    Tg__Credential *c = tg_arena_alloc(arena, sizeof *c);
    tg__credential__init(c);
    c->created_at = now;
    c->generation = generation;
    c->iterations = TG_SCRAM_ITERATIONS;
    c->salt = bytes_in(arena, salt, TG_SALT_LEN);
    c->hash = bytes_in(arena, hash, sizeof hash);
    c->stored_key = bytes_in(arena, stored, sizeof stored);
    c->server_key = bytes_in(arena, server, sizeof server);
    return c;
}

bool tg_credential_live(const Tg__Credential *credential, int64_t now)
{
    return credential != NULL && (credential->expires_at == 0 || now < credential->expires_at);
}

/* A record whose verifiers have not their length can match nothing, and takes as long. */
static bool whole(const Tg__Credential *c)
{
    return c != NULL && c->salt.len == TG_SALT_LEN && c->hash.len == HASH_LEN && c->stored_key.len == TG_SCRAM_KEY_LEN &&
           c->server_key.len == TG_SCRAM_KEY_LEN;
}

bool tg_credential_matches(const Tg__Credential *credential, const char *password, size_t len)
{
    static const uint8_t decoy[HASH_LEN] = { 0 };
    bool real = whole(credential);
    uint8_t hash[HASH_LEN];
    crypto_generichash(hash, sizeof hash, (const uint8_t *)password, len, real ? credential->salt.data : decoy, TG_SALT_LEN);
    bool same = sodium_memcmp(hash, real ? credential->hash.data : decoy, sizeof hash) == 0;
    sodium_memzero(hash, sizeof hash);
    return same & real;
}

void tg_decoy_salt(const uint8_t decoy_key[32], const char *username, uint8_t salt[TG_SALT_LEN])
{
    crypto_generichash(salt, TG_SALT_LEN, (const uint8_t *)username, strlen(username), decoy_key, 32);
}

bool tg_scram_check(const Tg__Credential *credential, struct tg_span auth_message, const uint8_t proof[TG_SCRAM_KEY_LEN],
                    uint8_t server_signature[TG_SCRAM_KEY_LEN])
{
    static const uint8_t decoy[TG_SCRAM_KEY_LEN] = { 0 };
    bool real = whole(credential);
    const uint8_t *stored_key = real ? credential->stored_key.data : decoy;
    uint8_t signature[TG_SCRAM_KEY_LEN], client_key[TG_SCRAM_KEY_LEN], stored[TG_SCRAM_KEY_LEN];
    hmac(signature, stored_key, TG_SCRAM_KEY_LEN, auth_message.data, auth_message.len);
    for (size_t i = 0; i < sizeof client_key; i++)
        client_key[i] = proof[i] ^ signature[i];
    crypto_hash_sha256(stored, client_key, sizeof client_key);
    bool same = sodium_memcmp(stored, stored_key, sizeof stored) == 0;
    hmac(server_signature, real ? credential->server_key.data : decoy, TG_SCRAM_KEY_LEN, auth_message.data, auth_message.len);
    sodium_memzero(client_key, sizeof client_key);
    if (!(same & real))
        sodium_memzero(server_signature, TG_SCRAM_KEY_LEN);
    return same & real;
}
