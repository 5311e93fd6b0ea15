/* Accounts: how they are found, changed and credited. */
#include "tests/unit/accounts.h"
#include "schema/ledger.h"

/* ---- reading ---- */

static void test_accounts_are_found_by_name_number_and_customer(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct added one = add_account(n, add_customer(n)), two = add_account(n, add_customer(n));
    struct tg_key all = tg_key_all(), customer = tg_key_id(2);
    struct tg_walk *walk;
    Tg__Account *a;
    struct tg_view *view = view_of(n);
    const char *unknown[] = { "", "nobody", "x\ny", "\xff", "a-very-long-name-that-is-longer-than-any-username-could-ever-be-here" };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        assert_int_equal(tg_account_by_username(view, unknown[i], &a, &err), TG_NOT_FOUND);
        assert_non_null(strstr(err.text, "tollgate account list"));
        assert_null(strpbrk(err.text, "\n\xff"));
    }
    assert_ok(tg_account_get(view, two.id, &a, &err));
    assert_string_equal(a->username, two.username);
    assert_int_equal(tg_account_get(view, 99, &a, &err), TG_NOT_FOUND);

    assert_ok(tg_walk_begin(view, TG_DB_ACCOUNTS, &all, NULL, TG_FORWARD, &walk, &err));
    assert_ok(tg_account_next(view, walk, TG_DB_ACCOUNTS, &a, &err));
    assert_string_equal(a->username, one.username);
    assert_ok(tg_account_next(view, walk, TG_DB_ACCOUNTS, &a, &err));
    assert_int_equal(tg_account_next(view, walk, TG_DB_ACCOUNTS, &a, &err), TG_NOT_FOUND);
    tg_walk_end(&walk);

    assert_ok(tg_walk_begin(view, TG_DB_CUSTOMER_ACCOUNTS, &customer, NULL, TG_FORWARD, &walk, &err));
    assert_ok(tg_account_next(view, walk, TG_DB_CUSTOMER_ACCOUNTS, &a, &err));
    assert_string_equal(a->username, two.username);
    assert_int_equal(tg_account_next(view, walk, TG_DB_CUSTOMER_ACCOUNTS, &a, &err), TG_NOT_FOUND);
    tg_walk_end(&walk);
    tg_view_end(&view);
}

/* By an import that somebody edited: tokens have no room for it. */
static enum tg_code renumber(struct tg_change *change, void *arg, struct tg_error *err)
{
    Tg__Account *a;
    enum tg_code code = tg_account_get(tg_change_view(change), *(uint64_t *)arg, &a, err);
    if (code != TG_OK)
        return code;
    a->id = TG_NUMBER_MAX + 1;
    struct tg_key key = tg_key_id(a->id), login = tg_key_name(a->username);
    tg_put_record(change, TG_DB_ACCOUNTS, &key, &a->base);
    tg_put(change, TG_DB_LOGINS, &login, tg_key_span(&key));
    return tg_change_error(change, err);
}

static void test_an_account_whose_number_no_token_could_have_is_damaged(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct added added = add_account(n, add_customer(n));
    const char *why;
    Tg__Account *a;
    assert_ok(tg_store_change(n->store, renumber, &added.id, &err));
    struct tg_view *view = view_of(n);
    assert_int_equal(tg_account_check_password(view, added.username, "x", 1, NOW, &a, &why, &err), TG_UNUSABLE);
    tg_view_end(&view);
}

static enum tg_code lose_account(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct tg_key key = tg_key_id(*(uint64_t *)arg);
    tg_delete(change, TG_DB_ACCOUNTS, &key);
    return tg_change_error(change, err);
}

static void test_a_login_without_its_account_is_no_answer(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct added added = add_account(n, add_customer(n));
    struct tg_key customer = tg_key_id(1);
    struct tg_walk *walk;
    const char *why;
    Tg__Account *a;
    assert_ok(tg_store_change(n->store, lose_account, &added.id, &err));
    struct tg_view *view = view_of(n);
    assert_int_equal(tg_account_by_username(view, added.username, &a, &err), TG_UNUSABLE);
    assert_int_equal(tg_account_check_password(view, added.username, "x", 1, NOW, &a, &why, &err), TG_UNUSABLE);
    assert_int_equal(tg_account_of_login(view, added.username, &a, &err), TG_UNUSABLE);
    assert_ok(tg_account_of_login(view, "nobody0nobody", &a, &err));
    assert_null(a);
    assert_ok(tg_walk_begin(view, TG_DB_CUSTOMER_ACCOUNTS, &customer, NULL, TG_FORWARD, &walk, &err));
    assert_int_equal(tg_account_next(view, walk, TG_DB_CUSTOMER_ACCOUNTS, &a, &err), TG_UNUSABLE);
    tg_walk_end(&walk);
    tg_view_end(&view);
}

static void test_the_tighter_limit_counts_and_zero_is_none(void **state)
{
    (void)state;
    Tg__Account a = TG__ACCOUNT__INIT;
    assert_int_equal(tg_account_plan(&a, 0, 0).max_per_hour, 0);
    assert_int_equal(tg_account_plan(&a, 5, 9).max_per_hour, 5);
    assert_int_equal(tg_account_plan(&a, 5, 9).max_per_day, 9);
    a.max_per_day = 7;
    assert_int_equal(tg_account_plan(&a, 0, 9).max_per_day, 7);
    assert_int_equal(tg_account_plan(&a, 0, 3).max_per_day, 3);
    assert_int_equal(tg_account_plan(&a, 0, 0).max_per_day, 7);
}

/* ---- set, enable, disable ---- */

static void test_each_field_that_changes_has_its_audit_line(void **state)
{
    struct nouns *n = *state;
    struct added added = add_account(n, add_customer(n));
    struct args a = { .account = TG__ACCOUNT__INIT };
    struct tg_view *view = view_of(n);
    Tg__Account *old = account_of(view, added.username);
    a.account.id = old->id;
    a.account.username = "not the caller's to change";
    a.account.customer_id = 99;
    a.account.plan_messages = 1000000;
    a.account.description = "shop";
    a.account.notify = "a@example.com";
    a.account.type = TG__ACCOUNT_TYPE__PROMOTIONAL;
    a.account.max_domains = 20;
    a.account.max_recipients = old->max_recipients;
    a.account.max_per_hour = 30;
    a.account.any_sender = true;
    tg_view_end(&view);
    const size_t lines = keys_in(n, TG_DB_AUDIT);
    assert_changed(n, run(n, update, &a));
    assert_int_equal(keys_in(n, TG_DB_AUDIT), lines + 6);
    assert_audit(n, 5, "account set --description", added.username, "newsletter", "shop");
    assert_audit(n, 4, "account set --type", added.username, "transactional", "promotional");
    assert_audit(n, 3, "account set --notify", added.username, "", "a@example.com");
    assert_audit(n, 2, "account set --max-domains", added.username, "10", "20");
    assert_audit(n, 1, "account set --max-per-hour", added.username, "0", "30");
    assert_audit(n, 0, "account set --any-sender", added.username, "no", "yes");

    view = view_of(n);
    Tg__Account *now = account_of(view, added.username);
    assert_string_equal(now->description, "shop");
    assert_string_equal(now->notify, "a@example.com");
    assert_int_equal(now->max_domains, 20);
    assert_true(now->any_sender);
    assert_int_equal(now->customer_id, 1);
    assert_int_equal(now->plan_messages, TG_FREE_MESSAGES);
    assert_true(tg_credential_matches(now->credential, added.password.text, strlen(added.password.text)));
    tg_view_end(&view);

    a.account.notify = "nobody";
    assert_refused(n, run(n, update, &a), TG_USAGE, "nobody");
    a.account.notify = "";
    a.account.id = 99;
    assert_refused(n, run(n, update, &a), TG_NOT_FOUND, "99");
}

static void test_the_maximum_of_domains_is_not_set_below_what_there_are(void **state)
{
    struct nouns *n = *state;
    struct added added = add_account(n, add_customer(n));
    struct args a = { .username = added.username, .account = added.wish };
    a.reason = "a.example";
    assert_changed(n, run(n, add_and_associate, &a));
    a.reason = "b.example";
    assert_changed(n, run(n, add_and_associate, &a));
    a.account.id = added.id;
    a.account.max_domains = 1;
    assert_refused(n, run(n, update, &a), TG_REFUSED, "2 domains");
    a.account.max_domains = 0;
    assert_refused(n, run(n, update, &a), TG_USAGE, "domains");
    a.account.max_domains = 2;
    assert_changed(n, run(n, update, &a));
}

static void test_a_credit_is_in_the_balance_the_ledger_and_the_audit_log(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct added added = add_account(n, add_customer(n));
    struct args a = { .username = added.username, .number = 250, .reason = "lost by the relay" };
    struct tg_usage usage;
    struct tg_balance balance;
    assert_changed(n, run(n, credit, &a));
    assert_audit(n, 0, "account credit", added.username, "1000 left", "1250 left, 250 messages: lost by the relay");
    struct tg_view *view = view_of(n);
    struct tg_plan plan = tg_account_plan(account_of(view, added.username), 0, 0);
    assert_ok(tg_usage_get(view, added.id, &usage, &err));
    tg_plan_balance(&plan, &usage, NOW, &balance);
    assert_int_equal(balance.left, TG_FREE_MESSAGES + 250);
    tg_view_end(&view);
    assert_int_equal(keys_under(n, TG_DB_LEDGER, tg_key_id(added.id)), 2);

    a.number = 0;
    assert_refused(n, run(n, credit, &a), TG_USAGE, "credit");
    a.number = 1;
    a.reason = "";
    assert_refused(n, run(n, credit, &a), TG_USAGE, "reason");
    a.reason = "a\nb";
    assert_refused(n, run(n, credit, &a), TG_USAGE, "reason");
    a.reason = "why";
    a.username = "nobody";
    assert_refused(n, run(n, credit, &a), TG_NOT_FOUND, "nobody");
    assert_int_equal(keys_under(n, TG_DB_LEDGER, tg_key_id(added.id)), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_a_store(test_accounts_are_found_by_name_number_and_customer),
        on_a_store(test_an_account_whose_number_no_token_could_have_is_damaged),
        on_a_store(test_a_login_without_its_account_is_no_answer),
        cmocka_unit_test(test_the_tighter_limit_counts_and_zero_is_none),
        on_a_store(test_each_field_that_changes_has_its_audit_line),
        on_a_store(test_the_maximum_of_domains_is_not_set_below_what_there_are),
        on_a_store(test_a_credit_is_in_the_balance_the_ledger_and_the_audit_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
