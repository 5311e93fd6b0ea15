#include "tests/unit/test.h"
#include "authd/wire_text.h"

static void test_text_is_put_together(void **state)
{
    (void)state;
    struct wire_text out;
    wire_text_clear(&out);
    wire_text_add(&out, "OK\t");
    wire_text_number(&out, 4294967295);
    wire_text_bytes(&out, "\0\n", 2);
    wire_text_add(&out, "");
    assert_int_equal(out.len, 15);
    assert_memory_equal(out.data, "OK\t4294967295\0\n", 15);
    assert_true(wire_text_whole(&out));
}

static void test_what_does_not_fit_is_said(void **state)
{
    (void)state;
    struct wire_text out;
    static char much[WIRE_TEXT_MAX + 1];
    memset(much, 'x', sizeof much);
    wire_text_clear(&out);
    wire_text_bytes(&out, much, WIRE_TEXT_MAX);
    assert_true(wire_text_whole(&out));
    wire_text_add(&out, "y");
    assert_false(wire_text_whole(&out));
    assert_int_equal(out.len, WIRE_TEXT_MAX);
    wire_text_clear(&out);
    assert_true(wire_text_whole(&out));
    wire_text_add(&out, "y");
    wire_text_bytes(&out, much, WIRE_TEXT_MAX);
    assert_false(wire_text_whole(&out));
    /* Nothing of it, and cut for good: a part would be a lie. */
    assert_int_equal(out.len, 1);
    wire_text_add(&out, "z");
    assert_false(wire_text_whole(&out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_put_together),
        cmocka_unit_test(test_what_does_not_fit_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
