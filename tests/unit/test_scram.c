#include "tests/unit/test.h"
#include <sodium.h>
#include <stdio.h>
#include "authd/scram.h"

/* RFC 7677, 3. */
#define CLIENT_FIRST "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="
#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static void unbase64(const char *text, uint8_t *out, size_t size)
{
    size_t len;
    assert_int_equal(sodium_base642bin(out, size, text, strlen(text), NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
    assert_int_equal(len, size);
}

static enum tg_code first(struct scram *scram, const char *message)
{
    return scram_client_first(scram, tg_span_str(message), NULL);
}

static void begin(struct scram *scram)
{
    uint8_t salt[TG_SALT_LEN];
    struct tg_error err;
    unbase64(SALT, salt, sizeof salt);
    assert_ok(scram_client_first(scram, tg_span_str("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"), &err));
    scram_server_first(scram, "%hvYDpWUa2RaTCAfuxFIlj)h", salt, 4096);
}

static void test_the_vector_of_rfc_7677(void **state)
{
    (void)state;
    struct scram scram;
    struct tg_error err;
    uint8_t salt[TG_SALT_LEN], proof[TG_SCRAM_KEY_LEN], expected[TG_SCRAM_KEY_LEN];
    unbase64(SALT, salt, sizeof salt);
    assert_ok(scram_client_first(&scram, tg_span_str(CLIENT_FIRST), &err));
    assert_string_equal(scram.username, "user");
    assert_string_equal(scram.authzid, "");
    assert_string_equal(scram.client_first_bare, "n=user,r=rOprNGfwEbeRWgbNEkqO");
    /* The RFC's server nonce has 30 letters where ours have 24: its first 6 are given to the client's half here, so that
     * the messages from then on are the RFC's. */
    strcat(scram.nonce, "%hvYDp");
    scram_server_first(&scram, "WUa2RaTCAfuxFIlj)hNlF$k0", salt, 4096);
    assert_string_equal(scram.server_first, "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=" SALT ",i=4096");
    assert_ok(scram_client_final(&scram, tg_span_str("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=" PROOF),
                                 proof, &err));
    assert_string_equal(scram.auth_message,
                        "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=" SALT
                        ",i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    unbase64(PROOF, expected, sizeof expected);
    assert_memory_equal(proof, expected, sizeof expected);

    /* With the RFC's password, proof and signature come out too. */
    struct tg_arena *arena = tg_arena_new();
    struct tg_secret password = { "pencil" };
    uint8_t signature[TG_SCRAM_KEY_LEN];
    char final[SCRAM_SERVER_FINAL_SIZE];
    const Tg__Credential *credential = tg_credential_make(arena, &password, salt, 0, 1);
    assert_true(tg_scram_check(credential, tg_span_str(scram.auth_message), proof, signature));
    scram_server_final(signature, final);
    assert_string_equal(final, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    tg_arena_free(&arena);
}

/* ---- the client's first message ---- */

static void test_names_are_decoded(void **state)
{
    (void)state;
    struct scram scram;
    assert_int_equal(first(&scram, "n,,n=a=2Cb=3Dc,r=x"), TG_OK);
    assert_string_equal(scram.username, "a,b=c");
    assert_int_equal(first(&scram, "n,a=other=2C,n=J\xc3\xb6,r=x"), TG_OK);
    assert_string_equal(scram.username, "J\xc3\xb6");
    assert_string_equal(scram.authzid, "other,");
    assert_string_equal(scram.gs2_header, "n,a=other=2C,");
    assert_string_equal(scram.client_first_bare, "n=J\xc3\xb6,r=x");
}

static void test_extensions_behind_the_nonce_are_no_matter(void **state)
{
    (void)state;
    struct scram scram;
    assert_int_equal(first(&scram, "n,,n=a,r=x,x=extension"), TG_OK);
    assert_string_equal(scram.client_first_bare, "n=a,r=x,x=extension");
}

static void test_channel_binding_is_not_offered(void **state)
{
    (void)state;
    struct scram scram;
    struct tg_error err;
    assert_int_equal(scram_client_first(&scram, tg_span_str("p=tls-unique,,n=a,r=x"), &err), TG_REFUSED);
    assert_non_null(strstr(err.text, "channel binding"));
    assert_int_equal(first(&scram, "p,,n=a,r=x"), TG_REFUSED);
    /* "y": the client could, and believes that the server can't: so it is. */
    assert_int_equal(first(&scram, "y,,n=a,r=x"), TG_OK);
    assert_string_equal(scram.gs2_header, "y,,");
}

static void test_malformed_first_messages_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "n", "n,", "n,,", "n,,n=a", "n,,n=a,", "n,,r=x", "n,,r=x,n=a", "n,,n=,r=x", "n,,n=a,r=", "x,,n=a,r=x", "nn,,n=a,r=x",
        ",,n=a,r=x", "N,,n=a,r=x", "n,b=c,n=a,r=x", "n,a=,n=a,r=x", "n,a,n=a,r=x", "n=a,r=x", "n,,m=ext,n=a,r=x", "n,,n=a,r=x,m=ext", "n,,n=a,r=x,y=z,m=",
        "n,,n=a=b,r=x", "n,,n=a=2,r=x", "n,,n=a=,r=x", "n,,n=a=2c,r=x", "n,,n=a=3d,r=x", "n,,n=a=00,r=x", "n,a==2,n=a,r=x",
        "n,,n=a,r=x y", "n,,n=a,r=\x7f", "n,,n=a,r=\xc3\xb6", "n,,n=a\n,r=x", "n,,n=a\tb,r=x", "n,,n=\xff,r=x", "n,,n=\xc2\x85,r=x",
        "n,,n=a,s=x", "n,,n=a,,r=x", "n,,n=a\x7f,r=x",
    };
    struct scram scram;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (first(&scram, bad[i]) != TG_REFUSED)
            fail_msg("accepted: %s", bad[i]);
}

static void test_a_nul_is_refused(void **state)
{
    (void)state;
    static const char name[] = "n,,n=alice\0bob,r=x", behind[] = "n,,n=alice,r=x\0";
    struct scram scram;
    assert_int_equal(scram_client_first(&scram, tg_span_of(name, sizeof name - 1), NULL), TG_REFUSED);
    assert_int_equal(scram_client_first(&scram, tg_span_of(behind, sizeof behind - 1), NULL), TG_REFUSED);
    assert_int_equal(scram_client_first(&scram, tg_span_of(NULL, 0), NULL), TG_REFUSED);
}

/* prefix, then len times the letter, then suffix */
static enum tg_code first_of(const char *prefix, size_t len, const char *letter, const char *suffix)
{
    struct scram scram;
    char message[8000];
    size_t at = (size_t)sprintf(message, "%s", prefix);
    for (size_t i = 0; i < len; i++)
        at += (size_t)sprintf(message + at, "%s", letter);
    strcpy(message + at, suffix);
    return first(&scram, message);
}

static void test_lengths_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(first_of("n,,n=", SCRAM_NAME_MAX, "a", ",r=x"), TG_OK);
    assert_int_equal(first_of("n,,n=", SCRAM_NAME_MAX + 1, "a", ",r=x"), TG_REFUSED);
    assert_int_equal(first_of("n,,n=", SCRAM_NAME_MAX, "=2C", ",r=x"), TG_OK);
    assert_int_equal(first_of("n,,n=", SCRAM_NAME_MAX + 1, "=3D", ",r=x"), TG_REFUSED);
    assert_int_equal(first_of("n,a=", SCRAM_NAME_MAX, "=2C", ",n=a,r=x"), TG_OK);
    assert_int_equal(first_of("n,a=", SCRAM_NAME_MAX + 1, "=2C", ",n=a,r=x"), TG_REFUSED);
    assert_int_equal(first_of("n,,n=a,r=", SCRAM_NONCE_MAX, "x", ""), TG_OK);
    assert_int_equal(first_of("n,,n=a,r=", SCRAM_NONCE_MAX + 1, "x", ""), TG_REFUSED);
    assert_int_equal(first_of("n,,n=a,r=x,y=", SCRAM_MESSAGE_MAX - 13, "x", ""), TG_OK);
    assert_int_equal(first_of("n,,n=a,r=x,y=", SCRAM_MESSAGE_MAX - 12, "x", ""), TG_REFUSED);
}

static void test_the_longest_exchange_fits(void **state)
{
    (void)state;
    struct scram scram;
    struct tg_error err;
    uint8_t salt[TG_SALT_LEN] = { 0 }, proof[TG_SCRAM_KEY_LEN];
    char message[SCRAM_MESSAGE_MAX + 1], final[SCRAM_MESSAGE_MAX * 2];
    size_t at = (size_t)sprintf(message, "n,,n=a,r=");
    memset(message + at, 'x', SCRAM_NONCE_MAX);
    at += SCRAM_NONCE_MAX;
    at += (size_t)sprintf(message + at, ",y=");
    memset(message + at, 'z', sizeof message - 1 - at);
    message[SCRAM_MESSAGE_MAX] = '\0';
    assert_ok(scram_client_first(&scram, tg_span_str(message), &err));
    scram_server_first(&scram, "abcdefghijklmnopqrstuvwx", salt, 4294967295u);
    assert_non_null(strstr(scram.server_first, ",i=4294967295"));
    at = (size_t)sprintf(final, "c=biws,r=%s,y=", scram.nonce);
    memset(final + at, 'z', SCRAM_MESSAGE_MAX);
    strcpy(final + SCRAM_MESSAGE_MAX - strlen(",p=" PROOF), ",p=" PROOF);
    assert_int_equal(strlen(final), SCRAM_MESSAGE_MAX);
    assert_ok(scram_client_final(&scram, tg_span_str(final), proof, &err));
    assert_int_equal(strlen(scram.auth_message), strlen(message) - 3 + 1 + strlen(scram.server_first) + 1 +
                                                     SCRAM_MESSAGE_MAX - strlen(",p=" PROOF));
}

/* ---- the client's final message ---- */

static enum tg_code final_of(struct scram *scram, const char *message)
{
    uint8_t proof[TG_SCRAM_KEY_LEN];
    return scram_client_final(scram, tg_span_str(message), proof, NULL);
}
#define NONCE "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)h"

static void test_another_nonce_is_refused(void **state)
{
    (void)state;
    struct scram scram;
    begin(&scram);
    assert_int_equal(final_of(&scram, "c=biws,r=" NONCE ",p=" PROOF), TG_OK);
    static const char *const nonces[] = {
        "rOprNGfwEbeRWgbNEkqO", /* the client's half: a replay against any server */
        NONCE "x", "%hvYDpWUa2RaTCAfuxFIlj)h", "ROprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)h",
        "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)i", "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)", "",
    };
    for (size_t i = 0; i < sizeof nonces / sizeof *nonces; i++) {
        char message[300];
        snprintf(message, sizeof message, "c=biws,r=%s,p=" PROOF, nonces[i]);
        assert_int_equal(final_of(&scram, message), TG_REFUSED);
    }
}

/* The binding repeats the first message's header: else somebody changed it on the way. */
static void test_another_gs2_header_is_refused(void **state)
{
    (void)state;
    struct scram scram;
    begin(&scram);
    /* "y,,", "p=tls-unique,,", "n,a=b,", "n,", "", "n,,x", malformed */
    static const char *const bindings[] = { "eSws", "cD10bHMtdW5pcXVlLCw=", "bixhPWIs", "biw=", "", "biwseA==", "biw", "biws=", "b iws", "????" };
    for (size_t i = 0; i < sizeof bindings / sizeof *bindings; i++) {
        char message[300];
        snprintf(message, sizeof message, "c=%s,r=%s,p=" PROOF, bindings[i], NONCE);
        if (final_of(&scram, message) != TG_REFUSED)
            fail_msg("accepted: c=%s", bindings[i]);
    }
    assert_int_equal(first(&scram, "y,a=b,n=user,r=x"), TG_OK);
    scram_server_first(&scram, "abcdefghijklmnopqrstuvwx", (const uint8_t[TG_SALT_LEN]){ 0 }, 4096);
    assert_int_equal(final_of(&scram, "c=eSxhPWIs,r=xabcdefghijklmnopqrstuvwx,p=" PROOF), TG_OK);
    assert_int_equal(final_of(&scram, "c=biws,r=xabcdefghijklmnopqrstuvwx,p=" PROOF), TG_REFUSED);
}

static void test_malformed_final_messages_are_refused(void **state)
{
    (void)state;
    struct scram scram;
    begin(&scram);
    static const char *const bad[] = {
        "", "p=" PROOF, "c=biws,r=" NONCE, "c=biws,r=" NONCE ",p=", "c=biws,r=" NONCE ",p=x", "c=biws,r=" NONCE ",v=" PROOF,
        "c=biws,r=" NONCE ",p=" PROOF "=", "c=biws,r=" NONCE ",p=" PROOF ",", "c=biws,r=" NONCE ",p=" PROOF ",x=y",
        "r=" NONCE ",c=biws,p=" PROOF, "r=" NONCE ",p=" PROOF, "c=biws,p=" PROOF, "c=biws,x=y,r=" NONCE ",p=" PROOF,
        "c=biws,r=" NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndQ==" /* 31 octets */,
        "c=biws,r=" NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVRV" /* 33 */,
        "c=biws,r=" NONCE ",p=dHzbZapWIk4jUhN-Ute9ytag9zjfMHgsqmmiz7AndVQ=" /* the other alphabet */,
        "c=biws,r=" NONCE ",p=" PROOF "\n", " c=biws,r=" NONCE ",p=" PROOF,
        "c=biws,r=" NONCE ",m=ext,p=" PROOF /* an extension that must be known */,
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (final_of(&scram, bad[i]) != TG_REFUSED)
            fail_msg("accepted: %s", bad[i]);
    static const char nul[] = "c=biws,r=" NONCE "\0,p=" PROOF;
    uint8_t proof[TG_SCRAM_KEY_LEN];
    assert_int_equal(scram_client_final(&scram, tg_span_of(nul, sizeof nul - 1), proof, NULL), TG_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_vector_of_rfc_7677),
        cmocka_unit_test(test_names_are_decoded),
        cmocka_unit_test(test_extensions_behind_the_nonce_are_no_matter),
        cmocka_unit_test(test_channel_binding_is_not_offered),
        cmocka_unit_test(test_malformed_first_messages_are_refused),
        cmocka_unit_test(test_a_nul_is_refused),
        cmocka_unit_test(test_lengths_are_bounded),
        cmocka_unit_test(test_the_longest_exchange_fits),
        cmocka_unit_test(test_another_nonce_is_refused),
        cmocka_unit_test(test_another_gs2_header_is_refused),
        cmocka_unit_test(test_malformed_final_messages_are_refused),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
