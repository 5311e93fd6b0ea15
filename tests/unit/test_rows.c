#include "tests/unit/test.h"
#include "tests/unit/scratch.h"
#include "admin/rows.h"
#include "admin/terminal.h"

/* Rows {"n":0}, {"n":1}, …, each second left out; behind `good` of them comes an error, or the end. */
struct numbers {
    uint64_t good;
    bool fails;
};

static enum tg_code next_number(const struct row_place *place, const void *arg, json_t **row, struct tg_error *err)
{
    const struct numbers *numbers = arg;
    if (place->at == numbers->good)
        return tg_fail(err, numbers->fails ? TG_UNUSABLE : TG_NOT_FOUND, "row %llu", (unsigned long long)place->at);
    tg_arena_alloc(tg_view_arena(place->view), 100);
    if (place->at % 2 == 0)
        *row = json_pack("{s:I}", "n", (json_int_t)place->at);
    return TG_OK;
}

static struct tg_store *store;
static char dir[64];

static char *print(bool json, bool tty, const struct rows *rows, enum tg_code *code)
{
    FILE *out = tmpfile();
    static char text[1 << 21];
    const struct command command = { .noun = "number", .columns = "n" };
    const struct input input = { .command = &command, .json = json };
    const struct terminal terminal = { .out = out, .is_tty = tty, .width = 80 };
    struct context context = { .store = store, .terminal = &terminal };
    struct tg_error err;
    assert_non_null(out);
    *code = rows_print(&context, &input, rows, &err);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    fclose(out);
    return text;
}

static const char *printed(bool json, bool tty, uint64_t good)
{
    enum tg_code code;
    struct numbers numbers = { good, false };
    struct rows rows = { .db = TG_DB_COUNT, .next = next_number, .arg = &numbers };
    const char *text = print(json, tty, &rows, &code);
    assert_int_equal(code, TG_OK);
    return text;
}

static void test_json_is_the_same_as_of_a_whole_array(void **state)
{
    (void)state;
    assert_string_equal(printed(true, false, 0), "[]\n");
    assert_string_equal(printed(true, false, 1), "[{\"n\":0}]\n");
    assert_string_equal(printed(true, false, 5), "[{\"n\":0},{\"n\":2},{\"n\":4}]\n");
    assert_string_equal(printed(true, true, 0), "[]\n");
    assert_string_equal(printed(true, true, 3), "[\n  {\n    \"n\":0\n  },\n  {\n    \"n\":2\n  }\n]\n");
}

static void test_a_table_has_a_head_where_it_has_rows(void **state)
{
    (void)state;
    assert_string_equal(printed(false, false, 12), " N\n 0\n 2\n 4\n 6\n 8\n10\n");
    assert_string_equal(printed(false, false, 0), "");
    assert_string_equal(printed(false, true, 0), "nothing here yet\n");
}

/* Read twice or kept, it is the same. */
static void test_a_table_of_few_rows_and_of_many_looks_alike(void **state)
{
    (void)state;
    for (uint64_t rows = 99; rows <= 102; rows++) {
        char expected[1000] = "  N\n";
        for (uint64_t n = 0; n < rows; n++)
            snprintf(expected + strlen(expected), 10, "%3llu\n", (unsigned long long)(2 * n));
        assert_string_equal(printed(false, false, 2 * rows), expected);
    }
}

static void test_a_limit_counts_what_is_shown(void **state)
{
    enum tg_code code;
    struct numbers numbers = { 100, false };
    struct rows rows = { .db = TG_DB_COUNT, .next = next_number, .arg = &numbers, .limit = 2 };
    (void)state;
    assert_string_equal(print(true, false, &rows, &code), "[{\"n\":0},{\"n\":2}]\n");
    assert_string_equal(print(false, false, &rows, &code), "N\n0\n2\n");
}

/* Nothing of a short list; of a long one an array that no script takes for the whole. */
static void test_an_error_never_ends_an_array(void **state)
{
    enum tg_code code;
    struct numbers numbers = { 4, true };
    struct rows rows = { .db = TG_DB_COUNT, .next = next_number, .arg = &numbers };
    (void)state;
    assert_string_equal(print(false, false, &rows, &code), "");
    assert_int_equal(code, TG_UNUSABLE);
    numbers.good = 100000;
    const char *text = print(true, false, &rows, &code);
    assert_int_equal(code, TG_UNUSABLE);
    assert_true(strlen(text) > 1 << 16);
    assert_int_equal(text[0], '[');
    assert_null(strchr(text, ']'));
}

static void test_what_is_written_piece_by_piece_is_whole(void **state)
{
    (void)state;
    json_t *array = json_loads(printed(true, false, 200000), 0, NULL);
    assert_int_equal(json_array_size(array), 100000);
    for (size_t i = 0; i < json_array_size(array); i++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(array, i), "n")), 2 * i);
    json_decref(array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_is_the_same_as_of_a_whole_array),
        cmocka_unit_test(test_a_table_has_a_head_where_it_has_rows),
        cmocka_unit_test(test_a_table_of_few_rows_and_of_many_looks_alike),
        cmocka_unit_test(test_a_limit_counts_what_is_shown),
        cmocka_unit_test(test_an_error_never_ends_an_array),
        cmocka_unit_test(test_what_is_written_piece_by_piece_is_whole),
    };
    store = scratch_store(dir);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tg_store_close(&store);
    scratch_remove(dir);
    return failed;
}
