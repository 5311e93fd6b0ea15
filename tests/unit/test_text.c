#include "tests/unit/test.h"
#include "schema/text.h"

/* As RFC 3629 4 writes it, the slow way. */
static size_t expected_length(uint32_t point, char out[5])
{
    memset(out, 0, 5);
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 63));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (char)(0xe0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 63));
        out[2] = (char)(0x80 | (point & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | point >> 18);
    out[1] = (char)(0x80 | (point >> 12 & 63));
    out[2] = (char)(0x80 | (point >> 6 & 63));
    out[3] = (char)(0x80 | (point & 63));
    return 4;
}

static void test_every_character_of_unicode_is_known(void **state)
{
    (void)state;
    for (uint32_t point = 1; point < 0x120000; point++) {
        char text[5];
        size_t len = expected_length(point, text);
        bool exists = point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
        if (tg_utf8_length(text) != (exists ? len : 0))
            fail_msg("U+%04X", point);
    }
}

static void test_ill_formed_sequences_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
        "\xf5\x80\x80\x80", "\xff", "\xfe", "\xc3", "\xc3" "a", "\xe2\x82", "\xe2\x82" "a", "\xf0\x9f\x93", "\xf0\x9f" "aa",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(tg_utf8_length(bad[i]), 0);
}

static void test_clean_text_is_one_line_that_can_be_shown(void **state)
{
    (void)state;
    static const char *const clean[] = { "", "a", "J\xc3\xb6", "\xe2\x82\xac 5", "\xf0\x9f\x93\xa7", "\xc2\xa0" };
    static const char *const dirty[] = { "\n", "a\rb", "a\tb", "\x1b[31m", "\x7f", "\xc2\x85", "\xc2\x9b" "31m", "\xe2\x80\xa8",
                                         "\xe2\x80\xa9", "\xff", "J\xf6" };
    for (size_t i = 0; i < sizeof clean / sizeof *clean; i++)
        assert_true(tg_text_is_clean(clean[i], 10));
    for (size_t i = 0; i < sizeof dirty / sizeof *dirty; i++)
        assert_false(tg_text_is_clean(dirty[i], 10));
    assert_true(tg_text_is_clean("1234567890", 10));
    assert_false(tg_text_is_clean("12345678901", 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_character_of_unicode_is_known),
        cmocka_unit_test(test_ill_formed_sequences_are_none),
        cmocka_unit_test(test_clean_text_is_one_line_that_can_be_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
