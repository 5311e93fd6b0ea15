/* What a look into the DNS means for a domain, and when there is to be one. */
#include "tests/unit/nouns.h"
#include "schema/domain_check.h"

static Tg__Domain domain_of(Tg__DomainStatus status)
{
    Tg__Domain d = TG__DOMAIN__INIT;
    d.domain = "example.com";
    d.token = "abc";
    d.status = status;
    d.created_at = NOW;
    d.checked_at = NOW;
    return d;
}

static struct tg_dns_question txt(enum tg_dns_state state, char *text)
{
    struct tg_dns_question q = { .type = TG_DNS_TXT, .name = "_tollgate.example.com", .state = state, .why = "127.0.0.1:53 did not answer" };
    if (text != NULL) {
        q.records.count = 1;
        q.records.text[0] = text;
    }
    return q;
}

static struct tg_finding found(struct tg_dns_question q)
{
    Tg__Domain d = domain_of(TG__DOMAIN_STATUS__PENDING);
    struct tg_finding finding;
    tg_domain_read_answers(&d, &q, 1, &finding);
    assert_int_equal(*finding.text == '\0', finding.state == TG_FINDING_OWNED);
    return finding;
}

static void test_answers_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(found(txt(TG_DNS_FOUND, "tollgate-verify=abc")).state, TG_FINDING_OWNED);
    assert_int_equal(found(txt(TG_DNS_FOUND, "  tollgate-verify=abc ")).state, TG_FINDING_OWNED);
    assert_int_equal(found(txt(TG_DNS_FOUND, "tollgate-verify=abcd")).state, TG_FINDING_WRONG);
    assert_int_equal(found(txt(TG_DNS_FOUND, "tollgate-verify=ab")).state, TG_FINDING_WRONG);
    assert_int_equal(found(txt(TG_DNS_FOUND, "tollgate-verify=ABC")).state, TG_FINDING_WRONG);
    assert_int_equal(found(txt(TG_DNS_FOUND, "")).state, TG_FINDING_WRONG);
    assert_int_equal(found(txt(TG_DNS_NO_RECORD, NULL)).state, TG_FINDING_MISSING);
    assert_int_equal(found(txt(TG_DNS_NO_NAME, NULL)).state, TG_FINDING_MISSING);
    struct tg_finding unknown = found(txt(TG_DNS_UNKNOWN, NULL));
    assert_int_equal(unknown.state, TG_FINDING_UNKNOWN);
    assert_non_null(strstr(unknown.text, "127.0.0.1:53 did not answer"));
}

static void check(Tg__Domain *d, enum tg_finding_state state, int64_t now)
{
    static struct tg_finding finding; /* the record points into it */
    finding.state = state;
    strcpy(finding.text, state == TG_FINDING_OWNED ? "" : "no TXT record");
    tg_domain_check_apply(d, &finding, now);
}

static void test_a_pending_domain_is_decided_at_once(void **state)
{
    (void)state;
    Tg__Domain d = domain_of(TG__DOMAIN_STATUS__PENDING);
    check(&d, TG_FINDING_MISSING, NOW);
    assert_int_equal(d.status, TG__DOMAIN_STATUS__FAILED);
    assert_string_equal(d.status_reason, "no TXT record");
    check(&d, TG_FINDING_OWNED, NOW + 60);
    assert_int_equal(d.status, TG__DOMAIN_STATUS__VERIFIED);
    assert_string_equal(d.status_reason, "");
}

static void test_what_cannot_be_known_changes_nothing(void **state)
{
    (void)state;
    for (int status = TG__DOMAIN_STATUS__PENDING; status <= (int)TG__DOMAIN_STATUS__FAILED; status++) {
        Tg__Domain d = domain_of((Tg__DomainStatus)status), before = d;
        for (int day = 0; day < 100; day++)
            check(&d, TG_FINDING_UNKNOWN, NOW + day * DAY);
        uint8_t octets[2][512]; /* as stored: between the members may be anything */
        size_t len = tg__domain__get_packed_size(&before);
        assert_true(len <= sizeof octets[0] && tg__domain__get_packed_size(&d) == len);
        tg__domain__pack(&before, octets[0]);
        tg__domain__pack(&d, octets[1]);
        assert_memory_equal(octets[1], octets[0], len);
    }
}

static void test_a_verified_domain_fails_after_three_checks_over_three_days(void **state)
{
    (void)state;
    Tg__Domain d = domain_of(TG__DOMAIN_STATUS__VERIFIED);
    /* Many checks in one night: the name server is broken, and is mended. */
    for (int i = 0; i < 20; i++)
        check(&d, TG_FINDING_MISSING, NOW + i * 600);
    assert_int_equal(d.status, TG__DOMAIN_STATUS__VERIFIED);
    assert_string_equal(d.status_reason, "no TXT record");
    check(&d, TG_FINDING_OWNED, NOW + 20000);
    assert_int_equal(d.failed_checks, 0);
    assert_string_equal(d.status_reason, "");
    /* Gone for good. */
    check(&d, TG_FINDING_WRONG, NOW + DAY);
    check(&d, TG_FINDING_WRONG, NOW + 4 * DAY);
    assert_int_equal(d.status, TG__DOMAIN_STATUS__VERIFIED); /* long enough, but two checks only */
    check(&d, TG_FINDING_WRONG, NOW + 4 * DAY + 60);
    assert_int_equal(d.status, TG__DOMAIN_STATUS__FAILED);
}

static void test_the_providers_word_needs_no_dns(void **state)
{
    (void)state;
    Tg__Domain d = domain_of(TG__DOMAIN_STATUS__VERIFIED);
    d.trusted = true;
    assert_false(tg_domain_check_due(&d, NOW + 100 * DAY));
    check(&d, TG_FINDING_MISSING, NOW);
    assert_true(d.trusted);
    assert_int_equal(d.failed_checks, 0);
    check(&d, TG_FINDING_OWNED, NOW);
    assert_false(d.trusted); /* from now on the DNS speaks for it */
}

static void test_when_a_check_is_due(void **state)
{
    (void)state;
    Tg__Domain d = domain_of(TG__DOMAIN_STATUS__PENDING);
    assert_false(tg_domain_check_due(&d, NOW + 3599));
    assert_true(tg_domain_check_due(&d, NOW + 3600));
    assert_true(tg_domain_check_due(&d, NOW + 30 * DAY));
    assert_false(tg_domain_check_due(&d, NOW + 30 * DAY + 1)); /* nobody waits for it any more */
    d = domain_of(TG__DOMAIN_STATUS__VERIFIED);
    assert_false(tg_domain_check_due(&d, NOW + DAY - 1));
    assert_true(tg_domain_check_due(&d, NOW + DAY));
    assert_true(tg_domain_check_due(&d, NOW + 1000 * DAY));
    assert_true(tg_domain_check_due(&d, NOW - DAY)); /* the clock was ahead */
    d.failed_checks = 1;
    assert_true(tg_domain_check_due(&d, NOW + 6 * 3600));
    d = domain_of(TG__DOMAIN_STATUS__FAILED);
    d.failing_since = NOW;
    assert_true(tg_domain_check_due(&d, NOW + 3600)); /* new: its owner is at it */
    d.created_at = NOW - 100 * DAY;
    assert_false(tg_domain_check_due(&d, NOW + 3600));
    assert_true(tg_domain_check_due(&d, NOW + DAY));
    assert_false(tg_domain_check_due(&d, NOW + 31 * DAY));
}

/* ---- the sweep's step, without a DNS: nothing listens at port 1 ---- */

static enum tg_code add_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    Tg__Domain *domain;
    return tg_domain_add(change, arg, 1, NOW, &domain, err);
}

static enum tg_code trust_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    return tg_domain_trust(change, arg, NOW, err);
}

static void test_a_dead_resolver_leaves_all_as_it_is(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    char *resolver = "127.0.0.1:1", name[64];
    struct tg_list resolvers = { 1, &resolver };
    struct tg_dns_options dns = { &resolvers, 1000 };
    struct tg_domain_sweep result = { 0 };
    add_customer(n);
    for (int i = 0; i < 170; i++) {
        snprintf(name, sizeof name, "d%d.example", i);
        assert_changed(n, run(n, add_fn, name));
    }
    assert_changed(n, run(n, trust_fn, "d7.example"));
    const size_t audits = keys_in(n, TG_DB_AUDIT);
    assert_ok(tg_domain_check_all(n->store, &dns, NOW + DAY, true, &result, &err));
    assert_int_equal(result.due, 169);
    assert_int_equal(result.unknown, 0);
    /* A hundred in a row without an answer: the others are not even asked. Each hour begins elsewhere. */
    for (int hour = 0; hour < 36; hour++) {
        assert_ok(tg_domain_check_all(n->store, &dns, NOW + DAY + hour * 3600, false, &result, &err));
        assert_int_equal(result.unknown, 100);
        assert_int_equal(result.failed, 0);
        assert_true(result.gave_up);
        assert_ok(tg_domain_check_all(n->store, &dns, NOW + DAY + hour * 3600, true, &result, &err));
        assert_int_equal(result.due, 169);
    }
    assert_int_equal(keys_in(n, TG_DB_AUDIT), audits);
    assert_int_equal(tg_domain_verify(n->store, &dns, "d1.example", NOW, &err), TG_FAILED);
    assert_non_null(strstr(err.text, "nothing listens there"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_are_told_apart),
        cmocka_unit_test(test_a_pending_domain_is_decided_at_once),
        cmocka_unit_test(test_what_cannot_be_known_changes_nothing),
        cmocka_unit_test(test_a_verified_domain_fails_after_three_checks_over_three_days),
        cmocka_unit_test(test_the_providers_word_needs_no_dns),
        cmocka_unit_test(test_when_a_check_is_due),
        on_a_store(test_a_dead_resolver_leaves_all_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
