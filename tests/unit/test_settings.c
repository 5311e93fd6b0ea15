#include "tests/unit/test.h"
#include <stdio.h>
#include <unistd.h>
#include "schema/listen_address.h"
#include "schema/network.h"
#include "schema/settings.h"

static char path[] = "/tmp/tollgate-settings-XXXXXX";

static enum tg_code read_text(const char *text, struct tg_settings **settings, struct tg_error *err)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    return tg_settings_read(path, settings, err);
}

static void refused(const char *text, const char *line, const char *word, const char *another)
{
    struct tg_settings *s;
    struct tg_error err;
    char start[200];
    assert_int_equal(read_text(text, &s, &err), TG_UNUSABLE);
    assert_null(s);
    snprintf(start, sizeof start, "%s:%s", path, line);
    if (strncmp(err.text, start, strlen(start)) != 0 || strstr(err.text, word) == NULL || strstr(err.text, another) == NULL)
        fail_msg("%s: got: %s", text, err.text);
}

static void test_an_empty_file_works(void **state)
{
    (void)state;
    struct tg_settings *s;
    struct tg_error err;
    assert_ok(read_text("", &s, &err));
    assert_string_equal(s->user, "tollgate");
    assert_string_equal(s->store, "/var/lib/tollgate");
    assert_int_equal(s->max_recipients, 100);
    assert_int_equal(s->count, TG_COUNT_RECIPIENTS);
    assert_int_equal(s->unsubscribe, TG_UNSUBSCRIBE_WARN);
    assert_int_equal(s->sync, TG_SYNC_FULL);
    assert_true(s->check_sender_header);
    assert_false(s->require_tls);
    assert_int_equal(s->socket_mode_bits, 0660);
    assert_int_equal(s->auth_listen.count, 1);
    assert_string_equal(s->auth_listen.item[0], "unix:/run/tollgate/auth");
    assert_int_equal(s->mechanisms.count, 3);
    assert_int_equal(s->dict_listen.count, 0);
    assert_true(tg_list_has(&s->return_path_listeners, "returnpath"));
    assert_string_equal(s->return_path_canonical, "");
    assert_string_equal(tg_settings_log_level(s), "info");
    tg_settings_free(&s);
    assert_null(s);
}

static void test_what_is_set_is_read(void **state)
{
    (void)state;
    struct tg_settings *s;
    struct tg_error err;
    assert_ok(read_text("# a comment\nuser = \"\"\nauth_listen = {}\nmechanisms = {\"PLAIN\"}\ncount = messages\n"
                        "exhausted = \"reject\"\nmax_per_hour = 500\nrequire_tls = true\n"
                        "trusted_networks = {\"127.0.0.0/8\", \"2001:db8::/32\"}\nreturn_path_domain = \"RP.B\xc3\xbc" "cher.test\"\n"
                        "http_listen = {\"inet:[::1]:9125\"}\n", &s, &err));
    assert_string_equal(s->user, "");
    assert_int_equal(s->auth_listen.count, 0);
    assert_int_equal(s->mechanisms.count, 1);
    assert_int_equal(s->count, TG_COUNT_MESSAGES);
    assert_int_equal(s->exhausted, TG_EXHAUSTED_REJECT);
    assert_int_equal(s->max_per_hour, 500);
    assert_true(s->require_tls);
    assert_string_equal(s->return_path_canonical, "rp.xn--bcher-kva.test");
    struct tg_network in, out;
    assert_ok(tg_network_parse("127.5.0.1", false, &in, &err));
    assert_ok(tg_network_parse("10.0.0.1", false, &out, &err));
    assert_true(tg_settings_trusts(s, &in));
    assert_false(tg_settings_trusts(s, &out));
    tg_settings_free(&s);
}

static void test_a_wrong_option_names_its_file_line_and_what_is_allowed(void **state)
{
    (void)state;
    refused("\n\nmax_recipients = 0\n", "3:", "max_recipients", "1 to 100000");
    refused("nonsense = 1\n", "1:", "nonsense", "no such option");
    refused("nonsense = 1\n", "1:", "nonsense", "tollgate.conf(5) lists them");
    refused("Max-Recipients = 1\n", "1:", "Max-Recipients", "is 'max_recipients' meant?");
    refused("max_recipients = abc\n", "1:", "max_recipients", "allowed is 1 to 100000");
    refused("require_tls = maybe\n", "1:", "require_tls", "allowed is true or false");
    refused("max_recipients 5\n", "1:", "max_recipients", "NAME = VALUE");
    refused("auth_listen = {\"unix:/x\"\n", "2:", "premature end", "closing brace");
    refused("count = \"bytes\"\n", "1:", "count", "recipients|messages");
    refused("user = \"x\"\nauth_listen = {\"unix:/run/a\", \"tcp:1\"}\n", "2:", "auth_listen", "inet:HOST:PORT");
    refused("mechanisms = {\"PLAIN\", \"CRAM-MD5\"}\n", "1:", "CRAM-MD5", "SCRAM-SHA-256");
    refused("trusted_networks = {\"10.0.0.1/8\"}\n", "1:", "10.0.0.1/8", "prefix");
    refused("return_path_domain = \"no domain\"\n", "1:", "return_path_domain", "a domain name");
    refused("socket_mode = \"rw\"\n", "1:", "socket_mode", "octal");
    refused("store = \"relative\"\n", "1:", "store", "absolute");
    refused("payment_url = \"https://pay.example/\"\n", "1:", "payment_url", "%s");
    refused("mailer = \"\"\n", "1:", "mailer", "a command"); /* sh would take it for a success, and the mail were lost */
    refused("mailer = \" \"\n", "1:", "mailer", "a command");
    refused("mailer = \"\\n\"\n", "1:", "mailer", "a command");
    refused("mailer = \"# sendmail -t\"\n", "1:", "mailer", "a command");
    refused("terms_version = \"\"\n", "1:", "terms_version", "a word or a date"); /* nobody could accept them */
    refused("milter_listen = {}\n", "", "milter_listen", "exactly one");
    refused("max_recipients = many\n", "1:", "max_recipients", "");
    refused("log = \"stderr\n", "", "", "");
}

/* Of two lines one would be changed, and the other one count. */
static void test_an_option_that_is_set_twice_names_both_lines(void **state)
{
    (void)state;
    struct tg_settings *s;
    struct tg_error err;
    refused("max_per_hour = 5\n\nmax_per_hour = 6\n", "3:", "max_per_hour", "on line 1");
    refused("user = \"\"\nrequire_tls = true\nrequire_tls = true\n", "3:", "require_tls", "on line 2");
    assert_ok(read_text("mechanisms = {\"PLAIN\",\n  \"LOGIN\"}\n", &s, &err));
    assert_int_equal(s->mechanisms.count, 2);
    tg_settings_free(&s);
}

/* The rest of the file would be a string that nobody reads. */
static void test_a_quote_that_is_left_open_is_found_on_its_line(void **state)
{
    (void)state;
    struct tg_settings *s;
    struct tg_error err;
    refused("user = \"x\"\ncount = \"messages\"\"\nmax_per_hour = 5\n", "2:", "a quote", "not closed");
    refused("count = \"messages\"\"\nmax_per_hour = 5\nlog = \"stderr\"\n", "1:", "a quote", "not closed");
    refused("log = \"stderr\nmax_per_hour = 5\n", "1:", "a quote", "not closed");
    refused("# it's said\n\"", "2:", "a quote", "not closed");
    assert_ok(read_text("# don't \"\n// nor \"\n/* it's\n \" */\nmailer = \"a \\\" b\"\nlog = 'stderr' # it's\n", &s, &err));
    assert_string_equal(s->mailer, "a \" b");
    assert_string_equal(s->log, "stderr");
    tg_settings_free(&s);
}

static void test_what_is_wrong_is_one_line_that_can_be_shown(void **state)
{
    (void)state;
    struct tg_settings *s;
    struct tg_error err;
    refused("log = \"a\\nb\\x1b[31m\"\n", "1:", "\"a?b?[31m\"", "allowed is");
    char text[2000];
    memset(text, 'x', sizeof text);
    memcpy(text, "log = \"", 7);
    strcpy(text + sizeof text - 3, "\"\n");
    refused(text, "1:", "xxx", "allowed is"); /* what is allowed is said, however long the value */
    refused("user = \"\"\n\x19\x19;\n", "2:", "", "");
    assert_int_equal(read_text("\x19;", &s, &err), TG_UNUSABLE);
    assert_null(strstr(err.text, "nvalid argument"));
}

static void test_a_missing_file_is_one_sentence(void **state)
{
    (void)state;
    struct tg_settings *s;
    struct tg_error err;
    assert_int_equal(tg_settings_read("/nonexistent/tollgate.conf", &s, &err), TG_UNUSABLE);
    assert_non_null(strstr(err.text, "/nonexistent/tollgate.conf"));
}

static void test_the_sample_reads_as_the_defaults(void **state)
{
    (void)state;
    struct tg_settings *s;
    struct tg_error err;
    char line[1000], text[20000] = "";
    FILE *sample = tmpfile();
    assert_non_null(sample);
    tg_settings_write_sample(sample);
    rewind(sample);
    /* Every option uncommented: each default must be allowed. */
    while (fgets(line, sizeof line, sample) != NULL)
        strcat(text, line[0] == '#' && line[1] != ' ' ? line + 1 : line);
    fclose(sample);
    assert_non_null(strstr(text, "\nmax_recipients = 100\n"));
    assert_ok(read_text(text, &s, &err));
    tg_settings_free(&s);
}

static void test_listen_addresses(void **state)
{
    (void)state;
    struct tg_listen l;
    assert_true(tg_listen_parse("unix:/run/tollgate/auth", &l) && l.is_unix);
    assert_string_equal(l.path, "/run/tollgate/auth");
    assert_true(tg_listen_parse("inet:127.0.0.1:9125", &l) && !l.is_unix);
    assert_string_equal(l.host, "127.0.0.1");
    assert_int_equal(l.port, 9125);
    assert_true(tg_listen_parse("inet:[::1]:25", &l));
    assert_string_equal(l.host, "::1");
    const char *const bad[] = { "", "unix:", "unix:run", "inet:", "inet::25", "inet:h:", "inet:h:0", "inet:h:65536",
                                "inet:h:2x", "inet:::1:25", "inet:[::1]25", "inet:[::1:25", "tcp:h:25", "/run/x" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (tg_listen_parse(bad[i], &l))
            fail_msg("%s was taken", bad[i]);
    char longpath[200] = "unix:/";
    memset(longpath + 6, 'x', 120);
    assert_false(tg_listen_parse(longpath, &l));
}

static int end(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    close(mkstemp(path));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_file_works),
        cmocka_unit_test(test_what_is_set_is_read),
        cmocka_unit_test(test_a_wrong_option_names_its_file_line_and_what_is_allowed),
        cmocka_unit_test(test_an_option_that_is_set_twice_names_both_lines),
        cmocka_unit_test(test_a_quote_that_is_left_open_is_found_on_its_line),
        cmocka_unit_test(test_what_is_wrong_is_one_line_that_can_be_shown),
        cmocka_unit_test(test_a_missing_file_is_one_sentence),
        cmocka_unit_test(test_the_sample_reads_as_the_defaults),
        cmocka_unit_test(test_listen_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
