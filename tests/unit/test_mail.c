/* Templates, the message, the mailer, and the queue. */
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include "tests/unit/market.h"
#include "schema/mailer.h"
#include "schema/text.h"

static struct tg_error err;

/* ---- templates ---- */

static void test_built_in_texts_are_templates_themselves(void **state)
{
    (void)state;
    struct tg_templates *none = tg_templates_read(NULL, NULL, NULL);
    struct tg_arena *arena = tg_arena_new();
    struct tg_fill fill[] = { { "username", "k3v9x0a2m7qd" }, { "name", "A\nB" }, { NULL, NULL } };
    for (int kind = 0; kind < TG_MAIL_KINDS; kind++) {
        char *subject, *body;
        tg_template_fill(arena, none, (enum tg_mail_kind)kind, fill, &subject, &body);
        assert_true(*subject != '\0' && *body != '\0');
        assert_null(strstr(body, "{{"));
        assert_null(strstr(subject, "{{"));
        assert_null(strchr(subject, '\n'));
        assert_true(strstr(body, "k3v9x0a2m7qd") != NULL || kind == TG_MAIL_PAID || strstr(subject, "k3v9x0a2m7qd") != NULL);
    }
    tg_arena_free(&arena);
    tg_templates_free(&none);
    assert_null(none);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static void remember_problem(void *arg, const char *sentence)
{
    strcat(arg, sentence);
    strcat(arg, "\n");
}

static void test_a_file_replaces_the_text_and_a_wrong_one_does_not(void **state)
{
    char dir[64], problems[2000] = "", *subject, *body;
    (void)state;
    scratch_dir(dir);
    write_file(dir, "order.txt", "Subject: Bestellung {{ order }}\r\n\r\nFür {{name}}: {{name}} {{nam\n");
    write_file(dir, "paid.txt", "Subject: Bezahlt {{order}}\n\nDanke, {{name}}!\n");
    write_file(dir, "renewal.txt", "Subject: x\n\n{{no_such_word}}\n");
    write_file(dir, "expiry.txt", "Subject: x\nno empty line\n");
    write_file(dir, "error.txt", "no subject\n\n\n");
    write_file(dir, "disabled.txt", "Subject: caf\xe9\n\nlatin\n");
    struct tg_templates *t = tg_templates_read(dir, remember_problem, problems);
    assert_non_null(strstr(problems, "/order.txt is not used: a {{ is not closed"));
    assert_non_null(strstr(problems, "/renewal.txt is not used: {{no_such_word}} is not known"));
    assert_non_null(strstr(problems, "/expiry.txt is not used: its first line"));
    assert_non_null(strstr(problems, "/error.txt is not used: its first line"));
    assert_non_null(strstr(problems, "/disabled.txt is not used: it must be UTF-8"));
    assert_null(strstr(problems, "paid.txt"));
    struct tg_arena *arena = tg_arena_new();
    struct tg_fill fill[] = { { "name", "{{order}}" }, { "order", "17" }, { NULL, NULL } };
    tg_template_fill(arena, t, TG_MAIL_PAID, fill, &subject, &body);
    assert_string_equal(subject, "Bezahlt 17");
    assert_string_equal(body, "Danke, {{order}}!\n"); /* a value is not read again */
    tg_template_fill(arena, t, TG_MAIL_ORDER, fill, &subject, &body);
    assert_non_null(strstr(subject, "Your order 17"));
    tg_arena_free(&arena);
    tg_templates_free(&t);
    scratch_remove(dir);
}

/* ---- the message ---- */

static char *message(struct tg_arena *arena, const char *name, const char *subject, const char *body)
{
    Tg__Mail mail = TG__MAIL__INIT;
    mail.to = "ops@example.com";
    mail.to_name = (char *)name;
    mail.subject = (char *)subject;
    mail.body = (char *)body;
    mail.message_id = "abc";
    mail.created_at = at("2027-01-05T10:00:00Z");
    return tg_mailer_message(arena, &mail, "billing@relay.example", mail.created_at);
}

static void test_a_plain_message_has_its_headers(void **state)
{
    struct tg_arena *arena = tg_arena_new();
    (void)state;
    assert_string_equal(message(arena, "O\"Hara, Ltd", "Your order", "Hello\n"),
                        "From: billing@relay.example\nTo: \"O\\\"Hara, Ltd\"\n <ops@example.com>\nSubject: Your order\n"
                        "Date: Tue, 05 Jan 2027 10:00:00 +0000\nMessage-ID: <abc@relay.example>\n"
                        "Auto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
                        "Content-Transfer-Encoding: 7bit\n\nHello\n");
    tg_arena_free(&arena);
}

static void test_no_text_begins_a_header_line(void **state)
{
    struct tg_arena *arena = tg_arena_new();
    (void)state;
    char *text = message(arena, "A\nBcc: all@example.com", "x\r\nBcc: all@example.com\r\n\r\nbody", "b\n");
    assert_null(strstr(text, "\nBcc:"));
    assert_null(strchr(text, '\r'));
    char *end = strstr(text, "\n\n");
    assert_string_equal(end, "\n\nb\n");
    tg_arena_free(&arena);
}

static void test_other_letters_are_encoded_in_whole_characters(void **state)
{
    struct tg_arena *arena = tg_arena_new();
    char subject[400] = "", body[3000] = "";
    (void)state;
    for (int i = 0; i < 60; i++)
        strcat(subject, "ł€");
    for (int i = 0; i < 250; i++)
        strcat(body, "Zażółć ");
    strcat(body, "\n.\n = \n");
    char *text = message(arena, "Żółw", subject, body);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        assert_true(strlen(line) <= 78);
        assert_true(tg_text_is_clean(line, 78));
        for (const char *c = line; *c != '\0'; c++)
            assert_true((unsigned char)*c < 0x80);
        assert_string_not_equal(line, ".");
    }
    Tg__Mail abroad = TG__MAIL__INIT;
    abroad.to = "Ops@Bücher.example";
    abroad.message_id = abroad.subject = abroad.body = "x";
    text = tg_mailer_message(arena, &abroad, "billing@żółw.example", 0);
    assert_non_null(strstr(text, "To: <Ops@xn--bcher-kva.example>\n"));
    assert_non_null(strstr(text, "From: billing@xn--w-uga1v8h.example\n"));
    text = message(arena, "Żółw", "=?UTF-8?B?eA==?=", "=\n");
    assert_non_null(strstr(text, "To: =?UTF-8?B?xbvDs8WCdw==?=\n <ops@example.com>\n"));
    assert_non_null(strstr(text, "Subject: =?UTF-8?B?PT9V")); /* what looks encoded is encoded */
    text = message(arena, "", "x", "ł =\n.x\n");
    assert_non_null(strstr(text, "\n\n=C5=82 =3D\n=2Ex\n"));
    tg_arena_free(&arena);
}

/* ---- the mailer ---- */

static void test_a_mailer_gets_the_message_and_its_failure_is_told(void **state)
{
    char dir[64], command[200], got[100] = "";
    (void)state;
    scratch_dir(dir);
    snprintf(command, sizeof command, "cat >%s/got", dir);
    assert_ok(tg_mailer_run(command, "Subject: x\n\nhello\n", 30000, NULL, &err));
    snprintf(command, sizeof command, "%s/got", dir);
    FILE *in = fopen(command, "r");
    assert_true(fread(got, 1, sizeof got - 1, in) > 0);
    fclose(in);
    assert_string_equal(got, "Subject: x\n\nhello\n");
    assert_int_equal(tg_mailer_run("cat >/dev/null; echo 'no route' >&2; exit 75", "x", 30000, NULL, &err), TG_FAILED);
    assert_string_equal(err.text, "the mailer exited with 75: no route");
    assert_int_equal(tg_mailer_run("/nonexistent/sendmail", "x", 30000, NULL, &err), TG_FAILED);
    assert_non_null(strstr(err.text, "exited with 127"));
    assert_int_equal(tg_mailer_run("kill -9 $$", "x", 30000, NULL, &err), TG_FAILED);
    assert_non_null(strstr(err.text, "signal 9"));
    scratch_remove(dir);
}

static void test_a_mailer_that_does_not_read_raises_no_signal(void **state)
{
    size_t size = 4 << 20;
    char *big = malloc(size + 1);
    (void)state;
    memset(big, 'x', size);
    big[size] = '\0';
    signal(SIGPIPE, SIG_DFL); /* it would end this test */
    assert_int_equal(tg_mailer_run("exec 0<&-; exit 1", big, 30000, NULL, &err), TG_FAILED);
    assert_ok(tg_mailer_run("head -c 10 >/dev/null; exit 0", big, 30000, NULL, &err));
    assert_ok(tg_mailer_run("cat >/dev/null", big, 30000, NULL, &err));
    /* What it says is read, however much. */
    assert_int_equal(tg_mailer_run("yes | head -c 3000000; cat >/dev/null; exit 3", big, 30000, NULL, &err), TG_FAILED);
    free(big);
}

static void test_a_mailer_that_hangs_is_ended_with_its_children(void **state)
{
    char dir[64], command[300], path[100];
    struct stat st;
    atomic_bool stop = true;
    (void)state;
    scratch_dir(dir);
    snprintf(path, sizeof path, "%s/late", dir);
    snprintf(command, sizeof command, "(sleep 3; touch %s) & wait", path);
    assert_int_equal(tg_mailer_run(command, "x", 300, NULL, &err), TG_FAILED);
    assert_non_null(strstr(err.text, "did not end"));
    assert_int_equal(tg_mailer_run("sleep 100", "x", 100000, &stop, &err), TG_FAILED);
    sleep(4);
    assert_int_not_equal(stat(path, &st), 0);
    /* A child that stays behind does not hold us. */
    assert_ok(tg_mailer_run("sleep 2 & exit 0", "x", 30000, NULL, &err));
    scratch_remove(dir);
}

/* ---- the queue ---- */

enum { OWN, ALL };

static struct tg_mail_result send_of(struct market *m, const struct tg_mail_range *own)
{
    struct tg_mail_result result = { .sent = 0 };
    assert_ok(tg_mail_send(m->store, &m->settings, NULL, own, m->now, NULL, &result, &err));
    return result;
}

static struct tg_mail_result send(struct market *m, bool all)
{
    return send_of(m, all ? NULL : &(struct tg_mail_range){ 1, UINT64_MAX });
}

static Tg__Mail mail_of(struct market *m, uint64_t id)
{
    struct tg_view *view = look(m);
    Tg__Mail *mail;
    assert_ok(tg_mail_get(view, id, &mail, &err));
    Tg__Mail copy = *mail;
    tg_view_end(&view);
    return copy;
}

static void test_a_failing_mailer_loses_nothing_and_is_tried_again(void **state)
{
    struct market *m = *state;
    m->settings.mailer = "exit 75";
    done(m, buy(m, TG__PLAN_KIND__MONTHLY, 1000));
    assert_int_equal(order_of(m, m->order).mail_id, 1);
    Tg__Mail mail = mail_of(m, 1);
    assert_string_equal(tg_mail_state(&mail, m->now), "queued");
    assert_int_equal(send(m, OWN).failed, 1);
    mail = mail_of(m, 1);
    assert_string_equal(tg_mail_state(&mail, m->now), "failed");
    assert_int_equal(mail.attempts, 1);
    assert_int_equal(send(m, OWN).failed, 0); /* a command tries its own only */
    assert_int_equal(send(m, ALL).failed, 1);
    m->settings.mailer = "cat >/dev/null";
    m->now += HOUR;
    assert_int_equal(sweep(m).count[TG_SWEPT_MAILS_SENT], 1);
    mail = mail_of(m, 1);
    assert_string_equal(tg_mail_state(&mail, m->now), "sent");
    assert_int_equal(mail.sent_at, m->now);
    assert_int_equal(sweep(m).count[TG_SWEPT_MAILS_SENT], 0);
}

static void test_a_mail_that_never_goes_is_given_up_after_a_week(void **state)
{
    struct market *m = *state;
    struct tg_sweep_result r;
    m->settings.mailer = "exit 75";
    done(m, buy(m, TG__PLAN_KIND__MONTHLY, 1000));
    for (int day = 0; day < 9; day++, m->now += DAY)
        assert_ok(tg_sweep(m->store, &m->settings, m->now, NULL, &r, &err));
    Tg__Mail mail = mail_of(m, 1);
    assert_string_equal(tg_mail_state(&mail, m->now), "given-up");
    uint32_t attempts = mail.attempts;
    assert_ok(tg_sweep(m->store, &m->settings, m->now, NULL, &r, &err));
    mail = mail_of(m, 1);
    assert_int_equal(mail.attempts, attempts);
    m->settings.mailer = "cat >/dev/null";
    m->now += 100 * (int64_t)DAY;
    sweep(m);
    struct tg_view *view = look(m);
    Tg__Mail *gone;
    assert_int_equal(tg_mail_get(view, 1, &gone, &err), TG_NOT_FOUND);
    tg_view_end(&view);
}

static enum tg_code claim(struct tg_change *change, void *arg, struct tg_error *e)
{
    struct market *m = arg;
    struct tg_key key = tg_key_mail(false, 1);
    Tg__Mail *mail;
    enum tg_code code = tg_get_record(tg_change_view(change), TG_DB_MAILS, &key, &tg__mail__descriptor, &mail, e);
    if (code != TG_OK)
        return code;
    mail->claimed_until = time(NULL) + m->sequence; /* by the clock, not by the sweep's time */
    tg_put_record(change, TG_DB_MAILS, &key, &mail->base);
    return TG_OK;
}

static void test_what_another_process_is_sending_is_left_to_it_until_it_is_gone(void **state)
{
    struct market *m = *state;
    done(m, buy(m, TG__PLAN_KIND__MONTHLY, 1000));
    m->sequence = 200; /* seconds from now */
    done(m, step(m, claim));
    assert_int_equal(send(m, ALL).sent, 0);
    m->now += 3600; /* a sweep that is told another time, or began an hour ago */
    assert_int_equal(send(m, ALL).sent, 0);
    m->now -= 7200;
    assert_int_equal(send(m, ALL).sent, 0);
    m->sequence = 310; /* the clock went back by some seconds */
    done(m, step(m, claim));
    assert_int_equal(send(m, ALL).sent, 0);
    m->sequence = 3600; /* of a clock that was an hour ahead */
    done(m, step(m, claim));
    assert_int_equal(send(m, ALL).sent, 1);
}

static void test_what_a_process_that_was_killed_had_claimed_is_sent(void **state)
{
    struct market *m = *state;
    done(m, buy(m, TG__PLAN_KIND__MONTHLY, 1000));
    m->sequence = 0;
    done(m, step(m, claim));
    assert_int_equal(send(m, ALL).sent, 1);
}

/* A sweep may have queued ten thousand: a command is not to send them, nor to wait for a mailer that hangs on each. */
static void test_a_command_sends_its_own_mails_and_no_others(void **state)
{
    struct market *m = *state;
    for (int i = 0; i < 4; i++)
        done(m, buy(m, TG__PLAN_KIND__MONTHLY, 1000));
    struct tg_mail_range own = { 3, 4 };
    assert_int_equal(send_of(m, &own).sent, 1);
    Tg__Mail mail = mail_of(m, 2), mine = mail_of(m, 3), next = mail_of(m, 4);
    assert_string_equal(tg_mail_state(&mail, m->now), "queued");
    assert_string_equal(tg_mail_state(&mine, m->now), "sent");
    assert_string_equal(tg_mail_state(&next, m->now), "queued");
    own.first = own.end = 5; /* it has queued none */
    assert_int_equal(send_of(m, &own).sent, 0);
    assert_int_equal(send(m, ALL).sent, 3);
}

static void test_three_failures_in_a_row_leave_the_rest_for_later(void **state)
{
    struct market *m = *state;
    m->settings.mailer = "exit 1";
    for (int i = 0; i < 5; i++)
        done(m, buy(m, TG__PLAN_KIND__MONTHLY, 1000));
    assert_int_equal(send(m, ALL).failed, 3);
    m->settings.mailer = "cat >/dev/null";
    assert_int_equal(send(m, ALL).sent, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_built_in_texts_are_templates_themselves),
        cmocka_unit_test(test_a_file_replaces_the_text_and_a_wrong_one_does_not),
        cmocka_unit_test(test_a_plain_message_has_its_headers),
        cmocka_unit_test(test_no_text_begins_a_header_line),
        cmocka_unit_test(test_other_letters_are_encoded_in_whole_characters),
        cmocka_unit_test(test_a_mailer_gets_the_message_and_its_failure_is_told),
        cmocka_unit_test(test_a_mailer_that_does_not_read_raises_no_signal),
        cmocka_unit_test(test_a_mailer_that_hangs_is_ended_with_its_children),
        market_test(test_a_failing_mailer_loses_nothing_and_is_tried_again),
        market_test(test_a_mail_that_never_goes_is_given_up_after_a_week),
        market_test(test_what_another_process_is_sending_is_left_to_it_until_it_is_gone),
        market_test(test_what_a_process_that_was_killed_had_claimed_is_sent),
        market_test(test_a_command_sends_its_own_mails_and_no_others),
        market_test(test_three_failures_in_a_row_leave_the_rest_for_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
