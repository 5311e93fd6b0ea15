#include "tests/unit/account_store.h"
#include "schema/activity_newest.h"

static struct tg_error err;
static struct account_store s;
static const int64_t noon_us = (int64_t)20781 * 86400 * 1000000 + 43200 * INT64_C(1000000);

static int setup(void **state)
{
    (void)state;
    account_store_make(&s);
    account_store_open(&s);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    account_store_end(&s);
    return 0;
}

struct appended {
    struct tg_event_id id;
    Tg__Activity activity;
};

static enum tg_code do_append(struct tg_change *change, void *arg, struct tg_error *error)
{
    const struct appended *a = arg;
    return tg_activity_append(change, &a->id, &a->activity, error);
}

static struct tg_event_id append(uint64_t account_id, int64_t time_us, Tg__Activity activity)
{
    struct appended a = {tg_event_new(account_id, time_us), activity};
    assert_ok(tg_store_change(s.store, do_append, &a, &err));
    return a.id;
}

static Tg__Activity event(Tg__ActivityKind kind, char *rule, char *result, uint32_t n)
{
    Tg__Activity a = TG__ACTIVITY__INIT;
    a.kind = kind;
    a.rule = rule;
    a.result = result;
    if (kind == TG__ACTIVITY_KIND__ACCEPTED)
        a.recipients = n;
    else
        a.repeated = n;
    return a;
}

static void test_events_are_counted_in_their_day(void **state)
{
    (void)state;
    struct tg_view *view;
    Tg__Daily *d;
    append(3, noon_us, event(TG__ACTIVITY_KIND__ACCEPTED, "", "", 4));
    append(3, noon_us + 1, event(TG__ACTIVITY_KIND__ACCEPTED, "", "", 1));
    append(3, noon_us + 2, event(TG__ACTIVITY_KIND__REFUSED, "plan", "", 0));
    append(3, noon_us + 3, event(TG__ACTIVITY_KIND__REFUSED, "sender", "", 0));
    append(3, noon_us + 4, event(TG__ACTIVITY_KIND__REFUSED, "plan", "", 979));
    append(3, noon_us + 5, event(TG__ACTIVITY_KIND__BOUNCE, "", "hard", 0));
    append(3, noon_us + 6, event(TG__ACTIVITY_KIND__BOUNCE, "", "soft", 0));
    append(3, noon_us + 7, event(TG__ACTIVITY_KIND__BOUNCE, "", "delayed", 0));
    append(3, noon_us + 8, event(TG__ACTIVITY_KIND__BOUNCE, "", "unknown", 0));
    append(3, noon_us + 9, event(TG__ACTIVITY_KIND__COMPLAINT, "", "", 0));
    append(3, noon_us + 10, event(TG__ACTIVITY_KIND__AUTH_FAILED, "", "password", 9));
    append(3, noon_us + 11, event(TG__ACTIVITY_KIND__WARNING, "", "", 0));
    append(3, noon_us + 43200 * INT64_C(1000000),
           event(TG__ACTIVITY_KIND__ACCEPTED, "", "", 7)); /* next day */
    append(2, noon_us, event(TG__ACTIVITY_KIND__STATUS_CHANGED, "", "", 0));
    assert_ok(tg_view_begin(s.store, &view, &err));
    assert_ok(tg_daily_get(view, 3, 20781, &d, &err));
    assert_true(d->messages == 2 && d->recipients == 5);
    assert_int_equal(d->n_refused, 2);
    assert_string_equal(d->refused[0]->rule, "plan");
    assert_int_equal(d->refused[0]->count, 981);
    assert_string_equal(d->refused[1]->rule, "sender");
    assert_int_equal(d->refused[1]->count, 1);
    assert_true(d->hard == 1 && d->soft == 1 && d->delayed == 1 && d->complaints == 1);
    assert_int_equal(d->auth_failed, 10);
    assert_ok(tg_daily_get(view, 3, 20782, &d, &err));
    assert_true(d->messages == 1 && d->recipients == 7);
    assert_int_equal(tg_daily_get(view, 2, 20781, &d, &err), TG_NOT_FOUND);
    tg_view_end(&view);
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, 3), 13);
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, 2), 1);
}

static void test_a_walk_reads_the_newest_first(void **state)
{
    (void)state;
    struct tg_view *view;
    struct tg_walk *walk;
    struct tg_event_id id;
    Tg__Activity *a;
    struct tg_key prefix = tg_key_id(3);
    append(2, noon_us + 99, event(TG__ACTIVITY_KIND__WARNING, "", "", 0));
    for (uint32_t i = 1; i <= 3; i++)
        append(3, noon_us + i, event(TG__ACTIVITY_KIND__ACCEPTED, "", "", i));
    append(4, noon_us, event(TG__ACTIVITY_KIND__WARNING, "", "", 0));
    assert_ok(tg_view_begin(s.store, &view, &err));
    assert_ok(tg_walk_begin(view, TG_DB_ACTIVITY, &prefix, NULL, TG_BACKWARD, &walk, &err));
    for (uint32_t i = 3; i >= 1; i--) {
        assert_ok(tg_activity_next(view, walk, &id, &a, &err));
        assert_int_equal(a->recipients, i);
        assert_int_equal(id.account_id, 3);
        assert_int_equal(id.time_us, noon_us + i);
    }
    assert_int_equal(tg_activity_next(view, walk, &id, &a, &err), TG_NOT_FOUND);
    tg_walk_end(&walk);
    tg_view_end(&view);
}

/* An import may bring it. */
static void test_the_very_first_event_ends_the_search_for_the_newest(void **state)
{
    (void)state;
    struct appended first = {{7, 0, 0}, event(TG__ACTIVITY_KIND__WARNING, "", "", 0)};
    struct tg_newest wanted = {true, 0, noon_us, NULL, 10};
    struct tg_event_id *ids;
    struct tg_view *view;
    size_t count;
    bool more;
    assert_ok(tg_store_change(s.store, do_append, &first, &err));
    append(6, noon_us, first.activity);
    assert_ok(tg_view_begin(s.store, &view, &err));
    alarm(60);
    assert_ok(tg_activity_newest(view, &wanted, &ids, &count, &more, &err));
    alarm(0);
    assert_int_equal(count, 1);
    assert_int_equal(ids[0].account_id, 6);
    free(ids);
    tg_view_end(&view);
}

/* Against all of them, sorted: of every account, limit, kind and time. */
static void test_the_newest_are_the_newest(void **state)
{
    (void)state;
    enum { ACCOUNTS = 4, EVENTS = 60 };
    static const uint64_t accounts[ACCOUNTS] = {0, 1, 7, UINT64_MAX};
    static const Tg__ActivityKind kinds[] = {TG__ACTIVITY_KIND__ACCEPTED, TG__ACTIVITY_KIND__BOUNCE};
    struct tg_event_id all[EVENTS], *ids;
    struct tg_view *view;
    size_t count;
    bool more;
    for (unsigned i = 0; i < EVENTS; i++) /* in the order of time; the last account has older ones only */
        all[i] = append(accounts[i < 5 ? 3 : i * 7 % 3], noon_us + i, event(kinds[i % 5 == 0], "", "", 1));
    assert_ok(tg_view_begin(s.store, &view, &err));
    for (size_t limit = 1; limit <= EVENTS + 1; limit += 3)
        for (int whose = -1; whose < ACCOUNTS; whose++)
            for (int kind = -1; kind < 2; kind++)
                for (unsigned since = 0; since < EVENTS; since += 9) {
                    struct tg_newest wanted = {whose < 0, whose < 0 ? 0 : accounts[whose], noon_us + since,
                                               kind < 0 ? NULL : &kinds[kind], limit};
                    assert_ok(tg_activity_newest(view, &wanted, &ids, &count, &more, &err));
                    size_t at = count, others = 0;
                    for (unsigned i = EVENTS; i-- > since;) {
                        if ((whose >= 0 && all[i].account_id != accounts[whose]) || (kind >= 0 && (i % 5 == 0) != (kind == 1)))
                            continue;
                        if (at > 0) {
                            at--;
                            assert_true(ids[at].time_us == all[i].time_us && ids[at].sequence == all[i].sequence &&
                                        ids[at].account_id == all[i].account_id);
                        } else {
                            others++;
                        }
                    }
                    assert_int_equal(at, 0);
                    assert_true(others == 0 || count == limit);
                    /* With a kind it may be that what was not looked at is of another. */
                    assert_true(kind < 0 ? more == (others > 0) : more || others == 0);
                    free(ids);
                }
    tg_view_end(&view);
}

static void test_an_event_is_found_by_its_reference(void **state)
{
    (void)state;
    static const uint64_t accounts[] = {0, 1, 2, 5, 6, 1000, UINT64_MAX};
    enum { ACCOUNTS = sizeof accounts / sizeof *accounts };
    struct tg_event_id ids[ACCOUNTS][3], found;
    struct tg_view *view;
    Tg__Activity *a;
    char ref[TG_REF_SIZE];
    for (size_t i = 0; i < ACCOUNTS; i++)
        for (int k = 0; k < 3; k++)
            ids[i][k] = append(accounts[i], noon_us + (int64_t)(ACCOUNTS - i) * 10 + k,
                               event(TG__ACTIVITY_KIND__ACCEPTED, "", "", (uint32_t)i));
    assert_ok(tg_view_begin(s.store, &view, &err));
    for (size_t i = 0; i < ACCOUNTS; i++)
        for (int k = 0; k < 3; k++) {
            assert_ok(tg_activity_by_ref(view, tg_ref_text(&ids[i][k], ref), &found, &a, &err));
            assert_memory_equal(&found.time_us, &ids[i][k].time_us, sizeof found.time_us);
            assert_int_equal(found.account_id, accounts[i]);
            assert_int_equal(found.sequence, ids[i][k].sequence);
            assert_int_equal(a->recipients, i);
        }
    struct tg_event_id other = ids[3][1];
    other.sequence ^= 1;
    assert_int_equal(tg_activity_by_ref(view, tg_ref_text(&other, ref), &found, &a, &err),
                     TG_NOT_FOUND);
    assert_non_null(strstr(err.text, ref));
    other.time_us = noon_us * 2;
    assert_int_equal(tg_activity_by_ref(view, tg_ref_text(&other, ref), &found, &a, &err),
                     TG_NOT_FOUND);
    other.time_us = 0;
    assert_int_equal(tg_activity_by_ref(view, tg_ref_text(&other, ref), &found, &a, &err),
                     TG_NOT_FOUND);
    assert_int_equal(tg_activity_by_ref(view, "mq2v", &found, &a, &err), TG_USAGE);
    tg_view_end(&view);
}

static void test_references_are_sixteen_letters_and_digits(void **state)
{
    (void)state;
    static const struct tg_event_id samples[] = {
        {9, 0, 0},
        {9, 1, 1},
        {9, (INT64_C(1) << 56) - 1, 0xffffff},
        {9, 1795514400123456, 0xabcdef},
    };
    static const char *const bad[] = {
        "", "abc", "aaaaaaaaaaaaaaa1", "aaaaaaaaaaaaaaa=", "aaaaaaaaaaaaaaaaa", "aaaaaaaa aaaaaaa"};
    char ref[TG_REF_SIZE];
    struct tg_event_id back;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        tg_ref_text(&samples[i], ref);
        assert_int_equal(strlen(ref), 16);
        assert_int_equal(strspn(ref, "abcdefghijklmnopqrstuvwxyz234567"), 16);
        assert_true(tg_ref_parse(ref, &back));
        assert_int_equal(back.account_id, 0);
        assert_int_equal(back.time_us, samples[i].time_us);
        assert_int_equal(back.sequence, samples[i].sequence);
    }
    assert_string_equal(tg_ref_text(&samples[1], ref), "aaaaaaaaaaaqaaab");
    assert_true(tg_ref_parse("AAAAAAAAAAAQAAAB", &back));
    assert_int_equal(back.time_us, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(tg_ref_parse(bad[i], &back));
}

static void test_references_are_compared_by_time_and_then_sequence(void **state)
{
    (void)state;
    /* "z" and "2" follow each other in base32, and not in ASCII. */
    static const struct tg_event_id ordered[] = {{1, 25 << 6, 0}, {1, 26 << 6, 0}, {1, 26 << 6, 1}, {0, 27 << 6, 0}};
    enum { N = sizeof ordered / sizeof *ordered };
    char a[TG_REF_SIZE], b[TG_REF_SIZE];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            int order = tg_ref_compare(tg_ref_text(&ordered[i], a), tg_ref_text(&ordered[j], b));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

static enum tg_code damage_daily(struct tg_change *change, void *arg, struct tg_error *error)
{
    (void)arg;
    struct tg_key key = tg_key_id_pair(3, 20781);
    tg_put(change, TG_DB_DAILY, &key, tg_span_str("\xff\xff\xff"));
    return tg_change_error(change, error);
}

static void test_damaged_counters_are_not_begun_anew(void **state)
{
    (void)state;
    assert_ok(tg_store_change(s.store, damage_daily, NULL, &err));
    struct appended a = {tg_event_new(3, noon_us), event(TG__ACTIVITY_KIND__ACCEPTED, "", "", 1)};
    assert_int_equal(tg_store_change(s.store, do_append, &a, &err), TG_UNUSABLE);
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, 3), 0);
}

static void test_kinds_have_names(void **state)
{
    (void)state;
    Tg__ActivityKind kind;
    for (int i = 0; i <= TG__ACTIVITY_KIND__PASSWORD; i++) {
        assert_true(tg_activity_kind_parse(tg_activity_kind_name((Tg__ActivityKind)i), &kind));
        assert_int_equal(kind, i);
    }
    assert_string_equal(tg_activity_kind_name(TG__ACTIVITY_KIND__AUTH_FAILED), "auth-failed");
    assert_string_equal(tg_activity_kind_name(TG__ACTIVITY_KIND__STATUS_CHANGED), "status");
    assert_string_equal(tg_activity_kind_name((Tg__ActivityKind)-1), "unknown");
    assert_false(tg_activity_kind_parse("auth_failed", &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_events_are_counted_in_their_day, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_walk_reads_the_newest_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_very_first_event_ends_the_search_for_the_newest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_newest_are_the_newest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_event_is_found_by_its_reference, setup, teardown),
        cmocka_unit_test(test_references_are_sixteen_letters_and_digits),
        cmocka_unit_test(test_references_are_compared_by_time_and_then_sequence),
        cmocka_unit_test_setup_teardown(test_damaged_counters_are_not_begun_anew, setup, teardown),
        cmocka_unit_test(test_kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
