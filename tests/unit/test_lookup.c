#include "tests/unit/nouns.h"
#include "schema/lookup.h"
#include "schema/settings.h"
#include "schema/token.h"

struct setup {
    const char *domain, *username;
    bool subdomains;
    Tg__DomainStatus status;
    uint64_t customer_id;
};

static enum tg_code associate_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct setup *s = arg;
    Tg__Domain *domain;
    enum tg_code code = tg_domain_get(tg_change_view(change), s->domain, &domain, err);
    if (code == TG_NOT_FOUND)
        code = tg_domain_add(change, s->domain, s->customer_id, NOW, &domain, err);
    if (code == TG_OK)
        code = tg_domain_set_status(change, s->domain, s->status, NULL, NOW, err);
    return code == TG_OK ? tg_domain_associate(change, s->domain, s->username, s->subdomains, NOW, err) : code;
}

static enum tg_code authorise_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    static const struct tg_network_limits limits = { 24, 48 };
    const char **names = arg;
    struct tg_network network;
    enum tg_code code = tg_network_parse(names[0], false, &network, err);
    return code == TG_OK ? tg_network_add(change, &network, names[1], NULL, &limits, NOW, err) : code;
}

static enum tg_code disable_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    return tg_account_disable(change, arg, NULL, NOW, err);
}

static enum tg_code lock_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    Tg__Account *account;
    enum tg_code code = tg_account_by_username(tg_change_view(change), arg, &account, err);
    if (code != TG_OK)
        return code;
    account->ip_lock = true;
    return tg_account_update(change, account, NOW, err);
}

static void authorise(struct nouns *n, const char *network, const char *username)
{
    const char *names[] = { network, username };
    assert_changed(n, run(n, authorise_fn, names));
}

static enum tg_code client(struct nouns *n, const char *address)
{
    struct tg_error err;
    struct tg_view *view = view_of(n);
    enum tg_code code = tg_lookup_client(view, tg_span_str(address), &err);
    tg_view_end(&view);
    return code;
}

/* What the map says, copied; NULL: not found. */
static const char *senders(struct nouns *n, const char *address, char out[256])
{
    struct tg_error err;
    struct tg_view *view = view_of(n);
    const char *list = NULL;
    enum tg_code code = tg_lookup_sender(view, tg_span_str(address), &list, &err);
    assert_true(code == TG_OK || code == TG_NOT_FOUND);
    if (code == TG_OK)
        snprintf(out, 256, "%s", list);
    tg_view_end(&view);
    return code == TG_OK ? out : NULL;
}

static bool domain(struct nouns *n, const char *name)
{
    struct tg_error err;
    struct tg_view *view = view_of(n);
    enum tg_code code = tg_lookup_domain(view, tg_span_str(name), &err);
    assert_true(code == TG_OK || code == TG_NOT_FOUND);
    tg_view_end(&view);
    return code == TG_OK;
}

static struct added account(struct nouns *n)
{
    return add_account(n, add_customer(n));
}

static void test_an_authorised_ip_of_a_usable_account_may_relay(void **state)
{
    struct nouns *n = *state;
    struct added a = account(n);
    authorise(n, "192.0.2.0/24", a.username);
    authorise(n, "2001:db8::/48", a.username);
    assert_int_equal(client(n, "192.0.2.7"), TG_OK);
    assert_int_equal(client(n, "::ffff:192.0.2.7"), TG_OK);
    assert_int_equal(client(n, "2001:db8::1"), TG_OK);
    assert_int_equal(client(n, "192.0.3.7"), TG_NOT_FOUND);
    /* What Postfix asks too, and what is no address. */
    const char *const others[] = { "unknown", "mail.cust.test", "", "192.0.2.0/24", "192.0.2", "192.0.2.7 ",
                                   "1111111111111111111111111111111111111111111111111111111111111111111111" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(client(n, others[i]), TG_NOT_FOUND);
    assert_changed(n, run(n, disable_fn, a.username));
    assert_int_equal(client(n, "192.0.2.7"), TG_NOT_FOUND);
}

static void test_the_longest_network_decides(void **state)
{
    struct nouns *n = *state;
    struct added wide = account(n), narrow = account(n);
    authorise(n, "192.0.2.0/24", wide.username);
    authorise(n, "192.0.2.0/28", narrow.username);
    assert_changed(n, run(n, disable_fn, narrow.username));
    assert_int_equal(client(n, "192.0.2.7"), TG_NOT_FOUND);
    assert_int_equal(client(n, "192.0.2.77"), TG_OK);
    /* Shared by two, one of them usable. */
    struct added other = account(n);
    authorise(n, "192.0.2.0/28", other.username);
    assert_int_equal(client(n, "192.0.2.7"), TG_OK);
}

static void test_an_account_that_wants_a_login_too_may_not_relay_without(void **state)
{
    struct nouns *n = *state;
    struct added a = account(n);
    authorise(n, "192.0.2.7", a.username);
    assert_changed(n, run(n, lock_fn, a.username));
    assert_int_equal(client(n, "192.0.2.7"), TG_NOT_FOUND);
}

static void test_senders_are_those_of_a_verified_domain(void **state)
{
    struct nouns *n = *state;
    char out[256];
    struct added a = account(n);
    struct setup s = { "cust.test", a.username, false, TG__DOMAIN_STATUS__PENDING, a.wish.customer_id };
    assert_changed(n, run(n, associate_fn, &s));
    assert_null(senders(n, "joe@cust.test", out));
    assert_false(domain(n, "cust.test"));
    s = (struct setup){ "other.test", a.username, false, TG__DOMAIN_STATUS__VERIFIED, a.wish.customer_id };
    assert_changed(n, run(n, associate_fn, &s));
    assert_string_equal(senders(n, "joe@other.test", out), a.username);
    assert_string_equal(senders(n, "Joe+Tag@OTHER.test", out), a.username);
    assert_string_equal(senders(n, "@other.test", out), a.username);
    assert_true(domain(n, "Other.Test"));
    /* Not associated with subdomains. */
    assert_null(senders(n, "joe@sub.other.test", out));
    assert_false(domain(n, "sub.other.test"));
    assert_false(domain(n, "test"));
    const char *const others[] = { "", "<>", "joe", "@", "joe@", "joe@cust.example", "joe@other.test@other.test" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_null(senders(n, others[i], out));
}

static enum tg_code second_account_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct added *a = arg;
    Tg__Account record = TG__ACCOUNT__INIT;
    struct tg_key key;
    uint8_t id[8] = { 0, 0, 0, 0, 0, 0, 0, 99 };
    record.id = a->id = 99;
    record.username = strcpy(a->username, "zzz");
    record.customer_id = a->wish.customer_id;
    record.max_domains = 10;
    key = tg_key_id(99);
    tg_put_record(change, TG_DB_ACCOUNTS, &key, &record.base);
    key = tg_key_name("zzz");
    tg_put(change, TG_DB_LOGINS, &key, tg_span_of(id, sizeof id));
    return tg_change_error(change, err);
}

static void test_each_sender_is_named_once_and_parents_count_with_subdomains(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    char out[256], expected[256];
    struct added a = account(n), b = wish_for(a.wish.customer_id);
    assert_ok(tg_store_change(n->store, second_account_fn, &b, &err));
    const struct setup all[] = {
        { "cust.test", a.username, true, TG__DOMAIN_STATUS__VERIFIED, a.wish.customer_id },
        { "sub.cust.test", a.username, false, TG__DOMAIN_STATUS__VERIFIED, a.wish.customer_id },
        { "sub.cust.test", b.username, false, TG__DOMAIN_STATUS__VERIFIED, a.wish.customer_id },
    };
    for (size_t i = 0; i < 3; i++)
        assert_ok(tg_store_change(n->store, associate_fn, (void *)&all[i], &err));
    snprintf(expected, sizeof expected, "%s,zzz", a.username);
    assert_string_equal(senders(n, "joe@sub.cust.test", out), expected);
    assert_string_equal(senders(n, "joe@cust.test", out), a.username);
    assert_string_equal(senders(n, "joe@deep.sub.cust.test", out), a.username);
    assert_true(domain(n, "x.cust.test"));
    assert_null(senders(n, "joe@xcust.test", out));
}

static bool return_path(struct nouns *n, const struct tg_settings *settings, const char *address, int64_t now)
{
    struct tg_error err;
    struct tg_view *view = view_of(n);
    enum tg_code code = tg_lookup_return_path(view, settings, tg_span_str(address), now, &err);
    assert_true(code == TG_OK || code == TG_NOT_FOUND);
    tg_view_end(&view);
    return code == TG_OK;
}

static void test_a_genuine_return_path_is_known(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct added a = account(n);
    struct tg_settings settings = { .return_path_days = 14 };
    char text[TG_TOKEN_SIZE], address[128];
    struct tg_seal_keys keys;
    struct tg_view *view = view_of(n);
    assert_ok(tg_seal_keys_get(view, &keys, &err));
    tg_view_end(&view);
    const struct tg_token token = { .account_id = a.id, .time = NOW, .sequence = 7 };
    tg_token_make(&keys, TG_TOKEN_RETURN_PATH, &token, text);
    snprintf(address, sizeof address, "%s@rp.test", text);
    settings.return_path_canonical[0] = '\0';
    assert_false(return_path(n, &settings, address, NOW));
    strcpy(settings.return_path_canonical, "rp.test");
    assert_true(return_path(n, &settings, address, NOW + 13 * DAY));
    assert_false(return_path(n, &settings, address, NOW + 15 * DAY));
    assert_false(return_path(n, &settings, "aaaa@rp.test", NOW));
    assert_false(return_path(n, &settings, "@rp.test", NOW));
    assert_false(return_path(n, &settings, "", NOW));
    snprintf(address, sizeof address, "%s@other.test", text);
    assert_false(return_path(n, &settings, address, NOW));
    /* A trace token is none. */
    tg_token_make(&keys, TG_TOKEN_TRACE, &token, text);
    snprintf(address, sizeof address, "%s@rp.test", text);
    assert_false(return_path(n, &settings, address, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, nouns_begin, nouns_end)
        TEST(test_an_authorised_ip_of_a_usable_account_may_relay),
        TEST(test_the_longest_network_decides),
        TEST(test_an_account_that_wants_a_login_too_may_not_relay_without),
        TEST(test_senders_are_those_of_a_verified_domain),
        TEST(test_each_sender_is_named_once_and_parents_count_with_subdomains),
        TEST(test_a_genuine_return_path_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
