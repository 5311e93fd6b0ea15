/* The sweep as such: bounded, repeatable, without harm where it is killed, dry where that is asked. */
#include <signal.h>
#include <sys/wait.h>
#include "schema/token.h"
#include "tests/unit/market.h"

static struct tg_error err;

static void many_accounts(struct market *m, int count)
{
    for (int i = 0; i < count; i++) {
        struct want w = { .m = m, .plan = TG__PLAN_KIND__MONTHLY, .messages = 1000 };
        done(m, tg_store_change(m->store, buy_fn, &w, &m->err));
        char name[32];
        snprintf(name, sizeof name, "%llu", (unsigned long long)m->order);
        struct want p = { .m = m, .order_name = name };
        done(m, tg_store_change(m->store, pay_fn, &p, &m->err));
    }
}

static void test_all_accounts_are_reached_in_batches(void **state)
{
    struct market *m = *state;
    many_accounts(m, 620); /* more than one view, many batches */
    m->settings.mailer = "exit 1";
    m->now += 25 * DAY;
    struct tg_sweep_result r;
    assert_ok(tg_sweep(m->store, &m->settings, m->now, NULL, &r, &err));
    assert_int_equal(r.count[TG_SWEPT_RENEWALS], 620);
    assert_ok(tg_sweep(m->store, &m->settings, m->now, NULL, &r, &err));
    assert_int_equal(r.count[TG_SWEPT_RENEWALS], 0);
    assert_int_equal(count_in(m, TG_DB_ORDERS), 2 * 620);
    assert_int_equal(count_in(m, TG_DB_ACTIVITY), 620); /* each became enabled */
    m->now += 10 * DAY;
    for (m->id = 1; m->id <= 620; m->id += 2)
        assert_true(take(m, 1));
    m->now += 85 * DAY;
    assert_ok(tg_sweep(m->store, &m->settings, m->now, NULL, &r, &err));
    assert_int_equal(r.count[TG_SWEPT_ACTIVITY], 620);
    assert_int_equal(r.count[TG_SWEPT_ERRORS], 620);
    assert_int_equal(count_in(m, TG_DB_ACTIVITY), 310 + 620);
    must_agree(m);
}

static void take_event(void *arg, const struct tg_sweep_event *event)
{
    char *text = arg;
    size_t len = strlen(text);
    snprintf(text + len, 2000 - len, "%s%s %s: %s\n", event->problem ? "! " : "", event->what, event->subject, event->detail);
}

static uint32_t sealing_key(struct market *m)
{
    struct tg_view *view;
    uint32_t number;
    int64_t created_at;
    assert_ok(tg_view_begin(m->store, &view, &err));
    assert_ok(tg_seal_keys_newest(view, &number, &created_at, &err));
    tg_view_end(&view);
    return number;
}

static void test_a_key_seals_for_thirty_days(void **state)
{
    struct market *m = *state;
    struct tg_sweep_options dry = { .dry_run = true };
    struct tg_sweep_result r;
    assert_ok(tg_sweep(m->store, &m->settings, m->now, NULL, &r, &err)); /* the market's store is of another time */
    uint32_t first = sealing_key(m);
    m->now += 30 * DAY - 1;
    assert_ok(tg_sweep(m->store, &m->settings, m->now, NULL, &r, &err));
    assert_int_equal(r.count[TG_SWEPT_KEYS], 0);
    m->now += 1;
    assert_ok(tg_sweep(m->store, &m->settings, m->now, &dry, &r, &err));
    assert_int_equal(r.count[TG_SWEPT_KEYS], 1);
    assert_int_equal(sealing_key(m), first);
    assert_ok(tg_sweep(m->store, &m->settings, m->now, NULL, &r, &err));
    assert_int_equal(r.count[TG_SWEPT_KEYS], 1);
    assert_int_equal(sealing_key(m), first + 1);
    /* A clock that goes back brings no key back and makes none. */
    m->now -= 20 * DAY;
    assert_ok(tg_sweep(m->store, &m->settings, m->now, NULL, &r, &err));
    assert_int_equal(r.count[TG_SWEPT_KEYS], 0);
    must_agree(m);
}

static void test_a_dry_run_says_it_and_does_nothing(void **state)
{
    struct market *m = *state;
    char events[2000] = "";
    struct tg_sweep_options dry = { .dry_run = true, .event = take_event, .arg = events };
    struct tg_sweep_result r;
    many_accounts(m, 1);
    m->now += 25 * DAY;
    assert_ok(tg_sweep(m->store, &m->settings, m->now, &dry, &r, &err));
    assert_int_equal(r.count[TG_SWEPT_RENEWALS], 1);
    assert_int_equal(r.count[TG_SWEPT_MAILS_SENT], 0);
    assert_non_null(strstr(events, "renewals "));
    assert_int_equal(count_in(m, TG_DB_ORDERS), 1);
    assert_int_equal(sweep(m).count[TG_SWEPT_RENEWALS], 1);
    assert_int_equal(count_in(m, TG_DB_ORDERS), 2);
}

static enum tg_code lose_the_order(struct tg_change *change, void *arg, struct tg_error *e)
{
    struct market *m = arg;
    struct tg_key key = tg_key_id(m->order);
    tg_delete(change, TG_DB_ORDERS, &key);
    return tg_change_error(change, e);
}

static void test_a_damaged_account_is_told_and_the_others_are_done(void **state)
{
    struct market *m = *state;
    char events[2000] = "";
    struct tg_sweep_options options = { .event = take_event, .arg = events };
    struct tg_sweep_result r;
    done(m, buy(m, TG__PLAN_KIND__MONTHLY, 1000));
    done(m, tg_store_change(m->store, lose_the_order, m, &m->err));
    many_accounts(m, 3);
    m->now += 25 * DAY;
    assert_ok(tg_sweep(m->store, &m->settings, m->now, &options, &r, &err));
    assert_int_equal(r.count[TG_SWEPT_RENEWALS], 3);
    assert_true(r.problems > 0);
    assert_non_null(strstr(events, "! problem"));
    assert_non_null(strstr(events, "names an order that is not there"));
}

static void test_activity_goes_after_its_days_and_the_counts_stay(void **state)
{
    struct market *m = *state;
    many_accounts(m, 3);
    for (m->id = 1; m->id <= 3; m->id++)
        for (int i = 0; i < 400; i++)
            assert_true(take(m, 1));
    m->id = 3;
    const int64_t first = m->now;
    m->now = at("2027-04-14T23:00:00Z"); /* 89 days later */
    m->settings.grace_days = 365;
    assert_true(take(m, 1));
    assert_int_equal(sweep(m).count[TG_SWEPT_ACTIVITY], 0);
    m->now = at("2027-04-16T00:00:00Z"); /* the day of the first is 91 days ago */
    struct tg_sweep_result r = sweep(m);
    assert_true(r.count[TG_SWEPT_ACTIVITY] >= 1200);
    assert_int_equal(sweep(m).count[TG_SWEPT_ACTIVITY], 0);
    struct tg_view *view = look(m);
    Tg__Daily *daily;
    assert_ok(tg_daily_get(view, 3, tg_day_of(first), &daily, &err));
    assert_int_equal(daily->messages, 400);
    tg_view_end(&view);
    assert_int_equal(count_in(m, TG_DB_ACTIVITY), 1); /* what came 89 days later */
}

static enum tg_code remove_some(struct tg_change *change, void *arg, struct tg_error *e)
{
    struct market *m = arg;
    struct tg_key prefix = tg_key_id(m->id), key;
    struct tg_walk *walk;
    struct tg_span at, value;
    struct tg_event_id id;
    assert_ok(tg_walk_begin(tg_change_view(change), TG_DB_ACTIVITY, &prefix, NULL, TG_FORWARD, &walk, e));
    while (tg_walk_next(walk, &at, &value, e) == TG_OK && tg_read_event(at, &id))
        if (id.time_us > (m->now - DAY / 2) * 1000000)
            break;
    tg_walk_end(&walk);
    if (m->sequence == 0) /* as a sweep does it */
        assert_ok(tg_activity_note_removal(change, &id, e));
    key = tg_key_event(&id);
    tg_delete(change, TG_DB_ACTIVITY, &key);
    return tg_change_error(change, e);
}

static void count_problem(void *arg, const char *problem)
{
    (void)problem;
    ++*(int *)arg;
}

static int problems_of(struct market *m)
{
    struct tg_store_stat stat;
    int problems = 0;
    assert_ok(tg_store_check(m->store, m->now, count_problem, &problems, NULL, NULL, &stat, &err));
    return problems;
}

/* A sweep that is at it, or was killed, is no damage; an event that is missing otherwise is. */
static void test_a_day_whose_events_go_is_no_problem_and_a_lost_event_is(void **state)
{
    struct market *m = *state;
    many_accounts(m, 1);
    m->now += DAY;
    for (int i = 0; i < 5; i++)
        assert_true(take(m, 1));
    assert_int_equal(problems_of(m), 0);
    m->sequence = 0;
    assert_ok(tg_store_change(m->store, remove_some, m, &err));
    assert_int_equal(problems_of(m), 0);
    m->now += DAY;
    m->sequence = 100;
    for (int i = 0; i < 5; i++)
        assert_true(take(m, 1));
    assert_ok(tg_store_change(m->store, remove_some, m, &err));
    assert_int_equal(problems_of(m), 1);
}

static Tg__Daily *daily_of(struct tg_view *view, uint64_t id, int64_t day)
{
    Tg__Daily *daily;
    assert_ok(tg_daily_get(view, id, day, &daily, &err));
    return daily;
}

static void test_old_days_become_one_sum_and_all_still_agrees(void **state)
{
    struct market *m = *state;
    many_accounts(m, 2);
    m->settings.grace_days = 365;
    m->settings.daily_days = 100;
    const int64_t first = m->now;
    for (int day = 0; day < 700; day++, m->now += DAY) /* more than a batch of days; the plan's month is renewed by nobody */
        for (m->id = 1; m->id <= 2; m->id++)
            if (day < 3 || day % 100 == 0)
                take(m, 1);
    struct tg_view *view = look(m);
    size_t kept = count_in(m, TG_DB_DAILY);
    tg_view_end(&view);
    m->settings.activity_days = 3650; /* the longer one counts */
    struct tg_sweep_result r = sweep(m);
    assert_int_equal(r.count[TG_SWEPT_DAYS], 0);
    m->settings.activity_days = 90;
    struct tg_sweep_options dry = { .dry_run = true };
    assert_ok(tg_sweep(m->store, &m->settings, m->now, &dry, &r, &err));
    uint64_t due = r.count[TG_SWEPT_DAYS];
    assert_true(due >= 9); /* two accounts and the relay */
    assert_int_equal(count_in(m, TG_DB_DAILY), kept);
    assert_int_equal(sweep(m).count[TG_SWEPT_DAYS], due);
    assert_int_equal(sweep(m).count[TG_SWEPT_DAYS], 0);
    assert_int_equal(count_in(m, TG_DB_DAILY), kept - due + 3);
    view = look(m);
    Tg__Daily *before = daily_of(view, 1, TG_DAY_BEFORE), *gone;
    assert_true(before->messages >= 3);
    assert_int_equal(before->messages, before->recipients);
    assert_int_equal(daily_of(view, TG_RELAY, TG_DAY_BEFORE)->messages, 2 * before->messages);
    assert_int_equal(tg_daily_get(view, 1, tg_day_of(first), &gone, &err), TG_NOT_FOUND);
    tg_view_end(&view);
    must_agree(m);
    /* The next days are added to the sum. */
    m->now += 200 * DAY;
    sweep(m);
    must_agree(m);
}

/* Else a bounce of the twelfth day would find nobody to go to. */
static void test_activity_stays_as_long_as_a_report_may_come_back(void **state)
{
    struct market *m = *state;
    many_accounts(m, 1);
    m->id = 1;
    assert_true(take(m, 1));
    m->settings.activity_days = 3;
    m->settings.return_path_days = 14;
    strcpy(m->settings.return_path_canonical, "rp.test");
    m->now += 14 * DAY;
    assert_int_equal(sweep(m).count[TG_SWEPT_ACTIVITY], 0);
    m->now += 2 * DAY;
    assert_true(sweep(m).count[TG_SWEPT_ACTIVITY] > 0);
}

static void test_a_sweep_that_is_told_to_stop_does(void **state)
{
    struct market *m = *state;
    atomic_bool stop = true;
    struct tg_sweep_options options = { .stop = &stop };
    struct tg_sweep_result r;
    many_accounts(m, 1);
    m->now += 25 * DAY;
    assert_ok(tg_sweep(m->store, &m->settings, m->now, &options, &r, &err));
    assert_int_equal(r.count[TG_SWEPT_RENEWALS], 0);
}

/* In a process of its own, killed at some moment, again and again until one gets through. */
static void test_killed_in_the_middle_it_continues(void **state)
{
    struct market *m = *state;
    many_accounts(m, 300);
    m->settings.mailer = "exit 1";
    m->now += 25 * DAY;
    tg_store_close(&m->store); /* LMDB does not survive a fork */
    int killed = 0, status = 0;
    for (useconds_t after = 500;; after += 1500) {
        pid_t pid = fork();
        if (pid == 0) {
            struct tg_sweep_result r;
            struct tg_store_options options = { .no_sync = false };
            if (tg_store_open(m->dir, &options, &m->store, &err) != TG_OK)
                _exit(3);
            _exit(tg_sweep(m->store, &m->settings, m->now, NULL, &r, &err) == TG_OK ? 0 : 4);
        }
        usleep(after);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status))
            break;
        killed++;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(killed > 0);
    struct tg_store_options options = { .no_sync = true };
    assert_ok(tg_store_open(m->dir, &options, &m->store, &err));
    must_agree(m);
    struct tg_sweep_result r;
    assert_ok(tg_sweep(m->store, &m->settings, m->now, NULL, &r, &err));
    assert_int_equal(r.count[TG_SWEPT_RENEWALS], 0);
    assert_int_equal(count_in(m, TG_DB_ORDERS), 600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        market_test(test_all_accounts_are_reached_in_batches),
        market_test(test_a_key_seals_for_thirty_days),
        market_test(test_a_dry_run_says_it_and_does_nothing),
        market_test(test_a_damaged_account_is_told_and_the_others_are_done),
        market_test(test_activity_goes_after_its_days_and_the_counts_stay),
        market_test(test_a_day_whose_events_go_is_no_problem_and_a_lost_event_is),
        market_test(test_old_days_become_one_sum_and_all_still_agrees),
        market_test(test_activity_stays_as_long_as_a_report_may_come_back),
        market_test(test_a_sweep_that_is_told_to_stop_does),
        market_test(test_killed_in_the_middle_it_continues),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
