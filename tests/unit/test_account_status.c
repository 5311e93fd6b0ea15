/* The status that the user sees, of the provider's switch and the payment. */
#include "tests/unit/accounts.h"

static void test_status_is_disabled_before_error_before_waiting_before_enabled(void **state)
{
    (void)state;
    Tg__Account a = TG__ACCOUNT__INIT;
    enum tg_status status;
    assert_int_equal(tg_account_status(&a), TG_STATUS_ENABLED);
    assert_string_equal(tg_account_status_reason(&a), "");
    a.payment = TG__PAYMENT__AWAITED;
    assert_int_equal(tg_account_status(&a), TG_STATUS_WAITING);
    assert_string_not_equal(tg_account_status_reason(&a), "");
    a.payment = TG__PAYMENT__OVERDUE;
    assert_int_equal(tg_account_status(&a), TG_STATUS_ERROR);
    a.disabled = true;
    assert_int_equal(tg_account_status(&a), TG_STATUS_DISABLED);
    assert_string_not_equal(tg_account_status_reason(&a), "");
    a.disabled_reason = "spam run";
    assert_string_equal(tg_account_status_reason(&a), "spam run");
    for (int s = TG_STATUS_ENABLED; s <= TG_STATUS_DISABLED; s++) {
        assert_true(tg_status_parse(tg_status_name((enum tg_status)s), &status));
        assert_int_equal(status, s);
    }
    assert_false(tg_status_parse("Enabled", &status));
}

static void test_disabling_and_enabling_are_told_to_the_user_and_the_provider(void **state)
{
    struct nouns *n = *state;
    struct added added = add_account(n, add_customer(n));
    struct args a = { .username = added.username, .reason = "spam run, ticket 812" };
    assert_refused(n, run(n, enable, &a), TG_REFUSED, "not disabled");
    assert_changed(n, run(n, disable, &a));
    assert_audit(n, 0, "account disable", added.username, "enabled", "disabled: spam run, ticket 812");
    assert_activity(n, added.id, "status disabled spam run, ticket 812");
    assert_refused(n, run(n, disable, &a), TG_REFUSED, "disabled already");
    struct tg_view *view = view_of(n);
    assert_int_equal(tg_account_status(account_of(view, added.username)), TG_STATUS_DISABLED);
    assert_string_equal(tg_account_status_reason(account_of(view, added.username)), "spam run, ticket 812");
    tg_view_end(&view);
    assert_changed(n, run(n, enable, &a));
    assert_audit(n, 0, "account enable", added.username, "disabled: spam run, ticket 812", "enabled");
    assert_activity(n, added.id, "status enabled ");

    a.reason = "line\nbreak";
    assert_refused(n, run(n, disable, &a), TG_USAGE, "reason");
    a.reason = NULL;
    assert_changed(n, run(n, disable, &a));
    a.username = "nobody";
    assert_refused(n, run(n, disable, &a), TG_NOT_FOUND, "nobody");
    assert_refused(n, run(n, enable, &a), TG_NOT_FOUND, "nobody");
}

static void test_the_switch_and_the_payment_do_not_overwrite_each_other(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct added added = add_account(n, add_customer(n));
    struct args a = { .username = added.username, .reason = "why" };
    struct tg_view *view = view_of(n);
    Tg__Account *account = account_of(view, added.username);
    account->payment = TG__PAYMENT__OVERDUE;
    assert_ok(tg_store_change(n->store, put_account, account, &err));
    tg_view_end(&view);
    assert_changed(n, run(n, disable, &a));
    assert_audit(n, 0, "account disable", added.username, "error", "disabled: why");
    assert_changed(n, run(n, enable, &a));
    assert_audit(n, 0, "account enable", added.username, "disabled: why", "error");
    assert_activity(n, added.id, "status error ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_is_disabled_before_error_before_waiting_before_enabled),
        on_a_store(test_disabling_and_enabling_are_told_to_the_user_and_the_provider),
        on_a_store(test_the_switch_and_the_payment_do_not_overwrite_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
