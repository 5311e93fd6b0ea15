#include <stdio.h>
#include "tests/unit/test.h"
#include "schema/activity.h"
#include "schema/notes.h"

enum { MINUTE = 60 };

static struct tg_notes *notes;

static int setup(void **state)
{
    (void)state;
    notes = tg_notes_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tg_notes_free(&notes);
    assert_null(notes);
    return 0;
}

static enum tg_noted add(uint64_t account_id, Tg__ActivityKind kind, char *rule, int64_t second)
{
    static uint32_t sequence;
    Tg__Activity activity = TG__ACTIVITY__INIT;
    struct tg_event_id id = {account_id, second * 1000000, sequence++};
    activity.kind = kind;
    activity.rule = rule;
    return tg_notes_add(notes, &id, &activity, second * 1000);
}

static enum tg_noted refuse(uint64_t account_id, int64_t second)
{
    return add(account_id, TG__ACTIVITY_KIND__REFUSED, "plan", second);
}

/* What the queue counts for a rule, and in how many events. */
static uint64_t counted(const char *rule, size_t *events)
{
    uint64_t sum = 0;
    *events = 0;
    for (size_t i = 0; i < tg_notes_count(notes); i++) {
        const struct tg_note *note = tg_notes_at(notes, i);
        Tg__Activity *a = tg__activity__unpack(NULL, note->len, note->packed);
        assert_non_null(a);
        if (strcmp(a->rule, rule) == 0) {
            sum += 1 + note->repeated;
            (*events)++;
        }
        tg__activity__free_unpacked(a, NULL);
    }
    return sum;
}

static void test_the_first_twenty_of_a_minute_are_queued_one_by_one(void **state)
{
    (void)state;
    size_t events;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(refuse(1, 600 + i % 59), i < 20 ? TG_NOTE_QUEUED : TG_NOTE_FOLDED);
    assert_int_equal(tg_notes_count(notes), 20);
    assert_int_equal(tg_notes_deadline(notes), 660 * 1000);
    tg_notes_expire(notes, 660 * 1000 - 1);
    assert_int_equal(tg_notes_count(notes), 20);
    tg_notes_expire(notes, 660 * 1000);
    assert_int_equal(counted("plan", &events), 1000);
    assert_int_equal(events, 21);
    assert_int_equal(tg_notes_deadline(notes), INT64_MAX);
}

static void test_the_next_minute_of_an_account_ends_the_one_before(void **state)
{
    (void)state;
    size_t events;
    for (int i = 0; i < 30; i++)
        refuse(1, 600);
    assert_int_equal(refuse(1, 600 + MINUTE), TG_NOTE_QUEUED);
    assert_int_equal(counted("plan", &events), 31);
    assert_int_equal(events, 22);
}

static void test_an_earlier_event_does_not_begin_a_minute_again(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(refuse(1, 600), TG_NOTE_QUEUED);
    assert_int_equal(refuse(1, 500), TG_NOTE_FOLDED);
    assert_int_equal(refuse(1, -500), TG_NOTE_FOLDED);
}

static void test_accounts_are_sampled_apart_and_nobody_too(void **state)
{
    (void)state;
    for (int i = 0; i < 25; i++) {
        assert_int_equal(refuse(0, 600), i < 20 ? TG_NOTE_QUEUED : TG_NOTE_FOLDED);
        assert_int_equal(refuse(7, 600), i < 20 ? TG_NOTE_QUEUED : TG_NOTE_FOLDED);
    }
}

static void test_folds_keep_rules_and_kinds_apart(void **state)
{
    (void)state;
    size_t events;
    for (int i = 0; i < 20; i++)
        refuse(1, 600);
    for (int i = 0; i < 5; i++) {
        refuse(1, 600);
        add(1, TG__ACTIVITY_KIND__REFUSED, "sender", 600);
        add(1, TG__ACTIVITY_KIND__AUTH_FAILED, "", 600);
    }
    assert_true(tg_notes_unfold(notes));
    assert_int_equal(counted("plan", &events), 25);
    assert_int_equal(counted("sender", &events), 5);
    assert_int_equal(events, 1);
    assert_int_equal(counted("", &events), 5);
    /* Told, but the minute runs on. */
    assert_int_equal(refuse(1, 601), TG_NOTE_FOLDED);
}

static void test_a_flood_of_rules_makes_a_bounded_number_of_events(void **state)
{
    (void)state;
    char rule[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(rule, sizeof rule, "rule%d", i);
        add(1, TG__ACTIVITY_KIND__REFUSED, rule, 600);
    }
    assert_true(tg_notes_unfold(notes));
    assert_int_equal(tg_notes_count(notes), TG_NOTES_WHOLE + TG_NOTES_RULES);
    uint64_t sum = 0;
    for (size_t i = 0; i < tg_notes_count(notes); i++)
        sum += 1 + tg_notes_at(notes, i)->repeated;
    assert_int_equal(sum, 1000);
}

static void test_other_kinds_are_never_folded(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(add(1, TG__ACTIVITY_KIND__BOUNCE, "", 600), TG_NOTE_QUEUED);
}

static void test_a_full_queue_drops_and_keeps_what_is_folded(void **state)
{
    (void)state;
    size_t events;
    for (int i = 0; i < 25; i++)
        refuse(1, 600);
    while (tg_notes_count(notes) < TG_NOTES_MAX)
        assert_int_equal(add(1, TG__ACTIVITY_KIND__BOUNCE, "", 600), TG_NOTE_QUEUED);
    assert_int_equal(add(1, TG__ACTIVITY_KIND__BOUNCE, "", 600), TG_NOTE_DROPPED);
    assert_int_equal(refuse(2, 600), TG_NOTE_DROPPED);
    assert_false(tg_notes_unfold(notes));
    tg_notes_expire(notes, 700 * 1000);
    assert_true(tg_notes_deadline(notes) > 700 * 1000 && tg_notes_deadline(notes) < 800 * 1000);
    tg_notes_remove(notes, 20);
    tg_notes_expire(notes, 800 * 1000);
    assert_int_equal(counted("plan", &events), 5);
    assert_int_equal(tg_notes_count(notes), TG_NOTES_MAX - 19);
}

static void test_more_accounts_than_the_table_holds_lose_no_count(void **state)
{
    (void)state;
    /* Each begins its minute and folds one, the earliest first to be over. */
    uint64_t sum = 0;
    for (uint64_t account = 0; account < TG_NOTES_ACCOUNTS + 100; account++)
        for (int i = 0; i < TG_NOTES_WHOLE + 2; i++) {
            refuse(account, 600 + (int64_t)account / 100);
            sum++;
            while (tg_notes_count(notes) > TG_NOTES_MAX / 2) {
                sum -= 1 + tg_notes_at(notes, 0)->repeated;
                tg_notes_remove(notes, 1);
            }
        }
    while (!tg_notes_unfold(notes) || tg_notes_count(notes) > 0)
        while (tg_notes_count(notes) > 0) {
            sum -= 1 + tg_notes_at(notes, 0)->repeated;
            tg_notes_remove(notes, 1);
        }
    assert_int_equal(sum, 0);
}

static void test_long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    Tg__Activity activity = TG__ACTIVITY__INIT, *back;
    struct tg_event_id id = {1, 1, 1};
    char text[3001];
    for (size_t i = 0; i + 3 <= 3000; i += 3)
        memcpy(text + i, "\xe2\x82\xac", 3);
    text[3000] = '\0';
    activity.sender = activity.header_from = text;
    assert_int_equal(tg_notes_add(notes, &id, &activity, 0), TG_NOTE_QUEUED);
    const struct tg_note *note = tg_notes_at(notes, 0);
    back = tg__activity__unpack(NULL, note->len, note->packed);
    assert_non_null(back);
    assert_int_equal(strlen(back->sender), 999);
    assert_int_equal(strlen(back->header_from), 999);
    tg__activity__free_unpacked(back, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_first_twenty_of_a_minute_are_queued_one_by_one,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_next_minute_of_an_account_ends_the_one_before,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_earlier_event_does_not_begin_a_minute_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_accounts_are_sampled_apart_and_nobody_too, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_folds_keep_rules_and_kinds_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_flood_of_rules_makes_a_bounded_number_of_events,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_kinds_are_never_folded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_full_queue_drops_and_keeps_what_is_folded, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_more_accounts_than_the_table_holds_lose_no_count,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_texts_are_cut_between_characters, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
