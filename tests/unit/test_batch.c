#include "tests/unit/account_store.h"
#include "schema/batch.h"

enum { GOOD = 1, DAMAGED_USAGE, DAMAGED_ACCOUNT, DAMAGED_DAILY, DAMAGED_DAY, NO_USAGE, DISABLED, ABSENT };
enum { NOON = 20781 * 86400 + 43200 };

static struct tg_error err;
static struct account_store s;
static struct tg_notes *notes;
static Tg__Activity accepted;

static enum tg_code damage(struct tg_change *change, void *arg, struct tg_error *error)
{
    (void)arg;
    struct tg_key usage = tg_key_id(DAMAGED_USAGE), account = tg_key_id(DAMAGED_ACCOUNT),
                  none = tg_key_id(NO_USAGE);
    struct tg_key daily = tg_key_id_pair(DAMAGED_DAILY, tg_day_of(NOON));
    tg_put(change, TG_DB_USAGE, &usage, tg_span_str("\1 too short"));
    tg_put(change, TG_DB_ACCOUNTS, &account, tg_span_str("\xff\xff\xff"));
    tg_put(change, TG_DB_DAILY, &daily, tg_span_str("\xff\xff\xff"));
    /* A flipped bit: no clock will see that day. */
    tg_usage_put(change, DAMAGED_DAY, &(struct tg_usage){.day = INT64_C(1) << 60, .last_at = NOON});
    tg_delete(change, TG_DB_USAGE, &none);
    return tg_change_error(change, error);
}

static int setup(void **state)
{
    (void)state;
    account_store_make(&s);
    account_store_open(&s);
    for (uint64_t id = GOOD; id < ABSENT; id++)
        add_account(&s, (struct new_account){.id = id,
                                             .disabled = id == DISABLED,
                                             .plan = {.kind = TG__PLAN_KIND__FREE,
                                                      .messages = 10,
                                                      .since = NOON - 40 * 86400}});
    assert_ok(tg_store_change(s.store, damage, NULL, &err));
    notes = tg_notes_new();
    tg__activity__init(&accepted);
    accepted.recipients = 1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    tg_notes_free(&notes);
    account_store_end(&s);
    return 0;
}

static void line_up(struct tg_batch_request *requests, struct tg_charge *charges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        charges[i].id.time_us = NOON * INT64_C(1000000);
        charges[i].id.sequence = (uint32_t)i;
        charges[i].activity = &accepted;
        if (charges[i].units == 0)
            charges[i].units = 1;
        requests[i] = (struct tg_batch_request){.charge = &charges[i],
                                                .next = i + 1 < count ? &requests[i + 1] : NULL};
    }
}

static void test_a_damaged_account_fails_alone(void **state)
{
    (void)state;
    static const struct {
        uint64_t id;
        enum tg_code code;
    } expected[] = {
        {DAMAGED_USAGE, TG_UNUSABLE}, {GOOD, TG_OK},           {DAMAGED_ACCOUNT, TG_UNUSABLE},
        {DISABLED, TG_NOT_FOUND},     {GOOD, TG_OK},           {ABSENT, TG_NOT_FOUND},
        {DAMAGED_DAILY, TG_UNUSABLE}, {NO_USAGE, TG_UNUSABLE}, {GOOD, TG_OK},
        {DAMAGED_DAY, TG_UNUSABLE},
    };
    enum { COUNT = sizeof expected / sizeof *expected };
    struct tg_charge charges[COUNT] = {0};
    struct tg_batch_request requests[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        charges[i].id.account_id = expected[i].id;
    line_up(requests, charges, COUNT);
    struct tg_batch batch = {.first = requests, .charge_count = COUNT, .notes = notes};
    assert_ok(tg_batch_write(s.store, &batch, &err));
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(requests[i].code, expected[i].code);
        assert_true(requests[i].code == TG_OK || requests[i].err.text[0] != '\0');
    }
    assert_int_equal(usage_of(&s, GOOD).used, 3);
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, GOOD), 3);
    /* A charge that fails half way would leave movements without the usage that goes with them. */
    assert_int_equal(usage_of(&s, DAMAGED_DAILY).total, 0);
    assert_int_equal(ledger_sum(&s, DAMAGED_DAILY, NULL), 10);
    assert_int_equal(count_records(&s, TG_DB_LEDGER, DAMAGED_DAILY), 1);
}

static void test_first_come_first_served(void **state)
{
    (void)state;
    struct tg_charge charges[] = {
        {.units = 4}, {.units = 5}, {.units = 2}, {.units = 1}, {.units = 1}};
    static const enum tg_code expected[] = {TG_OK, TG_OK, TG_REFUSED, TG_OK, TG_REFUSED};
    struct tg_batch_request requests[5];
    for (size_t i = 0; i < 5; i++)
        charges[i].id.account_id = GOOD;
    line_up(requests, charges, 5);
    struct tg_batch batch = {.first = requests, .charge_count = 5, .notes = notes};
    assert_ok(tg_batch_write(s.store, &batch, &err));
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(requests[i].code, expected[i]);
    assert_int_equal(charges[2].outcome, TG_PLAN_EXHAUSTED);
    assert_int_equal(charges[2].balance.left, 1);
    assert_int_equal(charges[4].balance.left, 0);
    assert_int_equal(charges[0].outcome, TG_PLAN_OK);
    assert_int_equal(usage_of(&s, GOOD).used, 10);
}

static void test_a_refused_charge_writes_nothing(void **state)
{
    (void)state;
    /* Its period would roll over, but for a charge that is not made. */
    struct tg_usage before = usage_of(&s, GOOD);
    struct tg_charge charge = {.units = 11, .id.account_id = GOOD};
    struct tg_batch_request request;
    line_up(&request, &charge, 1);
    struct tg_batch batch = {.first = &request, .charge_count = 1, .notes = notes};
    assert_ok(tg_batch_write(s.store, &batch, &err));
    assert_int_equal(request.code, TG_REFUSED);
    assert_true(charge.balance.period_start > before.period_start);
    struct tg_usage after = usage_of(&s, GOOD);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(count_records(&s, TG_DB_LEDGER, GOOD), 1);
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, GOOD), 0);
}

static void test_a_note_that_cannot_be_counted_is_left_out(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        struct tg_event_id id = {i % 2 ? GOOD : DAMAGED_DAILY, NOON * INT64_C(1000000), i};
        assert_int_equal(tg_notes_add(notes, &id, &accepted, 0), TG_NOTE_QUEUED);
    }
    struct tg_batch batch = {.notes = notes, .note_count = 6};
    assert_ok(tg_batch_write(s.store, &batch, &err));
    assert_int_equal(batch.unwritable, 3);
    assert_true(batch.note_err.text[0] != '\0');
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, GOOD), 3);
    assert_int_equal(count_records(&s, TG_DB_ACTIVITY, DAMAGED_DAILY), 0);
}

static void test_a_batch_that_runs_again_keeps_nothing_of_its_first_run(void **state)
{
    (void)state;
    struct tg_store_stat before, after;
    Tg__Activity bounce = TG__ACTIVITY__INIT;
    char text[901];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    bounce.kind = TG__ACTIVITY_KIND__BOUNCE;
    bounce.text = text;
    tg_store_close(&s.store);
    account_store_open_tight(&s);
    assert_ok(tg_store_stat(s.store, &before, &err));
    for (uint32_t i = 0; i < 1000; i++) {
        struct tg_event_id id = {i == 0 ? DAMAGED_DAILY : GOOD, NOON * INT64_C(1000000), i};
        assert_int_equal(tg_notes_add(notes, &id, &bounce, 0), TG_NOTE_QUEUED);
    }
    struct tg_charge charges[2] = {{.units = 10}, {.units = 1}};
    struct tg_batch_request requests[2];
    charges[0].id.account_id = charges[1].id.account_id = GOOD;
    line_up(requests, charges, 2);
    struct tg_batch batch = {
        .first = requests, .charge_count = 2, .notes = notes, .note_count = 1000};
    assert_ok(tg_batch_write(s.store, &batch, &err));
    assert_ok(tg_store_stat(s.store, &after, &err));
    assert_true(after.map_bytes > before.map_bytes); /* it did run again */
    assert_int_equal(batch.unwritable, 1);
    assert_int_equal(requests[0].code, TG_OK);
    assert_int_equal(requests[1].code, TG_REFUSED);
    assert_int_equal(usage_of(&s, GOOD).used, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_damaged_account_fails_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_first_come_first_served, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_refused_charge_writes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_note_that_cannot_be_counted_is_left_out, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_batch_that_runs_again_keeps_nothing_of_its_first_run,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
