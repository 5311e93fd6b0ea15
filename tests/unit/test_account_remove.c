/* A removed account takes with it what is its own, and nothing else. */
#include "tests/unit/accounts.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_a_store(test_nothing_is_left_of_a_removed_account_and_all_of_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
