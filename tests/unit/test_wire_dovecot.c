#include "tests/unit/wire.h"
#include <stdio.h>
#include "authd/wire_dovecot.h"

static ssize_t read_bytes(const char *in, size_t len, struct dovecot_request *request)
{
    uint8_t *copy = exact_copy(in, len);
    ssize_t used = wire_dovecot_read(copy, len, request);
    point_back(&request->response, copy, in);
    free(copy);
    return used;
}

static struct dovecot_request read_line(const char *line)
{
    struct dovecot_request request;
    assert_int_equal(read_bytes(line, strlen(line), &request), (ssize_t)strlen(line));
    return request;
}

/* ---- requests, as Postfix and Exim write them (PROTOCOLS 5) ---- */

static void test_the_handshake_of_a_client(void **state)
{
    (void)state;
    struct dovecot_request r = read_line("VERSION\t1\t0\n");
    assert_int_equal(r.command, DOVECOT_VERSION);
    assert_int_equal(r.major, 1);
    r = read_line("CPID\t13827\n");
    assert_int_equal(r.command, DOVECOT_CPID);
    assert_int_equal(r.id, 13827);
}

static void test_auth_with_an_initial_response(void **state)
{
    (void)state;
    struct dovecot_request r = read_line(
        "AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=127.0.0.1\trip=192.0.2.7\tsecured\tresp=AGFsaWNlAHMzY3JldA==\n");
    assert_int_equal(r.command, DOVECOT_AUTH);
    assert_int_equal(r.id, 1);
    assert_string_equal(r.mechanism, "PLAIN");
    assert_string_equal(r.service, "smtp");
    assert_string_equal(r.remote, "192.0.2.7");
    assert_true(r.secured);
    assert_true(r.has_response);
    assert_span(r.response, "AGFsaWNlAHMzY3JldA==");
}

static void test_an_empty_initial_response_is_not_the_same_as_none(void **state)
{
    (void)state;
    struct dovecot_request r = read_line("AUTH\t3\tplain\tservice=smtp\n");
    assert_false(r.has_response);
    assert_string_equal(r.mechanism, "PLAIN");
    assert_false(r.secured);
    assert_string_equal(r.remote, "");
    r = read_line("AUTH\t3\tPLAIN\tservice=smtp\tresp=\n"); /* Exim has none and says so in this way */
    assert_false(r.has_response);
    r = read_line("AUTH\t7\tPLAIN\tservice=smtp\tresp==\n"); /* the client's "=", as Postfix passes it on */
    assert_true(r.has_response);
    assert_span(r.response, "");
    assert_true(read_line("AUTH\t7\tLOGIN\tsecured=tls\n").secured);
}

static void test_continuations_and_cancel(void **state)
{
    (void)state;
    struct dovecot_request r = read_line("CONT\t4\tYWxpY2U=\n");
    assert_int_equal(r.command, DOVECOT_CONT);
    assert_int_equal(r.id, 4);
    assert_span(r.response, "YWxpY2U=");
    r = read_line("CONT\t4294967295\t\n");
    assert_int_equal(r.id, 4294967295u);
    assert_span(r.response, "");
    r = read_line("CONT\t4\n");
    assert_span(r.response, "");
    r = read_line("CANCEL\t4\n");
    assert_int_equal(r.command, DOVECOT_CANCEL);
}

static void test_unknown_commands_are_ignored_as_the_protocol_wants(void **state)
{
    (void)state;
    assert_int_equal(read_line("SOMETHING\tnew\tand=more\n").command, DOVECOT_OTHER);
    assert_int_equal(read_line("\n").command, DOVECOT_OTHER);
    assert_int_equal(read_line("auth\t1\tPLAIN\n").command, DOVECOT_OTHER);
    assert_int_equal(read_line("\tAUTH\t1\n").command, DOVECOT_OTHER);
}

static void test_escapes_are_undone(void **state)
{
    (void)state;
    struct dovecot_request r = read_line("AUTH\t1\tPLAIN\tservice=a\001tb\0011c\001nd\001re\trip=::1\n");
    assert_string_equal(r.service, "a\tb\001c\nd\re");
    assert_string_equal(r.remote, "::1");
    /* NUL, an unknown escape, none at all: no value of ours has them. */
    assert_string_equal(read_line("AUTH\t1\tPLAIN\tservice=a\0010b\n").service, "");
    assert_string_equal(read_line("AUTH\t1\tPLAIN\tservice=a\001xb\n").service, "");
    assert_string_equal(read_line("AUTH\t1\tPLAIN\tservice=a\001\n").service, "");
}

static void test_what_does_not_fit_is_as_if_it_were_unknown(void **state)
{
    (void)state;
    struct dovecot_request r = read_line(
        "AUTH\t1\tA-MECHANISM-THAT-IS-TOO-LONG\tservice=0123456789012345678901234567890123456789\t"
        "rip=01234567890123456789012345678901234567890123456789012345678901234567890123456789\n");
    assert_string_equal(r.mechanism, "");
    assert_string_equal(r.service, "");
    assert_string_equal(r.remote, "");
}

/* ---- bounds ---- */

static const char session[] = "VERSION\t1\t0\nCPID\t13827\nAUTH\t1\tPLAIN\tservice=smtp\trip=192.0.2.7\tresp=AGE=\n"
                              "CONT\t1\tYWxpY2U=\nCANCEL\t1\n\nWHAT\n";

/* However a stream is cut into pieces, the same requests come out of it. */
static void test_a_stream_may_be_split_at_every_byte(void **state)
{
    (void)state;
    static const enum dovecot_command expected[] = { DOVECOT_VERSION, DOVECOT_CPID, DOVECOT_AUTH, DOVECOT_CONT,
                                                     DOVECOT_CANCEL, DOVECOT_OTHER, DOVECOT_OTHER };
    for (size_t piece = 1; piece <= sizeof session; piece++) {
        size_t at = 0, count = 0;
        for (size_t have = 0; at < sizeof session - 1;) {
            struct dovecot_request r;
            have = have + piece < sizeof session - 1 ? have + piece : sizeof session - 1;
            for (ssize_t used; (used = read_bytes(session + at, have - at, &r)) != 0; at += (size_t)used, count++) {
                assert_true(used > 0 && count < 7);
                assert_int_equal(r.command, expected[count]);
            }
        }
        assert_int_equal(count, 7);
    }
}

static void test_a_line_that_is_too_long_is_refused(void **state)
{
    (void)state;
    static char line[DOVECOT_LINE_MAX + 10];
    struct dovecot_request r;
    memset(line, 'x', sizeof line);
    assert_int_equal(read_bytes(line, DOVECOT_LINE_MAX - 1, &r), 0);
    assert_int_equal(read_bytes(line, DOVECOT_LINE_MAX, &r), -1);
    line[DOVECOT_LINE_MAX] = '\n'; /* one octet too late */
    assert_int_equal(read_bytes(line, DOVECOT_LINE_MAX + 1, &r), -1);
    line[DOVECOT_LINE_MAX - 1] = '\n';
    assert_int_equal(read_bytes(line, sizeof line, &r), DOVECOT_LINE_MAX);
    assert_int_equal(r.command, DOVECOT_OTHER);
}

static void test_malformed_lines_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "VERSION\n", "VERSION\t\n", "VERSION\tx\t0\n", "VERSION\t4294967296\t0\n", "VERSION\t-1\n", "CPID\n", "CPID\t\n",
        "CPID\t99999999999\n", "AUTH\n", "AUTH\t\tPLAIN\n", "AUTH\tPLAIN\t1\n", "AUTH\t1x\tPLAIN\n", "CONT\t\n", "CONT\t 1\tx\n",
        "CANCEL\n", "CANCEL\t0x1\n", "AUTH\t+1\tPLAIN\n",
    };
    static const char nul[] = "AUTH\t1\tPL\0AIN\n";
    struct dovecot_request r;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (read_bytes(lines[i], strlen(lines[i]), &r) != -1)
            fail_msg("read: %s", lines[i]);
    assert_int_equal(read_bytes(nul, sizeof nul - 1, &r), -1);
    assert_int_equal(read_bytes("", 0, &r), 0);
}

/* ---- answers ---- */

static void assert_out(const struct wire_text *out, const char *text)
{
    assert_true(wire_text_whole(out));
    if (out->len != strlen(text) || memcmp(out->data, text, out->len) != 0)
        fail_msg("%.*s instead of %s", (int)out->len, out->data, text);
}

static void test_the_handshake_of_the_server(void **state)
{
    (void)state;
    char *mechanisms[] = { (char *)"PLAIN", (char *)"LOGIN", (char *)"SCRAM-SHA-256" };
    struct wire_text out;
    wire_text_clear(&out);
    wire_dovecot_greeting(&out, mechanisms, 3, 13766, 1, "5d3ecbda");
    assert_out(&out, "VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nMECH\tSCRAM-SHA-256\tmutual-auth\n"
                     "SPID\t13766\nCUID\t1\nCOOKIE\t5d3ecbda\nDONE\n");
}

static void test_answers(void **state)
{
    (void)state;
    struct wire_text out;
    wire_text_clear(&out);
    wire_dovecot_cont(&out, 4, tg_span_str("Username:"));
    wire_dovecot_cont(&out, 5, tg_span_of(NULL, 0));
    wire_dovecot_ok(&out, 4294967295u, "alice");
    wire_dovecot_fail(&out, 6, "alice", false, NULL);
    wire_dovecot_fail(&out, 7, "", true, "this account is disabled");
    wire_dovecot_fail(&out, 8, NULL, false, "");
    assert_out(&out, "CONT\t4\tVXNlcm5hbWU6\nCONT\t5\t\nOK\t4294967295\tuser=alice\nFAIL\t6\tuser=alice\n"
                     "FAIL\t7\tuser_disabled\treason=this account is disabled\nFAIL\t8\n");
}

/* A name comes from the client and goes back: it must not become an answer of its own. */
static void test_nobody_writes_a_line_of_ours(void **state)
{
    (void)state;
    struct wire_text out;
    wire_text_clear(&out);
    wire_dovecot_fail(&out, 1, "a\nOK\t2\tuser=b\r\001", false, "x\nOK\t3\tuser=c\x7f");
    assert_out(&out, "FAIL\t1\tuser=a\001nOK\001t2\001tuser=b\001r\0011\treason=x OK 3 user=c \n");
    wire_text_clear(&out);
    wire_dovecot_ok(&out, 1, "a\tresp=x\n");
    assert_out(&out, "OK\t1\tuser=a\001tresp=x\001n\n");
}

static void test_a_challenge_that_is_too_long_is_said(void **state)
{
    (void)state;
    static uint8_t much[WIRE_TEXT_MAX];
    struct wire_text out;
    wire_text_clear(&out);
    wire_dovecot_cont(&out, 1, tg_span_of(much, sizeof much));
    assert_false(wire_text_whole(&out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_handshake_of_a_client),
        cmocka_unit_test(test_auth_with_an_initial_response),
        cmocka_unit_test(test_an_empty_initial_response_is_not_the_same_as_none),
        cmocka_unit_test(test_continuations_and_cancel),
        cmocka_unit_test(test_unknown_commands_are_ignored_as_the_protocol_wants),
        cmocka_unit_test(test_escapes_are_undone),
        cmocka_unit_test(test_what_does_not_fit_is_as_if_it_were_unknown),
        cmocka_unit_test(test_a_stream_may_be_split_at_every_byte),
        cmocka_unit_test(test_a_line_that_is_too_long_is_refused),
        cmocka_unit_test(test_malformed_lines_are_refused),
        cmocka_unit_test(test_the_handshake_of_the_server),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_nobody_writes_a_line_of_ours),
        cmocka_unit_test(test_a_challenge_that_is_too_long_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
