#include "tests/unit/nouns.h"
#include "schema/domain_name.h"

struct args {
    const char *name, *username, *reason;
    uint64_t customer_id;
    bool subdomains, dissociate;
    Tg__DomainStatus status;
};

static enum tg_code add(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    Tg__Domain *domain;
    return tg_domain_add(change, a->name, a->customer_id, NOW, &domain, err);
}

static enum tg_code set_status(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_domain_set_status(change, a->name, a->status, a->reason, NOW + 7, err);
}

static enum tg_code remove_domain(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_domain_remove(change, a->name, a->dissociate, NOW, err);
}

static enum tg_code associate(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_domain_associate(change, a->name, a->username, a->subdomains, NOW, err);
}

static enum tg_code dissociate(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_domain_dissociate(change, a->name, a->username, NOW, err);
}

static void verified(struct nouns *n, const char *name, uint64_t customer_id)
{
    struct args a = { .name = name, .customer_id = customer_id, .status = TG__DOMAIN_STATUS__VERIFIED };
    assert_changed(n, run(n, add, &a));
    assert_changed(n, run(n, set_status, &a));
}

static enum tg_domain_match match_of(struct nouns *n, uint64_t account_id, const char *name)
{
    struct tg_error err;
    struct tg_view *view = view_of(n);
    enum tg_domain_match match;
    assert_ok(tg_domain_match(view, account_id, name, &match, &err));
    tg_view_end(&view);
    return match;
}

static void test_a_domain_is_kept_by_its_canonical_name(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct args a = { .name = "BÜCHER.example.", .customer_id = add_customer(n) };
    Tg__Domain *d, *same;
    assert_changed(n, run(n, add, &a));
    assert_audit(n, 0, "domain add", "xn--bcher-kva.example", "", "customer 1");
    struct tg_view *view = view_of(n);
    assert_ok(tg_domain_get(view, "bücher.EXAMPLE", &d, &err));
    assert_ok(tg_domain_get(view, "xn--bcher-kva.example", &same, &err));
    assert_string_equal(d->domain, "xn--bcher-kva.example");
    assert_string_equal(same->domain, d->domain);
    assert_int_equal(d->status, TG__DOMAIN_STATUS__PENDING);
    assert_int_equal(d->created_at, NOW);
    assert_string_equal(tg_domain_txt_name(tg_view_arena(view), d), "_tollgate.xn--bcher-kva.example");
    assert_int_equal(strncmp(tg_domain_txt_value(tg_view_arena(view), d), "tollgate-verify=", 16), 0);
    assert_int_equal(strlen(d->token), 32); /* 160 bits */
    assert_int_equal(tg_domain_get(view, "other.example", &d, &err), TG_NOT_FOUND);
    assert_non_null(strstr(err.text, "other.example"));
    tg_view_end(&view);
    a.name = "bücher.example";
    assert_refused(n, run(n, add, &a), TG_REFUSED, "xn--bcher-kva.example");
}

static void test_what_is_no_domain_or_nobodys_is_refused(void **state)
{
    struct nouns *n = *state;
    struct args a = { .customer_id = add_customer(n) };
    const char *no_domain[] = { "", ".", "com", "a..example", "-a.example", "a_b.example", "192.0.2.1", "[192.0.2.1]", "\xff.example",
                                /* libidn2 could drop what it does not allow, and find another domain */
                                "exa mple.com", "ex@b.com", "ex\xef\xbc\xa0" "b.com", "example.com\r\nBcc: b", "example.com\t",
                                "exa\x7fmple.com", "ex/b.com" };
    const char *nobodys[] = { "co.uk", "github.io", "CO.UK." };
    for (size_t i = 0; i < sizeof no_domain / sizeof *no_domain; i++) {
        a.name = no_domain[i];
        assert_refused(n, run(n, add, &a), TG_USAGE, "domain");
    }
    for (size_t i = 0; i < sizeof nobodys / sizeof *nobodys; i++) {
        a.name = nobodys[i];
        assert_refused(n, run(n, add, &a), TG_REFUSED, "public suffix");
    }
    a = (struct args){ .name = "example.com", .customer_id = 99 };
    assert_refused(n, run(n, add, &a), TG_NOT_FOUND, "customer 99");
    assert_int_equal(keys_in(n, TG_DB_DOMAINS), 0);
}

static void test_a_domain_has_one_owner(void **state)
{
    struct nouns *n = *state;
    struct args a = { .name = "example.com", .customer_id = add_customer(n) };
    assert_changed(n, run(n, add, &a));
    assert_refused(n, run(n, add, &a), TG_REFUSED, "this customer's");
    a.customer_id = add_customer(n);
    assert_refused(n, run(n, add, &a), TG_REFUSED, "another customer's");
    assert_int_equal(keys_under(n, TG_DB_CUSTOMER_DOMAINS, tg_key_id(a.customer_id)), 0);
}

static void test_its_status_is_kept_with_reason_and_time(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct args a = { .name = "example.com", .customer_id = add_customer(n), .reason = "no TXT record",
                      .status = TG__DOMAIN_STATUS__FAILED };
    Tg__Domain *d;
    assert_changed(n, run(n, add, &a));
    assert_changed(n, run(n, set_status, &a));
    assert_audit(n, 0, "domain verify", "example.com", "pending", "failed: no TXT record");
    struct tg_view *view = view_of(n);
    assert_ok(tg_domain_get(view, "example.com", &d, &err));
    assert_int_equal(d->status, TG__DOMAIN_STATUS__FAILED);
    assert_string_equal(d->status_reason, "no TXT record");
    assert_int_equal(d->checked_at, NOW + 7);
    assert_int_equal(d->created_at, NOW);
    tg_view_end(&view);
    a.status = TG__DOMAIN_STATUS__VERIFIED;
    a.reason = NULL;
    assert_changed(n, run(n, set_status, &a));
    assert_audit(n, 0, "domain verify", "example.com", "failed: no TXT record", "verified");
    a.reason = "line\nbreak";
    assert_refused(n, run(n, set_status, &a), TG_USAGE, "reason");
    a.reason = NULL;
    a.name = "other.example";
    assert_refused(n, run(n, set_status, &a), TG_NOT_FOUND, "other.example");
}

static void test_a_domain_in_use_is_not_removed(void **state)
{
    struct nouns *n = *state;
    struct added account = add_account(n, add_customer(n));
    struct args a = { .name = "example.com", .customer_id = account.wish.customer_id, .username = account.username };
    assert_changed(n, run(n, add, &a));
    assert_changed(n, run(n, associate, &a));
    assert_refused(n, run(n, remove_domain, &a), TG_REFUSED, account.username);
    assert_changed(n, run(n, dissociate, &a));
    assert_changed(n, run(n, associate, &a));
    a.dissociate = true;
    assert_changed(n, run(n, remove_domain, &a));
    assert_audit(n, 0, "domain remove", "example.com", "customer 1, pending", "");
    assert_refused(n, run(n, remove_domain, &a), TG_NOT_FOUND, "example.com");
    assert_int_equal(keys_in(n, TG_DB_DOMAINS), 0);
    assert_int_equal(keys_in(n, TG_DB_ASSOCIATIONS), 0);
}

static void test_associations_come_and_go_and_change_their_setting(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct added account = add_account(n, add_customer(n));
    struct args a = { .name = "Example.COM", .customer_id = account.wish.customer_id, .username = account.username };
    struct tg_association *list;
    uint64_t *ids;
    size_t count;
    char with[100];
    assert_changed(n, run(n, add, &a));
    assert_changed(n, run(n, associate, &a));
    assert_audit(n, 0, "domain associate", "example.com", "", account.username);
    assert_refused(n, run(n, associate, &a), TG_REFUSED, "already");
    a.subdomains = true;
    assert_changed(n, run(n, associate, &a));
    snprintf(with, sizeof with, "%s, with subdomains", account.username);
    assert_audit(n, 0, "domain associate", "example.com", account.username, with);

    struct tg_view *view = view_of(n);
    assert_ok(tg_domain_of_account(view, account.id, &list, &count, &err));
    assert_int_equal(count, 1);
    assert_string_equal(list[0].domain, "example.com");
    assert_true(list[0].subdomains);
    assert_int_equal(list[0].since, NOW);
    assert_int_equal(list[0].status, TG__DOMAIN_STATUS__PENDING);
    assert_ok(tg_domain_accounts(view, "example.com", &ids, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(ids[0], account.id);
    tg_view_end(&view);

    assert_changed(n, run(n, dissociate, &a));
    assert_audit(n, 0, "domain dissociate", "example.com", with, "");
    assert_refused(n, run(n, dissociate, &a), TG_NOT_FOUND, "not associated");
    assert_int_equal(match_of(n, account.id, "example.com"), TG_DOMAIN_FOREIGN);
}

static void test_another_customers_domain_is_not_associated(void **state)
{
    struct nouns *n = *state;
    struct added account = add_account(n, add_customer(n));
    struct args a = { .name = "example.com", .customer_id = add_customer(n), .username = account.username };
    assert_changed(n, run(n, add, &a));
    assert_refused(n, run(n, associate, &a), TG_REFUSED, "customer 2");
    a.name = "other.example";
    assert_refused(n, run(n, associate, &a), TG_NOT_FOUND, "other.example");
    a.name = "example.com";
    a.username = "nobody";
    assert_refused(n, run(n, associate, &a), TG_NOT_FOUND, "nobody");
    assert_int_equal(keys_in(n, TG_DB_ASSOCIATIONS), 0);
}

static void test_an_account_has_at_most_its_maximum_of_domains(void **state)
{
    struct nouns *n = *state;
    struct added account = wish_for(add_customer(n));
    char name[32];
    account.wish.max_domains = 3;
    assert_changed(n, run(n, add_account_fn, &account));
    struct args a = { .name = name, .customer_id = account.wish.customer_id, .username = account.username };
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "d%d.example", i);
        assert_changed(n, run(n, add, &a));
        if (i < 3)
            assert_changed(n, run(n, associate, &a));
    }
    assert_refused(n, run(n, associate, &a), TG_REFUSED, "maximum of 3");
    /* Another setting is not another domain. */
    strcpy(name, "d0.example");
    a.subdomains = true;
    assert_changed(n, run(n, associate, &a));
    assert_changed(n, run(n, dissociate, &a));
    strcpy(name, "d3.example");
    assert_changed(n, run(n, associate, &a));
    assert_int_equal(keys_in(n, TG_DB_ASSOCIATIONS), 3);
}

static void test_mail_counts_as_the_accounts_by_domain_or_parent_with_subdomains(void **state)
{
    struct nouns *n = *state;
    struct added account = add_account(n, add_customer(n)), other = add_account(n, add_customer(n));
    struct args exact = { .name = "example.com", .username = account.username },
                parent = { .name = "example.net", .username = account.username, .subdomains = true },
                pending = { .name = "pending.example.net", .username = account.username,
                            .customer_id = account.wish.customer_id },
                failed = { .name = "failed.example", .username = account.username, .customer_id = account.wish.customer_id,
                           .status = TG__DOMAIN_STATUS__FAILED, .subdomains = true };
    verified(n, "example.com", account.wish.customer_id);
    verified(n, "example.net", account.wish.customer_id);
    verified(n, "unused.example", account.wish.customer_id);
    assert_changed(n, run(n, associate, &exact));
    assert_changed(n, run(n, add, &failed));
    assert_changed(n, run(n, set_status, &failed));
    assert_changed(n, run(n, associate, &failed));

    assert_int_equal(match_of(n, account.id, "example.com"), TG_DOMAIN_ASSOCIATED);
    assert_int_equal(match_of(n, account.id, "www.example.com"), TG_DOMAIN_FOREIGN);
    assert_int_equal(match_of(n, account.id, "com"), TG_DOMAIN_FOREIGN);
    assert_int_equal(match_of(n, account.id, ""), TG_DOMAIN_FOREIGN);
    assert_int_equal(match_of(n, account.id, "xexample.com"), TG_DOMAIN_FOREIGN);
    assert_int_equal(match_of(n, account.id, "unused.example"), TG_DOMAIN_FOREIGN);
    assert_int_equal(match_of(n, other.id, "example.com"), TG_DOMAIN_FOREIGN);
    assert_int_equal(match_of(n, account.id, "failed.example"), TG_DOMAIN_UNVERIFIED);
    assert_int_equal(match_of(n, account.id, "www.failed.example"), TG_DOMAIN_UNVERIFIED);

    /* A child that is associated and pending, before and after its parent covers it. */
    assert_changed(n, run(n, add, &pending));
    assert_changed(n, run(n, associate, &pending));
    assert_int_equal(match_of(n, account.id, "pending.example.net"), TG_DOMAIN_UNVERIFIED);
    assert_changed(n, run(n, associate, &parent));
    assert_int_equal(match_of(n, account.id, "pending.example.net"), TG_DOMAIN_ASSOCIATED);
    assert_int_equal(match_of(n, account.id, "example.net"), TG_DOMAIN_ASSOCIATED);
    assert_int_equal(match_of(n, account.id, "a.b.c.example.net"), TG_DOMAIN_ASSOCIATED);
    assert_int_equal(match_of(n, account.id, "badexample.net"), TG_DOMAIN_FOREIGN);
    parent.subdomains = false;
    assert_changed(n, run(n, associate, &parent));
    assert_int_equal(match_of(n, account.id, "a.b.c.example.net"), TG_DOMAIN_FOREIGN);
}

static void test_a_parent_does_not_cover_what_another_customer_proved_to_be_his(void **state)
{
    struct nouns *n = *state;
    struct added account = add_account(n, add_customer(n)), other = add_account(n, add_customer(n));
    struct args parent = { .name = "example.net", .username = account.username, .subdomains = true },
                claimed = { .name = "his.example.net", .customer_id = other.wish.customer_id,
                            .status = TG__DOMAIN_STATUS__VERIFIED };
    verified(n, "example.net", account.wish.customer_id);
    assert_changed(n, run(n, associate, &parent));
    assert_changed(n, run(n, add, &claimed));
    assert_int_equal(match_of(n, account.id, "his.example.net"), TG_DOMAIN_ASSOCIATED); /* a mere claim */
    assert_changed(n, run(n, set_status, &claimed));
    assert_int_equal(match_of(n, account.id, "his.example.net"), TG_DOMAIN_FOREIGN);
    assert_int_equal(match_of(n, account.id, "a.b.his.example.net"), TG_DOMAIN_FOREIGN);
    assert_int_equal(match_of(n, account.id, "mine.example.net"), TG_DOMAIN_ASSOCIATED);
    assert_int_equal(match_of(n, account.id, "example.net"), TG_DOMAIN_ASSOCIATED);
    /* What the customer itself holds between is no other's. */
    verified(n, "shop.example.net", account.wish.customer_id);
    assert_int_equal(match_of(n, account.id, "shop.example.net"), TG_DOMAIN_ASSOCIATED);
}

static enum tg_code lose_domain(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct tg_key key = tg_key_name(arg);
    tg_delete(change, TG_DB_DOMAINS, &key);
    return tg_change_error(change, err);
}

static void test_an_association_without_its_domain_is_no_answer(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct added account = add_account(n, add_customer(n));
    struct args a = { .name = "example.com", .username = account.username };
    enum tg_domain_match match;
    struct tg_association *list;
    size_t count;
    verified(n, "example.com", account.wish.customer_id);
    assert_changed(n, run(n, associate, &a));
    assert_ok(tg_store_change(n->store, lose_domain, "example.com", &err));
    struct tg_view *view = view_of(n);
    assert_int_equal(tg_domain_match(view, account.id, "example.com", &match, &err), TG_UNUSABLE);
    assert_int_equal(tg_domain_of_account(view, account.id, &list, &count, &err), TG_UNUSABLE);
    tg_view_end(&view);
}

static void test_domains_are_walked_by_name(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct tg_key all = tg_key_all();
    struct tg_walk *walk;
    Tg__Domain *d;
    uint64_t customer = add_customer(n);
    verified(n, "b.example", customer);
    verified(n, "a.example", customer);
    struct tg_view *view = view_of(n);
    assert_ok(tg_walk_begin(view, TG_DB_DOMAINS, &all, NULL, TG_FORWARD, &walk, &err));
    assert_ok(tg_domain_next(view, walk, &d, &err));
    assert_string_equal(d->domain, "a.example");
    assert_ok(tg_domain_next(view, walk, &d, &err));
    assert_string_equal(d->domain, "b.example");
    assert_int_equal(tg_domain_next(view, walk, &d, &err), TG_NOT_FOUND);
    tg_walk_end(&walk);
    tg_view_end(&view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_a_store(test_a_domain_is_kept_by_its_canonical_name),
        on_a_store(test_what_is_no_domain_or_nobodys_is_refused),
        on_a_store(test_a_domain_has_one_owner),
        on_a_store(test_its_status_is_kept_with_reason_and_time),
        on_a_store(test_a_domain_in_use_is_not_removed),
        on_a_store(test_associations_come_and_go_and_change_their_setting),
        on_a_store(test_another_customers_domain_is_not_associated),
        on_a_store(test_an_account_has_at_most_its_maximum_of_domains),
        on_a_store(test_mail_counts_as_the_accounts_by_domain_or_parent_with_subdomains),
        on_a_store(test_a_parent_does_not_cover_what_another_customer_proved_to_be_his),
        on_a_store(test_an_association_without_its_domain_is_no_answer),
        on_a_store(test_domains_are_walked_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
