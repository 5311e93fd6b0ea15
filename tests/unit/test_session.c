/* A session of the milter and the message that is under way on it, without libmilter. */
#include "tests/unit/nouns.h"
#include <arpa/inet.h>
#include <gmime/gmime.h>
#include <netinet/in.h>
#include "milter/reply.h"
#include "milter/session.h"

struct fixture {
    struct nouns *nouns;
    struct filter filter;
    struct session *session;
};

static struct tg_settings *settings_of(struct fixture *f, const char *text)
{
    char path[100];
    struct tg_settings *settings;
    struct tg_error err;
    snprintf(path, sizeof path, "%s/tollgate.conf", f->nouns->dir);
    FILE *conf = fopen(path, "w");
    fputs(text, conf);
    fclose(conf);
    assert_ok(tg_settings_read(path, &settings, &err));
    return settings;
}

static int setup(void **state)
{
    struct fixture *f = tg_xcalloc(1, sizeof *f);
    void *nouns;
    nouns_begin(&nouns);
    f->nouns = nouns;
    f->filter.store = f->nouns->store;
    f->filter.committer = tg_committer_new(f->filter.store);
    filter_begin(&f->filter, settings_of(f, "log = \"stderr\"\n"));
    f->session = session_new(&f->filter);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    void *nouns = f->nouns;
    session_free(&f->session);
    assert_null(f->session);
    session_free(&f->session);
    tg_committer_free(&f->filter.committer);
    filter_end(&f->filter);
    nouns_end(&nouns);
    free(f);
    return 0;
}

static void test_who_is_connected_is_known(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in six_of_four = { .sin_family = AF_INET };
    struct sockaddr unknown = { .sa_family = AF_UNIX };
    inet_pton(AF_INET, "192.0.2.7", &six_of_four.sin_addr);
    session_connected(f->session, (struct sockaddr *)&six_of_four, "submission");
    assert_true(f->session->has_client);
    assert_string_equal(f->session->client_text, "192.0.2.7");
    assert_string_equal(f->session->listener, "submission");
    struct sockaddr_in6 mapped = { .sin6_family = AF_INET6 };
    inet_pton(AF_INET6, "::ffff:192.0.2.8", &mapped.sin6_addr);
    session_connected(f->session, (struct sockaddr *)&mapped, NULL);
    assert_string_equal(f->session->client_text, "192.0.2.8");
    assert_string_equal(f->session->listener, "");
    session_connected(f->session, &unknown, "x");
    assert_false(f->session->has_client);
    session_connected(f->session, NULL, "x");
    assert_false(f->session->has_client);
}

static const char *key_of(struct message *m, const char *recipient, const char *parameter)
{
    char *argv[] = { (char *)recipient, (char *)parameter, NULL };
    return message_recipient_key(m, argv);
}

static bool has(struct message *m, const char *recipient)
{
    return message_has_recipient(m, key_of(m, recipient, NULL));
}

static void add(struct message *m, const char *recipient, const struct decision *decision)
{
    message_add_recipient(m, recipient, key_of(m, recipient, NULL), decision);
}

static void test_nothing_of_a_message_is_left_for_the_next(void **state)
{
    struct fixture *f = *state;
    struct message *m = &f->session->message;
    struct decision report = { .report = true };
    message_begin(f->session, "<a@good.test>", "alice");
    add(m, "<bob@dest.test>", &report);
    tg_header_field(&m->reader, tg_span_str("From"), tg_span_str(" a@good.test"));
    m->queue_id = "4Q9";
    m->untouched = m->header_read = true;
    tg_header_field(&m->reader, tg_span_str("X-Tollgate-Trace"), tg_span_str(" x"));
    m->report_text = tg_xmalloc(10);
    m->report_len = 10;
    strcpy(m->warning, "x");
    /* A MAIL without an end before it: the tail of a smuggled message, or an RSET that nobody told of. */
    message_begin(f->session, "<>", "");
    assert_true(m->active);
    assert_string_equal(m->reverse_path, "<>");
    assert_null(m->login);
    assert_null(m->queue_id);
    assert_int_equal(m->recipient_count + m->reports + m->ordinary + m->reader.trace_count + m->report_len, 0);
    assert_null(m->report_text);
    assert_null(m->reader.from);
    assert_int_equal(m->reader.from_count, 0);
    assert_false(m->untouched || m->header_read);
    assert_string_equal(m->warning, "");
    message_end(f->session);
    assert_false(m->active);
    message_end(f->session);
}

static void test_a_recipient_counts_once(void **state)
{
    struct fixture *f = *state;
    struct message *m = &f->session->message;
    struct decision ordinary = { 0 }, report = { .report = true };
    char text[40];
    message_begin(f->session, "<a@good.test>", NULL);
    add(m, "<Bob@Dest.test>", &ordinary);
    assert_true(has(m, "<Bob@dest.TEST>"));
    assert_true(has(m, "Bob@dest.test"));
    assert_false(has(m, "<bob@dest.test>")); /* local parts may differ by case */
    assert_false(has(m, "<Bob@other.test>"));
    add(m, "<j@xn--mnchen-3ya.test>", &ordinary);
    assert_true(has(m, "<j@XN--mnchen-3ya.test>"));
    assert_false(has(m, "<j@xn--mnchen-3ya.test.>"));
    /* Delivered once for each report that is asked for. */
    assert_false(message_has_recipient(m, key_of(m, "<Bob@Dest.test>", "ORCPT=rfc822;a@b.test")));
    message_add_recipient(m, "<Bob@Dest.test>", key_of(m, "<Bob@Dest.test>", "ORCPT=rfc822;a@b.test"), &ordinary);
    assert_true(message_has_recipient(m, key_of(m, "<Bob@dest.test>", "ORCPT=rfc822;a@b.test")));
    assert_false(message_has_recipient(m, key_of(m, "<Bob@dest.test>", "NOTIFY=NEVER")));
    /* One domain in IDNA's eyes, but a mail server delivers to each spelling. */
    assert_false(has(m, "<j@m\xc3\xbcnchen.test>"));
    assert_false(has(m, "<Bob@\xef\xbd\x84" "est.test>")); /* a full-width d */
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "<user%d@dest.test>", i);
        assert_false(has(m, text));
        add(m, text, &ordinary);
    }
    add(m, "<token@rp.test>", &report);
    assert_int_equal(m->recipient_count, 1004);
    assert_int_equal(m->ordinary, 1003);
    assert_int_equal(m->reports, 1);
    assert_string_equal(m->recipients[1002].text, "<user999@dest.test>");
    assert_true(has(m, "<user0@dest.test>"));
}

/* The letters of a token may stand in either case: it is reported on once. */
static void test_a_token_in_two_spellings_is_one_report(void **state)
{
    struct fixture *f = *state;
    struct message *m = &f->session->message;
    struct decision one = { .report = true, .token = { 7, NOW, 3 } }, other = { .report = true, .token = { 7, NOW, 4 } };
    message_begin(f->session, "<>", NULL);
    add(m, "<token@rp.test>", &one);
    add(m, "<TOKEN@rp.test>", &one);
    add(m, "<token2@rp.test>", &other);
    add(m, "<tokeN@rp.test>", &one);
    assert_int_equal(m->reports, 4);
    assert_false(m->recipients[0].again);
    assert_true(m->recipients[1].again);
    assert_false(m->recipients[2].again);
    assert_true(m->recipients[3].again);
}

/* A reload counts from the next message on, and frees nothing that a message still looks at. */
static void test_a_message_keeps_the_settings_that_it_began_with(void **state)
{
    struct fixture *f = *state;
    struct session *other = session_new(&f->filter);
    message_begin(f->session, "<a@good.test>", NULL);
    long before = f->session->message.shared->settings->max_recipients;
    filter_settings_replace(&f->filter, settings_of(f, "max_recipients = 7\n"));
    message_begin(other, "<a@good.test>", NULL);
    assert_int_equal(f->session->message.shared->settings->max_recipients, before);
    assert_int_equal(other->message.shared->settings->max_recipients, 7);
    filter_settings_replace(&f->filter, settings_of(f, "max_recipients = 8\n"));
    message_begin(f->session, "<a@good.test>", NULL);
    assert_int_equal(f->session->message.shared->settings->max_recipients, 8);
    assert_int_equal(other->message.shared->settings->max_recipients, 7);
    session_free(&other);
}

static enum tg_code disable_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    return tg_account_disable(change, arg, "", NOW, err);
}

/* Nothing is remembered from command to command. */
static void test_an_administrators_change_counts_for_the_next_command(void **state)
{
    struct fixture *f = *state;
    struct added alice = add_account(f->nouns, add_customer(f->nouns));
    struct decision d;
    message_begin(f->session, "<>", alice.username);
    session_decide(f->session, TG_AT_MAIL, NULL, &d);
    assert_int_equal(d.verdict.kind, TG_ACCEPT);
    assert_int_equal(d.account_id, alice.id);
    assert_string_equal(d.username, alice.username);
    session_decide(f->session, TG_AT_RCPT, "<bob@dest.test>", &d);
    assert_int_equal(d.verdict.kind, TG_ACCEPT);
    assert_false(d.report);
    assert_changed(f->nouns, run(f->nouns, disable_fn, alice.username));
    session_decide(f->session, TG_AT_RCPT, "<bob2@dest.test>", &d);
    assert_int_equal(d.verdict.kind, TG_REJECT);
    assert_string_equal(d.verdict.rule, "status");
    message_begin(f->session, "<>", "nobody0nobody");
    session_decide(f->session, TG_AT_MAIL, NULL, &d);
    assert_string_equal(d.verdict.rule, "login");
    assert_int_equal(d.account_id, 0);
}

static void test_a_reply_is_one_printable_line_with_its_reference(void **state)
{
    (void)state;
    struct tg_verdict verdict = { .kind = TG_REJECT };
    char out[REPLY_SIZE];
    snprintf(verdict.text, sizeof verdict.text, "J\xc3\xb6 says 100%% of\r\n250 OK\x7f");
    reply_text(&verdict, "mq2v7qabcdefghij", out);
    assert_string_equal(out, "J?? says 100? of??250 OK? [ref mq2v7qabcdefghij]");
    memset(verdict.text, 'x', sizeof verdict.text - 1);
    verdict.text[sizeof verdict.text - 1] = '\0';
    reply_text(&verdict, "mq2v7qabcdefghij", out);
    assert_true(strlen(out) < REPLY_SIZE);
    assert_non_null(strstr(out, "x [ref mq2v7qabcdefghij]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_who_is_connected_is_known),
        TEST(test_nothing_of_a_message_is_left_for_the_next),
        TEST(test_a_recipient_counts_once),
        TEST(test_a_token_in_two_spellings_is_one_report),
        TEST(test_a_message_keeps_the_settings_that_it_began_with),
        TEST(test_a_reply_is_one_printable_line_with_its_reference),
        TEST(test_an_administrators_change_counts_for_the_next_command),
    };
    struct tg_error err;
    g_mime_init();
    return tg_crypto_init(&err) != TG_OK ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
