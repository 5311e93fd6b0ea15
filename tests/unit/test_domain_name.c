#include "tests/unit/test.h"
#include <stdio.h>
#include "schema/domain_name.h"

static void assert_canonical(const char *text, const char *canonical)
{
    char out[TG_DOMAIN_MAX + 1], again[TG_DOMAIN_MAX + 1];
    struct tg_error err;
    if (tg_domain_name(tg_span_str(text), out, &err) != TG_OK)
        fail_msg("%s: %s", text, err.text);
    assert_string_equal(out, canonical);
    assert_ok(tg_domain_name(tg_span_str(out), again, &err));
    assert_string_equal(again, out);
}

static void assert_no_name(struct tg_span text, const char *reason)
{
    char out[TG_DOMAIN_MAX + 1] = "untouched";
    struct tg_error err;
    if (tg_domain_name(text, out, &err) != TG_USAGE)
        fail_msg("%.*s is read as %s", (int)text.len, (const char *)text.data, out);
    if (strstr(err.text, reason) == NULL)
        fail_msg("\"%s\" instead of \"%s\": %.*s", err.text, reason, (int)text.len, (const char *)text.data);
    assert_string_equal(out, "");
}

static void test_one_domain_has_one_name(void **state)
{
    (void)state;
    assert_canonical("example.com", "example.com");
    assert_canonical("EXAMPLE.Com.", "example.com");
    assert_canonical("m\xc3\xbcnchen.de", "xn--mnchen-3ya.de");
    assert_canonical("M\xc3\x9cNCHEN.DE", "xn--mnchen-3ya.de");
    assert_canonical("XN--Mnchen-3YA.de", "xn--mnchen-3ya.de");
    assert_canonical("mu\xcc\x88nchen.de", "xn--mnchen-3ya.de");        /* not composed */
    assert_canonical("fa\xc3\x9f.de", "xn--fa-hia.de");                 /* non-transitional */
    assert_canonical("example\xe3\x80\x82" "com", "example.com");       /* ideographic full stop */
    assert_canonical("\xef\xbd\x85xample.com", "example.com");          /* fullwidth e */
    assert_canonical("1.2.3.a", "1.2.3.a");
}

static void test_what_is_no_domain_name_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } cases[] = {
        { "", "missing" }, { ".", "missing" }, { "..", "label" }, { "com", "single label" }, { "com.", "single label" },
        { "a..b", "empty label" }, { ".a.b", "empty label" }, { "a.b..", "empty label" }, { "a b.com", "characters" },
        { "a_b.com", "characters" }, { "a@b.com", "characters" }, { "a/b.com", "characters" }, { "a\n.com", "characters" },
        { "*.example.com", "characters" }, { "-a.com", "hyphen" }, { "a-.com", "hyphen" }, { "a.-", "hyphen" },
        { "127.0.0.1", "address" }, { "0x7f.1", "address" }, { "127.0x1", "address" }, { "1.0x", "address" },
        { "[192.0.2.1]", "characters" }, { "[::1]", "" }, { "xn--a.com", "" }, { "xn--.com", "" },
        { "xn--mnchen-3y.de", "" }, { "xn--exampl.com", "" }, { "\xff.com", "" }, { "a\xc3", "" },
        { "\xe2\x80\x8b.com", "label" }, /* nothing is left of the first label */
        { "a\xef\xbc\x8f" "b.com", "" }, /* fullwidth solidus */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_no_name(tg_span_str(cases[i].text), cases[i].reason);
    assert_no_name(tg_span_of("a.com\0.evil.test", 16), "NUL");
    assert_no_name(tg_span_of("\0a.com", 6), "NUL");
}

static void test_lengths_are_bounded(void **state)
{
    (void)state;
    char name[2000], out[TG_DOMAIN_MAX + 1];
    struct tg_error err;
    memset(name, 'a', sizeof name);
    strcpy(name + 63, ".com");
    assert_canonical(name, name);
    memset(name, 'a', 64);
    strcpy(name + 64, ".com");
    assert_no_name(tg_span_str(name), "");
    /* 253 octets and one more: four labels of 63 less 2 with their dots. */
    for (size_t len = 253; len <= 254; len++) {
        memset(name, 'a', sizeof name);
        for (size_t dot = 63; dot < len; dot += 64)
            name[dot] = '.';
        name[len] = '\0';
        assert_int_equal(tg_domain_name(tg_span_str(name), out, &err), len == 253 ? TG_OK : TG_USAGE);
    }
    memset(name, 'a', sizeof name);
    assert_no_name(tg_span_of(name, sizeof name), "too long");
    /* Short as U-labels, too long as A-labels. */
    name[0] = '\0';
    for (int i = 0; i < 30; i++)
        strcat(name, "\xe5\xb1\xb1\xe7\x94\xb0.");
    strcat(name, "com");
    assert_no_name(tg_span_str(name), "");
}

static void test_it_ends_where_the_span_ends(void **state)
{
    (void)state;
    char out[TG_DOMAIN_MAX + 1];
    struct tg_error err;
    assert_ok(tg_domain_name(tg_span_of("example.com/x", 11), out, &err));
    assert_string_equal(out, "example.com");
}

static void test_names_that_older_programs_read_otherwise_are_known(void **state)
{
    (void)state;
    assert_true(tg_domain_name_is_ambiguous(tg_span_str("fa\xc3\x9f.de")));
    assert_true(tg_domain_name_is_ambiguous(tg_span_str("\xcf\x83\xcf\x82.gr.")));
    assert_false(tg_domain_name_is_ambiguous(tg_span_str("xn--fa-hia.de")));
    assert_false(tg_domain_name_is_ambiguous(tg_span_str("fass.de")));
    assert_false(tg_domain_name_is_ambiguous(tg_span_str("M\xc3\x9cNCHEN.de.")));
    assert_false(tg_domain_name_is_ambiguous(tg_span_str("nonsense")));
    assert_false(tg_domain_name_is_ambiguous(tg_span_of(NULL, 0)));
}

static void test_names_are_shown_as_people_write_them(void **state)
{
    (void)state;
    char out[TG_DOMAIN_MAX + 1], little[8];
    tg_domain_name_display("xn--mnchen-3ya.de", out, sizeof out);
    assert_string_equal(out, "m\xc3\xbcnchen.de");
    tg_domain_name_display("example.com", out, sizeof out);
    assert_string_equal(out, "example.com");
    tg_domain_name_display("xn--a.com", out, sizeof out);
    assert_string_equal(out, "xn--a.com");
    tg_domain_name_display("xn--mnchen-3ya.de", little, sizeof little);
    assert_int_equal(strlen(little), sizeof little - 1);
}

static void test_public_suffixes_are_known(void **state)
{
    (void)state;
    static const char *const suffixes[] = { "co.uk", "github.io", "com" };
    static const char *const names[] = { "example.com", "example.co.uk", "me.github.io", "example.internal", "corp.test" };
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        assert_true(tg_domain_is_public_suffix(suffixes[i]));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_false(tg_domain_is_public_suffix(names[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_domain_has_one_name),
        cmocka_unit_test(test_what_is_no_domain_name_is_refused),
        cmocka_unit_test(test_lengths_are_bounded),
        cmocka_unit_test(test_it_ends_where_the_span_ends),
        cmocka_unit_test(test_names_that_older_programs_read_otherwise_are_known),
        cmocka_unit_test(test_names_are_shown_as_people_write_them),
        cmocka_unit_test(test_public_suffixes_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
