/* What an administrator changes about an account counts in every mechanism. */
#include "tests/unit/scram_client.h"

static enum tg_code disable_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    return tg_account_disable(change, arg, "spam run", NOW, err);
}

static void test_a_disabled_account_learns_so_with_the_right_password_only(void **state)
{
    struct fixture *f = *state;
    struct exchange *e;
    struct client c = client_of(&f->account);
    assert_int_equal(scram_first(f, &e, &c), EXCHANGE_MORE);
    assert_changed(f->nouns, run(f->nouns, disable_fn, f->account.username));
    /* In the middle of an exchange, too. */
    enum exchange_step step = scram_final(e, &c);
    assert_int_equal(step, EXCHANGE_REFUSED);
    assert_non_null(strstr(exchange_result(e)->reason, "spam run"));
    assert_out(e, step, "disabled");
    step = plain(f, &e, "", f->account.username, f->account.password.text);
    assert_non_null(strstr(exchange_result(e)->reason, "spam run"));
    assert_out(e, step, "disabled");
    assert_plain_out(f, "", f->account.username, "wrong", "password");
}

struct renewal {
    char *username;
    struct tg_secret password;
};

static enum tg_code renew_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct renewal *r = arg;
    Tg__Account *account;
    int64_t until;
    return tg_account_password(change, r->username, 7 * DAY, NOW - DAY, &account, &r->password, &until, err);
}

static void test_two_passwords_overlap_for_every_mechanism(void **state)
{
    struct fixture *f = *state;
    struct renewal r = { .username = f->account.username };
    assert_changed(f->nouns, run(f->nouns, renew_fn, &r));
    struct added now = f->account;
    now.password = r.password;
    const struct added *const both[] = { &f->account, &now };
    struct exchange *e;
    for (size_t i = 0; i < 2; i++) {
        enum exchange_step step = plain(f, &e, "", both[i]->username, both[i]->password.text);
        assert_in(e, step, f->account.username);
        step = login(f, &e, both[i]->username, both[i]->password.text, false);
        assert_in(e, step, f->account.username);
        step = scram(f, &e, client_of(both[i])); /* with the signature that fits */
        assert_in(e, step, f->account.username);
    }
    struct client c = client_of(&f->account);
    c.password = "neither";
    enum exchange_step step = scram(f, &e, c);
    assert_out(e, step, "password");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_two_accounts(test_a_disabled_account_learns_so_with_the_right_password_only),
        on_two_accounts(test_two_passwords_overlap_for_every_mechanism),
    };
    return run_exchanges(tests);
}
