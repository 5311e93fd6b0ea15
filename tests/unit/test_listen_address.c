#include "tests/unit/test.h"
#include <stdio.h>
#include "schema/listen_address.h"

static void test_addresses_of_sockets_are_read(void **state)
{
    (void)state;
    struct tg_listen l;
    assert_true(tg_listen_parse("unix:/run/tollgate/auth", &l));
    assert_true(l.is_unix);
    assert_string_equal(l.path, "/run/tollgate/auth");
    static const struct {
        const char *text, *host;
        unsigned port;
    } inet[] = {
        { "inet:127.0.0.1:9125", "127.0.0.1", 9125 }, { "inet:localhost:1", "localhost", 1 },
        { "inet:[::1]:65535", "::1", 65535 }, { "inet:[127.0.0.1]:25", "127.0.0.1", 25 },
    };
    for (size_t i = 0; i < sizeof inet / sizeof *inet; i++) {
        assert_true(tg_listen_parse(inet[i].text, &l));
        assert_false(l.is_unix);
        assert_string_equal(l.host, inet[i].host);
        assert_int_equal(l.port, inet[i].port);
    }
}

static void test_what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "unix:", "unix:run/auth", "unix", "inet:", "inet:25", "inet::25", "inet:[]:25", "inet:host", "inet:host:",
        "inet:host:0", "inet:host:65536", "inet:host:99999", "inet:host:100000", "inet:host:-1", "inet:host:+25", "inet:host: 25",
        "inet:host:25 ", "inet:host:2x", "inet:::1:25", "inet:[::1]", "inet:[::1]25", "inet:[::1:25", "inet:[::1]x:25",
        "INET:host:25", "tcp:host:25", "/run/auth", "inet:[::1]:", "local:/x",
    };
    struct tg_listen l;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (tg_listen_parse(bad[i], &l))
            fail_msg("read: %s", bad[i]);
}

static void test_what_does_not_fit_is_refused(void **state)
{
    (void)state;
    char text[300];
    struct tg_listen l;
    for (int len = 100; len < 120; len++) {
        snprintf(text, sizeof text, "unix:/%0*d", len - 1, 0);
        assert_true(tg_listen_parse(text, &l) == (len <= 107)); /* sockaddr_un's path, with its NUL */
    }
    for (int len = 60; len < 70; len++) {
        snprintf(text, sizeof text, "inet:%0*d:25", len, 0);
        assert_true(tg_listen_parse(text, &l) == (len <= 63));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_of_sockets_are_read),
        cmocka_unit_test(test_what_is_no_address_is_refused),
        cmocka_unit_test(test_what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
