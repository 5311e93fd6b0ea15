/* PLAIN and LOGIN exchanges as the auth door runs them: libsasl2's server, Tollgate's checks, a store with accounts. */
#include "tests/unit/exchanges.h"

static void test_plain_lets_in_who_knows_the_password(void **state)
{
    struct fixture *f = *state;
    assert_plain_in(f, "", f->account.username, f->account.password.text);
    assert_plain_in(f, f->account.username, f->account.username, f->account.password.text);
}

static void test_plain_without_initial_response(void **state)
{
    struct fixture *f = *state;
    char message[200];
    size_t len = (size_t)snprintf(message, sizeof message, "%c%s%c%s", 0, f->account.username, 0, f->account.password.text);
    struct exchange *e = exchange_new(f->store, "PLAIN");
    struct tg_span challenge;
    assert_int_equal(exchange_start(e, NULL, NOW, &challenge), EXCHANGE_MORE);
    assert_int_equal(challenge.len, 0);
    assert_in(e, exchange_continue(e, tg_span_of(message, len), NOW, &challenge), f->account.username);
}

static void test_wrong_passwords_and_names_are_refused(void **state)
{
    struct fixture *f = *state;
    const char *user = f->account.username, *password = f->account.password.text;
    char text[200];
    assert_plain_out(f, "", user, f->other.password.text, "password");
    assert_plain_out(f, "", "nobody0nobody", password, "unknown");
    assert_plain_out(f, "", f->other.username, password, "password");
    snprintf(text, sizeof text, "%s ", password);
    assert_plain_out(f, "", user, text, "password");
    snprintf(text, sizeof text, "%.*s", (int)strlen(password) - 1, password);
    assert_plain_out(f, "", user, text, "password");
    /* libsasl2 would trim the blanks, and some would fold the case: here a name is what it is. */
    snprintf(text, sizeof text, " %s", user);
    assert_plain_out(f, "", text, password, "unknown");
    snprintf(text, sizeof text, "%s ", user);
    assert_plain_out(f, "", text, password, "unknown");
    snprintf(text, sizeof text, "%s@tollgate", user);
    assert_plain_out(f, "", text, password, "unknown");
    snprintf(text, sizeof text, "%s\xc2\xad", user);
    assert_plain_out(f, "", text, password, "unknown");
    snprintf(text, sizeof text, "%s", user);
    text[0] = (char)(text[0] - 'a' + 'A');
    assert_plain_out(f, "", text, password, "unknown");
    snprintf(text, sizeof text, "%s\n", user);
    assert_plain_out(f, "", text, password, "unknown");
}

static void test_nobody_acts_for_another(void **state)
{
    struct fixture *f = *state;
    assert_plain_out(f, f->other.username, f->account.username, f->account.password.text, "authzid");
    assert_plain_out(f, "root", f->account.username, f->account.password.text, "authzid");
    assert_plain_out(f, f->account.username, f->other.username, f->account.password.text, "password");
    assert_plain_out(f, "x", f->account.username, "wrong", "password");
}

static void test_malformed_plain_is_refused(void **state)
{
    struct fixture *f = *state;
    const char *user = f->account.username, *password = f->account.password.text;
    char shape[6][400];
    const struct tg_span malformed[] = {
        tg_span_of(shape[0], 0),
        tg_span_of(shape[1], (size_t)snprintf(shape[1], sizeof shape[1], "%s", user)),
        tg_span_of(shape[2], (size_t)snprintf(shape[2], sizeof shape[2], "%s%c%s", user, 0, password)),
        tg_span_of(shape[3], (size_t)snprintf(shape[3], sizeof shape[3], "%c%s%c%s%c", 0, user, 0, password, 0)),
        tg_span_of(shape[4], (size_t)snprintf(shape[4], sizeof shape[4], "%c%s%c%s%cx", 0, user, 0, password, 0)),
        tg_span_of(shape[5], (size_t)snprintf(shape[5], sizeof shape[5], "%c%c%s%c%s", 0, 0, user, 0, password)),
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        struct tg_span challenge;
        struct exchange *e = exchange_new(f->store, "PLAIN");
        assert_int_equal(exchange_start(e, &malformed[i], NOW, &challenge), EXCHANGE_REFUSED);
        assert_string_equal(exchange_result(e)->username, "");
        exchange_free(&e);
    }
    /* Empty name, empty password. */
    struct exchange *empty;
    assert_int_equal(plain(f, &empty, "", "", password), EXCHANGE_REFUSED);
    exchange_free(&empty);
    assert_plain_out(f, "", user, "", "password");
}

static void test_over_long_names_and_passwords_are_refused(void **state)
{
    struct fixture *f = *state;
    for (size_t len = 20; len < 1500; len += len < 300 ? 1 : 97) {
        char name[1501], password[1501];
        struct exchange *e;
        memset(name, 'a', len);
        name[len] = '\0';
        assert_int_equal(plain(f, &e, "", name, "x"), EXCHANGE_REFUSED);
        assert_true(strlen(exchange_login(e)) < CLIENT_NAME_MAX);
        exchange_free(&e);
        memcpy(password, name, len + 1);
        assert_int_equal(plain(f, &e, "", f->account.username, password), EXCHANGE_REFUSED);
        exchange_free(&e);
    }
}

static void test_login(void **state)
{
    struct fixture *f = *state;
    struct exchange *e;
    enum exchange_step step = login(f, &e, f->account.username, f->account.password.text, false);
    assert_in(e, step, f->account.username);
    step = login(f, &e, f->account.username, f->account.password.text, true);
    assert_in(e, step, f->account.username);
    step = login(f, &e, f->account.username, f->other.password.text, true);
    assert_out(e, step, "password");
    step = login(f, &e, "nobody0nobody", f->account.password.text, false);
    assert_out(e, step, "unknown");
    assert_int_equal(login(f, &e, "", f->account.password.text, false), EXCHANGE_REFUSED);
    exchange_free(&e);
    assert_int_equal(login(f, &e, f->account.username, "", false), EXCHANGE_REFUSED);
    exchange_free(&e);
}

static void test_no_other_mechanism_is_there(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = { "CRAM-MD5", "DIGEST-MD5", "ANONYMOUS", "EXTERNAL", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS",
                                         "", "GSSAPI", "OTP" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct exchange *e = exchange_new(f->store, names[i]);
        struct tg_span challenge, response = tg_span_str("x");
        assert_int_equal(exchange_start(e, &response, NOW, &challenge), EXCHANGE_REFUSED);
        exchange_free(&e);
    }
}

static char plain_name[] = "PLAIN", other_name[] = "CRAM-MD5";

static void test_a_mechanism_that_is_not_there_is_named(void **state)
{
    (void)state;
    char *items[] = { plain_name, other_name };
    struct tg_list list = { 2, items };
    struct tg_error err;
    assert_int_equal(sasl_offers(&list, &err), TG_UNUSABLE);
    assert_non_null(strstr(err.text, "CRAM-MD5"));
    list.count = 1;
    assert_ok(sasl_offers(&list, &err));
    assert_true(sasl_is_plaintext("PLAIN") && sasl_is_plaintext("LOGIN") && !sasl_is_plaintext("SCRAM-SHA-256"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_two_accounts(test_plain_lets_in_who_knows_the_password),
        on_two_accounts(test_plain_without_initial_response),
        on_two_accounts(test_wrong_passwords_and_names_are_refused),
        on_two_accounts(test_nobody_acts_for_another),
        on_two_accounts(test_malformed_plain_is_refused),
        on_two_accounts(test_over_long_names_and_passwords_are_refused),
        on_two_accounts(test_login),
        on_two_accounts(test_no_other_mechanism_is_there),
        on_two_accounts(test_a_mechanism_that_is_not_there_is_named),
    };
    return run_exchanges(tests);
}
