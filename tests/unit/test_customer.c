#include "tests/unit/nouns.h"

struct args {
    Tg__Customer customer;
    Tg__Billing billing;
    const char *action;
    uint64_t id;
};

static enum tg_code add(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct args *a = arg;
    return tg_customer_add(change, &a->customer, NOW, err);
}

static enum tg_code update(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct args *a = arg;
    return tg_customer_update(change, &a->customer, a->action, NOW, err);
}

static enum tg_code remove_customer(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_customer_remove(change, a->id, NOW, err);
}

static enum tg_code add_domain(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    Tg__Domain *domain;
    return tg_domain_add(change, "example.com", a->id, NOW, &domain, err);
}

static struct args example(void)
{
    struct args a = { .customer = TG__CUSTOMER__INIT, .billing = TG__BILLING__INIT, .action = "customer set" };
    a.customer.name = "Żółw & Söhne";
    a.customer.email = "office@example.com";
    a.customer.phone = "+49 30 1234";
    a.customer.address = "Some Street 1";
    a.customer.terms_version = "3";
    return a;
}

static void test_a_customer_is_numbered_and_kept(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct args a = example(), b = example();
    Tg__Customer *c;
    assert_changed(n, run(n, add, &a));
    assert_changed(n, run(n, add, &b));
    assert_int_equal(a.customer.id, 1);
    assert_int_equal(b.customer.id, 2);
    struct tg_view *view = view_of(n);
    assert_ok(tg_customer_get(view, 1, &c, &err));
    assert_string_equal(c->name, "Żółw & Söhne");
    assert_string_equal(c->terms_version, "3");
    assert_int_equal(c->terms_accepted_at, NOW);
    assert_int_equal(c->created_at, NOW);
    assert_int_equal(tg_customer_get(view, 3, &c, &err), TG_NOT_FOUND);
    assert_non_null(strstr(err.text, "customer 3"));
    tg_view_end(&view);
    assert_audit(n, 0, "customer add", "customer 2", "", "Żółw & Söhne <office@example.com>, +49 30 1234, Some Street 1");
}

static void test_customers_are_walked_in_the_order_of_their_numbers(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    for (int i = 0; i < 300; i++) {
        struct args a = example();
        assert_ok(tg_store_change(n->store, add, &a, &err));
    }
    struct tg_view *view = view_of(n);
    struct tg_key all = tg_key_all();
    struct tg_walk *walk;
    Tg__Customer *c;
    enum tg_code code;
    uint64_t expected = 1;
    assert_ok(tg_walk_begin(view, TG_DB_CUSTOMERS, &all, NULL, TG_FORWARD, &walk, &err));
    while ((code = tg_customer_next(view, walk, &c, &err)) == TG_OK)
        assert_int_equal(c->id, expected++);
    assert_int_equal(code, TG_NOT_FOUND);
    assert_int_equal(expected, 301);
    tg_walk_end(&walk);
    tg_view_end(&view);
}

static void test_bad_personal_data_is_refused_by_its_name(void **state)
{
    struct nouns *n = *state;
    static char long_name[500];
    memset(long_name, 'x', sizeof long_name - 1);
    struct args a = example();
#define REFUSED(field, value, words)                                  \
    do {                                                              \
        a = example();                                                \
        a.customer.billing = &a.billing;                              \
        a.field = value;                                              \
        assert_refused(n, run(n, add, &a), TG_USAGE, words);          \
    } while (0)
    REFUSED(customer.name, "", "name");
    REFUSED(customer.name, "a\nb", "name");
    REFUSED(customer.name, "\xff", "name");
    REFUSED(customer.name, "\xc2\x85", "name");
    REFUSED(customer.name, long_name, "name");
    REFUSED(customer.phone, "1\x7f", "phone");
    REFUSED(customer.address, "a\tb", "address");
    REFUSED(customer.email, "", "e-mail");
    REFUSED(customer.email, "<>", "e-mail");
    REFUSED(customer.email, "<a@example.com>", "e-mail");
    REFUSED(customer.email, "a@", "e-mail");
    REFUSED(customer.email, "a@example.com\r\nBcc: b@example.com", "e-mail");
    REFUSED(customer.terms_version, "", "terms");
    REFUSED(customer.terms_version, "\n", "terms");
    REFUSED(billing.company, "a\x1b[2J", "company");
    REFUSED(billing.vat, "\n", "VAT");
    REFUSED(billing.address, "\n", "billing address");
#undef REFUSED
    assert_int_equal(keys_in(n, TG_DB_CUSTOMERS), 0);
}

static void test_a_change_is_kept_with_old_and_new(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct args a = example();
    Tg__Customer *c;
    assert_changed(n, run(n, add, &a));
    a.customer.email = "new@example.com";
    assert_changed(n, run(n, update, &a));
    assert_audit(n, 0, "customer set", "customer 1", "Żółw & Söhne <office@example.com>, +49 30 1234, Some Street 1",
                 "Żółw & Söhne <new@example.com>, +49 30 1234, Some Street 1");
    a.customer.billing = &a.billing;
    a.billing.company = "Shell Ltd";
    a.billing.vat = "DE123";
    a.billing.address = "There 2";
    a.action = "customer billing";
    a.customer.created_at = 5; /* is not the caller's to change */
    assert_changed(n, run(n, update, &a));
    assert_audit(n, 0, "customer billing", "customer 1", "Żółw & Söhne <new@example.com>, +49 30 1234, Some Street 1",
                 "Żółw & Söhne <new@example.com>, +49 30 1234, Some Street 1; billing: Shell Ltd, DE123, There 2");
    struct tg_view *view = view_of(n);
    assert_ok(tg_customer_get(view, 1, &c, &err));
    assert_string_equal(c->email, "new@example.com");
    assert_string_equal(c->billing->vat, "DE123");
    assert_int_equal(c->created_at, NOW);
    tg_view_end(&view);

    a.customer.email = "nobody";
    assert_refused(n, run(n, update, &a), TG_USAGE, "nobody");
    a.customer.email = "new@example.com";
    a.customer.id = 9;
    assert_refused(n, run(n, update, &a), TG_NOT_FOUND, "customer 9");
}

static void test_a_customer_goes_only_without_accounts_and_domains(void **state)
{
    struct nouns *n = *state;
    struct args with_account = { .id = add_customer(n) }, with_domain = { .id = add_customer(n) }, bare = { .id = add_customer(n) };
    add_account(n, with_account.id);
    assert_changed(n, run(n, add_domain, &with_domain));
    assert_refused(n, run(n, remove_customer, &with_account), TG_REFUSED, "accounts");
    assert_refused(n, run(n, remove_customer, &with_domain), TG_REFUSED, "domains");
    assert_changed(n, run(n, remove_customer, &bare));
    assert_audit(n, 0, "customer remove", "customer 3", "Example Ltd <office@example.com>", "");
    assert_refused(n, run(n, remove_customer, &bare), TG_NOT_FOUND, "customer 3");
    assert_int_equal(keys_in(n, TG_DB_CUSTOMERS), 2);
    assert_int_equal(add_customer(n), 4); /* numbers are not used again */
}

static void test_the_audit_log_keeps_the_order_of_one_second(void **state)
{
    struct nouns *n = *state;
    char subject[32];
    for (int i = 1; i <= 40; i++)
        add_customer(n);
    for (size_t back = 0; back < 40; back++) {
        snprintf(subject, sizeof subject, "customer %zu", 40 - back);
        assert_audit(n, back, "customer add", subject, "", "Example Ltd <office@example.com>");
    }
}

static void test_a_customer_is_found_by_part_of_name_or_address(void **state)
{
    Tg__Customer c = TG__CUSTOMER__INIT;
    (void)state;
    c.name = "Żółw & Größe";
    c.email = "Ops@Example.com";
    assert_true(tg_customer_matches(&c, "żÓŁ"));
    assert_true(tg_customer_matches(&c, "GRÖSSE"));
    assert_true(tg_customer_matches(&c, "ops@ex"));
    assert_true(tg_customer_matches(&c, ""));
    assert_false(tg_customer_matches(&c, "zolw"));
    assert_false(tg_customer_matches(&c, "\xff"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_customer_is_found_by_part_of_name_or_address),
        on_a_store(test_a_customer_is_numbered_and_kept),
        on_a_store(test_customers_are_walked_in_the_order_of_their_numbers),
        on_a_store(test_bad_personal_data_is_refused_by_its_name),
        on_a_store(test_a_change_is_kept_with_old_and_new),
        on_a_store(test_a_customer_goes_only_without_accounts_and_domains),
        on_a_store(test_the_audit_log_keeps_the_order_of_one_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
