#include "tests/unit/nouns.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

static struct tg_network net(const char *text)
{
    struct tg_error err;
    struct tg_network network;
    assert_ok(tg_network_parse(text, false, &network, &err));
    return network;
}

static void reads_as(const char *text, bool fix, const char *expected)
{
    struct tg_error err;
    struct tg_network network;
    char buf[TG_NETWORK_TEXT];
    assert_ok(tg_network_parse(text, fix, &network, &err));
    assert_string_equal(tg_network_text(&network, buf), expected);
}

static void test_networks_are_read_and_written_canonically(void **state)
{
    (void)state;
    reads_as("192.0.2.0/28", false, "192.0.2.0/28");
    reads_as("192.0.2.7", false, "192.0.2.7");
    reads_as("192.0.2.7/32", false, "192.0.2.7");
    reads_as("[192.0.2.7]", false, "192.0.2.7");
    reads_as("0.0.0.0/0", false, "0.0.0.0/0");
    reads_as("2001:DB8:0:0::/48", false, "2001:db8::/48");
    reads_as("[2001:db8::1]", false, "2001:db8::1");
    reads_as("IPv6:2001:db8::1", false, "2001:db8::1");
    reads_as("[ipv6:2001:db8::1]", false, "2001:db8::1");
    reads_as("[2001:db8::]/48", false, "2001:db8::/48");
    reads_as("2001:db8::1/128", false, "2001:db8::1");
    reads_as("::/0", false, "::/0");
}

static void test_mapped_ipv6_is_ipv4(void **state)
{
    (void)state;
    reads_as("::ffff:192.0.2.7", false, "192.0.2.7");
    reads_as("::ffff:c000:207", false, "192.0.2.7");
    reads_as("IPv6:::ffff:192.0.2.7", false, "192.0.2.7");
    reads_as("::ffff:192.0.2.0/124", false, "192.0.2.0/28");
    reads_as("::ffff:0:0/96", false, "0.0.0.0/0");
    reads_as("::192.0.2.7", false, "::192.0.2.7"); /* compatible, not mapped */
    struct tg_network network = net("::ffff:192.0.2.7");
    for (int i = 4; i < 16; i++)
        assert_int_equal(network.address[i], 0);
}

static void test_bits_behind_the_prefix_are_refused_or_fixed(void **state)
{
    (void)state;
    struct tg_network network;
    struct tg_error err;
    assert_int_equal(tg_network_parse("192.0.2.7/28", false, &network, &err), TG_USAGE);
    assert_non_null(strstr(err.text, "192.0.2.0/28"));
    assert_int_equal(tg_network_parse("2001:db8::1/127", false, &network, &err), TG_USAGE);
    assert_int_equal(tg_network_parse("::ffff:192.0.2.7/124", false, &network, &err), TG_USAGE);
    assert_int_equal(tg_network_parse("0.0.0.1/0", false, &network, &err), TG_USAGE);
    reads_as("192.0.2.7/28", true, "192.0.2.0/28");
    reads_as("192.0.2.255/25", true, "192.0.2.128/25");
    reads_as("2001:db8:ffff::1/33", true, "2001:db8:8000::/33");
    reads_as("::ffff:192.0.2.7/124", true, "192.0.2.0/28");
    reads_as("255.255.255.255/0", true, "0.0.0.0/0");
    reads_as("::ffff:192.0.2.7/64", true, "::/64");
    reads_as("::ffff:192.0.2.7/95", true, "::fffe:0:0/95");
}

static void test_what_is_no_network_is_refused(void **state)
{
    (void)state;
    const char *bad[] = { "", "/", "/24", "192.0.2", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/ 8", "192.0.2.0/08",
                          "192.0.2.0/+8", "192.0.2.0/256", "192.0.2.0/280", "192.0.2.0/24/24", "192.0.2.256", "192.0.02.1", "0x7f.1",
                          "192.0.2.1 ", " 192.0.2.1", "192.0.2.1\n", "2001:db8::/129", "2001:db8", ":::", "fe80::1%lo", "[2001:db8::1",
                          "2001:db8::1]", "[]", "[[2001:db8::1]]", "IPv6:192.0.2.1", "IPv6:", "IPv6:IPv6:::1", "example.com", "1",
                          "2001:db8::1::2", "2001:0db8:0000:0000:0000:0000:0000:0000:0000", "::ffff:192.0.2.0/129" };
    static char long_text[300];
    struct tg_network network;
    struct tg_error err;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (tg_network_parse(bad[i], true, &network, &err) != TG_USAGE)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_true(strlen(err.text) > 10);
    }
    memset(long_text, '1', sizeof long_text - 1);
    assert_int_equal(tg_network_parse(long_text, true, &network, &err), TG_USAGE);
}

static void test_addresses_come_from_sockets(void **state)
{
    (void)state;
    char buf[TG_NETWORK_TEXT];
    struct tg_network network;
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    inet_pton(AF_INET, "192.0.2.7", &in.sin_addr);
    assert_true(tg_network_of_sockaddr((struct sockaddr *)&in, &network));
    assert_string_equal(tg_network_text(&network, buf), "192.0.2.7");
    inet_pton(AF_INET6, "2001:db8::7", &in6.sin6_addr);
    assert_true(tg_network_of_sockaddr((struct sockaddr *)&in6, &network));
    assert_string_equal(tg_network_text(&network, buf), "2001:db8::7");
    inet_pton(AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr);
    assert_true(tg_network_of_sockaddr((struct sockaddr *)&in6, &network));
    assert_string_equal(tg_network_text(&network, buf), "192.0.2.7");
    assert_false(tg_network_of_sockaddr((struct sockaddr *)&un, &network));
    assert_false(tg_network_of_sockaddr(NULL, &network));
}

static bool contains(const char *outer, const char *inner)
{
    struct tg_network a = net(outer), b = net(inner);
    return tg_network_contains(&a, &b);
}

static void test_a_network_contains_itself_and_its_parts_only(void **state)
{
    (void)state;
    assert_true(contains("192.0.2.0/28", "192.0.2.0/28"));
    assert_true(contains("192.0.2.0/28", "192.0.2.15"));
    assert_true(contains("0.0.0.0/0", "255.255.255.255"));
    assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(contains("192.0.2.0/28", "192.0.2.16"));
    assert_false(contains("192.0.2.0/28", "192.0.2.0/27"));
    assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
    assert_false(contains("::/0", "192.0.2.1"));
    assert_false(contains("0.0.0.0/0", "2001:db8::1"));
}

/* ---- in a store ---- */

struct args {
    struct tg_network network;
    const char *username, *note;
    bool wide;
};

static const struct tg_network_limits limits = { 24, 48 }, none = { 0, 0 };

static enum tg_code add(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_network_add(change, &a->network, a->username, a->note, a->wide ? &none : &limits, NOW, err);
}

static enum tg_code remove_network(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_network_remove(change, &a->network, a->username, NOW, err);
}

static void authorise(struct nouns *n, const char *text, const struct added *account)
{
    struct args a = { .network = net(text), .username = account->username, .wide = true };
    assert_changed(n, run(n, add, &a));
}

/* "192.0.2.0/24 1 2": the network found and the accounts, or "" . */
static const char *looked_up(struct nouns *n, const char *address, char out[200])
{
    struct tg_error err;
    struct tg_view *view = view_of(n);
    struct tg_network network = net(address);
    struct tg_network_entry *list;
    size_t count;
    char text[TG_NETWORK_TEXT];
    *out = '\0';
    assert_ok(tg_network_lookup(view, &network, &list, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (i == 0)
            strcpy(out, tg_network_text(&list[i].network, text));
        snprintf(out + strlen(out), 20, " %llu", (unsigned long long)list[i].account_id);
    }
    tg_view_end(&view);
    return out;
}

static bool has(struct nouns *n, uint64_t account_id, const char *address)
{
    struct tg_error err;
    struct tg_view *view = view_of(n);
    struct tg_network network = net(address);
    bool answer;
    assert_ok(tg_network_has(view, account_id, &network, &answer, &err));
    tg_view_end(&view);
    return answer;
}

static void test_authorised_ips_come_and_go(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    struct added account = add_account(n, add_customer(n));
    struct args a = { .network = net("192.0.2.0/28"), .username = account.username, .note = "office" };
    struct tg_network_entry *list;
    size_t count;
    char text[TG_NETWORK_TEXT];
    assert_changed(n, run(n, add, &a));
    assert_audit(n, 0, "ip add", account.username, "", "192.0.2.0/28 (office)");
    assert_refused(n, run(n, add, &a), TG_REFUSED, "already");
    authorise(n, "2001:db8::1", &account);
    authorise(n, "192.0.2.7", &account);

    struct tg_view *view = view_of(n);
    assert_ok(tg_network_of_account(view, account.id, &list, &count, &err));
    assert_int_equal(count, 3);
    assert_string_equal(tg_network_text(&list[0].network, text), "192.0.2.0/28");
    assert_string_equal(list[0].note, "office");
    assert_int_equal(list[0].since, NOW);
    assert_int_equal(list[0].account_id, account.id);
    assert_string_equal(tg_network_text(&list[1].network, text), "192.0.2.7");
    assert_string_equal(tg_network_text(&list[2].network, text), "2001:db8::1");
    assert_ok(tg_network_of_account(view, account.id + 1, &list, &count, &err));
    assert_int_equal(count, 0);
    tg_view_end(&view);

    assert_changed(n, run(n, remove_network, &a));
    assert_audit(n, 0, "ip remove", account.username, "192.0.2.0/28 (office)", "");
    assert_refused(n, run(n, remove_network, &a), TG_NOT_FOUND, "192.0.2.0/28");
    assert_int_equal(keys_in(n, TG_DB_NETWORKS), 2);
}

static void test_wide_networks_bad_notes_and_strangers_are_refused(void **state)
{
    struct nouns *n = *state;
    struct added account = add_account(n, add_customer(n));
    struct args a = { .network = net("192.0.0.0/23"), .username = account.username };
    assert_refused(n, run(n, add, &a), TG_REFUSED, "/24");
    a.network = net("2001:db8::/47");
    assert_refused(n, run(n, add, &a), TG_REFUSED, "/48");
    a.network = net("0.0.0.0/0");
    assert_refused(n, run(n, add, &a), TG_REFUSED, "/24");
    a.network = net("192.0.2.0/24");
    a.note = "a\nb";
    assert_refused(n, run(n, add, &a), TG_USAGE, "note");
    a.note = NULL;
    a.username = "nobody";
    assert_refused(n, run(n, add, &a), TG_NOT_FOUND, "nobody");
    assert_refused(n, run(n, remove_network, &a), TG_NOT_FOUND, "nobody");
    assert_int_equal(keys_in(n, TG_DB_NETWORKS), 0);
}

static void test_the_longest_match_wins_with_all_its_accounts(void **state)
{
    struct nouns *n = *state;
    char out[200];
    struct added one = add_account(n, add_customer(n)), two = add_account(n, add_customer(n));
    assert_string_equal(looked_up(n, "192.0.2.1", out), "");
    authorise(n, "192.0.2.0/24", &one);
    authorise(n, "192.0.2.0/24", &two);
    authorise(n, "192.0.2.0/28", &one);
    authorise(n, "192.0.2.3", &two);
    authorise(n, "2001:db8::/48", &two);
    assert_string_equal(looked_up(n, "192.0.2.3", out), "192.0.2.3 2");
    assert_string_equal(looked_up(n, "::ffff:192.0.2.3", out), "192.0.2.3 2");
    assert_string_equal(looked_up(n, "192.0.2.4", out), "192.0.2.0/28 1");
    assert_string_equal(looked_up(n, "192.0.2.16", out), "192.0.2.0/24 1 2");
    assert_string_equal(looked_up(n, "192.0.3.0", out), "");
    assert_string_equal(looked_up(n, "192.0.1.255", out), "");
    assert_string_equal(looked_up(n, "2001:db8:0:ffff::1", out), "2001:db8::/48 2");
    assert_string_equal(looked_up(n, "2001:db8:1::", out), "");
    /* The widest there is. */
    authorise(n, "198.0.0.0/8", &one);
    assert_string_equal(looked_up(n, "198.51.100.1", out), "198.0.0.0/8 1");
    authorise(n, "0.0.0.0/0", &two);
    assert_string_equal(looked_up(n, "192.0.3.0", out), "0.0.0.0/0 2");
    assert_string_equal(looked_up(n, "198.51.100.1", out), "198.0.0.0/8 1");
    assert_true(has(n, two.id, "198.51.100.1"));
    assert_string_equal(looked_up(n, "2001:db8:1::", out), "");
    /* An address written as IPv6 that has the octets of an IPv4 network. */
    assert_string_equal(looked_up(n, "c000:203::", out), "");

    /* --ip-lock asks for one account, whoever else has a longer match. */
    assert_true(has(n, one.id, "192.0.2.3"));
    assert_true(has(n, two.id, "192.0.2.4"));
    assert_false(has(n, one.id, "2001:db8::1"));
    assert_false(has(n, one.id, "192.0.3.0"));
    assert_false(has(n, 99, "192.0.2.3"));
}

/* Against the plain way: look at all of them. */
static void test_lookups_agree_with_a_linear_search(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    enum { NETWORKS = 150, ADDRESSES = 1500 };
    struct added account = add_account(n, add_customer(n));
    static struct tg_network all[NETWORKS];
    srand(7);
    for (int i = 0; i < NETWORKS; i++) {
        bool v6 = i % 2 == 1;
        char text[64];
        if (v6)
            snprintf(text, sizeof text, "2001:db8:%x:%x::%x/%d", rand() % 3, rand() % 3, rand() % 3, 40 + rand() % 89);
        else
            snprintf(text, sizeof text, "192.0.%d.%d/%d", rand() % 3, rand() % 256, 24 + rand() % 9);
        assert_ok(tg_network_parse(text, true, &all[i], &err));
        struct args a = { .network = all[i], .username = account.username, .wide = true };
        enum tg_code code = tg_store_change(n->store, add, &a, &err);
        assert_true(code == TG_OK || code == TG_REFUSED); /* there already */
    }
    struct tg_view *view = view_of(n);
    unsigned found = 0;
    for (int i = 0; i < ADDRESSES; i++) {
        struct tg_network address, *best = NULL;
        struct tg_network_entry *list;
        size_t count;
        char text[64];
        bool own;
        if (i % 2 == 1)
            snprintf(text, sizeof text, "2001:db8:%x:%x::%x", rand() % 4, rand() % 4, rand() % 4);
        else
            snprintf(text, sizeof text, "192.0.%d.%d", rand() % 4, rand() % 256);
        assert_ok(tg_network_parse(text, false, &address, &err));
        for (int k = 0; k < NETWORKS; k++)
            if (tg_network_contains(&all[k], &address) && (best == NULL || all[k].prefix_len > best->prefix_len))
                best = &all[k];
        assert_ok(tg_network_lookup(view, &address, &list, &count, &err));
        assert_ok(tg_network_has(view, account.id, &address, &own, &err));
        assert_int_equal(count, best != NULL);
        assert_int_equal(own, best != NULL);
        if (best != NULL)
            assert_memory_equal(&list[0].network, best, sizeof *best);
        found += best != NULL;
    }
    assert_in_range(found, ADDRESSES / 10, ADDRESSES - ADDRESSES / 10);
    tg_view_end(&view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks_are_read_and_written_canonically),
        cmocka_unit_test(test_mapped_ipv6_is_ipv4),
        cmocka_unit_test(test_bits_behind_the_prefix_are_refused_or_fixed),
        cmocka_unit_test(test_what_is_no_network_is_refused),
        cmocka_unit_test(test_addresses_come_from_sockets),
        cmocka_unit_test(test_a_network_contains_itself_and_its_parts_only),
        on_a_store(test_authorised_ips_come_and_go),
        on_a_store(test_wide_networks_bad_notes_and_strangers_are_refused),
        on_a_store(test_the_longest_match_wins_with_all_its_accounts),
        on_a_store(test_lookups_agree_with_a_linear_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
