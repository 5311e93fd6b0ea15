/* What the customer and the provider are told, and that they hear it once. */
#include "tests/unit/market.h"
#include "schema/notice.h"

static struct tg_error err;

/* Subjects of the mails queued or sent after the first `from`, newest last. */
static size_t mails(struct market *m, const char *kind, char *body, size_t size)
{
    struct tg_view *view = look(m);
    struct tg_key all = tg_key_all();
    struct tg_walk *walk;
    struct tg_span key, value;
    size_t count = 0;
    assert_ok(tg_walk_begin(view, TG_DB_MAILS, &all, NULL, TG_FORWARD, &walk, &err));
    while (tg_walk_next(walk, &key, &value, &err) == TG_OK) {
        Tg__Mail *mail;
        assert_ok(tg_unpack(view, TG_DB_MAILS, value, &tg__mail__descriptor, &mail, &err));
        if (strcmp(mail->kind, kind) != 0)
            continue;
        count++;
        if (body != NULL)
            snprintf(body, size, "%s|%s|%s", mail->to, mail->subject, mail->body);
    }
    tg_walk_end(&walk);
    tg_view_end(&view);
    return count;
}

#define told(m, kind, n) assert_int_equal(mails(m, kind, NULL, 0), n)

static void prepaid_of(struct market *m, uint64_t messages)
{
    done(m, buy(m, TG__PLAN_KIND__PREPAID, messages));
    done(m, pay(m, m->order));
}

static void test_the_customer_hears_of_80_and_100_per_cent_once_a_period(void **state)
{
    struct market *m = *state;
    char mail[2000];
    done(m, buy(m, TG__PLAN_KIND__FREE, 0));
    assert_true(take(m, 799));
    sweep(m);
    told(m, "quota", 0);
    assert_true(take(m, 1));
    sweep(m);
    sweep(m);
    assert_int_equal(mails(m, "quota", mail, sizeof mail), 1);
    assert_non_null(strstr(mail, "office@example.com|"));
    assert_non_null(strstr(mail, "has used 80 % of its plan"));
    assert_non_null(strstr(mail, "800 of 1000 messages; 200 are left until 2027-02-15"));
    assert_true(take(m, 200));
    sweep(m);
    sweep(m);
    assert_int_equal(mails(m, "quota", mail, sizeof mail), 2);
    assert_non_null(strstr(mail, "used 100 %"));
    live_until(m, "2027-02-16T00:00:00Z");
    told(m, "quota", 2);
    assert_true(take(m, 1000)); /* both at once: one mail */
    sweep(m);
    told(m, "quota", 3);
}

static void test_a_package_is_announced_30_and_7_days_before_it_expires(void **state)
{
    struct market *m = *state;
    prepaid_of(m, 500); /* until 2028-01-15T10:00:00Z */
    live_until(m, "2027-12-16T09:00:00Z");
    told(m, "expiry", 0);
    live_until(m, "2027-12-17T00:00:00Z");
    told(m, "expiry", 1);
    live_until(m, "2028-01-08T09:00:00Z");
    told(m, "expiry", 1);
    live_until(m, "2028-01-14T00:00:00Z");
    told(m, "expiry", 2);
    live_until(m, "2028-02-14T00:00:00Z");
    told(m, "expiry", 2);
}

static void test_an_empty_package_needs_no_announcement(void **state)
{
    struct market *m = *state;
    prepaid_of(m, 500);
    assert_true(take(m, 500));
    live_until(m, "2028-01-14T00:00:00Z");
    told(m, "expiry", 0);
}

static enum tg_code disable(struct tg_change *change, void *arg, struct tg_error *e)
{
    struct market *m = arg;
    return tg_account_disable(change, m->user, "spam run", m->now, e);
}

static enum tg_code enable(struct tg_change *change, void *arg, struct tg_error *e)
{
    struct market *m = arg;
    return tg_account_enable(change, m->user, m->now, e);
}

static void test_disabled_is_told_each_time_and_once(void **state)
{
    struct market *m = *state;
    char mail[2000];
    done(m, buy(m, TG__PLAN_KIND__FREE, 0));
    done(m, step(m, disable));
    sweep(m);
    sweep(m);
    assert_int_equal(mails(m, "disabled", mail, sizeof mail), 1);
    assert_non_null(strstr(mail, "was disabled: spam run."));
    done(m, step(m, enable));
    sweep(m);
    done(m, step(m, disable));
    sweep(m);
    told(m, "disabled", 2);
}

static void test_an_error_names_the_order_that_mends_it(void **state)
{
    struct market *m = *state;
    char mail[2000];
    done(m, buy(m, TG__PLAN_KIND__MONTHLY, 1000));
    live_until(m, "2027-02-10T00:00:00Z");
    assert_int_equal(mails(m, "error", mail, sizeof mail), 1);
    assert_non_null(strstr(mail, "payment not made"));
    assert_non_null(strstr(mail, "https://pay.example/1-"));
}

static enum tg_code new_password(struct tg_change *change, void *arg, struct tg_error *e)
{
    struct market *m = arg;
    Tg__Account *account;
    struct tg_secret password;
    int64_t until;
    size_t count;
    enum tg_code code = tg_account_password(change, m->user, DAY, m->now, &account, &password, &until, e);
    return code == TG_OK ? tg_notice_account(change, &m->shop, account->id, m->now, &count, e) : code;
}

static void test_a_new_password_is_told_without_it(void **state)
{
    struct market *m = *state;
    char mail[2000];
    done(m, buy(m, TG__PLAN_KIND__FREE, 0));
    told(m, "password", 0);
    done(m, step(m, new_password));
    sweep(m);
    assert_int_equal(mails(m, "password", mail, sizeof mail), 1);
    assert_non_null(strstr(mail, "stays valid until 2027-01-16T10:00:00Z"));
}

static enum tg_code quiet(struct tg_change *change, void *arg, struct tg_error *e)
{
    struct market *m = arg;
    Tg__Account *account;
    enum tg_code code = tg_account_by_username(tg_change_view(change), m->user, &account, e);
    if (code != TG_OK)
        return code;
    account->no_notices = true;
    return tg_account_update(change, account, m->now, e);
}

static void test_notices_off_says_nothing_but_orders(void **state)
{
    struct market *m = *state;
    prepaid_of(m, 500);
    done(m, step(m, quiet));
    assert_true(take(m, 500));
    done(m, step(m, disable));
    done(m, topup(m, 500));
    sweep(m);
    told(m, "quota", 0);
    told(m, "disabled", 0);
    told(m, "order", 2);
}

/* ---- to the provider ---- */

static enum tg_code rate_refusal(struct tg_change *change, void *arg, struct tg_error *e)
{
    struct market *m = arg;
    Tg__Activity activity = TG__ACTIVITY__INIT;
    struct tg_event_id id = tg_event_new(m->id, m->now * 1000000);
    activity.kind = TG__ACTIVITY_KIND__REFUSED;
    activity.rule = "rate";
    return tg_activity_append(change, &id, &activity, e);
}

static void test_the_provider_hears_of_a_met_limit_once_a_day(void **state)
{
    struct market *m = *state;
    char mail[2000];
    done(m, buy(m, TG__PLAN_KIND__FREE, 0));
    done(m, step(m, rate_refusal));
    sweep(m);
    done(m, step(m, rate_refusal));
    sweep(m);
    assert_int_equal(mails(m, "cap", mail, sizeof mail), 1);
    assert_non_null(strstr(mail, "billing@relay.example|")); /* provider_mail is mail_from where it is empty */
    m->now += DAY;
    done(m, step(m, rate_refusal));
    sweep(m);
    told(m, "cap", 2);
}

static void test_a_clock_that_was_ahead_does_not_silence_what_the_provider_hears(void **state)
{
    struct market *m = *state;
    done(m, buy(m, TG__PLAN_KIND__FREE, 0));
    m->now += 300 * DAY;
    done(m, step(m, rate_refusal));
    sweep(m);
    told(m, "cap", 1);
    m->now -= DAY; /* hours and a day are nothing */
    done(m, step(m, rate_refusal));
    sweep(m);
    told(m, "cap", 1);
    m->now -= 299 * DAY;
    done(m, step(m, rate_refusal));
    sweep(m);
    sweep(m);
    told(m, "cap", 2);
}

static void test_three_times_the_busiest_day_is_unusual(void **state)
{
    struct market *m = *state;
    char mail[2000];
    prepaid_of(m, 2000);
    for (int day = 0; day < 5; day++, m->now += DAY) {
        assert_true(take(m, 40));
        sweep(m);
    }
    assert_true(take(m, 120));
    sweep(m);
    told(m, "unusual", 0);
    assert_true(take(m, 1));
    sweep(m);
    sweep(m);
    assert_int_equal(mails(m, "unusual", mail, sizeof mail), 1);
    assert_non_null(strstr(mail, "121 recipients on 2027-01-20; the busiest of the 28 days before had 40."));
}

static void test_a_first_mailing_is_not_unusual(void **state)
{
    struct market *m = *state;
    prepaid_of(m, 2000);
    assert_true(take(m, 1));
    m->now += DAY;
    assert_true(take(m, 1500));
    sweep(m);
    told(m, "unusual", 0);
}

static void take_from(struct market *m, const char *client)
{
    Tg__Activity activity = TG__ACTIVITY__INIT;
    activity.kind = TG__ACTIVITY_KIND__ACCEPTED;
    activity.recipients = 1;
    activity.client = (char *)client;
    struct tg_charge charge = { .id = tg_event_new(m->id, m->now * 1000000), .units = 1, .activity = &activity };
    struct tg_batch_request request = { .charge = &charge };
    struct tg_batch batch = { .first = &request, .charge_count = 1 };
    assert_ok(tg_batch_write(m->store, &batch, &err));
    assert_int_equal(request.code, TG_OK);
}

static void test_a_new_network_after_a_quiet_time_is_told(void **state)
{
    struct market *m = *state;
    char mail[2000];
    prepaid_of(m, 500);
    take_from(m, "203.0.113.1"); /* the first use is none */
    m->now += DAY;
    take_from(m, "198.51.100.9"); /* nor is one without a quiet time */
    sweep(m);
    told(m, "network", 0);
    m->now += 20 * DAY;
    take_from(m, "203.0.113.77"); /* the same /24 as before */
    sweep(m);
    told(m, "network", 0);
    m->now += 20 * DAY;
    take_from(m, "2001:db8:1::7");
    sweep(m);
    sweep(m);
    assert_int_equal(mails(m, "network", mail, sizeof mail), 1);
    assert_non_null(strstr(mail, "2001:db8:1::/48"));
}

static enum tg_code bounce(struct tg_change *change, void *arg, struct tg_error *e)
{
    struct market *m = arg;
    Tg__Activity activity = TG__ACTIVITY__INIT;
    activity.kind = TG__ACTIVITY_KIND__BOUNCE;
    activity.result = "hard";
    for (int i = 0; i < 10; i++) {
        struct tg_event_id id = tg_event_new(m->id, m->now * 1000000);
        enum tg_code code = tg_activity_append(change, &id, &activity, e);
        if (code != TG_OK)
            return code;
    }
    return TG_OK;
}

static void test_many_bounces_are_told(void **state)
{
    struct market *m = *state;
    prepaid_of(m, 500);
    assert_true(take(m, 200));
    done(m, step(m, bounce));
    sweep(m);
    told(m, "bounces", 0);
    done(m, step(m, bounce));
    sweep(m);
    sweep(m);
    told(m, "bounces", 1);
}

static void test_what_came_after_the_last_sweep_of_a_day_is_told_the_next(void **state)
{
    struct market *m = *state;
    done(m, buy(m, TG__PLAN_KIND__FREE, 0));
    m->now = at("2027-01-16T23:59:00Z");
    done(m, step(m, rate_refusal));
    m->now = at("2027-01-17T00:30:00Z");
    sweep(m);
    told(m, "cap", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        market_test(test_the_customer_hears_of_80_and_100_per_cent_once_a_period),
        market_test(test_a_package_is_announced_30_and_7_days_before_it_expires),
        market_test(test_an_empty_package_needs_no_announcement),
        market_test(test_disabled_is_told_each_time_and_once),
        market_test(test_an_error_names_the_order_that_mends_it),
        market_test(test_a_new_password_is_told_without_it),
        market_test(test_notices_off_says_nothing_but_orders),
        market_test(test_the_provider_hears_of_a_met_limit_once_a_day),
        market_test(test_a_clock_that_was_ahead_does_not_silence_what_the_provider_hears),
        market_test(test_three_times_the_busiest_day_is_unusual),
        market_test(test_a_first_mailing_is_not_unusual),
        market_test(test_a_new_network_after_a_quiet_time_is_told),
        market_test(test_many_bounces_are_told),
        market_test(test_what_came_after_the_last_sweep_of_a_day_is_told_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
