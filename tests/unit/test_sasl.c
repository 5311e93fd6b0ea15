/* SASL exchanges as the auth door runs them: libsasl2's server, Tollgate's checks, a store with an account. The client's
 * half of SCRAM is written here again, from RFC 5802. */
#include "tests/unit/nouns.h"
#include <sodium.h>
#include "authd/sasl.h"

struct fixture {
    struct tg_store *store;
    struct nouns *nouns;
    struct added account, other;
};

static int setup(void **state)
{
    struct fixture *f = tg_xcalloc(1, sizeof *f);
    void *nouns;
    nouns_begin(&nouns);
    f->nouns = nouns;
    f->store = f->nouns->store;
    f->account = add_account(f->nouns, add_customer(f->nouns));
    f->other = add_account(f->nouns, add_customer(f->nouns));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    void *nouns = f->nouns;
    nouns_end(&nouns);
    free(f);
    return 0;
}

/* ---- PLAIN and LOGIN ---- */

static enum exchange_step plain(struct fixture *f, struct exchange **e, const char *authzid, const char *user, const char *password)
{
    char message[2000];
    size_t len = (size_t)snprintf(message, sizeof message, "%s%c%s%c%s", authzid, 0, user, 0, password);
    struct tg_span response = tg_span_of(message, len), challenge;
    *e = exchange_new(f->store, "PLAIN");
    return exchange_start(*e, &response, NOW, &challenge);
}

static void assert_in(struct exchange *e, enum exchange_step step, const char *username)
{
    assert_int_equal(step, EXCHANGE_OK);
    assert_string_equal(exchange_result(e)->username, username);
    assert_string_equal(exchange_result(e)->why, "");
    exchange_free(&e);
}

static void assert_out(struct exchange *e, enum exchange_step step, const char *why)
{
    assert_int_equal(step, EXCHANGE_REFUSED);
    assert_string_equal(exchange_result(e)->why, why);
    assert_string_equal(exchange_result(e)->username, "");
    if (strcmp(why, "disabled") != 0 && strcmp(why, "authzid") != 0)
        assert_string_equal(exchange_result(e)->reason, "");
    exchange_free(&e);
    assert_null(e);
}

static void assert_plain_in(struct fixture *f, const char *authzid, const char *user, const char *password)
{
    struct exchange *e;
    enum exchange_step step = plain(f, &e, authzid, user, password);
    assert_in(e, step, f->account.username);
}

static void assert_plain_out(struct fixture *f, const char *authzid, const char *user, const char *password, const char *why)
{
    struct exchange *e;
    enum exchange_step step = plain(f, &e, authzid, user, password);
    assert_out(e, step, why);
}

static void test_plain_lets_in_who_knows_the_password(void **state)
{
    struct fixture *f = *state;
    assert_plain_in(f, "", f->account.username, f->account.password.text);
    assert_plain_in(f, f->account.username, f->account.username, f->account.password.text);
}

static void test_plain_without_initial_response(void **state)
{
    struct fixture *f = *state;
    char message[200];
    size_t len = (size_t)snprintf(message, sizeof message, "%c%s%c%s", 0, f->account.username, 0, f->account.password.text);
    struct exchange *e = exchange_new(f->store, "PLAIN");
    struct tg_span challenge;
    assert_int_equal(exchange_start(e, NULL, NOW, &challenge), EXCHANGE_MORE);
    assert_int_equal(challenge.len, 0);
    assert_in(e, exchange_continue(e, tg_span_of(message, len), NOW, &challenge), f->account.username);
}

static void test_wrong_passwords_and_names_are_refused(void **state)
{
    struct fixture *f = *state;
    const char *user = f->account.username, *password = f->account.password.text;
    char text[200];
    assert_plain_out(f, "", user, f->other.password.text, "password");
    assert_plain_out(f, "", "nobody0nobody", password, "unknown");
    assert_plain_out(f, "", f->other.username, password, "password");
    snprintf(text, sizeof text, "%s ", password);
    assert_plain_out(f, "", user, text, "password");
    snprintf(text, sizeof text, "%.*s", (int)strlen(password) - 1, password);
    assert_plain_out(f, "", user, text, "password");
    /* libsasl2 would trim the blanks, and some would fold the case: here a name is what it is. */
    snprintf(text, sizeof text, " %s", user);
    assert_plain_out(f, "", text, password, "unknown");
    snprintf(text, sizeof text, "%s ", user);
    assert_plain_out(f, "", text, password, "unknown");
    snprintf(text, sizeof text, "%s@tollgate", user);
    assert_plain_out(f, "", text, password, "unknown");
    snprintf(text, sizeof text, "%s\xc2\xad", user);
    assert_plain_out(f, "", text, password, "unknown");
    snprintf(text, sizeof text, "%s", user);
    text[0] = (char)(text[0] - 'a' + 'A');
    assert_plain_out(f, "", text, password, "unknown");
    snprintf(text, sizeof text, "%s\n", user);
    assert_plain_out(f, "", text, password, "unknown");
}

static void test_nobody_acts_for_another(void **state)
{
    struct fixture *f = *state;
    assert_plain_out(f, f->other.username, f->account.username, f->account.password.text, "authzid");
    assert_plain_out(f, "root", f->account.username, f->account.password.text, "authzid");
    assert_plain_out(f, f->account.username, f->other.username, f->account.password.text, "password");
    assert_plain_out(f, "x", f->account.username, "wrong", "password");
}

static void test_malformed_plain_is_refused(void **state)
{
    struct fixture *f = *state;
    const char *user = f->account.username, *password = f->account.password.text;
    char shape[6][400];
    const struct tg_span malformed[] = {
        tg_span_of(shape[0], 0),
        tg_span_of(shape[1], (size_t)snprintf(shape[1], sizeof shape[1], "%s", user)),
        tg_span_of(shape[2], (size_t)snprintf(shape[2], sizeof shape[2], "%s%c%s", user, 0, password)),
        tg_span_of(shape[3], (size_t)snprintf(shape[3], sizeof shape[3], "%c%s%c%s%c", 0, user, 0, password, 0)),
        tg_span_of(shape[4], (size_t)snprintf(shape[4], sizeof shape[4], "%c%s%c%s%cx", 0, user, 0, password, 0)),
        tg_span_of(shape[5], (size_t)snprintf(shape[5], sizeof shape[5], "%c%c%s%c%s", 0, 0, user, 0, password)),
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        struct tg_span challenge;
        struct exchange *e = exchange_new(f->store, "PLAIN");
        assert_int_equal(exchange_start(e, &malformed[i], NOW, &challenge), EXCHANGE_REFUSED);
        assert_string_equal(exchange_result(e)->username, "");
        exchange_free(&e);
    }
    /* Empty name, empty password. */
    struct exchange *empty;
    assert_int_equal(plain(f, &empty, "", "", password), EXCHANGE_REFUSED);
    exchange_free(&empty);
    assert_plain_out(f, "", user, "", "password");
}

static void test_over_long_names_and_passwords_are_refused(void **state)
{
    struct fixture *f = *state;
    for (size_t len = 20; len < 1500; len += len < 300 ? 1 : 97) {
        char name[1501], password[1501];
        struct exchange *e;
        memset(name, 'a', len);
        name[len] = '\0';
        assert_int_equal(plain(f, &e, "", name, "x"), EXCHANGE_REFUSED);
        assert_true(strlen(exchange_login(e)) < CLIENT_NAME_MAX);
        exchange_free(&e);
        memcpy(password, name, len + 1);
        assert_int_equal(plain(f, &e, "", f->account.username, password), EXCHANGE_REFUSED);
        exchange_free(&e);
    }
}

static enum exchange_step login(struct fixture *f, struct exchange **e, const char *user, const char *password, bool initial)
{
    struct tg_span challenge, name = tg_span_str(user);
    *e = exchange_new(f->store, "LOGIN");
    enum exchange_step step = exchange_start(*e, initial ? &name : NULL, NOW, &challenge);
    if (!initial) {
        assert_int_equal(step, EXCHANGE_MORE);
        assert_memory_equal(challenge.data, "Username:", challenge.len);
        step = exchange_continue(*e, name, NOW, &challenge);
    }
    if (step != EXCHANGE_MORE)
        return step;
    assert_memory_equal(challenge.data, "Password:", challenge.len);
    return exchange_continue(*e, tg_span_str(password), NOW, &challenge);
}

static void test_login(void **state)
{
    struct fixture *f = *state;
    struct exchange *e;
    enum exchange_step step = login(f, &e, f->account.username, f->account.password.text, false);
    assert_in(e, step, f->account.username);
    step = login(f, &e, f->account.username, f->account.password.text, true);
    assert_in(e, step, f->account.username);
    step = login(f, &e, f->account.username, f->other.password.text, true);
    assert_out(e, step, "password");
    step = login(f, &e, "nobody0nobody", f->account.password.text, false);
    assert_out(e, step, "unknown");
    assert_int_equal(login(f, &e, "", f->account.password.text, false), EXCHANGE_REFUSED);
    exchange_free(&e);
    assert_int_equal(login(f, &e, f->account.username, "", false), EXCHANGE_REFUSED);
    exchange_free(&e);
}

static void test_no_other_mechanism_is_there(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = { "CRAM-MD5", "DIGEST-MD5", "ANONYMOUS", "EXTERNAL", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS",
                                         "", "GSSAPI", "OTP" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct exchange *e = exchange_new(f->store, names[i]);
        struct tg_span challenge, response = tg_span_str("x");
        assert_int_equal(exchange_start(e, &response, NOW, &challenge), EXCHANGE_REFUSED);
        exchange_free(&e);
    }
}

/* ---- SCRAM ---- */

struct client {
    const char *user, *password, *gs2, *binding; /* what c= says, in base64 */
    char first_bare[500], nonce[400], final[1000], expected[60]; /* v= */
};

static void hmac(const uint8_t key[32], const void *data, size_t len, uint8_t out[32])
{
    crypto_auth_hmacsha256_state h;
    crypto_auth_hmacsha256_init(&h, key, 32);
    crypto_auth_hmacsha256_update(&h, data, len);
    crypto_auth_hmacsha256_final(&h, out);
}

/* Hi() of RFC 5802: PBKDF2 of one block. */
static void salted(const char *password, const uint8_t *salt, size_t salt_len, unsigned iterations, uint8_t out[32])
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

static void client_final(struct client *c, struct tg_span server_first)
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
static enum exchange_step scram_first(struct fixture *f, struct exchange **e, struct client *c)
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
static enum exchange_step scram_final(struct exchange *e, const struct client *c)
{
    struct tg_span challenge;
    enum exchange_step step = exchange_continue(e, tg_span_str(c->final), NOW, &challenge);
    if (step != EXCHANGE_MORE)
        return step;
    assert_int_equal(challenge.len, strlen(c->expected));
    assert_memory_equal(challenge.data, c->expected, challenge.len);
    return exchange_continue(e, tg_span_of("", 0), NOW, &challenge);
}

static struct client client_of(const struct added *account)
{
    return (struct client){ .user = account->username, .password = account->password.text, .gs2 = "n,,", .binding = "biws" };
}

static enum exchange_step scram(struct fixture *f, struct exchange **e, struct client c)
{
    enum exchange_step step = scram_first(f, e, &c);
    return step == EXCHANGE_MORE ? scram_final(*e, &c) : step;
}

static void test_scram_lets_in_who_knows_the_password(void **state)
{
    struct fixture *f = *state;
    struct exchange *e;
    enum exchange_step step = scram(f, &e, client_of(&f->account));
    assert_in(e, step, f->account.username);
    struct client c = client_of(&f->account);
    char gs2[100], binding[200];
    snprintf(gs2, sizeof gs2, "n,a=%s,", f->account.username); /* for himself, said */
    sodium_bin2base64(binding, sizeof binding, (const uint8_t *)gs2, strlen(gs2), sodium_base64_VARIANT_ORIGINAL);
    c.gs2 = gs2;
    c.binding = binding;
    step = scram(f, &e, c);
    assert_in(e, step, f->account.username);
    c = client_of(&f->account);
    c.gs2 = "y,,";
    c.binding = "eSws";
    step = scram(f, &e, c);
    assert_in(e, step, f->account.username);
}

static void test_scram_without_initial_response(void **state)
{
    struct fixture *f = *state;
    struct client c = client_of(&f->account);
    char message[600];
    struct tg_span challenge;
    struct exchange *e = exchange_new(f->store, "SCRAM-SHA-256");
    assert_int_equal(exchange_start(e, NULL, NOW, &challenge), EXCHANGE_MORE);
    assert_int_equal(challenge.len, 0);
    snprintf(c.first_bare, sizeof c.first_bare, "n=%s,r=rOprNGfwEbeRWgbNEkqO", c.user);
    snprintf(message, sizeof message, "n,,%s", c.first_bare);
    assert_int_equal(exchange_continue(e, tg_span_str(message), NOW, &challenge), EXCHANGE_MORE);
    client_final(&c, challenge);
    assert_in(e, scram_final(e, &c), f->account.username);
}

static void test_scram_refuses_wrong_passwords_and_names(void **state)
{
    struct fixture *f = *state;
    struct exchange *e;
    struct client c = client_of(&f->account);
    c.password = "wrong";
    enum exchange_step step = scram(f, &e, c);
    assert_out(e, step, "password");
    c = client_of(&f->account);
    c.user = "nobody0nobody"; /* sees a salt, and learns nothing */
    step = scram(f, &e, c);
    assert_out(e, step, "unknown");
    c.user = f->other.username;
    step = scram(f, &e, c);
    assert_out(e, step, "password");
}

static void test_a_scram_message_tampered_with_is_refused(void **state)
{
    struct fixture *f = *state;
    struct client good = client_of(&f->account);
    struct exchange *e;
    assert_int_equal(scram_first(f, &e, &good), EXCHANGE_MORE);
    size_t len = strlen(good.final);
    exchange_free(&e);
    /* Every octet of the final message, changed in turn: its letters' lowest bit, so that it stays text. */
    for (size_t i = 0; i < len; i++) {
        struct client c = client_of(&f->account);
        assert_int_equal(scram_first(f, &e, &c), EXCHANGE_MORE);
        c.final[i] ^= 1;
        assert_int_equal(scram_final(e, &c), EXCHANGE_REFUSED);
        assert_string_equal(exchange_result(e)->username, "");
        exchange_free(&e);
    }
}

static void test_a_scram_message_replayed_is_refused(void **state)
{
    struct fixture *f = *state;
    struct client old = client_of(&f->account), c = client_of(&f->account);
    struct exchange *e;
    enum exchange_step step = scram_first(f, &e, &old);
    assert_int_equal(step, EXCHANGE_MORE);
    step = scram_final(e, &old);
    assert_in(e, step, f->account.username);
    /* The server's half of the nonce is another each time. */
    assert_int_equal(scram_first(f, &e, &c), EXCHANGE_MORE);
    assert_string_not_equal(c.nonce, old.nonce);
    strcpy(c.final, old.final);
    assert_out(e, scram_final(e, &c), "malformed");
}

static void test_channel_binding_can_not_be_negotiated_away(void **state)
{
    struct fixture *f = *state;
    struct exchange *e;
    struct client c = client_of(&f->account);
    /* Somebody on the way made "n,,", of the client's "y,,", or of its "p=": the client's c= tells. */
    c.binding = "eSws";
    enum exchange_step step = scram(f, &e, c);
    assert_out(e, step, "malformed");
    c.binding = "cD10bHMtdW5pcXVlLCw=";
    step = scram(f, &e, c);
    assert_out(e, step, "malformed");
    c.gs2 = "p=tls-unique,,";
    step = scram(f, &e, c);
    assert_out(e, step, "malformed");
}

static void test_scram_lets_nobody_act_for_another(void **state)
{
    struct fixture *f = *state;
    struct exchange *e;
    struct client c = client_of(&f->account);
    char gs2[100], binding[200];
    snprintf(gs2, sizeof gs2, "n,a=%s,", f->other.username);
    sodium_bin2base64(binding, sizeof binding, (const uint8_t *)gs2, strlen(gs2), sodium_base64_VARIANT_ORIGINAL);
    c.gs2 = gs2;
    c.binding = binding;
    enum exchange_step step = scram(f, &e, c);
    assert_out(e, step, "authzid");
}

static struct tg_span salt_of(struct fixture *f, const char *user, char out[600])
{
    char message[600];
    struct tg_span challenge, response;
    struct exchange *e = exchange_new(f->store, "SCRAM-SHA-256");
    snprintf(message, sizeof message, "n,,n=%s,r=x", user);
    response = tg_span_str(message);
    assert_int_equal(exchange_start(e, &response, NOW, &challenge), EXCHANGE_MORE);
    snprintf(out, 600, "%.*s", (int)challenge.len, (const char *)challenge.data);
    exchange_free(&e);
    char *salt = strstr(out, ",s=");
    assert_non_null(salt);
    assert_non_null(strstr(salt, ",i=4096"));
    return tg_span_str(salt);
}

/* Who is not there has a salt as stable, and as long, as who is. */
static void test_an_unknown_name_has_a_stable_salt(void **state)
{
    struct fixture *f = *state;
    char one[600], two[600];
    const char *const names[] = { "nobody0nobody", f->account.username, "J\xc3\xb6", "root" };
    for (size_t i = 0; i < 4; i++) {
        struct tg_span a = salt_of(f, names[i], one), b = salt_of(f, names[i], two);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.data, b.data, a.len);
        assert_int_equal(a.len, strlen(",s=AAAAAAAAAAAAAAAAAAAAAA==,i=4096"));
        struct tg_span other = salt_of(f, names[(i + 1) % 4], two);
        assert_memory_not_equal(a.data, other.data, 10);
    }
}

/* ---- what an administrator changes ---- */

static enum tg_code disable_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    return tg_account_disable(change, arg, "spam run", NOW, err);
}

static void test_a_disabled_account_learns_so_with_the_right_password_only(void **state)
{
    struct fixture *f = *state;
    struct exchange *e;
    struct client c = client_of(&f->account);
    assert_int_equal(scram_first(f, &e, &c), EXCHANGE_MORE);
    assert_changed(f->nouns, run(f->nouns, disable_fn, f->account.username));
    /* In the middle of an exchange, too. */
    enum exchange_step step = scram_final(e, &c);
    assert_int_equal(step, EXCHANGE_REFUSED);
    assert_non_null(strstr(exchange_result(e)->reason, "spam run"));
    assert_out(e, step, "disabled");
    step = plain(f, &e, "", f->account.username, f->account.password.text);
    assert_non_null(strstr(exchange_result(e)->reason, "spam run"));
    assert_out(e, step, "disabled");
    assert_plain_out(f, "", f->account.username, "wrong", "password");
}

struct renewal {
    char *username;
    struct tg_secret password;
};

static enum tg_code renew_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct renewal *r = arg;
    Tg__Account *account;
    int64_t until;
    return tg_account_password(change, r->username, 7 * DAY, NOW - DAY, &account, &r->password, &until, err);
}

static void test_two_passwords_overlap_for_every_mechanism(void **state)
{
    struct fixture *f = *state;
    struct renewal r = { .username = f->account.username };
    assert_changed(f->nouns, run(f->nouns, renew_fn, &r));
    struct added now = f->account;
    now.password = r.password;
    const struct added *const both[] = { &f->account, &now };
    struct exchange *e;
    for (size_t i = 0; i < 2; i++) {
        enum exchange_step step = plain(f, &e, "", both[i]->username, both[i]->password.text);
        assert_in(e, step, f->account.username);
        step = login(f, &e, both[i]->username, both[i]->password.text, false);
        assert_in(e, step, f->account.username);
        step = scram(f, &e, client_of(both[i])); /* with the signature that fits */
        assert_in(e, step, f->account.username);
    }
    struct client c = client_of(&f->account);
    c.password = "neither";
    enum exchange_step step = scram(f, &e, c);
    assert_out(e, step, "password");
}

/* ---- the start ---- */

static char plain_name[] = "PLAIN", login_name[] = "LOGIN", scram_name[] = "SCRAM-SHA-256", other_name[] = "CRAM-MD5";

static void test_a_mechanism_that_is_not_there_is_named(void **state)
{
    (void)state;
    char *items[] = { plain_name, other_name };
    struct tg_list list = { 2, items };
    struct tg_error err;
    assert_int_equal(sasl_offers(&list, &err), TG_UNUSABLE);
    assert_non_null(strstr(err.text, "CRAM-MD5"));
    list.count = 1;
    assert_ok(sasl_offers(&list, &err));
    assert_true(sasl_is_plaintext("PLAIN") && sasl_is_plaintext("LOGIN") && !sasl_is_plaintext("SCRAM-SHA-256"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_plain_lets_in_who_knows_the_password),
        TEST(test_plain_without_initial_response),
        TEST(test_wrong_passwords_and_names_are_refused),
        TEST(test_nobody_acts_for_another),
        TEST(test_malformed_plain_is_refused),
        TEST(test_over_long_names_and_passwords_are_refused),
        TEST(test_login),
        TEST(test_no_other_mechanism_is_there),
        TEST(test_scram_lets_in_who_knows_the_password),
        TEST(test_scram_without_initial_response),
        TEST(test_scram_refuses_wrong_passwords_and_names),
        TEST(test_a_scram_message_tampered_with_is_refused),
        TEST(test_a_scram_message_replayed_is_refused),
        TEST(test_channel_binding_can_not_be_negotiated_away),
        TEST(test_scram_lets_nobody_act_for_another),
        TEST(test_an_unknown_name_has_a_stable_salt),
        TEST(test_a_disabled_account_learns_so_with_the_right_password_only),
        TEST(test_two_passwords_overlap_for_every_mechanism),
        TEST(test_a_mechanism_that_is_not_there_is_named),
    };
    char *items[] = { plain_name, login_name, scram_name };
    struct tg_list mechanisms = { 3, items };
    struct tg_error err;
    if (tg_crypto_init(&err) != TG_OK || sasl_begin(&mechanisms, &err) != TG_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sasl_end();
    return failed;
}
