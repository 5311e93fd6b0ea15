/* scram_client.h: the client's half of SCRAM-SHA-256, written here again from RFC 5802. */
#ifndef TG_TEST_SCRAM_CLIENT_H
#define TG_TEST_SCRAM_CLIENT_H

#include <sodium.h>
#include "tests/unit/exchanges.h"

struct client {
    const char *user, *password, *gs2, *binding; /* what c= says, in base64 */
    char first_bare[500], nonce[400], final[1000], expected[60]; /* v= */
};

static inline void hmac(const uint8_t key[32], const void *data, size_t len, uint8_t out[32])
{
    crypto_auth_hmacsha256_state h;
    crypto_auth_hmacsha256_init(&h, key, 32);
    crypto_auth_hmacsha256_update(&h, data, len);
    crypto_auth_hmacsha256_final(&h, out);
}

/* Hi() of RFC 5802: PBKDF2 of one block. */
static inline void salted(const char *password, const uint8_t *salt, size_t salt_len, unsigned iterations, uint8_t out[32])
{
    crypto_auth_hmacsha256_state h;
    uint8_t u[32];
    crypto_auth_hmacsha256_init(&h, (const uint8_t *)password, strlen(password));
    crypto_auth_hmacsha256_update(&h, salt, salt_len);
    crypto_auth_hmacsha256_update(&h, (const uint8_t *)"\0\0\0\1", 4);
    crypto_auth_hmacsha256_final(&h, u);
    memcpy(out, u, 32);
    for (unsigned i = 1; i < iterations; i++) {
        crypto_auth_hmacsha256_init(&h, (const uint8_t *)password, strlen(password));
        crypto_auth_hmacsha256_update(&h, u, 32);
        crypto_auth_hmacsha256_final(&h, u);
        for (int k = 0; k < 32; k++)
            out[k] ^= u[k];
    }
}

static inline void client_final(struct client *c, struct tg_span server_first)
{
    char text[1000], salt64[64], without_proof[500], message[2500], proof64[60];
    unsigned iterations;
    uint8_t salt[48], password[32], client_key[32], server_key[32], stored[32], signature[32], proof[32];
    size_t salt_len;
    snprintf(text, sizeof text, "%.*s", (int)server_first.len, (const char *)server_first.data);
    assert_int_equal(sscanf(text, "r=%399[^,],s=%63[^,],i=%u", c->nonce, salt64, &iterations), 3);
    assert_int_equal(sodium_base642bin(salt, sizeof salt, salt64, strlen(salt64), NULL, &salt_len, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
    snprintf(without_proof, sizeof without_proof, "c=%s,r=%s", c->binding, c->nonce);
    int len = snprintf(message, sizeof message, "%s,%s,%s", c->first_bare, text, without_proof);
    salted(c->password, salt, salt_len, iterations, password);
    hmac(password, "Client Key", 10, client_key);
    hmac(password, "Server Key", 10, server_key);
    crypto_hash_sha256(stored, client_key, 32);
    hmac(stored, message, (size_t)len, signature);
    for (int i = 0; i < 32; i++)
        proof[i] = client_key[i] ^ signature[i];
    hmac(server_key, message, (size_t)len, signature);
    sodium_bin2base64(proof64, sizeof proof64, proof, 32, sodium_base64_VARIANT_ORIGINAL);
    snprintf(c->final, sizeof c->final, "%s,p=%s", without_proof, proof64);
    strcpy(c->expected, "v=");
    sodium_bin2base64(c->expected + 2, sizeof c->expected - 2, signature, 32, sodium_base64_VARIANT_ORIGINAL);
}

/* The client's first message; its final one is ready then. */
static inline enum exchange_step scram_first(struct fixture *f, struct exchange **e, struct client *c)
{
    char message[600];
    struct tg_span challenge;
    snprintf(c->first_bare, sizeof c->first_bare, "n=%s,r=rOprNGfwEbeRWgbNEkqO", c->user);
    snprintf(message, sizeof message, "%s%s", c->gs2, c->first_bare);
    struct tg_span response = tg_span_str(message);
    *e = exchange_new(f->store, "SCRAM-SHA-256");
    enum exchange_step step = exchange_start(*e, &response, NOW, &challenge);
    if (step == EXCHANGE_MORE)
        client_final(c, challenge);
    return step;
}

/* The final message and the empty one behind the server's signature. */
static inline enum exchange_step scram_final(struct exchange *e, const struct client *c)
{
    struct tg_span challenge;
    enum exchange_step step = exchange_continue(e, tg_span_str(c->final), NOW, &challenge);
    if (step != EXCHANGE_MORE)
        return step;
    assert_int_equal(challenge.len, strlen(c->expected));
    assert_memory_equal(challenge.data, c->expected, challenge.len);
    return exchange_continue(e, tg_span_of("", 0), NOW, &challenge);
}

static inline struct client client_of(const struct added *account)
{
    return (struct client){ .user = account->username, .password = account->password.text, .gs2 = "n,,", .binding = "biws" };
}

static inline enum exchange_step scram(struct fixture *f, struct exchange **e, struct client c)
{
    enum exchange_step step = scram_first(f, e, &c);
    return step == EXCHANGE_MORE ? scram_final(*e, &c) : step;
}

#endif
