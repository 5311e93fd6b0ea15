/* auth_load.c: a client of the Dovecot auth protocol, as Postfix's smtpd is one: PLAIN, LOGIN or SCRAM-SHA-256. The
 * passwords' PBKDF2 is done once a user, so that a SCRAM exchange costs the client two HMACs. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/bench/load.h"

static const char usage[] = "usage: auth_load -a ADDRESS [-c CONNECTIONS] [-t SECONDS] [-m PLAIN|LOGIN|SCRAM-SHA-256]\n"
                            "                 -u FILE   (one \"username password\" a line, used in turn)\n";

enum { KEY = crypto_auth_hmacsha256_BYTES, USERS_MAX = 4096 };

static const char *mechanism = "PLAIN";
static struct user {
    char name[68], password[132];
    char salt[64]; /* base64, of `salted` */
    unsigned char salted[KEY];
} users[USERS_MAX];
static size_t user_count;

enum phase { GREETED, ASKED, NAMED, FIRST, FINAL };

struct session {
    enum phase phase;
    unsigned long number, id;
    char first_bare[160];
};

static struct user *user_of(const struct session *s)
{
    return &users[(s->number + s->id) % user_count];
}

static void base64(char *out, size_t size, const void *data, size_t len)
{
    sodium_bin2base64(out, size, data, len, sodium_base64_VARIANT_ORIGINAL);
}

static void hmac(unsigned char out[KEY], const void *key, size_t key_len, const void *data, size_t len)
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, key_len);
    crypto_auth_hmacsha256_update(&state, data, len);
    crypto_auth_hmacsha256_final(&state, out);
}

/* RFC 5802 Hi(). */
static void salt_password(struct user *u, const char *salt64, unsigned iterations)
{
    unsigned char salt[64], block[KEY];
    size_t len;
    if (sodium_base642bin(salt, sizeof salt - 4, salt64, strlen(salt64), NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return;
    snprintf(u->salt, sizeof u->salt, "%s", salt64);
    memcpy(salt + len, "\0\0\0\1", 4);
    hmac(block, u->password, strlen(u->password), salt, len + 4);
    memcpy(u->salted, block, KEY);
    while (--iterations > 0) {
        hmac(block, u->password, strlen(u->password), block, KEY);
        for (size_t i = 0; i < KEY; i++)
            u->salted[i] ^= block[i];
    }
}

static void ask(struct session *s, struct load_buf *out)
{
    const struct user *u = user_of(s);
    char plain[208], response[512] = "";
    s->phase = ASKED;
    if (strcmp(mechanism, "PLAIN") == 0) {
        int len = snprintf(plain, sizeof plain, "%c%s%c%s", 0, u->name, 0, u->password);
        base64(response, sizeof response, plain, (size_t)len);
    } else if (*mechanism == 'S') {
        snprintf(s->first_bare, sizeof s->first_bare, "n=%s,r=bench%lu.%lu", u->name, s->number, s->id);
        snprintf(plain, sizeof plain, "n,,%s", s->first_bare);
        base64(response, sizeof response, plain, strlen(plain));
        s->phase = FIRST;
    }
    load_printf(out, "AUTH\t%lu\t%s\tservice=smtp\tnologin\tlip=127.0.0.1\trip=192.0.2.7%s%s\n", s->id + 1, mechanism,
                *response != '\0' ? "\tresp=" : "", response);
}

static void go_on(struct session *s, const char *text, struct load_buf *out)
{
    char response[700];
    base64(response, sizeof response, text, strlen(text));
    load_printf(out, "CONT\t%lu\t%s\n", s->id + 1, response);
}

/* Client-final for this server-first. */
static enum load_next prove(struct session *s, const char *challenge, struct load_buf *out)
{
    struct user *u = user_of(s);
    char server_first[300], nonce[200], salt[64], without_proof[260], message[1024], proof64[64], last[340];
    unsigned char client_key[KEY], stored_key[KEY], signature[KEY];
    unsigned iterations;
    size_t len;
    if (sodium_base642bin((unsigned char *)server_first, sizeof server_first - 1, challenge, strlen(challenge), NULL, &len,
                          NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return LOAD_ERROR;
    server_first[len] = '\0';
    if (sscanf(server_first, "r=%199[^,],s=%63[^,],i=%u", nonce, salt, &iterations) != 3)
        return LOAD_ERROR;
    if (strcmp(salt, u->salt) != 0)
        salt_password(u, salt, iterations);
    snprintf(without_proof, sizeof without_proof, "c=biws,r=%s", nonce);
    snprintf(message, sizeof message, "%s,%s,%s", s->first_bare, server_first, without_proof);
    hmac(client_key, u->salted, KEY, "Client Key", 10);
    crypto_hash_sha256(stored_key, client_key, KEY);
    hmac(signature, stored_key, KEY, message, strlen(message));
    for (size_t i = 0; i < KEY; i++)
        client_key[i] ^= signature[i];
    base64(proof64, sizeof proof64, client_key, KEY);
    snprintf(last, sizeof last, "%s,p=%s", without_proof, proof64);
    go_on(s, last, out);
    s->phase = FINAL;
    return LOAD_WRITE;
}

static enum load_next continued(struct session *s, const char *challenge, struct load_buf *out)
{
    const struct user *u = user_of(s);
    switch (s->phase) {
    case ASKED:
        go_on(s, u->name, out);
        s->phase = NAMED;
        return LOAD_WRITE;
    case NAMED:
        go_on(s, u->password, out);
        return LOAD_WRITE;
    case FIRST:
        return prove(s, challenge, out);
    default:
        go_on(s, "", out);
        return LOAD_WRITE;
    }
}

static enum load_next line_read(struct session *s, char *line, struct load_buf *out)
{
    if (s->phase == GREETED) {
        if (strcmp(line, "DONE") != 0)
            return LOAD_WAIT;
        load_printf(out, "VERSION\t1\t1\nCPID\t%lu\n", 100000 + s->number);
        ask(s, out);
        return LOAD_WRITE;
    }
    if (strncmp(line, "OK\t", 3) == 0) {
        s->id++;
        ask(s, out);
        return LOAD_DONE;
    }
    if (strncmp(line, "CONT\t", 5) == 0) {
        char *challenge = strchr(line + 5, '\t');
        return continued(s, challenge != NULL ? challenge + 1 : "", out);
    }
    if (strncmp(line, "FAIL\t", 5) == 0) {
        fprintf(stderr, "auth_load: %s\n", line);
        return LOAD_ERROR;
    }
    return LOAD_WAIT;
}

static enum load_next read_answer(void *state, const uint8_t *in, size_t len, size_t *used, struct load_buf *out)
{
    const uint8_t *end;
    char line[1024];
    while ((end = memchr(in + *used, '\n', len - *used)) != NULL) {
        size_t size = (size_t)(end - in) - *used;
        snprintf(line, sizeof line, "%.*s", (int)size, (const char *)in + *used);
        *used += size + 1;
        enum load_next next = line_read(state, line, out);
        if (next != LOAD_WAIT)
            return next;
    }
    return LOAD_WAIT;
}

static void start(void *state, unsigned long number, struct load_buf *out)
{
    struct session *s = state;
    (void)out;
    s->number = number;
}

static void option(int letter, const char *value)
{
    if (letter == 'm') {
        mechanism = value;
        return;
    }
    FILE *in = fopen(value, "r");
    if (in == NULL) {
        perror(value);
        exit(1);
    }
    while (user_count < USERS_MAX && fscanf(in, "%67s %131s", users[user_count].name, users[user_count].password) == 2)
        user_count++;
    fclose(in);
}

int main(int argc, char **argv)
{
    static const struct load_protocol auth = { "auth", sizeof(struct session), start, read_answer };
    struct load_options options;
    load_options_read(argc, argv, &options, "m:u:", usage, option);
    if (user_count == 0 || sodium_init() < 0) {
        fputs(usage, stderr);
        return 2;
    }
    return load_run(&auth, &options);
}
