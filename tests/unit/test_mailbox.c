#include "tests/unit/test.h"
#include "schema/mailbox.h"

static void assert_mailbox(const char *text, const char *local_part, const char *domain)
{
    struct tg_mailbox m;
    struct tg_error err;
    if (tg_mailbox_parse(tg_span_str(text), &m, &err) != TG_OK)
        fail_msg("%s: %s", text, err.text);
    assert_false(m.null_sender);
    assert_int_equal(m.local_part.len, strlen(local_part));
    assert_memory_equal(m.local_part.data, local_part, m.local_part.len);
    assert_string_equal(m.domain, domain);
}

static void assert_refused(const char *text, size_t len, const char *reason)
{
    struct tg_mailbox m;
    struct tg_error err;
    if (tg_mailbox_parse(tg_span_of(text, len), &m, &err) != TG_REFUSED)
        fail_msg("accepted: %s", text);
    if (strstr(err.text, reason) == NULL)
        fail_msg("\"%s\" instead of \"%s\": %s", err.text, reason, text);
    assert_string_equal(m.domain, "");
}

static void test_what_mail_servers_write_is_read(void **state)
{
    (void)state;
    assert_mailbox("<jo@example.com>", "jo", "example.com");
    assert_mailbox("jo@example.com", "jo", "example.com");
    assert_mailbox("<Jo.User+tag=x@EXAMPLE.com>", "Jo.User+tag=x", "example.com");
    assert_mailbox("<!#$%&'*+-/=?^_`{|}~@example.com>", "!#$%&'*+-/=?^_`{|}~", "example.com");
    assert_mailbox("<\"jo user\"@example.com>", "\"jo user\"", "example.com");
    assert_mailbox("<\"jo\\\"@evil.test\\\\\"@example.com>", "\"jo\\\"@evil.test\\\\\"", "example.com");
    assert_mailbox("<\"\"@example.com>", "\"\"", "example.com");
    assert_mailbox("<jo@example.com.>", "jo", "example.com");
}

static void test_utf8_addresses_are_read(void **state)
{
    (void)state;
    assert_mailbox("<j\xc3\xb6@m\xc3\xbcnchen.example>", "j\xc3\xb6", "xn--mnchen-3ya.example");
    assert_mailbox("<j\xc3\xb6@xn--mnchen-3ya.example>", "j\xc3\xb6", "xn--mnchen-3ya.example");
    assert_mailbox("<\"\xf0\x9f\x93\xa7 x\"@example.com>", "\"\xf0\x9f\x93\xa7 x\"", "example.com");
}

static void test_the_null_sender_is_known(void **state)
{
    (void)state;
    static const char *const nulls[] = { "<>", "" };
    for (size_t i = 0; i < 2; i++) {
        struct tg_mailbox m;
        struct tg_error err;
        assert_ok(tg_mailbox_parse(tg_span_str(nulls[i]), &m, &err));
        assert_true(m.null_sender);
        assert_string_equal(m.domain, "");
        assert_int_equal(m.local_part.len, 0);
    }
}

static void test_what_is_no_mailbox_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } cases[] = {
        { "<", "brackets" }, { ">", "malformed" }, { "<jo@example.com", "brackets" }, { "jo@example.com>", "" },
        { "<<jo@example.com>>", "malformed" }, { "<jo@example.com> SIZE=1", "brackets" }, { "< >", "malformed" },
        { "<jo>", "no domain" }, { "jo", "no domain" }, { "<\"jo\">", "no domain" }, { "<jo@>", "missing" },
        { "<@example.com>", "route" }, { "<@a.test,@b.test:jo@example.com>", "route" }, { "<@>", "route" },
        { "<jo@[192.0.2.1]>", "in place of a domain" }, { "<jo@[IPv6:::1]>", "in place of a domain" },
        { "<jo@192.0.2.1>", "address" }, { "<jo@localhost>", "single label" }, { "<jo@exa mple.com>", "characters" },
        { "<jo user@example.com>", "malformed" }, { "<.jo@example.com>", "malformed" }, { "<jo.@example.com>", "malformed" },
        { "<jo..user@example.com>", "malformed" }, { "<jo@evil.test@example.com>", "domain is wrong" },
        { "<\"jo@example.com>", "malformed" }, { "<\"jo\"x@example.com>", "malformed" }, { "<\"jo\\", "brackets" },
        { "\"jo\\", "malformed" }, { "\"", "malformed" }, { "<\"j\to\"@example.com>", "malformed" },
        { "<jo\r\n@example.com>", "malformed" }, { "<jo@example.com\n>", "domain is wrong" }, { "<\x7f@example.com>", "malformed" },
        { "<j\xf6@example.com>", "UTF-8" }, { "<j\xc0\x80@example.com>", "UTF-8" }, { "<j\xc2\x85@example.com>", "UTF-8" },
        { "<jo@exampl\xc3>", "UTF-8" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].text, strlen(cases[i].text), cases[i].reason);
    assert_refused("<jo@example.com\0.evil.test>", 27, "UTF-8");
    assert_refused("<j\0o@example.com>", 17, "UTF-8");
}

static void test_lengths_are_bounded(void **state)
{
    (void)state;
    char text[3000];
    for (int len = 60; len < 70; len++) {
        memset(text, 'a', sizeof text);
        strcpy(text + len, "@example.com");
        struct tg_mailbox m;
        assert_int_equal(tg_mailbox_parse(tg_span_str(text), &m, NULL), len <= 64 ? TG_OK : TG_REFUSED);
    }
    memset(text, 'a', sizeof text);
    assert_refused(text, sizeof text, "too long");
    memcpy(text, "jo@", 3);
    assert_refused(text, 260, "domain is wrong");
}

/* Nothing is read behind the end: a span is no string. */
static void test_it_ends_where_the_span_ends(void **state)
{
    (void)state;
    struct tg_mailbox m;
    struct tg_error err;
    assert_ok(tg_mailbox_parse(tg_span_of("jo@example.comXXX", 14), &m, &err));
    assert_string_equal(m.domain, "example.com");
    static const char utf8[] = "jo@example.com\xc3\xb6";
    assert_refused(utf8, sizeof utf8 - 2, "UTF-8");
}

static void test_one_recipient_has_one_text(void **state)
{
    (void)state;
    struct tg_arena *arena = tg_arena_new();
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        { "<Jo@Example.COM>", "Jo@example.com" }, { "Jo@example.com", "Jo@example.com" }, { "<jo@example.com>", "jo@example.com" },
        { "<jo@EXAMPLE.com.>", "jo@example.com." }, { "<jo@M\xc3\xbcnchen.EXAMPLE>", "jo@m\xc3\xbcnchen.example" },
        { "<\"A B\"@XN--Mnchen-3ya.example>", "\"A B\"@xn--mnchen-3ya.example" }, { "<nonsense>", "<nonsense>" },
        { "<jo@[192.0.2.1]>", "<jo@[192.0.2.1]>" }, { "<>", "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(tg_mailbox_canonical(arena, tg_span_str(cases[i].text)), cases[i].canonical);
    tg_arena_free(&arena);
}

static void test_it_is_written_as_any_mail_server_takes_it(void **state)
{
    (void)state;
    struct tg_arena *arena = tg_arena_new();
    static const struct {
        const char *text, *written;
        bool ascii;
    } cases[] = {
        { "Jo@example.com", "Jo@example.com", true },
        { "<jo@m\xc3\xbcnchen.example>", "jo@xn--mnchen-3ya.example", true },
        { "\"A B\"@M\xc3\x9cNCHEN.example.", "\"A B\"@xn--mnchen-3ya.example", true },
        { "j\xc3\xb6@m\xc3\xbcnchen.example", "j\xc3\xb6@m\xc3\xbcnchen.example", false },
        { "nonsense", "nonsense", true }, { "", "", true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool ascii = !cases[i].ascii;
        assert_string_equal(tg_mailbox_for_smtp(arena, tg_span_str(cases[i].text), &ascii), cases[i].written);
        assert_int_equal(ascii, cases[i].ascii);
    }
    tg_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_mail_servers_write_is_read),
        cmocka_unit_test(test_utf8_addresses_are_read),
        cmocka_unit_test(test_the_null_sender_is_known),
        cmocka_unit_test(test_what_is_no_mailbox_is_refused),
        cmocka_unit_test(test_lengths_are_bounded),
        cmocka_unit_test(test_it_ends_where_the_span_ends),
        cmocka_unit_test(test_one_recipient_has_one_text),
        cmocka_unit_test(test_it_is_written_as_any_mail_server_takes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
