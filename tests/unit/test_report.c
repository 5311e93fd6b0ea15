#include "tests/unit/test.h"
#include <gmime/gmime.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include "milter/report.h"

struct fixture {
    struct tg_arena *arena;
    struct report report;
};

static int setup(void **state)
{
    struct fixture *f = tg_xcalloc(1, sizeof *f);
    f->arena = tg_arena_new();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    tg_arena_free(&f->arena);
    free(f);
    return 0;
}

static void read_text(struct fixture *f, const char *text)
{
    report_read(f->arena, tg_span_str(text), &f->report);
}

static void assert_entry(struct fixture *f, size_t i, enum report_kind kind, const char *recipient, const char *status, const char *diagnostic)
{
    assert_true(i < f->report.count);
    assert_string_equal(report_kind_name(f->report.entry[i].kind), report_kind_name(kind));
    assert_string_equal(f->report.entry[i].recipient, recipient);
    assert_string_equal(f->report.entry[i].status, status);
    assert_string_equal(f->report.entry[i].diagnostic, diagnostic);
}

static void assert_unknown(struct fixture *f)
{
    assert_int_equal(f->report.count, 1);
    assert_entry(f, 0, REPORT_UNKNOWN, "", "", "");
}

#define DSN_HEAD                                                                                  \
    "From: MAILER-DAEMON@dest.test\nTo: token@rp.test\nSubject: Undelivered\nMIME-Version: 1.0\n" \
    "Content-Type: multipart/report; report-type=delivery-status; boundary=\"B/1\"\n\n"           \
    "This is a MIME message.\n\n--B/1\nContent-Type: text/plain\n\nSorry.\n\n"
#define DSN(groups) DSN_HEAD "--B/1\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.dest.test\n" \
                             "Arrival-Date: Tue, 24 Nov 2026 10:00:00 +0000\n\n" groups "\n--B/1--\n"

static void test_a_report_of_postfix_is_read(void **state)
{
    struct fixture *f = *state;
    read_text(f, DSN("Final-Recipient: rfc822; bob@dest.test\nOriginal-Recipient: rfc822;bob+2Btag@orig.test\nAction: failed\n"
                     "Status: 5.1.1\nRemote-MTA: dns; mx.dest.test\nDiagnostic-Code: smtp; 550 5.1.1 <bob@dest.test>:\n"
                     "    Recipient address rejected:\n\tUser unknown\n"));
    assert_int_equal(f->report.count, 1);
    assert_entry(f, 0, REPORT_HARD, "bob+tag@orig.test", "5.1.1",
                 "smtp; 550 5.1.1 <bob@dest.test>: Recipient address rejected: User unknown");
}

static void test_crlf_and_any_case(void **state)
{
    struct fixture *f = *state;
    read_text(f, "content-TYPE: Multipart/REPORT; Boundary=b\r\nMIME-Version: 1.0\r\n\r\n--b\r\nContent-Type: Message/Delivery-Status\r\n\r\n"
                 "reporting-mta: dns;x\r\n\r\nFINAL-RECIPIENT: RFC822;bob@dest.test\r\nACTION: Failed\r\nstatus: 4.4.1\r\n\r\n--b--\r\n");
    assert_int_equal(f->report.count, 1);
    assert_entry(f, 0, REPORT_SOFT, "bob@dest.test", "4.4.1", "");
}

static void test_kinds(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *action, *status;
        enum report_kind kind;
    } cases[] = {
        { "failed", "5.1.1", REPORT_HARD }, { "failed", "5.7.1", REPORT_HARD }, { "failed", "5.2.2", REPORT_SOFT },
        { "failed", "4.2.2", REPORT_SOFT }, { "failed", "nonsense", REPORT_HARD }, { "delayed", "4.4.1", REPORT_DELAYED },
        { "delivered", "2.0.0", REPORT_DELIVERED }, { "relayed", "2.0.0", REPORT_DELIVERED }, { "expanded", "2.0.0", REPORT_DELIVERED },
        { "surprised", "5.0.0", REPORT_UNKNOWN }, { "failed (bounced)", "5.0.0", REPORT_HARD },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[2000];
        snprintf(text, sizeof text, DSN("Final-Recipient: rfc822; bob@dest.test\nAction: %s\nStatus: %s\n"), cases[i].action, cases[i].status);
        read_text(f, text);
        assert_int_equal(f->report.count, 1);
        assert_entry(f, 0, cases[i].kind, "bob@dest.test", cases[i].status, "");
    }
}

static void test_every_recipient_has_its_entry(void **state)
{
    struct fixture *f = *state;
    read_text(f, DSN("Final-Recipient: rfc822; a@dest.test\nAction: failed\nStatus: 5.0.0\n\n\n"
                     "Final-Recipient: rfc822; b@dest.test\nAction: delayed\nStatus: 4.0.0\n\n"
                     "Final-Recipient: rfc822; without-an-action@dest.test\n\n"
                     "Action: failed\n"));
    assert_int_equal(f->report.count, 3);
    assert_entry(f, 0, REPORT_HARD, "a@dest.test", "5.0.0", "");
    assert_entry(f, 1, REPORT_DELAYED, "b@dest.test", "4.0.0", "");
    assert_entry(f, 2, REPORT_HARD, "", "", "");
}

static void test_encoded_parts_are_decoded(void **state)
{
    struct fixture *f = *state;
    read_text(f, DSN_HEAD "--B/1\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n"
                          "UmVwb3J0aW5nLU1UQTogZG5zO3gKCkZpbmFsLVJlY2lwaWVudDogcmZjODIyO2JvYkBkZXN0\n"
                          "LnRlc3QKQWN0aW9uOiBmYWlsZWQKU3RhdHVzOiA1LjEuMQo=\n--B/1--\n");
    assert_int_equal(f->report.count, 1);
    assert_entry(f, 0, REPORT_HARD, "bob@dest.test", "5.1.1", "");
}

static void test_internationalised_reports(void **state)
{
    struct fixture *f = *state;
    read_text(f, "Content-Type: multipart/report; boundary=b\nMIME-Version: 1.0\n\n--b\nContent-Type: message/global-delivery-status\n\n"
                 "Reporting-MTA: dns;x\n\nFinal-Recipient: utf-8; j\xc3\xb6@dest.test\nAction: failed\nStatus: 5.1.1\n\n--b--\n");
    assert_int_equal(f->report.count, 1);
    assert_string_equal(f->report.entry[0].status, "5.1.1");
}

static void test_a_complaint_is_read(void **state)
{
    struct fixture *f = *state;
    read_text(f, "Content-Type: multipart/report; report-type=feedback-report; boundary=b\nMIME-Version: 1.0\n\n--b\n\nspam\n--b\n"
                 "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n"
                 "Original-Rcpt-To: <bob@dest.test>\n\n--b\nContent-Type: message/rfc822\n\nFrom: a@good.test\n\nx\n--b--\n");
    assert_int_equal(f->report.count, 1);
    assert_entry(f, 0, REPORT_COMPLAINT, "bob@dest.test", "", "");
}

static void test_a_report_in_a_returned_message_is_not_this_report(void **state)
{
    struct fixture *f = *state;
    read_text(f, DSN_HEAD "--B/1\nContent-Type: message/rfc822\n\nContent-Type: multipart/report; boundary=c\nMIME-Version: 1.0\n\n"
                          "--c\nContent-Type: message/delivery-status\n\nReporting-MTA: dns;x\n\nAction: failed\nStatus: 5.0.0\n--c--\n\n--B/1--\n");
    assert_unknown(f);
}

static void test_what_is_no_report_is_unknown(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "", "\n", "x", "Subject: Out of office\n\nI am away.\n", DSN(""), DSN("\n\n\n"), DSN("no colon here\n"),
        "Content-Type: multipart/report; boundary=b\n\n", "Content-Type: multipart/report\n\n--b\n",
        "Content-Type: message/delivery-status\n\n", "Content-Type: text/plain\n\nAction: failed\nStatus: 5.1.1\n",
        "Content-Type: \n\n", ":\n\n", "\r\r\r", "--b\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        read_text(f, texts[i]);
        assert_unknown(f);
    }
    report_read(f->arena, tg_span_of(NULL, 0), &f->report);
    assert_unknown(f);
}

/* ---- hostile ---- */

static void test_texts_are_one_line_and_printable(void **state)
{
    struct fixture *f = *state;
    char text[6000] = DSN_HEAD "--B/1\nContent-Type: message/delivery-status\n\nReporting-MTA: x\n\nAction: failed\nStatus: 5.1.1 and more than that\n"
                               "Final-Recipient: rfc822;\x1b[31mbob+0D+0A+00+20+3C@dest.test\nDiagnostic-Code: \x01\x7f\xff  a\t\tb\x0c ";
    for (int i = 0; i < 500; i++)
        strcat(text, "word ");
    strcat(text, "\n\n--B/1--\n");
    read_text(f, text);
    assert_int_equal(f->report.count, 1);
    for (size_t i = 0; i < 3; i++) {
        const char *texts[] = { f->report.entry[0].recipient, f->report.entry[0].status, f->report.entry[0].diagnostic };
        for (const char *c = texts[i]; *c != '\0'; c++)
            assert_true(*c >= ' ' && *c < 0x7f);
        assert_true(strlen(texts[i]) <= 320);
    }
    assert_in_range(strlen(f->report.entry[0].diagnostic), 190, 200);
    assert_memory_equal(f->report.entry[0].diagnostic, "a b word word", 13);
    assert_string_equal(f->report.entry[0].status, "5.1.1 and mo");
    /* What xtext would smuggle in stays as it was written. */
    assert_non_null(strstr(f->report.entry[0].recipient, "+0D+0A+00+20"));
    assert_null(strpbrk(f->report.entry[0].recipient, "<>"));
}

static void test_recipients_are_bounded(void **state)
{
    struct fixture *f = *state;
    char *text = tg_xmalloc(1 << 20), *at = text;
    at += sprintf(at, "%s--B/1\nContent-Type: message/delivery-status\n\nReporting-MTA: x\n\n", DSN_HEAD);
    for (int i = 0; i < 10000; i++)
        at += sprintf(at, "Final-Recipient: rfc822;u%d@dest.test\nAction: failed\n\n", i);
    sprintf(at, "--B/1--\n");
    read_text(f, text);
    assert_int_equal(f->report.count, REPORT_RECIPIENTS);
    assert_string_equal(f->report.entry[99].recipient, "u99@dest.test");
    free(text);
}

struct hostile {
    struct fixture *f;
    struct tg_span text;
};

static void *read_in_thread(void *arg)
{
    struct hostile *h = arg;
    report_read(h->f->arena, h->text, &h->f->report);
    return NULL;
}

/* In a thread whose stack is small: what recurses deeply dies here, before it does in a milter's thread. */
static void read_with_little_stack(struct fixture *f, struct tg_span text)
{
    struct hostile h = { f, text };
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    assert_int_equal(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attributes, read_in_thread, &h), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

/* "%d" in it is the level. */
static void nest(struct fixture *f, const char *prefix, size_t prefix_len, const char *level)
{
    char *text = tg_xmalloc(REPORT_MAX_BYTES + 1000);
    size_t len = prefix_len;
    memcpy(text, prefix, prefix_len);
    for (int i = 0; len < REPORT_MAX_BYTES - 300 && i < 8000; i++) {
        char one[300];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        int n = snprintf(one, sizeof one, level, i, i);
#pragma GCC diagnostic pop
        memcpy(text + len, one, (size_t)n);
        len += (size_t)n;
    }
    read_with_little_stack(f, tg_span_of(text, len));
    free(text);
}

static void test_what_nests_deeply_is_not_descended_into(void **state)
{
    struct fixture *f = *state;
    static const char hidden[] = "X: \0\n";
    static const char *const levels[] = {
        "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n",
        "Content-Type: multipart /mixed; boundary=b%d\n\n--b%d\n",
        "Content-Type: multipart\t/\tmixed; boundary=b%d\n\n--b%d\n",
        "Content-Type: multipart\n /mixed; boundary=b%d\n\n--b%d\n",
        "Content-Type: multipart(comment)/mixed; boundary=b%d\n\n--b%d\n",
        "Content-Type: MULTIPART/x; boundary*=us-ascii''b%d\n\n--b%d\n",
        "Content-Type: multipart/digest; boundary=b%d\n\n--b%d\n\n",
        "Content-Type: message/rfc822; x=%d%d\n\n",
        "Content-Type: message /rfc822; x=%d%d\n\n",
        "Content-Type: message(%d%d)/rfc822\n\n",
        "Content-Type: message\n /\n news; x=%d%d\n\n",
    };
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        nest(f, "", 0, levels[i]);
        assert_true(f->report.count >= 1);
        /* A NUL hides nothing. */
        nest(f, hidden, sizeof hidden - 1, levels[i]);
        assert_true(f->report.count >= 1);
    }
}

static void test_a_report_may_be_cut_anywhere(void **state)
{
    struct fixture *f = *state;
    static const char text[] = DSN("Final-Recipient: rfc822; bob@dest.test\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; x\n y\n");
    for (size_t len = 0; len < sizeof text; len++) {
        char *copy = tg_xmalloc(len > 0 ? len : 1);
        memcpy(copy, text, len);
        report_read(f->arena, tg_span_of(copy, len), &f->report);
        assert_int_equal(f->report.count, 1);
        free(copy);
    }
}

/* Only so much is looked at; what stands there in full counts. */
static void test_a_huge_message_is_looked_at_in_part(void **state)
{
    struct fixture *f = *state;
    size_t size = 4 * REPORT_MAX_BYTES;
    char *text = tg_xmalloc(size);
    static const char dsn[] = DSN("Final-Recipient: rfc822; bob@dest.test\nAction: failed\nStatus: 5.1.1\n");
    memset(text, 'x', size);
    memcpy(text, dsn, sizeof dsn - 1);
    report_read(f->arena, tg_span_of(text, size), &f->report);
    assert_entry(f, 0, REPORT_HARD, "bob@dest.test", "5.1.1", "");
    memset(text, '\n', size);
    memcpy(text + REPORT_MAX_BYTES, dsn, sizeof dsn - 1);
    report_read(f->arena, tg_span_of(text, size), &f->report);
    assert_unknown(f);
    free(text);
}

/* A megabyte of what costs an object for every few octets. */
static void assert_costs_little(struct fixture *f, const char *head, const char *again, enum report_kind kind)
{
    const size_t size = REPORT_MAX_BYTES;
    char *text = tg_xmalloc(size);
    size_t len = strlen(head), more = strlen(again);
    memcpy(text, head, len);
    for (; len + more <= size; len += more)
        memcpy(text + len, again, more);
    size_t before = mallinfo2().uordblks;
    clock_t began = clock();
    report_read(f->arena, tg_span_of(text, len), &f->report);
    assert_true(clock() - began < 2 * CLOCKS_PER_SEC); /* tens of milliseconds, or many seconds */
    assert_true(mallinfo2().uordblks - before < 16 * (size_t)REPORT_MAX_BYTES); /* the copy, and what the arena keeps */
    assert_string_equal(report_kind_name(f->report.entry[0].kind), report_kind_name(kind));
    free(text);
}

/* More charsets than the C library keeps loaded. */
#define WORDS(in_front, behind) in_front "iso-2022-kr" behind " " in_front "euc-tw" behind " " in_front "big5" behind " " \
    in_front "johab" behind " " in_front "iso-2022-cn-ext" behind " " in_front "iso-2022-jp" behind " " in_front "gb18030" behind

static void test_many_small_things_cost_little(void **state)
{
    struct fixture *f = *state;
    assert_costs_little(f, "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@b.test\nAction: failed\n\n", "Status:\nwords that are no field, but fill the lines between those that are\n\n",
                        REPORT_HARD);
    assert_costs_little(f, "Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@b.test\nAction: failed\n\n",
                        "Status:\n\n", REPORT_UNKNOWN);
    assert_costs_little(f, DSN("Final-Recipient: rfc822;a@b.test\nAction: failed\n"), "--B/1\n\n", REPORT_UNKNOWN);
    assert_costs_little(f, DSN("Final-Recipient: rfc822;a@b.test\nAction: failed\n"), "a:\n", REPORT_UNKNOWN);
    assert_costs_little(f, "To: a@b.test", ",a@b", REPORT_UNKNOWN);
    assert_costs_little(f, "Content-Type: multipart/report", ";\n a=b", REPORT_UNKNOWN);
    assert_costs_little(f, "To:", " " WORDS("=?", "?q?a?="), REPORT_UNKNOWN);
    assert_costs_little(f, "Subject: hello\n", "To: " WORDS("=?", "?q?a?=") " <a@b.test>\n", REPORT_UNKNOWN);
    assert_costs_little(f, "Content-Type: multipart/report", WORDS("; a*0* =", "''%41%41%41%41%41%41%41%41%41%41"), REPORT_UNKNOWN);
}

/* Each may load a table of its charset, thousands of them seconds. */
static void test_extended_parameters_are_counted_whatever_stands_in_front_of_their_sign(void **state)
{
    static const char *const ways[] = { "; a*=''%41", "; a*0*=''%41", "; a* =''%41", "; a*(x)=''%41", "; a*0*(;\\\"x=)\n =''%41" };
    struct fixture *f = *state;
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++)
        for (int count = 100; count <= 300; count += 200) {
            char text[20000] = "X: y\nContent-Disposition: inline";
            for (int i = 0; i < count; i++)
                strcat(text, ways[way]);
            strcat(text, "\n" DSN("Final-Recipient: rfc822;a@b.test\nAction: failed\nStatus: 5.1.1\n"));
            report_read(f->arena, tg_span_str(text), &f->report);
            assert_int_equal(f->report.entry[0].kind, count == 100 ? REPORT_HARD : REPORT_UNKNOWN);
        }
}

/* A returned message may have them. */
static void test_a_hundred_encoded_words_are_read(void **state)
{
    struct fixture *f = *state;
    char text[20000] = "Subject:";
    for (int i = 0; i < 150; i++)
        strcat(text, " =?utf-8?q?J=C3=B6?=\n");
    strcat(text, DSN("Final-Recipient: rfc822;a@b.test\nAction: failed\nStatus: 5.1.1\n"));
    report_read(f->arena, tg_span_str(text), &f->report);
    assert_entry(f, 0, REPORT_HARD, "a@b.test", "5.1.1", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_a_report_of_postfix_is_read),
        TEST(test_crlf_and_any_case),
        TEST(test_kinds),
        TEST(test_every_recipient_has_its_entry),
        TEST(test_encoded_parts_are_decoded),
        TEST(test_internationalised_reports),
        TEST(test_a_complaint_is_read),
        TEST(test_a_report_in_a_returned_message_is_not_this_report),
        TEST(test_what_is_no_report_is_unknown),
        TEST(test_texts_are_one_line_and_printable),
        TEST(test_recipients_are_bounded),
        TEST(test_what_nests_deeply_is_not_descended_into),
        TEST(test_a_report_may_be_cut_anywhere),
        TEST(test_a_huge_message_is_looked_at_in_part),
        TEST(test_many_small_things_cost_little),
        TEST(test_extended_parameters_are_counted_whatever_stands_in_front_of_their_sign),
        TEST(test_a_hundred_encoded_words_are_read),
    };
    g_mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
