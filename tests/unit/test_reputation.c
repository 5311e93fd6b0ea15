/* The formula at its corners, and what the sweep does with it. */
#include "tests/unit/nouns.h"
#include "schema/activity.h"
#include "schema/calendar.h"
#include "schema/reputation.h"

static struct tg_reputation of(uint64_t sent, uint64_t hard, uint64_t complaints, uint64_t forged)
{
    struct tg_reputation_counts counts = { .sent = sent, .events = { hard, complaints, forged } };
    struct tg_reputation r;
    tg_reputation_of(&counts, &r);
    assert_in_range(r.score, 0, 100);
    return r;
}

static void test_nothing_bad_is_a_hundred(void **state)
{
    (void)state;
    assert_int_equal(of(0, 0, 0, 0).score, 100);
    struct tg_reputation r = of(1000000, 100, 10, 5);
    assert_int_equal(r.score, 100);
    assert_int_equal(r.level, TG_LEVEL_EXCELLENT);
    assert_int_equal(r.worst, -1);
}

static void test_small_volumes_are_smoothed(void **state)
{
    (void)state;
    assert_int_equal(of(10, 1, 0, 0).score, 100);
    assert_int_equal(of(10, 0, 1, 0).score, 100);
    assert_int_equal(of(0, 0, 0, 1).score, 100);
    /* The same share of a larger volume is held against it. */
    assert_true(of(1000, 100, 0, 0).score < 50);
    assert_true(of(1000, 0, 10, 0).score < 30);
}

static void test_each_factor_alone_can_ruin(void **state)
{
    (void)state;
    assert_int_equal(of(10000, 3000, 0, 0).score, 0);
    assert_int_equal(of(10000, 0, 200, 0).score, 0);
    assert_int_equal(of(0, 0, 0, 1000).score, 0);
    assert_int_equal(of(10000, 3000, 0, 0).level, TG_LEVEL_BAD);
}

static void test_more_trouble_never_raises_the_score_and_more_mail_never_lowers_it(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 400; n++) {
        assert_true(of(2000, n + 1, 0, 0).score <= of(2000, n, 0, 0).score);
        assert_true(of(2000, 0, n + 1, 0).score <= of(2000, 0, n, 0).score);
        assert_true(of(2000, 0, 0, n + 1).score <= of(2000, 0, 0, n).score);
        assert_true(of(n + 1, 7, 7, 7).score >= of(n, 7, 7, 7).score);
    }
}

static void test_the_worst_factor_is_named(void **state)
{
    (void)state;
    char text[160];
    struct tg_reputation r = of(1000, 60, 1, 1);
    assert_int_equal(r.worst, TG_FACTOR_HARD);
    tg_reputation_text(&r, text, sizeof text);
    assert_string_equal(text, "60 hard bounces, 1000 sent in 30 days");
    assert_int_equal(of(1000, 30, 8, 1).worst, TG_FACTOR_COMPLAINTS);
    assert_int_equal(of(100, 0, 0, 90).worst, TG_FACTOR_FORGED);
}

static void test_levels(void **state)
{
    (void)state;
    /* 10,000 sent: a hard bounce rate of r takes (r - 2 %) / 10 %. */
    static const struct {
        uint64_t hard;
        enum tg_level level;
    } cases[] = { { 200, TG_LEVEL_EXCELLENT }, { 400, TG_LEVEL_GOOD }, { 600, TG_LEVEL_FAIR }, { 900, TG_LEVEL_POOR }, { 1200, TG_LEVEL_BAD } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(of(10000, cases[i].hard, 0, 0).level, cases[i].level);
    assert_string_equal(tg_level_name(TG_LEVEL_FAIR), "fair");
}

/* ---- with a store ---- */

struct event {
    uint64_t account_id;
    int64_t at;
    Tg__Activity activity;
};

static enum tg_code append_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct event *e = arg;
    struct tg_event_id id = tg_event_new(e->account_id, e->at * 1000000);
    return tg_activity_append(change, &id, &e->activity, err);
}

static void append(struct nouns *n, uint64_t account_id, int64_t at, Tg__ActivityKind kind, const char *word, uint32_t recipients)
{
    struct event e = { account_id, at, TG__ACTIVITY__INIT };
    struct tg_error err;
    e.activity.kind = kind;
    e.activity.recipients = recipients;
    if (kind == TG__ACTIVITY_KIND__REFUSED)
        e.activity.rule = (char *)word;
    else
        e.activity.result = (char *)word;
    assert_ok(tg_store_change(n->store, append_fn, &e, &err));
}

static void bounces(struct nouns *n, uint64_t account_id, int64_t at, int count)
{
    append(n, account_id, at, TG__ACTIVITY_KIND__ACCEPTED, "", 100);
    for (int i = 0; i < count; i++)
        append(n, account_id, at, TG__ACTIVITY_KIND__BOUNCE, "hard", 0);
}

static struct tg_reputation get(struct nouns *n, uint64_t id, int64_t now)
{
    struct tg_error err;
    struct tg_reputation r;
    struct tg_view *view = view_of(n);
    assert_ok(tg_reputation_get(view, id, now, &r, &err));
    tg_view_end(&view);
    return r;
}

static void test_thirty_days_count_and_no_more(void **state)
{
    struct nouns *n = *state;
    struct added a = add_account(n, add_customer(n));
    bounces(n, a.id, NOW, 40);
    append(n, a.id, NOW, TG__ACTIVITY_KIND__REFUSED, "sender", 0);
    append(n, a.id, NOW, TG__ACTIVITY_KIND__REFUSED, "plan", 0);
    struct tg_reputation r = get(n, a.id, NOW + 29 * DAY);
    assert_int_equal(r.counts.events[TG_FACTOR_HARD], 40);
    assert_int_equal(r.counts.events[TG_FACTOR_FORGED], 1);
    assert_int_equal(r.counts.sent, 100);
    assert_true(r.score < 50);
    assert_int_equal(get(n, a.id, NOW + 30 * DAY).score, 100);
    assert_int_equal(get(n, a.id, NOW - DAY).score, 100); /* the future does not count either */
}

static void test_the_whole_relay_is_counted_too(void **state)
{
    struct nouns *n = *state;
    struct added a = add_account(n, add_customer(n));
    struct tg_error err;
    Tg__Daily *day;
    bounces(n, a.id, NOW, 2);
    append(n, 0, NOW, TG__ACTIVITY_KIND__REFUSED, "client", 0);
    struct tg_view *view = view_of(n);
    assert_ok(tg_daily_get(view, TG_RELAY, tg_day_of(NOW), &day, &err));
    assert_int_equal(day->recipients, 100);
    assert_int_equal(day->hard, 2);
    assert_int_equal(day->n_refused, 1);
    tg_view_end(&view);
}

struct disabling {
    uint64_t id;
    int below;
    int64_t now;
    char reason[200];
};

static enum tg_code disable_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct disabling *d = arg;
    const char *reason;
    enum tg_code code = tg_reputation_disable(change, d->id, d->below, d->now, &reason, err);
    snprintf(d->reason, sizeof d->reason, "%s", reason != NULL ? reason : "");
    return code;
}

/* What the sweep does with one account: its reason, "" where there is none. */
static struct disabling sweep(struct nouns *n, uint64_t id, int below, int64_t now)
{
    struct tg_error err;
    struct disabling d = { id, below, now, "" };
    Tg__Account *account;
    bool due;
    struct tg_view *view = view_of(n);
    assert_ok(tg_account_get(view, id, &account, &err));
    assert_ok(tg_reputation_disable_due(view, account, below, now, &due, &err));
    tg_view_end(&view);
    assert_ok(tg_store_change(n->store, disable_fn, &d, &err));
    assert_int_equal(due, *d.reason != '\0');
    return d;
}

static bool is_disabled(struct nouns *n, uint64_t id)
{
    struct tg_error err;
    Tg__Account *account;
    struct tg_view *view = view_of(n);
    assert_ok(tg_account_get(view, id, &account, &err));
    bool disabled = account->disabled;
    tg_view_end(&view);
    return disabled;
}

static enum tg_code enable_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    return tg_account_enable(change, arg, NOW + 60, err);
}

static void test_below_the_threshold_it_is_disabled_with_the_reason(void **state)
{
    struct nouns *n = *state;
    struct added bad = add_account(n, add_customer(n)), good = add_account(n, add_customer(n));
    bounces(n, bad.id, NOW, 40);
    bounces(n, good.id, NOW, 1);
    assert_string_equal(sweep(n, bad.id, 0, NOW).reason, "");
    assert_false(is_disabled(n, bad.id));
    assert_string_equal(sweep(n, bad.id, 50, NOW).reason, "reputation 0 (bad) is below 50: 40 hard bounces, 100 sent in 30 days");
    assert_true(is_disabled(n, bad.id));
    assert_audit(n, 0, "account disable", bad.username, "enabled",
                 "disabled: reputation 0 (bad) is below 50: 40 hard bounces, 100 sent in 30 days");
    assert_string_equal(sweep(n, good.id, 50, NOW).reason, "");
    assert_false(is_disabled(n, good.id));
    /* Once. */
    assert_string_equal(sweep(n, bad.id, 50, NOW + 3600).reason, "");
}

static void test_what_the_provider_enabled_is_not_taken_back_for_old_sins(void **state)
{
    struct nouns *n = *state;
    struct added a = add_account(n, add_customer(n));
    bounces(n, a.id, NOW, 40);
    assert_true(*sweep(n, a.id, 50, NOW).reason != '\0');
    assert_changed(n, run(n, enable_fn, a.username));
    assert_string_equal(sweep(n, a.id, 50, NOW + DAY).reason, "");
    assert_true(get(n, a.id, NOW + DAY).score < 50); /* and is still shown */
    bounces(n, a.id, NOW + DAY, 40);
    assert_true(*sweep(n, a.id, 50, NOW + DAY).reason != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_bad_is_a_hundred),
        cmocka_unit_test(test_small_volumes_are_smoothed),
        cmocka_unit_test(test_each_factor_alone_can_ruin),
        cmocka_unit_test(test_more_trouble_never_raises_the_score_and_more_mail_never_lowers_it),
        cmocka_unit_test(test_the_worst_factor_is_named),
        cmocka_unit_test(test_levels),
        on_a_store(test_thirty_days_count_and_no_more),
        on_a_store(test_the_whole_relay_is_counted_too),
        on_a_store(test_below_the_threshold_it_is_disabled_with_the_reason),
        on_a_store(test_what_the_provider_enabled_is_not_taken_back_for_old_sins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
