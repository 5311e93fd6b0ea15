/* A store and what the MTA said → facts. The policy cases (tests/policy) go on from there. */
#include "tests/unit/nouns.h"
#include <gmime/gmime.h>
#include "schema/activity.h"
#include "schema/account_parts.h"
#include "schema/facts.h"
#include "schema/policy.h"

struct fixture {
    struct nouns *nouns;
    struct added alice, bob;
    struct tg_settings *settings;
    struct tg_view *view;
    struct tg_facts facts;
    struct tg_seal_keys keys;
};

struct wish {
    const char *name, *username;
    uint64_t customer_id;
    bool flag;
    struct tg_network network;
};

static enum tg_code domain_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct wish *w = arg;
    Tg__Domain *domain;
    enum tg_code code = tg_domain_add(change, w->name, w->customer_id, NOW, &domain, err);
    if (code == TG_OK && w->flag)
        code = tg_domain_set_status(change, w->name, TG__DOMAIN_STATUS__VERIFIED, "", NOW, err);
    return code;
}

static enum tg_code associate_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct wish *w = arg;
    return tg_domain_associate(change, w->name, w->username, w->flag, NOW, err);
}

static enum tg_code network_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct wish *w = arg;
    struct tg_network_limits limits = { 24, 48 };
    return tg_network_add(change, &w->network, w->username, "", &limits, NOW, err);
}

static enum tg_code keys_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    (void)arg;
    return tg_seal_keys_rotate(change, NOW, err);
}

static struct tg_network network_of(const char *text)
{
    struct tg_network network;
    struct tg_error err;
    assert_ok(tg_network_parse(text, false, &network, &err));
    return network;
}

static void add_domain(struct fixture *f, const char *name, const struct added *account, uint64_t customer, bool verified, bool subdomains)
{
    struct wish w = { .name = name, .username = account->username, .customer_id = customer, .flag = verified };
    assert_changed(f->nouns, run(f->nouns, domain_fn, &w));
    w.flag = subdomains;
    assert_changed(f->nouns, run(f->nouns, associate_fn, &w));
}

static void add_network(struct fixture *f, const char *text, const struct added *account)
{
    struct wish w = { .username = account->username, .network = network_of(text) };
    assert_changed(f->nouns, run(f->nouns, network_fn, &w));
}

/* Alice has been there for long. */
static enum tg_code age_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct added *a = arg;
    Tg__Account *account;
    enum tg_code code = tg_account_get(tg_change_view(change), a->id, &account, err);
    if (code != TG_OK)
        return code;
    account->created_at = NOW - 100 * DAY;
    tg_account_put(change, account);
    return tg_change_error(change, err);
}

static int setup(void **state)
{
    struct fixture *f = tg_xcalloc(1, sizeof *f);
    void *nouns;
    struct tg_error err;
    char path[80];
    nouns_begin(&nouns);
    f->nouns = nouns;
    uint64_t one = add_customer(f->nouns), two = add_customer(f->nouns);
    f->alice = add_account(f->nouns, one);
    f->bob = add_account(f->nouns, two);
    assert_ok(tg_store_change(f->nouns->store, age_fn, &f->alice, &err));
    add_domain(f, "good.test", &f->alice, one, true, false);
    add_domain(f, "pending.test", &f->alice, one, false, false);
    add_domain(f, "wide.test", &f->alice, one, true, true);
    add_domain(f, "bob.test", &f->bob, two, true, false);
    add_network(f, "192.0.2.0/24", &f->alice);
    add_network(f, "198.51.100.7", &f->alice);
    add_network(f, "198.51.100.7", &f->bob);
    assert_changed(f->nouns, run(f->nouns, keys_fn, NULL));
    snprintf(path, sizeof path, "%s/tollgate.conf", f->nouns->dir);
    FILE *conf = fopen(path, "w");
    fputs("return_path_domain = \"rp.test\"\ntrusted_networks = {\"203.0.113.0/24\"}\n", conf);
    fclose(conf);
    assert_ok(tg_settings_read(path, &f->settings, &err));
    f->view = view_of(f->nouns);
    assert_ok(tg_seal_keys_get(f->view, &f->keys, &err));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    void *nouns = f->nouns;
    tg_view_end(&f->view);
    tg_settings_free(&f->settings);
    nouns_end(&nouns);
    free(f);
    return 0;
}

static const struct tg_facts *gather(struct fixture *f, const struct tg_message *message)
{
    tg_facts_gather(f->view, f->settings, message, NOW, &f->facts);
    assert_null(f->facts.store_error);
    return &f->facts;
}

static struct tg_message from_alice(const struct fixture *f, const char *reverse_path)
{
    return (struct tg_message){ .login = f->alice.username, .reverse_path = tg_span_str(reverse_path) };
}

/* ---- who ---- */

static void test_the_login_names_the_account(void **state)
{
    struct fixture *f = *state;
    struct tg_message m = from_alice(f, "<Jo@Good.TEST>");
    const struct tg_facts *facts = gather(f, &m);
    assert_int_equal(facts->account->id, f->alice.id);
    assert_string_equal(facts->sender, "Jo@Good.TEST");
    assert_string_equal(facts->sender_domain, "good.test");
    assert_int_equal(facts->sender_match, TG_DOMAIN_ASSOCIATED);
    assert_int_equal(facts->balance.left, TG_FREE_MESSAGES);
    m.login = "nobody0nobody";
    assert_null(gather(f, &m)->account);
    assert_string_equal(f->facts.login, "nobody0nobody");
    m.login = "";
    assert_null(gather(f, &m)->account);
    assert_null(f->facts.login);
}

static void test_an_address_names_the_account_whose_domain_is_the_senders(void **state)
{
    struct fixture *f = *state;
    struct tg_network one = network_of("192.0.2.99"), shared = network_of("198.51.100.7"), nobodys = network_of("198.51.100.8");
    struct tg_message m = { .client = &one, .reverse_path = tg_span_str("<x@evil.test>") };
    assert_int_equal(gather(f, &m)->account->id, f->alice.id);
    assert_int_equal(f->facts.sender_match, TG_DOMAIN_FOREIGN);
    m.client = &shared;
    m.reverse_path = tg_span_str("<x@bob.test>");
    assert_int_equal(gather(f, &m)->account->id, f->bob.id);
    m.reverse_path = tg_span_str("<x@good.test>");
    assert_int_equal(gather(f, &m)->account->id, f->alice.id);
    static const char *const nobody[] = { "<x@evil.test>", "<>", "<nonsense>" };
    for (size_t i = 0; i < 3; i++) {
        m.reverse_path = tg_span_str(nobody[i]);
        assert_null(gather(f, &m)->account);
        assert_int_equal(f->facts.ip_accounts, 2);
    }
    m.client = &nobodys;
    assert_null(gather(f, &m)->account);
    assert_int_equal(f->facts.ip_accounts, 0);
    /* A login counts before the address. */
    m.client = &one;
    m.login = f->bob.username;
    assert_int_equal(gather(f, &m)->account->id, f->bob.id);
}

static void test_a_return_path_listener_knows_nobody(void **state)
{
    struct fixture *f = *state;
    struct tg_network one = network_of("192.0.2.99"), trusted = network_of("203.0.113.1");
    struct tg_message m = { .client = &one, .listener = "returnpath", .login = f->alice.username, .reverse_path = tg_span_str("<>") };
    assert_null(gather(f, &m)->account);
    assert_null(f->facts.login);
    assert_true(f->facts.return_path_listener);
    m.client = &trusted;
    assert_false(gather(f, &m)->trusted);
    m.listener = "other";
    assert_true(gather(f, &m)->trusted);
}

/* ---- what ---- */

static void test_senders(void **state)
{
    struct fixture *f = *state;
    const struct {
        const char *path;
        enum tg_domain_match match;
    } cases[] = {
        { "<x@pending.test>", TG_DOMAIN_UNVERIFIED }, { "<x@evil.test>", TG_DOMAIN_FOREIGN }, { "<x@bob.test>", TG_DOMAIN_FOREIGN },
        { "<x@sub.good.test>", TG_DOMAIN_FOREIGN }, { "<x@a.b.wide.test>", TG_DOMAIN_ASSOCIATED }, { "<x@notwide.test>", TG_DOMAIN_FOREIGN },
        { "<x@WIDE.test.>", TG_DOMAIN_ASSOCIATED },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tg_message m = from_alice(f, cases[i].path);
        if (gather(f, &m)->sender_match != cases[i].match)
            fail_msg("%s", cases[i].path);
    }
    struct tg_message m = from_alice(f, "<>");
    assert_true(gather(f, &m)->null_sender);
    assert_null(f->facts.sender_domain);
    m = from_alice(f, "<@evil.test:x@good.test>");
    assert_non_null(strstr(gather(f, &m)->sender_error, "route"));
    assert_null(f->facts.sender_domain);
}

static void test_foreign_authors_are_named(void **state)
{
    struct fixture *f = *state;
    struct tg_header header = { 0 };
    struct tg_message m = from_alice(f, "<x@good.test>");
    struct tg_arena *arena = tg_view_arena(f->view);
    struct tg_error err;
    assert_true(gather(f, &m)->no_header);
    m.header = &header;
    assert_ok(tg_authors_read(arena, tg_span_str("a@good.test, b@sub.wide.test"), false, &header.from, &err));
    assert_null(gather(f, &m)->author_domain);
    assert_false(f->facts.no_header);
    assert_ok(tg_authors_read(arena, tg_span_str("a@good.test, b@evil.test, c@pending.test"), false, &header.from, &err));
    assert_string_equal(gather(f, &m)->author_domain, "evil.test");
    assert_string_equal(f->facts.author_field, "From");
    assert_ok(tg_authors_read(arena, tg_span_str("a@pending.test"), false, &header.from, &err));
    assert_int_equal(gather(f, &m)->author_match, TG_DOMAIN_UNVERIFIED);
    assert_ok(tg_authors_read(arena, tg_span_str("a@good.test"), false, &header.from, &err));
    assert_ok(tg_authors_read(arena, tg_span_str("list@evil.test"), true, &header.sender, &err));
    assert_string_equal(gather(f, &m)->author_field, "Sender");
    header.error = "two From fields";
    assert_string_equal(gather(f, &m)->from_error, "two From fields");
}

/* ---- recipients ---- */

static enum tg_recipient_kind kind_of(struct fixture *f, struct tg_message m, const char *recipient)
{
    m.recipient = tg_span_str(recipient);
    m.recipients = 1;
    return gather(f, &m)->recipient_kind;
}

static void test_recipients(void **state)
{
    struct fixture *f = *state;
    struct tg_message report = { .reverse_path = tg_span_str("<>") };
    struct tg_token token = { f->alice.id, NOW - DAY, 7 };
    char text[TG_TOKEN_SIZE], address[200];
    tg_token_make(&f->keys, TG_TOKEN_RETURN_PATH, &token, text);
    snprintf(address, sizeof address, "<%s@RP.test>", text);
    assert_int_equal(kind_of(f, report, address), TG_RCPT_REPORT);
    assert_int_equal(kind_of(f, report, "<bob@dest.test>"), TG_RCPT_ORDINARY);
    /* Not a report: somebody sends there. */
    assert_int_equal(kind_of(f, from_alice(f, "<x@good.test>"), address), TG_RCPT_BAD_TOKEN);
    assert_non_null(strstr(f->facts.token_error, "null sender"));
    token.time = NOW - 15 * DAY;
    tg_token_make(&f->keys, TG_TOKEN_RETURN_PATH, &token, text);
    snprintf(address, sizeof address, "<%s@rp.test>", text);
    assert_int_equal(kind_of(f, report, address), TG_RCPT_BAD_TOKEN);
    /* Of one who had the number before: a store that came back by other means than restore gives numbers again. */
    for (int late = 0; late < 2; late++) {
        token = (struct tg_token){ f->bob.id, NOW - late, 7 };
        tg_token_make(&f->keys, TG_TOKEN_RETURN_PATH, &token, text);
        snprintf(address, sizeof address, "<%s@rp.test>", text);
        assert_int_equal(kind_of(f, report, address), late ? TG_RCPT_BAD_TOKEN : TG_RCPT_REPORT);
    }
    /* Of an account that is gone. */
    token = (struct tg_token){ 999, NOW, 7 };
    tg_token_make(&f->keys, TG_TOKEN_RETURN_PATH, &token, text);
    snprintf(address, sizeof address, "<%s@rp.test>", text);
    assert_int_equal(kind_of(f, report, address), TG_RCPT_BAD_TOKEN);
}

/* Whatever it looks like, what goes to the return-path domain and is no token is refused: nothing may loop there. */
static void test_nothing_else_gets_to_the_return_path_domain(void **state)
{
    struct fixture *f = *state;
    static const char *const addresses[] = {
        "<x@rp.test>", "x@rp.test", "<X@Rp.TeSt.>", "<\"x y\"@rp.test>", "<@evil.test:x@rp.test>", "<\xff@rp.test>", "<..@rp.test>",
        "<xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx@rp.test>", "<a@b@rp.test>", "<@rp.test>", "<x@rp.test",
    };
    static const char *const others[] = { "<x@sub.rp.test>", "<x@xrp.test>", "<rp.test@dest.test>", "<rp.test>", "<\"x@rp.test\"@dest.test>", "<@rp.test:x@dest.test>" };
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        if (kind_of(f, from_alice(f, "<x@good.test>"), addresses[i]) != TG_RCPT_BAD_TOKEN)
            fail_msg("gets through: %s", addresses[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (kind_of(f, from_alice(f, "<x@good.test>"), others[i]) != TG_RCPT_ORDINARY)
            fail_msg("does not get through: %s", others[i]);
}

static void test_reports_and_ordinary_mail_do_not_mix(void **state)
{
    struct fixture *f = *state;
    struct tg_message m = { .reverse_path = tg_span_str("<>"), .recipient = tg_span_str("<bob@dest.test>"), .has_report = true, .recipients = 1 };
    assert_true(gather(f, &m)->mixed);
    m.has_report = false;
    assert_false(gather(f, &m)->mixed);
}

/* ---- reports back ---- */

struct event {
    struct tg_event_id id;
    const char *sender;
};

static enum tg_code event_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct event *e = arg;
    Tg__Activity activity = TG__ACTIVITY__INIT;
    activity.kind = TG__ACTIVITY_KIND__ACCEPTED;
    activity.sender = (char *)e->sender;
    activity.recipients = e->id.sequence;
    return tg_activity_append(change, &e->id, &activity, err);
}

static const char *report_address(struct fixture *f, uint64_t account_id, int64_t time, uint32_t sequence)
{
    struct tg_token token = { account_id, time, sequence };
    const char *address = "untouched";
    uint32_t recipients = 99;
    struct tg_error err;
    tg_view_end(&f->view);
    f->view = view_of(f->nouns);
    assert_ok(tg_report_address(f->view, &token, &address, &recipients, &err));
    assert_int_equal(recipients, sequence == 9 || sequence == 7 ? 0 : sequence);
    return address;
}

/* A token has whole seconds; several messages of one second are told apart by their sequence. */
static void test_a_report_goes_to_the_messages_own_sender(void **state)
{
    struct fixture *f = *state;
    struct tg_error err;
    struct event events[] = {
        { { f->alice.id, NOW * INT64_C(1000000) - 1, 5 }, "before@good.test" }, { { f->alice.id, NOW * INT64_C(1000000), 4 }, "first@good.test" },
        { { f->alice.id, NOW * INT64_C(1000000) + 999999, 5 }, "meant@good.test" }, { { f->alice.id, NOW * INT64_C(1000000) + 999999, 6 }, "" },
        { { f->alice.id, NOW * INT64_C(1000000) + 1000000, 7 }, "after@good.test" }, { { f->bob.id, NOW * INT64_C(1000000), 9 }, "bob@bob.test" },
    };
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        assert_ok(tg_store_change(f->nouns->store, event_fn, &events[i], &err));
    assert_string_equal(report_address(f, f->alice.id, NOW, 5), "meant@good.test");
    assert_string_equal(report_address(f, f->alice.id, NOW, 4), "first@good.test");
    assert_string_equal(report_address(f, f->alice.id, NOW, 6), ""); /* it was a null sender: nobody to tell */
    assert_string_equal(report_address(f, f->alice.id, NOW, 7), ""); /* of another second */
    assert_string_equal(report_address(f, f->alice.id, NOW, 9), ""); /* another account's */
    assert_string_equal(report_address(f, f->alice.id, NOW - 1, 5), "before@good.test");
    struct tg_token gone = { 999, NOW, 5 };
    const char *address;
    uint32_t recipients;
    assert_int_equal(tg_report_address(f->view, &gone, &address, &recipients, &err), TG_NOT_FOUND);
    struct tg_token before_bob = { f->bob.id, NOW - 1, 5 };
    assert_int_equal(tg_report_address(f->view, &before_bob, &address, &recipients, &err), TG_NOT_FOUND);
}

static void test_without_the_store_nothing_is_known_but_who_is_trusted(void **state)
{
    struct fixture *f = *state;
    struct tg_network trusted = network_of("203.0.113.1");
    struct tg_message m = from_alice(f, "<x@good.test>");
    struct tg_error why;
    struct tg_verdict verdict;
    tg_fail(&why, TG_UNUSABLE, "it is gone");
    tg_facts_without_store(f->settings, &m, &why, &f->facts);
    assert_string_equal(f->facts.store_error, "it is gone");
    assert_null(f->facts.account);
    tg_decide(&f->facts, TG_AT_MAIL, &verdict);
    assert_int_equal(verdict.kind, TG_DEFER);
    assert_string_equal(verdict.rule, "store");
    assert_null(strstr(verdict.text, "gone")); /* what is wrong with us is nobody's business */
    m.client = &trusted;
    tg_facts_without_store(f->settings, &m, &why, &f->facts);
    assert_true(f->facts.trusted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_the_login_names_the_account),
        TEST(test_an_address_names_the_account_whose_domain_is_the_senders),
        TEST(test_a_return_path_listener_knows_nobody),
        TEST(test_senders),
        TEST(test_foreign_authors_are_named),
        TEST(test_recipients),
        TEST(test_nothing_else_gets_to_the_return_path_domain),
        TEST(test_reports_and_ordinary_mail_do_not_mix),
        TEST(test_a_report_goes_to_the_messages_own_sender),
        TEST(test_without_the_store_nothing_is_known_but_who_is_trusted),
    };
    struct tg_error err;
    g_mime_init();
    return tg_crypto_init(&err) != TG_OK ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
