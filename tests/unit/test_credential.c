#include "tests/unit/test.h"
#include <sodium.h>
#include "schema/credential.h"

static struct tg_secret secret_of(const char *text)
{
    struct tg_secret secret = { 0 };
    strcpy(secret.text, text);
    return secret;
}

static void unbase64(const char *text, uint8_t *out, size_t size)
{
    size_t len;
    assert_int_equal(sodium_base642bin(out, size, text, strlen(text), NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL), 0);
    assert_int_equal(len, size);
}

static void test_usernames_are_twelve_letters_and_digits_and_begin_with_a_letter(void **state)
{
    (void)state;
    unsigned seen[256] = { 0 };
    for (int n = 0; n < 5000; n++) {
        char name[TG_USERNAME_LEN + 1];
        tg_username_make(name);
        assert_int_equal(strlen(name), TG_USERNAME_LEN);
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789"), TG_USERNAME_LEN);
        assert_true(name[0] >= 'a' && name[0] <= 'z');
        for (int i = 1; i < TG_USERNAME_LEN; i++)
            seen[(unsigned char)name[i]]++;
    }
    /* 55,000 draws of 36 letters: 1528 each; the bounds are ten standard deviations away. */
    for (const char *c = "abcdefghijklmnopqrstuvwxyz0123456789"; *c != '\0'; c++)
        assert_in_range(seen[(unsigned char)*c], 1140, 1920);
}

static void test_passwords_have_128_bits_and_no_look_alikes(void **state)
{
    (void)state;
    unsigned seen[256] = { 0 }, letters = 0;
    struct tg_secret one, two;
    for (int n = 0; n < 2000; n++) {
        tg_password_make(&one);
        assert_int_equal(strlen(one.text), TG_PASSWORD_LEN);
        assert_null(strpbrk(one.text, "0O1lI"));
        for (const char *c = one.text; *c != '\0'; c++)
            seen[(unsigned char)*c]++;
    }
    for (int c = 0; c < 256; c++)
        letters += seen[c] > 0;
    assert_int_equal(letters, 32); /* 28 letters of 5 bits */
    tg_password_make(&two);
    assert_string_not_equal(one.text, two.text);
    tg_secret_wipe(&two);
    for (size_t i = 0; i < sizeof two.text; i++)
        assert_int_equal(two.text[i], 0);
}

static void test_only_the_password_itself_matches(void **state)
{
    (void)state;
    struct tg_arena *arena = tg_arena_new();
    struct tg_secret password = secret_of("k3v9x2a8m7qd");
    Tg__Credential *c = tg_credential_make(arena, &password, NULL, 1000, 3);
    assert_int_equal(c->created_at, 1000);
    assert_int_equal(c->generation, 3);
    assert_int_equal(c->iterations, 4096);
    assert_int_equal(c->salt.len, TG_SALT_LEN);
    assert_int_equal(c->hash.len, 32);
    assert_true(tg_credential_matches(c, "k3v9x2a8m7qd", 12));
    assert_false(tg_credential_matches(c, "k3v9x2a8m7qd", 11));
    assert_false(tg_credential_matches(c, "k3v9x2a8m7qd\0", 13));
    assert_false(tg_credential_matches(c, "k3v9x2a8m7qe", 12));
    assert_false(tg_credential_matches(c, "", 0));
    assert_false(tg_credential_matches(NULL, "k3v9x2a8m7qd", 12));
    /* nowhere in what is kept */
    uint8_t packed[512];
    size_t size = tg__credential__pack(c, packed);
    assert_null(memmem(packed, size, "k3v9x2a8m7qd", 12));
    tg_arena_free(&arena);
}

static void test_each_credential_has_its_own_salt_unless_one_is_given(void **state)
{
    (void)state;
    struct tg_arena *arena = tg_arena_new();
    struct tg_secret password = secret_of("secret");
    Tg__Credential *a = tg_credential_make(arena, &password, NULL, 0, 1);
    Tg__Credential *b = tg_credential_make(arena, &password, NULL, 0, 2);
    Tg__Credential *c = tg_credential_make(arena, &password, a->salt.data, 0, 2);
    assert_memory_not_equal(a->salt.data, b->salt.data, TG_SALT_LEN);
    assert_memory_not_equal(a->hash.data, b->hash.data, 32);
    assert_memory_not_equal(a->stored_key.data, b->stored_key.data, 32);
    assert_memory_equal(a->salt.data, c->salt.data, TG_SALT_LEN);
    assert_memory_equal(a->stored_key.data, c->stored_key.data, 32);
    tg_arena_free(&arena);
}

static void test_a_damaged_credential_matches_nothing(void **state)
{
    (void)state;
    struct tg_arena *arena = tg_arena_new();
    struct tg_secret password = secret_of("");
    uint8_t zeros[TG_SALT_LEN] = { 0 }, proof[32] = { 0 }, signature[32];
    Tg__Credential *c = tg_credential_make(arena, &password, zeros, 0, 1);
    assert_true(tg_credential_matches(c, "", 0));
    c->hash.len = 0;
    assert_false(tg_credential_matches(c, "", 0));
    assert_false(tg_scram_check(c, tg_span_str("x"), proof, signature));
    tg__credential__init(c);
    assert_false(tg_credential_matches(c, "", 0));
    tg_arena_free(&arena);
}

static void test_a_credential_ends_at_its_expiry(void **state)
{
    (void)state;
    Tg__Credential c = TG__CREDENTIAL__INIT;
    assert_true(tg_credential_live(&c, 5));
    c.expires_at = 100;
    assert_true(tg_credential_live(&c, 99));
    assert_false(tg_credential_live(&c, 100));
    assert_false(tg_credential_live(NULL, 0));
}

/* RFC 7677, section 3. */
static const char auth_message[] =
    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

static void test_scram_agrees_with_the_example_of_rfc_7677(void **state)
{
    (void)state;
    struct tg_arena *arena = tg_arena_new();
    struct tg_secret password = secret_of("pencil");
    uint8_t salt[16], proof[32], expected[32], signature[32];
    unbase64("W22ZaJ0SNY7soEsUEjb6gQ==", salt, sizeof salt);
    unbase64("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", proof, sizeof proof);
    unbase64("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", expected, sizeof expected);
    Tg__Credential *c = tg_credential_make(arena, &password, salt, 0, 1);
    assert_true(tg_scram_check(c, tg_span_str(auth_message), proof, signature));
    assert_memory_equal(signature, expected, 32);
    tg_arena_free(&arena);
}

static void test_scram_refuses_another_proof_message_or_credential_and_signs_nothing(void **state)
{
    (void)state;
    struct tg_arena *arena = tg_arena_new();
    struct tg_secret password = secret_of("pencil"), other = secret_of("Pencil");
    uint8_t salt[16], proof[32], signature[32], zeros[32] = { 0 };
    unbase64("W22ZaJ0SNY7soEsUEjb6gQ==", salt, sizeof salt);
    unbase64("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", proof, sizeof proof);
    Tg__Credential *right = tg_credential_make(arena, &password, salt, 0, 1);
    Tg__Credential *wrong = tg_credential_make(arena, &other, salt, 0, 1);
    for (int bit = 0; bit < 256; bit++) {
        proof[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(signature, 'x', sizeof signature);
        assert_false(tg_scram_check(right, tg_span_str(auth_message), proof, signature));
        assert_memory_equal(signature, zeros, 32);
        proof[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_false(tg_scram_check(right, tg_span_of(auth_message, sizeof auth_message - 2), proof, signature));
    assert_false(tg_scram_check(wrong, tg_span_str(auth_message), proof, signature));
    memset(signature, 'x', sizeof signature);
    assert_false(tg_scram_check(NULL, tg_span_str(auth_message), proof, signature));
    assert_memory_equal(signature, zeros, 32);
    tg_arena_free(&arena);
}

static void test_decoy_salts_are_stable_and_differ_by_name_and_key(void **state)
{
    (void)state;
    uint8_t key[32] = { 1 }, key2[32] = { 2 }, a[16], b[16];
    tg_decoy_salt(key, "nobody", a);
    tg_decoy_salt(key, "nobody", b);
    assert_memory_equal(a, b, 16);
    tg_decoy_salt(key, "nobody2", b);
    assert_memory_not_equal(a, b, 16);
    tg_decoy_salt(key2, "nobody", b);
    assert_memory_not_equal(a, b, 16);
}

int main(void)
{
    struct tg_error err;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usernames_are_twelve_letters_and_digits_and_begin_with_a_letter),
        cmocka_unit_test(test_passwords_have_128_bits_and_no_look_alikes),
        cmocka_unit_test(test_only_the_password_itself_matches),
        cmocka_unit_test(test_each_credential_has_its_own_salt_unless_one_is_given),
        cmocka_unit_test(test_a_damaged_credential_matches_nothing),
        cmocka_unit_test(test_a_credential_ends_at_its_expiry),
        cmocka_unit_test(test_scram_agrees_with_the_example_of_rfc_7677),
        cmocka_unit_test(test_scram_refuses_another_proof_message_or_credential_and_signs_nothing),
        cmocka_unit_test(test_decoy_salts_are_stable_and_differ_by_name_and_key),
    };
    if (tg_crypto_init(&err) != TG_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
