/* exchanges.h: an exchange as the auth door runs it, over a store with two accounts, and how it ends. */
#ifndef TG_TEST_EXCHANGES_H
#define TG_TEST_EXCHANGES_H

#include "authd/sasl.h"
#include "tests/unit/nouns.h"

struct fixture {
    struct tg_store *store;
    struct nouns *nouns;
    struct added account, other;
};

static inline int setup(void **state)
{
    struct fixture *f = tg_xcalloc(1, sizeof *f);
    void *nouns;
    nouns_begin(&nouns);
    f->nouns = nouns;
    f->store = f->nouns->store;
    f->account = add_account(f->nouns, add_customer(f->nouns));
    f->other = add_account(f->nouns, add_customer(f->nouns));
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    void *nouns = f->nouns;
    nouns_end(&nouns);
    free(f);
    return 0;
}

static inline enum exchange_step plain(struct fixture *f, struct exchange **e, const char *authzid, const char *user, const char *password)
{
    char message[2000];
    size_t len = (size_t)snprintf(message, sizeof message, "%s%c%s%c%s", authzid, 0, user, 0, password);
    struct tg_span response = tg_span_of(message, len), challenge;
    *e = exchange_new(f->store, "PLAIN");
    return exchange_start(*e, &response, NOW, &challenge);
}

static inline void assert_in(struct exchange *e, enum exchange_step step, const char *username)
{
    assert_int_equal(step, EXCHANGE_OK);
    assert_string_equal(exchange_result(e)->username, username);
    assert_string_equal(exchange_result(e)->why, "");
    exchange_free(&e);
}

static inline void assert_out(struct exchange *e, enum exchange_step step, const char *why)
{
    assert_int_equal(step, EXCHANGE_REFUSED);
    assert_string_equal(exchange_result(e)->why, why);
    assert_string_equal(exchange_result(e)->username, "");
    if (strcmp(why, "disabled") != 0 && strcmp(why, "authzid") != 0)
        assert_string_equal(exchange_result(e)->reason, "");
    exchange_free(&e);
    assert_null(e);
}

static inline void assert_plain_in(struct fixture *f, const char *authzid, const char *user, const char *password)
{
    struct exchange *e;
    enum exchange_step step = plain(f, &e, authzid, user, password);
    assert_in(e, step, f->account.username);
}

static inline void assert_plain_out(struct fixture *f, const char *authzid, const char *user, const char *password, const char *why)
{
    struct exchange *e;
    enum exchange_step step = plain(f, &e, authzid, user, password);
    assert_out(e, step, why);
}

static inline enum exchange_step login(struct fixture *f, struct exchange **e, const char *user, const char *password, bool initial)
{
    struct tg_span challenge, name = tg_span_str(user);
    *e = exchange_new(f->store, "LOGIN");
    enum exchange_step step = exchange_start(*e, initial ? &name : NULL, NOW, &challenge);
    if (!initial) {
        assert_int_equal(step, EXCHANGE_MORE);
        assert_memory_equal(challenge.data, "Username:", challenge.len);
        step = exchange_continue(*e, name, NOW, &challenge);
    }
    if (step != EXCHANGE_MORE)
        return step;
    assert_memory_equal(challenge.data, "Password:", challenge.len);
    return exchange_continue(*e, tg_span_str(password), NOW, &challenge);
}

#define on_two_accounts(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* Within libsasl2's start and end. */
#define run_exchanges(tests) (exchanges_begin() ? exchanges_end(cmocka_run_group_tests(tests, NULL, NULL)) : 1)

static inline bool exchanges_begin(void)
{
    static char plain_name[] = "PLAIN", login_name[] = "LOGIN", scram_name[] = "SCRAM-SHA-256";
    static char *items[] = { plain_name, login_name, scram_name };
    static struct tg_list mechanisms = { 3, items };
    struct tg_error err;
    if (tg_crypto_init(&err) == TG_OK && sasl_begin(&mechanisms, &err) == TG_OK)
        return true;
    fprintf(stderr, "%s\n", err.text);
    return false;
}

static inline int exchanges_end(int failed)
{
    sasl_end();
    return failed;
}

#endif
