/* postconf.c: what postconf prints is read as Postfix means it. */
#include "admin/postconf.h"
#include "tests/unit/test.h"

static const char settings[] = "smtpd_milters = unix:/run/tollgate/milter\nmynetworks =\nempty = \nqueue_directory = /var/spool/postfix\n"
                               "transport_maps = inline:{a.test=smtp:[127.0.0.1]:99}\n"
                               "postconf: warning: nonsense: unknown parameter\nrelay_domains=b.test\n";
static const char services[] = "smtp       inet  n       -       y       -       -       smtpd\n"
                               "127.0.0.1:99 inet n - n - - smtpd -o smtpd_milters=\n"
                               "cleanup    unix  n       -       n       -       0       cleanup\n"
                               "# a comment is none of them\nbroken line\n";
static const char overrides[] = "127.0.0.1:99/inet/smtpd_milters =\n127.0.0.1:99/inet/milter_macro_daemon_name = returnpath\n";

static void test_settings_are_read_with_their_spaces_trimmed(void **state)
{
    (void)state;
    struct postfix *postfix = postfix_read(settings, services, overrides);
    assert_string_equal(postfix_setting(postfix, "smtpd_milters"), "unix:/run/tollgate/milter");
    assert_string_equal(postfix_setting(postfix, "mynetworks"), "");
    assert_string_equal(postfix_setting(postfix, "empty"), "");
    assert_string_equal(postfix_setting(postfix, "relay_domains"), "b.test");
    assert_string_equal(postfix_setting(postfix, "transport_maps"), "inline:{a.test=smtp:[127.0.0.1]:99}");
    assert_null(postfix_setting(postfix, "nonsense"));
    assert_null(postfix_setting(postfix, "smtpd"));
    postfix_free(&postfix);
    assert_null(postfix);
}

static void test_a_service_has_its_own_settings_before_those_of_main(void **state)
{
    (void)state;
    struct postfix *postfix = postfix_read(settings, services, overrides);
    const struct postfix_service *smtp = postfix_next(postfix, "smtpd", NULL), *report = postfix_next(postfix, "smtpd", smtp);
    assert_non_null(smtp);
    assert_non_null(report);
    assert_null(postfix_next(postfix, "smtpd", report));
    assert_null(postfix_next(postfix, "lmtp", NULL));
    assert_string_equal(smtp->name, "smtp");
    assert_string_equal(smtp->type, "inet");
    assert_true(smtp->chroot);
    assert_false(report->chroot);
    assert_string_equal(postfix_service_setting(postfix, smtp, "smtpd_milters"), "unix:/run/tollgate/milter");
    assert_false(postfix_overrides(postfix, smtp, "smtpd_milters"));
    assert_string_equal(postfix_service_setting(postfix, report, "smtpd_milters"), "");
    assert_true(postfix_overrides(postfix, report, "smtpd_milters"));
    assert_string_equal(postfix_service_setting(postfix, report, "relay_domains"), "b.test");
    assert_null(postfix_service_setting(postfix, report, "nonsense"));
    postfix_free(&postfix);
}

static void words_are(const char *list, const char *const *wanted)
{
    char word[64];
    for (; postfix_word(&list, word, sizeof word); wanted++) {
        assert_non_null(*wanted);
        assert_string_equal(word, *wanted);
    }
    assert_null(*wanted);
}
#define WORDS(list, ...) words_are(list, (const char *const[]){ __VA_ARGS__ __VA_OPT__(,) NULL })

static void test_lists_are_cut_where_postfix_cuts_them(void **state)
{
    (void)state;
    WORDS("");
    WORDS(" , ,\t");
    WORDS("a b,c,, d\n\te ", "a", "b", "c", "d", "e");
    WORDS("x { unix:/a, timeout=4s } y", "x", "unix:/a, timeout=4s", "y");
    WORDS("{a},{ b }", "a", "b");
    WORDS("inline:{a=b, c=d} z", "inline:{a=b, c=d}", "z");
    WORDS("{ a { b c } d }", "a { b c } d");
    WORDS("{ never closed, a", "never closed, a");
    WORDS("} a", "}", "a");
    assert_int_equal(postfix_count("a, b {c d}"), 3);
    assert_true(postfix_has("A.test, b.test", "a.test"));
    assert_false(postfix_has("a.test.x", "a.test"));
    char tiny[4];
    const char *list = "longer than that";
    assert_true(postfix_word(&list, tiny, sizeof tiny));
    assert_string_equal(tiny, "lon");
}

static void address_is(const char *text, const char *wanted)
{
    struct postfix *postfix = postfix_read(settings, "", "");
    char out[200];
    postfix_address(postfix, text, out, sizeof out);
    assert_string_equal(out, wanted);
    postfix_free(&postfix);
}

static void test_addresses_come_in_one_form(void **state)
{
    (void)state;
    address_is("unix:/run/x", "unix:/run/x");
    address_is("/run/x", "unix:/run/x");
    address_is("local:/run/x", "unix:/run/x");
    address_is("private/auth", "unix:/var/spool/postfix/private/auth");
    address_is("unix:private/auth", "unix:/var/spool/postfix/private/auth");
    address_is("inet:localhost:99", "inet:127.0.0.1:99");
    address_is("inet:[::1]:99", "inet:[::1]:99");
    address_is("unix:/run/x, default_action=accept", "unix:/run/x");
    address_is("", "");
}

static void test_a_command_that_is_not_there_is_told_apart_from_one_that_fails(void **state)
{
    (void)state;
    struct postfix *postfix;
    struct tg_error err = { 0 };
    assert_int_equal(postfix_ask("tollgate-no-such-command", &postfix, &err), TG_NOT_FOUND);
    assert_null(postfix);
    assert_int_equal(postfix_ask("echo postconf: fatal: it is broken; exit 1; true", &postfix, &err), TG_FAILED);
    assert_non_null(strstr(err.text, "it is broken"));
    assert_null(postfix);
    assert_ok(postfix_ask("echo a = 1; true", &postfix, &err));
    assert_string_equal(postfix_setting(postfix, "a"), "1");
    postfix_free(&postfix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_are_read_with_their_spaces_trimmed),
        cmocka_unit_test(test_a_service_has_its_own_settings_before_those_of_main),
        cmocka_unit_test(test_lists_are_cut_where_postfix_cuts_them),
        cmocka_unit_test(test_addresses_come_in_one_form),
        cmocka_unit_test(test_a_command_that_is_not_there_is_told_apart_from_one_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
