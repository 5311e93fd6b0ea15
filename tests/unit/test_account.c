#include "tests/unit/nouns.h"
#include "schema/activity.h"
#include "schema/ledger.h"

struct args {
    const char *username, *reason;
    int64_t overlap_s, now, old_valid_until;
    uint64_t number;
    Tg__Account account;
    struct tg_secret password;
};

static enum tg_code update(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_account_update(change, &a->account, NOW, err);
}

static enum tg_code enable(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_account_enable(change, a->username, NOW + 2, err);
}

static enum tg_code disable(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_account_disable(change, a->username, a->reason, NOW + 1, err);
}

static enum tg_code new_password(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct args *a = arg;
    Tg__Account *account;
    return tg_account_password(change, a->username, a->overlap_s, a->now, &account, &a->password, &a->old_valid_until, err);
}

static enum tg_code credit(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_account_credit(change, a->username, a->number, a->reason, NOW, err);
}

static enum tg_code remove_account(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_account_remove(change, a->username, NOW, err);
}

/* Any record, behind the nouns' back. */
static enum tg_code put_account(struct tg_change *change, void *arg, struct tg_error *err)
{
    const Tg__Account *account = arg;
    struct tg_key key = tg_key_id(account->id);
    tg_put_record(change, TG_DB_ACCOUNTS, &key, &account->base);
    return tg_change_error(change, err);
}

static enum tg_code put_offer(struct tg_change *change, void *arg, struct tg_error *err)
{
    const Tg__Offer *offer = arg;
    struct tg_key key = tg_key_offer((uint8_t)offer->plan, offer->messages);
    tg_put_record(change, TG_DB_PLANS, &key, &offer->base);
    return tg_change_error(change, err);
}

static void offer(struct nouns *n, Tg__PlanKind plan, uint64_t messages, bool on_sale)
{
    struct tg_error err;
    Tg__Offer o = TG__OFFER__INIT;
    o.plan = plan;
    o.messages = messages;
    o.currency = "EUR";
    o.on_sale = on_sale;
    assert_ok(tg_store_change(n->store, put_offer, &o, &err));
}

static Tg__Account *account_of(struct tg_view *view, const char *username)
{
    struct tg_error err;
    Tg__Account *account;
    assert_ok(tg_account_by_username(view, username, &account, &err));
    return account;
}

/* Of the account's newest activity: "kind result text". */
static void assert_activity(struct nouns *n, uint64_t id, const char *expected)
{
    struct tg_error err;
    struct tg_view *view = view_of(n);
    struct tg_key prefix = tg_key_id(id);
    struct tg_walk *walk;
    struct tg_event_id event;
    Tg__Activity *activity;
    char text[400];
    assert_ok(tg_walk_begin(view, TG_DB_ACTIVITY, &prefix, NULL, TG_BACKWARD, &walk, &err));
    assert_ok(tg_activity_next(view, walk, &event, &activity, &err));
    snprintf(text, sizeof text, "%s %s %s", tg_activity_kind_name(activity->kind), activity->result, activity->text);
    assert_string_equal(text, expected);
    tg_walk_end(&walk);
    tg_view_end(&view);
}

/* ---- add ---- */

static void test_a_new_account_has_name_password_plan_and_ledger(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct added added = wish_for(add_customer(n));
    added.wish.type = TG__ACCOUNT_TYPE__PROMOTIONAL;
    added.wish.notify = "bounces@example.com";
    added.wish.max_per_hour = 50;
    added.wish.ip_lock = true;
    assert_changed(n, run(n, add_account_fn, &added));
    assert_audit(n, 0, "account add", added.username, "", "customer 1, plan free, newsletter");
    assert_int_equal(added.id, 1);
    assert_int_equal(strlen(added.username), TG_USERNAME_LEN);

    struct tg_view *view = view_of(n);
    Tg__Account *a = account_of(view, added.username);
    assert_int_equal(a->customer_id, 1);
    assert_string_equal(a->description, "newsletter");
    assert_string_equal(a->notify, "bounces@example.com");
    assert_int_equal(a->type, TG__ACCOUNT_TYPE__PROMOTIONAL);
    assert_int_equal(a->plan, TG__PLAN_KIND__FREE);
    assert_int_equal(a->plan_messages, TG_FREE_MESSAGES);
    assert_int_equal(a->plan_since, NOW);
    assert_int_equal(a->created_at, NOW);
    assert_int_equal(a->max_domains, TG_DEFAULT_MAX_DOMAINS);
    assert_int_equal(a->max_per_hour, 50);
    assert_true(a->ip_lock);
    assert_int_equal(tg_account_status(a), TG_STATUS_ENABLED);
    assert_int_equal(a->credential->generation, 1);
    assert_null(a->old_credential);
    assert_true(tg_credential_matches(a->credential, added.password.text, strlen(added.password.text)));

    struct tg_usage usage;
    struct tg_balance balance;
    struct tg_plan plan = tg_account_plan(a, 20, 0);
    assert_int_equal(plan.max_per_hour, 20); /* the tighter one */
    assert_ok(tg_usage_get(view, a->id, &usage, &err));
    tg_plan_balance(&plan, &usage, NOW, &balance);
    assert_int_equal(balance.left, TG_FREE_MESSAGES);
    tg_view_end(&view);
    assert_int_equal(keys_under(n, TG_DB_LEDGER, tg_key_id(1)), 1);
}

static void test_what_an_account_is_asked_for_is_checked(void **state)
{
    struct nouns *n = *state;
    static char long_text[300];
    memset(long_text, 'x', 201);
    struct added a = wish_for(add_customer(n));
#define REFUSED(field, value, code, words)                                  \
    do {                                                                    \
        a = wish_for(1);                                                    \
        a.wish.field = value;                                               \
        assert_refused(n, run(n, add_account_fn, &a), code, words);         \
    } while (0)
    REFUSED(description, "", TG_USAGE, "description");
    REFUSED(description, "a\nb", TG_USAGE, "description");
    REFUSED(description, "\xe2\x80\xa8", TG_USAGE, "description");
    REFUSED(description, "\xc3", TG_USAGE, "description");
    REFUSED(description, long_text, TG_USAGE, "description");
    REFUSED(notify, "<>", TG_USAGE, "notification");
    REFUSED(notify, "<a@example.com>", TG_USAGE, "notification");
    REFUSED(notify, "nobody", TG_USAGE, "nobody");
    REFUSED(notify, "a@b@example.com", TG_USAGE, "notification");
    REFUSED(max_domains, 10001, TG_USAGE, "domains");
    REFUSED(customer_id, 7, TG_NOT_FOUND, "customer 7");
#undef REFUSED
    assert_int_equal(keys_in(n, TG_DB_ACCOUNTS), 0);
    /* 200 characters, 600 octets */
    a = wish_for(1);
    a.wish.description = calloc(1, 601);
    for (int i = 0; i < 200; i++)
        memcpy(a.wish.description + 3 * i, "\xe6\x97\xa5", 3);
    assert_changed(n, run(n, add_account_fn, &a));
    free(a.wish.description);
}

static void test_a_customer_has_one_free_account_at_a_time(void **state)
{
    struct nouns *n = *state;
    struct added first = add_account(n, add_customer(n)), second = wish_for(1);
    struct args a = { .username = first.username };
    assert_refused(n, run(n, add_account_fn, &second), TG_REFUSED, first.username);
    add_account(n, add_customer(n));
    assert_changed(n, run(n, remove_account, &a));
    assert_changed(n, run(n, add_account_fn, &second));
    assert_int_equal(second.id, 3);
}

static void test_what_is_not_on_sale_is_not_sold(void **state)
{
    struct nouns *n = *state;
    struct added a = wish_for(add_customer(n));
    a.wish.plan = TG__PLAN_KIND__MONTHLY;
    assert_refused(n, run(n, add_account_fn, &a), TG_REFUSED, "plan monthly is not on sale (tollgate plan list shows what is)");
    a.wish.plan_messages = 5000;
    assert_refused(n, run(n, add_account_fn, &a), TG_REFUSED, "not on sale");
    a.wish.plan = TG__PLAN_KIND__PREPAID;
    a.wish.plan_messages = 0;
    assert_refused(n, run(n, add_account_fn, &a), TG_REFUSED, "plan prepaid is not on sale");
    a.wish.plan = TG__PLAN_KIND__FREE;
    a.wish.plan_messages = 999;
    assert_refused(n, run(n, add_account_fn, &a), TG_REFUSED, "not on sale");

    /* A paid plan needs an order first. */
    offer(n, TG__PLAN_KIND__PREPAID, 500, true);
    a.wish.plan = TG__PLAN_KIND__PREPAID;
    a.wish.plan_messages = 0;
    assert_refused(n, run(n, add_account_fn, &a), TG_REFUSED, "needs an order");
    a.wish.plan = TG__PLAN_KIND__FREE;

    /* Several sizes: which? None: no more free accounts. */
    offer(n, TG__PLAN_KIND__FREE, 50, true);
    a.wish.plan_messages = 0;
    assert_refused(n, run(n, add_account_fn, &a), TG_USAGE, "--messages");
    offer(n, TG__PLAN_KIND__FREE, 50, false);
    offer(n, TG__PLAN_KIND__FREE, TG_FREE_MESSAGES, false);
    assert_refused(n, run(n, add_account_fn, &a), TG_REFUSED, "plan free is not on sale");
    offer(n, TG__PLAN_KIND__FREE, 50, true);
    assert_changed(n, run(n, add_account_fn, &a));
    struct tg_view *view = view_of(n);
    assert_int_equal(account_of(view, a.username)->plan_messages, 50);
    tg_view_end(&view);
}

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

static enum tg_code add_and_associate(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    Tg__Domain *domain;
    enum tg_code code = tg_domain_add(change, a->reason, 1, NOW, &domain, err);
    return code == TG_OK ? tg_domain_associate(change, a->reason, a->username, true, NOW, err) : code;
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

/* ---- passwords ---- */

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

/* ---- credit, remove ---- */

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

struct activities {
    uint64_t id;
    int64_t from;
};

static enum tg_code put_activities(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct activities *a = arg;
    Tg__Activity activity = TG__ACTIVITY__INIT;
    for (int i = 0; i < 1000; i++) {
        struct tg_event_id id = tg_event_new(a->id, (a->from + i) * 1000000);
        enum tg_code code = tg_activity_append(change, &id, &activity, err);
        if (code != TG_OK)
            return code;
    }
    return tg_change_error(change, err);
}

static enum tg_code add_networks(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    const struct tg_network_limits limits = { 24, 48 };
    const char *texts[] = { "192.0.2.0/24", "192.0.2.1", "2001:db8::/48" };
    for (size_t i = 0; i < 3; i++) {
        struct tg_network network;
        enum tg_code code = tg_network_parse(texts[i], false, &network, err);
        if (code != TG_OK || (code = tg_network_add(change, &network, a->username, NULL, &limits, NOW, err)) != TG_OK)
            return code;
    }
    return TG_OK;
}

static void test_nothing_is_left_of_a_removed_account_and_all_of_the_others(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    static const enum tg_db own[] = { TG_DB_ACCOUNTS, TG_DB_USAGE,  TG_DB_ASSOCIATIONS,    TG_DB_ACTIVITY,
                                      TG_DB_DAILY,    TG_DB_LEDGER, TG_DB_ACCOUNT_NETWORKS };
    struct added gone = add_account(n, add_customer(n)), stays = add_account(n, add_customer(n));
    struct args a = { .username = gone.username, .reason = "a.example" }, b = { .username = stays.username };
    assert_changed(n, run(n, add_and_associate, &a));
    a.reason = "b.example";
    assert_changed(n, run(n, add_and_associate, &a));
    assert_changed(n, run(n, add_networks, &a));
    assert_changed(n, run(n, add_networks, &b));
    for (int i = 0; i < 5; i++) {
        struct activities of_gone = { gone.id, NOW + i * DAY }, of_stays = { stays.id, NOW + i * DAY };
        assert_ok(tg_store_change(n->store, put_activities, &of_gone, &err));
        assert_ok(tg_store_change(n->store, put_activities, &of_stays, &err));
    }
    assert_changed(n, run(n, remove_account, &a));
    assert_audit(n, 0, "account remove", gone.username, "customer 1, plan free, newsletter", "");
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        assert_int_equal(keys_under(n, own[i], tg_key_id(gone.id)), 0);
        if (own[i] != TG_DB_ASSOCIATIONS)
            assert_true(keys_under(n, own[i], tg_key_id(stays.id)) > 0);
    }
    assert_int_equal(keys_under(n, TG_DB_ACTIVITY, tg_key_id(stays.id)), 5000);
    assert_int_equal(keys_in(n, TG_DB_NETWORKS), 3);
    assert_int_equal(keys_in(n, TG_DB_DOMAIN_ACCOUNTS), 0);
    assert_int_equal(keys_in(n, TG_DB_DOMAINS), 2); /* they are the customer's */
    assert_int_equal(keys_in(n, TG_DB_LOGINS), 1);
    assert_refused(n, run(n, remove_account, &a), TG_NOT_FOUND, gone.username);
}

#define on_a_store(test) cmocka_unit_test_setup_teardown(test, nouns_begin, nouns_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_a_store(test_a_new_account_has_name_password_plan_and_ledger),
        on_a_store(test_what_an_account_is_asked_for_is_checked),
        on_a_store(test_a_customer_has_one_free_account_at_a_time),
        on_a_store(test_what_is_not_on_sale_is_not_sold),
        on_a_store(test_accounts_are_found_by_name_number_and_customer),
        on_a_store(test_a_login_without_its_account_is_no_answer),
        cmocka_unit_test(test_status_is_disabled_before_error_before_waiting_before_enabled),
        cmocka_unit_test(test_the_tighter_limit_counts_and_zero_is_none),
        on_a_store(test_each_field_that_changes_has_its_audit_line),
        on_a_store(test_the_maximum_of_domains_is_not_set_below_what_there_are),
        on_a_store(test_disabling_and_enabling_are_told_to_the_user_and_the_provider),
        on_a_store(test_the_switch_and_the_payment_do_not_overwrite_each_other),
        on_a_store(test_the_right_password_of_an_account_that_is_not_disabled_passes),
        on_a_store(test_a_waiting_account_may_log_in_to_learn_why),
        on_a_store(test_a_new_password_voids_the_old_one_at_once),
        on_a_store(test_with_an_overlap_both_passwords_pass_until_it_ends),
        on_a_store(test_an_overlap_is_at_most_a_year_and_lengthens_no_life),
        on_a_store(test_a_credit_is_in_the_balance_the_ledger_and_the_audit_log),
        on_a_store(test_nothing_is_left_of_a_removed_account_and_all_of_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
