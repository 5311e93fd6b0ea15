#include "tests/unit/account_store.h"

static struct tg_error err;
static struct account_store s;
static const struct tg_plan monthly = {
    .kind = TG__PLAN_KIND__MONTHLY, .messages = 100, .since = 1769853600};

static int setup(void **state)
{
    (void)state;
    account_store_make(&s);
    account_store_open(&s);
    add_account(&s, (struct new_account){.id = 5, .plan = monthly});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    account_store_end(&s);
    return 0;
}

struct step {
    int64_t now;
    uint64_t take;
};

static enum tg_code do_step(struct tg_change *change, void *arg, struct tg_error *error)
{
    struct step *step = arg;
    struct tg_usage usage;
    assert_ok(tg_usage_get(tg_change_view(change), 5, &usage, &err));
    assert_ok(tg_ledger_roll(change, 5, &monthly, &usage, step->now, &err));
    if (step->take > 0)
        assert_int_equal(tg_plan_take(&monthly, &usage, step->now, step->take), TG_PLAN_OK);
    tg_usage_put(change, 5, &usage);
    return tg_change_error(change, error);
}

static void run(int64_t now, uint64_t n)
{
    struct step step = {now, n};
    assert_ok(tg_store_change(s.store, do_step, &step, &err));
}

static void test_the_ledger_of_a_life_adds_up_to_what_is_left(void **state)
{
    (void)state;
    struct tg_balance balance;
    size_t count;
    run(monthly.since + 10, 30);
    run(monthly.since + 20, 5);
    run(monthly.since + 86400, 1); /* closes a day */
    run(monthly.since + 86400 * 40, 7); /* closes another, and a period */
    struct tg_usage usage = usage_of(&s, 5);
    tg_plan_balance(&monthly, &usage, usage.last_at, &balance);
    assert_int_equal(balance.left, 93);
    assert_int_equal(ledger_sum(&s, 5, &count) - (int64_t)usage.day_used, 93);
    assert_int_equal(count, 1 + 1 + 3); /* purchase; use; use, expiry, renewal */
}

static void test_movements_are_read_in_the_order_they_were_written(void **state)
{
    (void)state;
    static const Tg__MovementKind order[] = {
        TG__MOVEMENT_KIND__PURCHASE,
        TG__MOVEMENT_KIND__USE,
        TG__MOVEMENT_KIND__EXPIRY,
        TG__MOVEMENT_KIND__RENEWAL,
    };
    struct tg_view *view;
    struct tg_walk *walk;
    struct tg_span key, value;
    struct tg_key prefix = tg_key_id(5);
    run(monthly.since, 10); /* in the very second of the purchase */
    run(tg_month_add(monthly.since, 1), 0); /* expiry and renewal share a second */
    assert_ok(tg_view_begin(s.store, &view, &err));
    assert_ok(tg_walk_begin(view, TG_DB_LEDGER, &prefix, NULL, TG_FORWARD, &walk, &err));
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        Tg__Movement *movement;
        assert_ok(tg_walk_next(walk, &key, &value, &err));
        assert_ok(tg_unpack(view, TG_DB_LEDGER, value, &tg__movement__descriptor, &movement, &err));
        assert_int_equal(movement->kind, order[i]);
        sum += movement->amount;
        assert_true(sum >= 0 && sum <= 100);
    }
    assert_int_equal(tg_walk_next(walk, &key, &value, &err), TG_NOT_FOUND);
    tg_walk_end(&walk);
    tg_view_end(&view);
}

static void test_a_roll_that_moves_nothing_writes_nothing(void **state)
{
    (void)state;
    size_t count;
    for (int i = 0; i < 10; i++)
        run(monthly.since + i, 1);
    assert_int_equal(ledger_sum(&s, 5, &count), 100);
    assert_int_equal(count, 1);
}

static enum tg_code credit_with_note(struct tg_change *change, void *arg, struct tg_error *error)
{
    (void)arg;
    struct tg_movement movement = {
        .kind = TG__MOVEMENT_KIND__CREDIT, .amount = 3, .at = 1790000000};
    tg_ledger_append(change, 5, &movement, "ticket 812");
    return tg_change_error(change, error);
}

static void test_a_note_is_kept(void **state)
{
    (void)state;
    struct tg_view *view;
    struct tg_walk *walk;
    struct tg_span key, value;
    struct tg_key prefix = tg_key_id(5);
    struct tg_event_id id;
    Tg__Movement *movement;
    assert_ok(tg_store_change(s.store, credit_with_note, NULL, &err));
    assert_ok(tg_view_begin(s.store, &view, &err));
    assert_ok(tg_walk_begin(view, TG_DB_LEDGER, &prefix, NULL, TG_BACKWARD, &walk, &err));
    assert_ok(tg_walk_next(walk, &key, &value, &err));
    assert_ok(tg_unpack(view, TG_DB_LEDGER, value, &tg__movement__descriptor, &movement, &err));
    assert_string_equal(movement->note, "ticket 812");
    assert_int_equal(movement->amount, 3);
    assert_true(tg_read_event(key, &id));
    assert_int_equal(id.time_us / 1000000, 1790000000);
    tg_walk_end(&walk);
    tg_view_end(&view);
}

static void test_movements_have_names(void **state)
{
    (void)state;
    assert_string_equal(tg_movement_name(TG__MOVEMENT_KIND__PURCHASE), "purchase");
    assert_string_equal(tg_movement_name(TG__MOVEMENT_KIND__EXPIRY), "expiry");
    assert_string_equal(tg_movement_name((Tg__MovementKind)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_ledger_of_a_life_adds_up_to_what_is_left, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_movements_are_read_in_the_order_they_were_written,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_roll_that_moves_nothing_writes_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_note_is_kept, setup, teardown),
        cmocka_unit_test(test_movements_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
