#include "tests/unit/test.h"
#include "schema/money.h"

static struct tg_error err;

static int64_t parsed(const char *text, const char *currency)
{
    int64_t minor = -1;
    assert_ok(tg_money_parse(text, currency, &minor, &err));
    return minor;
}

static void test_prices_are_read_exactly(void **state)
{
    (void)state;
    assert_int_equal(parsed("9.90", "EUR"), 990);
    assert_int_equal(parsed("9.9", "EUR"), 990);
    assert_int_equal(parsed("9", "EUR"), 900);
    assert_int_equal(parsed("0.29", "EUR"), 29); /* 0.29 * 100 is 28.999… in floating point */
    assert_int_equal(parsed("1.10", "USD"), 110);
    assert_int_equal(parsed("0", "EUR"), 0);
    assert_int_equal(parsed("1500", "JPY"), 1500);
    assert_int_equal(parsed("1.234", "KWD"), 1234);
    assert_int_equal(parsed("1.2345", "CLF"), 12345);
    assert_int_equal(parsed("10000000000000.00", "EUR"), 1000000000000000);
}

static void test_what_is_no_price_is_refused(void **state)
{
    static const char *const euro[] = { "", "-1", "+1", "9,90", "9.", ".9", "9.905", "9.90 ", " 9.90", "9.9.0", "1e3", "0x10",
                                        "nan", "10000000000000.01", "99999999999999999999999" };
    int64_t minor;
    (void)state;
    for (size_t i = 0; i < sizeof euro / sizeof *euro; i++)
        assert_int_equal(tg_money_parse(euro[i], "EUR", &minor, &err), TG_USAGE);
    assert_int_equal(tg_money_parse("1500.0", "JPY", &minor, &err), TG_USAGE);
    assert_int_equal(tg_money_parse("1", "XYZ", &minor, &err), TG_USAGE);
    assert_non_null(strstr(err.text, "ISO 4217"));
}

static void test_currencies_have_their_minor_digits(void **state)
{
    (void)state;
    assert_int_equal(tg_currency_digits("EUR"), 2);
    assert_int_equal(tg_currency_digits("JPY"), 0);
    assert_int_equal(tg_currency_digits("KWD"), 3);
    assert_int_equal(tg_currency_digits("CLF"), 4);
    static const char *const none[] = { "", "eur", "EU", "EURO", "R E", "UR ", "XXX", "F D" };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_int_equal(tg_currency_digits(none[i]), -1);
}

static void test_amounts_are_written_as_they_are_read(void **state)
{
    char text[TG_MONEY_SIZE];
    (void)state;
    assert_string_equal(tg_money_text(990, "EUR", text), "9.90");
    assert_string_equal(tg_money_text(5, "EUR", text), "0.05");
    assert_string_equal(tg_money_text(0, "EUR", text), "0.00");
    assert_string_equal(tg_money_text(-5, "EUR", text), "-0.05");
    assert_string_equal(tg_money_text(1500, "JPY", text), "1500");
    assert_string_equal(tg_money_text(0, "JPY", text), "0");
    assert_string_equal(tg_money_text(1, "KWD", text), "0.001");
    assert_string_equal(tg_money_text(INT64_MIN, "EUR", text), "-92233720368547758.08");
    for (int64_t minor = 0; minor < 100000; minor += 37)
        assert_int_equal(parsed(tg_money_text(minor, "KWD", text), "KWD"), minor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prices_are_read_exactly),
        cmocka_unit_test(test_what_is_no_price_is_refused),
        cmocka_unit_test(test_currencies_have_their_minor_digits),
        cmocka_unit_test(test_amounts_are_written_as_they_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
