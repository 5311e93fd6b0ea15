/* Passwords: who passes, and until when the old one does. */
#include "tests/unit/accounts.h"

static enum tg_code check(struct nouns *n, const char *username, const char *password, int64_t now, const char **why)
{
    struct tg_error err;
    struct tg_view *view = view_of(n);
    Tg__Account *account;
    enum tg_code code = tg_account_check_password(view, username, password, strlen(password), now, &account, why, &err);
    assert_int_equal(account == NULL, code == TG_REFUSED && strcmp(*why, "unknown") == 0);
    tg_view_end(&view);
    return code;
}

static void test_the_right_password_of_an_account_that_is_not_disabled_passes(void **state)
{
    struct nouns *n = *state;
    struct added added = add_account(n, add_customer(n));
    struct args a = { .username = added.username };
    const char *why;
    assert_int_equal(check(n, added.username, added.password.text, NOW, &why), TG_OK);
    assert_int_equal(check(n, added.username, "wrong", NOW, &why), TG_REFUSED);
    assert_string_equal(why, "password");
    assert_int_equal(check(n, added.username, "", NOW, &why), TG_REFUSED);
    assert_int_equal(check(n, "nobody", added.password.text, NOW, &why), TG_REFUSED);
    assert_string_equal(why, "unknown");
    assert_int_equal(check(n, "", "", NOW, &why), TG_REFUSED);
    assert_string_equal(why, "unknown");
    assert_changed(n, run(n, disable, &a));
    assert_int_equal(check(n, added.username, added.password.text, NOW, &why), TG_REFUSED);
    assert_string_equal(why, "disabled");
    /* Nobody learns of it without the password. */
    assert_int_equal(check(n, added.username, "wrong", NOW, &why), TG_REFUSED);
    assert_string_equal(why, "password");
}

static void test_a_waiting_account_may_log_in_to_learn_why(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    const char *why;
    struct added added = add_account(n, add_customer(n));
    struct tg_view *view = view_of(n);
    Tg__Account *account = account_of(view, added.username);
    account->payment = TG__PAYMENT__AWAITED;
    assert_ok(tg_store_change(n->store, put_account, account, &err));
    tg_view_end(&view);
    assert_int_equal(check(n, added.username, added.password.text, NOW, &why), TG_OK);
}

static void test_a_new_password_voids_the_old_one_at_once(void **state)
{
    struct nouns *n = *state;
    struct added added = add_account(n, add_customer(n));
    struct args a = { .username = added.username, .now = NOW };
    const char *why;
    uint8_t salt[TG_SALT_LEN];
    struct tg_view *view = view_of(n);
    memcpy(salt, account_of(view, added.username)->credential->salt.data, sizeof salt);
    tg_view_end(&view);
    assert_changed(n, run(n, new_password, &a));
    assert_int_equal(a.old_valid_until, 0);
    assert_int_equal(check(n, added.username, a.password.text, NOW, &why), TG_OK);
    assert_int_equal(check(n, added.username, added.password.text, NOW, &why), TG_REFUSED);
    assert_audit(n, 0, "account password", added.username, "generation 1", "generation 2");
    assert_activity(n, added.id, "password renewed ");
    view = view_of(n);
    assert_memory_not_equal(account_of(view, added.username)->credential->salt.data, salt, sizeof salt);
    assert_int_equal(account_of(view, added.username)->credential->generation, 2);
    assert_null(account_of(view, added.username)->old_credential);
    tg_view_end(&view);
}

static void test_with_an_overlap_both_passwords_pass_until_it_ends(void **state)
{
    struct nouns *n = *state;
    struct added added = add_account(n, add_customer(n));
    struct args a = { .username = added.username, .now = NOW, .overlap_s = 7 * DAY };
    const char *why;
    assert_changed(n, run(n, new_password, &a));
    assert_int_equal(a.old_valid_until, NOW + 7 * DAY);
    assert_audit(n, 0, "account password", added.username, "generation 1",
                 "generation 2, the old one stays valid until 2027-01-22T08:00:00Z");
    assert_activity(n, added.id, "password renewed the old one stays valid until 2027-01-22T08:00:00Z");
    assert_int_equal(check(n, added.username, added.password.text, NOW + 7 * DAY - 1, &why), TG_OK);
    assert_int_equal(check(n, added.username, added.password.text, NOW + 7 * DAY, &why), TG_REFUSED);
    assert_int_equal(check(n, added.username, a.password.text, NOW + 7 * DAY, &why), TG_OK);

    struct tg_view *view = view_of(n);
    Tg__Account *account = account_of(view, added.username);
    assert_memory_equal(account->credential->salt.data, account->old_credential->salt.data, TG_SALT_LEN);
    assert_int_equal(account->credential->iterations, account->old_credential->iterations);
    assert_int_equal(account->old_credential->generation, 1);
    tg_view_end(&view);

    /* A third one: the first is void, whatever time it had left; and then all that is old. */
    struct args b = { .username = added.username, .now = NOW + DAY, .overlap_s = DAY };
    assert_changed(n, run(n, new_password, &b));
    assert_int_equal(check(n, added.username, added.password.text, NOW + DAY, &why), TG_REFUSED);
    assert_int_equal(check(n, added.username, a.password.text, NOW + DAY, &why), TG_OK);
    assert_int_equal(check(n, added.username, b.password.text, NOW + DAY, &why), TG_OK);
    b.overlap_s = 0;
    assert_changed(n, run(n, new_password, &b));
    assert_int_equal(check(n, added.username, a.password.text, NOW + DAY, &why), TG_REFUSED);
    assert_int_equal(check(n, added.username, b.password.text, NOW + DAY, &why), TG_OK);
}

static void test_an_overlap_is_at_most_a_year_and_lengthens_no_life(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct added added = add_account(n, add_customer(n));
    struct args a = { .username = added.username, .now = NOW, .overlap_s = 367 * DAY };
    const char *why;
    assert_refused(n, run(n, new_password, &a), TG_USAGE, "year");
    a.overlap_s = -1;
    assert_refused(n, run(n, new_password, &a), TG_USAGE, "year");
    a.username = "nobody";
    assert_refused(n, run(n, new_password, &a), TG_NOT_FOUND, "nobody");

    struct tg_view *view = view_of(n);
    Tg__Account *account = account_of(view, added.username);
    account->credential->expires_at = NOW + 10;
    assert_ok(tg_store_change(n->store, put_account, account, &err));
    tg_view_end(&view);
    assert_int_equal(check(n, added.username, added.password.text, NOW + 9, &why), TG_OK);
    assert_int_equal(check(n, added.username, added.password.text, NOW + 10, &why), TG_REFUSED);
    a = (struct args){ .username = added.username, .now = NOW, .overlap_s = DAY };
    assert_changed(n, run(n, new_password, &a));
    assert_int_equal(a.old_valid_until, NOW + 10);

    view = view_of(n);
    account = account_of(view, added.username);
    account->credential->expires_at = NOW;
    assert_ok(tg_store_change(n->store, put_account, account, &err));
    tg_view_end(&view);
    assert_changed(n, run(n, new_password, &a));
    assert_int_equal(a.old_valid_until, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_a_store(test_the_right_password_of_an_account_that_is_not_disabled_passes),
        on_a_store(test_a_waiting_account_may_log_in_to_learn_why),
        on_a_store(test_a_new_password_voids_the_old_one_at_once),
        on_a_store(test_with_an_overlap_both_passwords_pass_until_it_ends),
        on_a_store(test_an_overlap_is_at_most_a_year_and_lengthens_no_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
