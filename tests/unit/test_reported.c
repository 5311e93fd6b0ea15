#include "tests/unit/test.h"
#include <sodium.h>
#include "milter/reported.h"

static unsigned taken(struct reported *r, uint64_t account, enum report_kind kind, uint32_t recipients, unsigned times)
{
    struct tg_token token = { account, 1700000000, 7 };
    unsigned count = 0;
    for (unsigned i = 0; i < times; i++)
        count += reported_take(r, &token, kind, recipients);
    return count;
}

static void test_a_recipient_bounces_for_good_and_complains_once(void **state)
{
    (void)state;
    struct reported *r = reported_new();
    assert_int_equal(taken(r, 1, REPORT_HARD, 3, 100), 3);
    assert_int_equal(taken(r, 1, REPORT_COMPLAINT, 3, 100), 3);
    assert_int_equal(taken(r, 1, REPORT_DELAYED, 3, 100), 12);
    assert_int_equal(taken(r, 1, REPORT_UNKNOWN, 3, 100), 12);
    assert_int_equal(taken(r, 2, REPORT_HARD, 0, 100), 1); /* nobody knows how many: one */
    assert_int_equal(taken(r, 1, REPORT_HARD, 3, 100), 0);
    assert_int_equal(taken(r, 3, REPORT_HARD, UINT32_MAX, 100), 100);
    reported_free(&r);
    assert_null(r);
}

/* Who has many tokens may make room for one of them, slowly; the table does not grow. */
static void test_many_messages_have_room(void **state)
{
    (void)state;
    struct reported *r = reported_new();
    for (uint64_t account = 1; account <= 4000; account++)
        assert_int_equal(taken(r, account, REPORT_HARD, 1, 2), 1);
    unsigned again = 0;
    for (uint64_t account = 1; account <= 4000; account++)
        again += taken(r, account, REPORT_HARD, 1, 1);
    assert_true(again < 40); /* a set of eight that more than eight of 4,000 fall into is rare */
    for (uint64_t account = 1; account <= 200000; account++)
        assert_int_equal(taken(r, account + 10000, REPORT_HARD, 1, 2), 1);
    reported_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_recipient_bounces_for_good_and_complains_once),
        cmocka_unit_test(test_many_messages_have_room),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
