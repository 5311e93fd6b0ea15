#include "tests/unit/test.h"
#include "schema/arena.h"

static void test_what_was_allocated_stays_apart(void **state)
{
    (void)state;
    struct tg_arena *arena = tg_arena_new();
    char *small = tg_arena_strdup(arena, "one");
    char *large = tg_arena_calloc(arena, 1000, 100);
    assert_int_equal((uintptr_t)large % sizeof(void *), 0);
    assert_int_equal(large[99999], 0);
    memset(large, 'x', 100000);
    assert_string_equal(small, "one");
    assert_string_equal(tg_arena_printf(arena, "%s-%d", small, 2), "one-2");
    tg_arena_reset(arena);
    assert_non_null(tg_arena_alloc(arena, 0));
    tg_arena_free(&arena);
    assert_null(arena);
}

/* A span that is empty may point nowhere. */
static void test_an_empty_span_is_copied(void **state)
{
    (void)state;
    struct tg_arena *arena = tg_arena_new();
    assert_string_equal(tg_arena_strndup(arena, NULL, 0), "");
    tg_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_allocated_stays_apart),
        cmocka_unit_test(test_an_empty_span_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
