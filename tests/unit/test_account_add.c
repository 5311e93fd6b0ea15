/* A new account: what it is asked for, what it has, what is on sale. */
#include "tests/unit/accounts.h"

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
    assert_refused(n, run(n, add_account_fn, &a), TG_REFUSED, "plan monthly is not on sale (tollgate plan list shows what is, tollgate plan set puts it on sale)");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_a_store(test_a_new_account_has_name_password_plan_and_ledger),
        on_a_store(test_what_an_account_is_asked_for_is_checked),
        on_a_store(test_a_customer_has_one_free_account_at_a_time),
        on_a_store(test_what_is_not_on_sale_is_not_sold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
