/* Every rule of DESIGN 6, tested by scripts of facts: tests/policy/<rule>.case.
 *
 * A case starts with "case: SENTENCE"; each line sets a fact ("login: alice", "plan.left: 3"), names the
 * stage, or says what is expected: "expect: accept", "expect: untouched", "expect: plan 452 4.7.1 WORDS".
 * "# …" is a comment. What is not set is zero: an unauthenticated, unknown client. */
#include "tests/unit/test.h"
#include <dirent.h>
#include <stdio.h>
#include "schema/policy.h"

struct script {
    struct tg_facts facts;
    struct tg_settings settings;
    Tg__Account account;
    enum tg_stage stage;
    char sentence[200], where[300], text[16][200];
    size_t texts;
};

static char *keep(struct script *s, const char *value)
{
    assert_true(s->texts < 16);
    return strcpy(s->text[s->texts++], value);
}

static void begin(struct script *s, const char *sentence, const char *where)
{
    memset(s, 0, sizeof *s);
    tg__account__init(&s->account);
    s->facts.settings = &s->settings;
    s->settings.max_recipients = 100;
    s->settings.unsubscribe = TG_UNSUBSCRIBE_WARN;
    s->facts.balance = (struct tg_balance){ .limit = 1000, .left = 1000, .period_end = 1798761600,
                                            .hour_left = UINT64_MAX, .day_left = UINT64_MAX };
    s->facts.sender_match = TG_DOMAIN_ASSOCIATED;
    s->facts.sender_domain = "cust.test";
    s->facts.sender = "a@cust.test";
    snprintf(s->sentence, sizeof s->sentence, "%s", sentence);
    snprintf(s->where, sizeof s->where, "%s", where);
}

static int number_of(const char *value, const char *const *words, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(value, words[i]) == 0)
            return i;
    return -1;
}

static enum tg_domain_match match_of(const char *value)
{
    static const char *const words[] = { "associated", "unverified", "foreign" };
    int n = number_of(value, words, 3);
    assert_true(n >= 0);
    return (enum tg_domain_match)n;
}

static bool set_account(struct script *s, const char *key, const char *value)
{
    static const char *const plans[] = { "free", "monthly", "prepaid" };
    Tg__Account *a = &s->account;
    if (strncmp(key, "account", 7) != 0)
        return false;
    s->facts.account = a;
    if (strcmp(key, "account") == 0)
        a->username = keep(s, value);
    else if (strcmp(key, "account.disabled") == 0)
        a->disabled = true, a->disabled_reason = keep(s, value);
    else if (strcmp(key, "account.payment") == 0)
        a->payment = strcmp(value, "awaited") == 0 ? TG__PAYMENT__AWAITED : TG__PAYMENT__OVERDUE;
    else if (strcmp(key, "account.type") == 0)
        assert_true(tg_account_type_parse(value, &a->type));
    else if (strcmp(key, "account.plan") == 0)
        a->plan = (Tg__PlanKind)number_of(value, plans, 3);
    else if (strcmp(key, "account.ip_lock") == 0)
        a->ip_lock = true;
    else if (strcmp(key, "account.any_sender") == 0)
        a->any_sender = true;
    else if (strcmp(key, "account.max_recipients") == 0)
        a->max_recipients = (uint32_t)atoi(value);
    else
        return false;
    return true;
}

static bool set_plan(struct script *s, const char *key, const char *value)
{
    struct tg_balance *b = &s->facts.balance;
    static const char *const outcomes[] = { "ok", "exhausted", "expired", "none" };
    if (strcmp(key, "plan.left") == 0)
        b->left = strtoull(value, NULL, 10), b->used = b->limit - b->left;
    else if (strcmp(key, "plan.outcome") == 0)
        b->outcome = (enum tg_plan_outcome)number_of(value, outcomes, 4);
    else if (strcmp(key, "rate.hour_left") == 0)
        b->hour_left = strtoull(value, NULL, 10);
    else if (strcmp(key, "rate.day_left") == 0)
        b->day_left = strtoull(value, NULL, 10);
    else
        return false;
    return true;
}

static bool set_setting(struct script *s, const char *key, const char *value)
{
    static const char *const unsubscribe[] = { "off", "warn", "require" };
    if (strcmp(key, "exhausted") == 0)
        s->settings.exhausted = strcmp(value, "reject") == 0;
    else if (strcmp(key, "unknown_clients") == 0)
        s->settings.unknown_clients = strcmp(value, "ignore") == 0;
    else if (strcmp(key, "unknown_logins") == 0)
        s->settings.unknown_logins = strcmp(value, "ignore") == 0;
    else if (strcmp(key, "max_recipients") == 0)
        s->settings.max_recipients = atol(value);
    else if (strcmp(key, "unsubscribe") == 0)
        s->settings.unsubscribe = number_of(value, unsubscribe, 3);
    else if (strcmp(key, "return_path_domain") == 0)
        strcpy(s->settings.return_path_canonical, value);
    else
        return false;
    return true;
}

static bool set_fact(struct script *s, const char *key, const char *value)
{
    static const char *const kinds[] = { "none", "ordinary", "report", "bad" };
    struct tg_facts *f = &s->facts;
    if (strcmp(key, "store_error") == 0)
        f->store_error = keep(s, value);
    else if (strcmp(key, "trusted") == 0)
        f->trusted = true;
    else if (strcmp(key, "return_path_listener") == 0)
        f->return_path_listener = true;
    else if (strcmp(key, "login") == 0)
        f->login = keep(s, value);
    else if (strcmp(key, "client") == 0)
        f->client = keep(s, value);
    else if (strcmp(key, "ip_accounts") == 0)
        f->ip_accounts = (size_t)atoi(value);
    else if (strcmp(key, "ip_authorised") == 0)
        f->ip_authorised = true;
    else if (strcmp(key, "null_sender") == 0)
        f->null_sender = true, f->sender_domain = NULL;
    else if (strcmp(key, "sender_error") == 0)
        f->sender_error = keep(s, value);
    else if (strcmp(key, "sender_match") == 0)
        f->sender_match = match_of(value);
    else if (strcmp(key, "recipient") == 0)
        f->recipient_kind = (enum tg_recipient_kind)number_of(value, kinds, 4);
    else if (strcmp(key, "recipients") == 0)
        f->recipients = f->units = strtoull(value, NULL, 10);
    else if (strcmp(key, "mixed") == 0)
        f->mixed = true;
    else if (strcmp(key, "report") == 0)
        f->report = true;
    else if (strcmp(key, "from_error") == 0)
        f->from_error = keep(s, value);
    else if (strcmp(key, "author") == 0)
        f->author_field = "From", f->author_domain = "evil.test", f->author_match = match_of(value);
    else if (strcmp(key, "list_unsubscribe") == 0)
        f->list_unsubscribe = true;
    else
        return false;
    return true;
}

static bool set_stage(struct script *s, const char *key, const char *value)
{
    static const char *const stages[] = { "mail", "rcpt", "headers", "end" };
    if (strcmp(key, "stage") != 0)
        return false;
    int n = number_of(value, stages, 4);
    assert_true(n >= 0);
    s->stage = (enum tg_stage)(1 << n);
    return true;
}

static void expect(const struct script *s, const char *value)
{
    struct tg_verdict v;
    char got[500];
    assert_int_not_equal(s->stage, 0);
    tg_decide(&s->facts, s->stage, &v);
    if (v.kind == TG_ACCEPT)
        snprintf(got, sizeof got, "%s %s", v.untouched ? "untouched" : "accept", v.warning);
    else
        snprintf(got, sizeof got, "%s %s %s %s", v.rule, v.code, v.enhanced, v.text);
    /* The rule and the codes are exact; of the sentence, words that it must have. */
    size_t codes = 0;
    for (int i = 0; i < (strcmp(value, "accept") == 0 || strncmp(value, "untouched", 9) == 0 ? 1 : 3); i++)
        codes += strcspn(value + codes, " ") + (value[codes + strcspn(value + codes, " ")] == ' ');
    if (strncmp(got, value, codes) != 0 || strstr(got + (codes < strlen(got) ? codes : 0), value + codes) == NULL)
        fail_msg("%s: %s: expected '%s', got '%s'", s->where, s->sentence, value, got);
    assert_true((v.kind == TG_DEFER) == (*v.code == '4'));
    assert_true((v.kind == TG_REJECT) == (*v.code == '5'));

    /* explain comes to the same verdict when asked for this stage alone. */
    struct tg_verdict again;
    struct tg_rule_trace trace[TG_RULES_MAX];
    tg_explain(&s->facts, s->stage, &again, trace);
    assert_int_equal(again.kind, v.kind);
    assert_string_equal(again.rule, v.rule);
}

static int run_file(const char *path)
{
    FILE *in = fopen(path, "r");
    char line[400], where[300];
    struct script s;
    int cases = 0, number = 0;
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        snprintf(where, sizeof where, "%.200s:%d", path, ++number);
        if (*line == '\0' || *line == '#')
            continue;
        char *colon = strstr(line, ":");
        if (colon == NULL)
            fail_msg("%s: no colon", where);
        *colon = '\0';
        const char *value = colon + 1 + strspn(colon + 1, " ");
        if (strcmp(line, "case") == 0)
            begin(&s, value, where);
        else if (strcmp(line, "expect") == 0)
            expect(&s, value), cases++;
        else if (!set_account(&s, line, value) && !set_plan(&s, line, value) && !set_setting(&s, line, value) &&
                 !set_fact(&s, line, value) && !set_stage(&s, line, value))
            fail_msg("%s: no such fact: %s", where, line);
    }
    fclose(in);
    return cases;
}

static void test_every_rule_decides_as_its_cases_say(void **state)
{
    (void)state;
    const char *srcdir = getenv("srcdir");
    for (size_t i = 0; tg_rule_name(i) != NULL; i++) {
        char path[250];
        snprintf(path, sizeof path, "%.180s/tests/policy/%s.case", srcdir != NULL ? srcdir : ".", tg_rule_name(i));
        assert_true(run_file(path) >= 2);
    }
}

static void test_explain_goes_on_after_the_first_refusal(void **state)
{
    (void)state;
    struct script s;
    begin(&s, "", "");
    s.account.disabled = true;
    s.facts.account = &s.account;
    s.facts.login = "alice";
    s.facts.balance.left = 0;
    s.facts.from_error = "two From fields";
    struct tg_verdict v;
    struct tg_rule_trace trace[TG_RULES_MAX];
    size_t count = tg_explain(&s.facts, TG_AT_MAIL | TG_AT_RCPT | TG_AT_HEADERS | TG_AT_END, &v, trace);
    int refused = 0;
    for (size_t i = 0; i < count; i++)
        refused += trace[i].outcome == TG_REFUSE;
    assert_string_equal(v.rule, "status");
    assert_int_equal(refused, 3); /* status, plan, from */
}

static void test_a_charge_that_fails_defers_unless_the_account_is_gone(void **state)
{
    (void)state;
    struct script s;
    begin(&s, "", "");
    s.facts.account = &s.account;
    s.facts.login = "alice";
    s.facts.recipients = s.facts.units = 3;
    s.facts.balance.left = 2;
    struct tg_verdict v;
    tg_verdict_of_charge(&s.facts, TG_UNUSABLE, &v);
    assert_string_equal(v.rule, "store");
    assert_string_equal(v.code, "451");
    tg_verdict_of_charge(&s.facts, TG_REFUSED, &v);
    assert_string_equal(v.rule, "plan");
    assert_int_equal(v.kind, TG_DEFER);
    tg_verdict_of_charge(&s.facts, TG_NOT_FOUND, &v);
    assert_string_equal(v.rule, "status");
    assert_int_equal(v.kind, TG_REJECT);
    tg_verdict_of_charge(&s.facts, TG_OK, &v);
    assert_int_equal(v.kind, TG_ACCEPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rule_decides_as_its_cases_say),
        cmocka_unit_test(test_explain_goes_on_after_the_first_refusal),
        cmocka_unit_test(test_a_charge_that_fails_defers_unless_the_account_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
