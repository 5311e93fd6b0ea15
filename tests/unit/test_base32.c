#include "tests/unit/test.h"
#include "schema/base32.h"

/* RFC 4648, 10, in lower case and without padding. */
static const struct {
    const char *octets, *text;
} vectors[] = {
    { "", "" }, { "f", "my" }, { "fo", "mzxq" }, { "foo", "mzxw6" }, { "foob", "mzxw6yq" }, { "fooba", "mzxw6ytb" },
    { "foobar", "mzxw6ytboi" },
};

static void test_the_vectors_of_rfc_4648(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        size_t len = strlen(vectors[i].octets);
        char text[32];
        uint8_t octets[16];
        tg_base32_encode((const uint8_t *)vectors[i].octets, len, text);
        assert_string_equal(text, vectors[i].text);
        assert_int_equal(strlen(text), TG_BASE32_LEN(len));
        assert_true(tg_base32_decode(text, strlen(text), octets, len));
        assert_memory_equal(octets, vectors[i].octets, len);
    }
}

static void test_every_length_comes_back(void **state)
{
    (void)state;
    uint8_t in[64], out[64];
    char text[TG_BASE32_LEN(64) + 1];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 151 + 7);
    for (size_t len = 0; len <= sizeof in; len++) {
        tg_base32_encode(in, len, text);
        assert_int_equal(strlen(text), TG_BASE32_LEN(len));
        assert_true(tg_base32_decode(text, strlen(text), out, len));
        assert_memory_equal(in, out, len);
    }
}

static void test_any_case_is_read(void **state)
{
    (void)state;
    uint8_t out[6];
    assert_true(tg_base32_decode("MZXW6ytbOI", 10, out, 6));
    assert_memory_equal(out, "foobar", 6);
}

static void test_one_value_has_one_text(void **state)
{
    (void)state;
    uint8_t out[6];
    assert_true(tg_base32_decode("my", 2, out, 1));
    assert_false(tg_base32_decode("mz", 2, out, 1)); /* a bit behind the octet */
    assert_false(tg_base32_decode("m7", 2, out, 1));
    assert_false(tg_base32_decode("mzxr", 4, out, 2));
}

static void test_other_letters_and_lengths_are_refused(void **state)
{
    (void)state;
    uint8_t out[6];
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    for (int c = 0; c < 256; c++) {
        char text[] = { (char)c, 'a' };
        bool known = c != 0 && strchr(letters, c) != NULL;
        assert_true(tg_base32_decode(text, 2, out, 1) == known);
    }
    assert_false(tg_base32_decode("my", 2, out, 2));
    assert_false(tg_base32_decode("my======", 8, out, 1));
    assert_false(tg_base32_decode("mya", 3, out, 1));
    assert_false(tg_base32_decode("m", 1, out, 1));
    assert_false(tg_base32_decode("", 0, out, 1));
    assert_true(tg_base32_decode("", 0, out, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_vectors_of_rfc_4648),
        cmocka_unit_test(test_every_length_comes_back),
        cmocka_unit_test(test_any_case_is_read),
        cmocka_unit_test(test_one_value_has_one_text),
        cmocka_unit_test(test_other_letters_and_lengths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
