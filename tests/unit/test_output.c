#include "tests/unit/test.h"
#include <locale.h>
#include <unistd.h>
#include "admin/json.h"
#include "admin/output.h"
#include "admin/value.h"

static char *printed;
static size_t printed_len;

static struct terminal begin(bool tty, int width, bool utf8)
{
    free(printed);
    printed = NULL;
    return (struct terminal){ .out = open_memstream(&printed, &printed_len), .is_tty = tty, .width = width, .utf8 = utf8 };
}

static const char *end(struct terminal *t)
{
    fclose(t->out);
    return printed;
}

static const char *table(bool tty, int width, bool utf8, const char *json, const char *columns)
{
    struct terminal t = begin(tty, width, utf8);
    json_t *rows = json_loads(json, 0, NULL);
    assert_non_null(rows);
    output_table(&t, rows, columns);
    json_decref(rows);
    return end(&t);
}

static void test_a_table_is_aligned_by_columns_not_octets(void **state)
{
    (void)state;
    assert_string_equal(table(false, 80, true, "[{\"name\":\"J\\u00f6\",\"left\":7},{\"name\":\"\\u5c71\\u7530\",\"left\":1000}]", "name left"),
                        "NAME  LEFT\n"
                        "J\xc3\xb6       7\n"
                        "\xe5\xb1\xb1\xe7\x94\xb0  1000\n");
}

static void test_keys_become_headings_and_null_a_dash(void **state)
{
    (void)state;
    assert_string_equal(table(false, 80, true, "[{\"period_end\":null,\"on\":true,\"list\":[\"a\",\"b\"],\"none\":[]}]", "period_end on list none missing"),
                        "PERIOD END  ON   LIST  NONE  MISSING\n"
                        "-           yes  a, b  -     -\n");
}

static void test_a_terminal_is_not_overrun_and_a_pipe_not_cut(void **state)
{
    (void)state;
    static const char rows[] = "[{\"a\":\"0123456789012345678901234567890123456789\",\"b\":\"\\u5c71\\u7530\\u5c71\\u7530\\u5c71\\u7530\\u5c71\\u7530\\u5c71\\u7530\\u5c71\\u7530\\u5c71\\u7530\"}]";
    const char *text = table(true, 40, true, rows, "a b");
    struct terminal t = { .utf8 = true };
    char line[300];
    for (const char *start = text; *start != '\0'; start += strcspn(start, "\n") + 1) {
        snprintf(line, sizeof line, "%.*s", (int)strcspn(start, "\n"), start);
        assert_in_range(terminal_width(&t, line), 1, 40);
    }
    assert_non_null(strstr(table(false, 40, true, rows, "a b"), "0123456789012345678901234567890123456789"));
    /* However narrow, it ends. */
    assert_non_null(table(true, 1, true, rows, "a b"));
}

static void test_a_width_that_is_none_is_not_taken_from_the_environment(void **state)
{
    (void)state;
    static const struct { const char *columns; int width; } cases[] = {
        { "132", 132 }, { "10000", 10000 }, { "19", 80 }, { "-1", 80 }, { "", 80 }, { "wide", 80 }, { "132x", 80 }, { "10001", 80 },
        { "4294967396", 80 }, { "99999999999999999999", 80 },
    };
    int out = dup(STDOUT_FILENO), pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    assert_true(dup2(pipe_ends[1], STDOUT_FILENO) >= 0); /* no terminal, whose own width would count */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct terminal t;
        setenv("COLUMNS", cases[i].columns, 1);
        terminal_look(&t);
        assert_int_equal(t.width, cases[i].width);
    }
    unsetenv("COLUMNS");
    dup2(out, STDOUT_FILENO);
    close(out);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

static void test_an_empty_list_says_so_on_a_terminal_only(void **state)
{
    (void)state;
    assert_string_equal(table(true, 80, true, "[]", "a"), "nothing here yet\n");
    assert_string_equal(table(false, 80, true, "[]", "a"), "");
}

static void test_nothing_commands_the_terminal(void **state)
{
    (void)state;
    static const char rows[] = "[{\"a\":\"x\\u001b[31m\\n\\u009b\\u2028y\\u007f\"}]";
    const char *text = table(true, 80, true, rows, "a");
    for (const char *c = text + 2; c[1] != '\0'; c++)
        assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
    assert_null(strstr(text, "\xc2\x9b"));
    assert_null(strstr(table(true, 80, false, "[{\"a\":\"J\\u00f6\"}]", "a"), "\xc3"));
}

static void test_an_object_is_keys_and_values(void **state)
{
    (void)state;
    struct terminal t = begin(false, 80, true);
    json_t *object = json_loads("{\"id\":7,\"name\":\"J\\u00f6\",\"nested\":{\"a\":[1]},\"list\":[\"x\"]}", 0, NULL);
    output_object(&t, object);
    json_decref(object);
    assert_string_equal(end(&t), "id      7\nname    J\xc3\xb6\nnested  a [1]\nlist    x\n");
}

static void test_json_is_one_line_for_programs(void **state)
{
    (void)state;
    struct terminal t = begin(false, 80, false);
    const struct command command = { .columns = "a" };
    struct input input = { .command = &command, .json = true };
    json_t *rows = json_loads("[{\"b\":\"J\\u00f6\",\"a\":null}]", 0, NULL);
    output_result(&t, &input, rows);
    assert_string_equal(end(&t), "[{\"b\":\"J\xc3\xb6\",\"a\":null}]\n"); /* UTF-8 whatever the terminal can show, keys in order */
    t = begin(false, 80, true);
    input.json = false;
    output_result(&t, &input, rows);
    assert_string_equal(end(&t), "A\n-\n");
    t = begin(false, 80, true);
    output_result(&t, &input, NULL);
    assert_string_equal(end(&t), "");
    json_decref(rows);
}

static void test_long_values_are_cut_to_fit(void **state)
{
    (void)state;
    char small[10];
    json_t *list = json_loads("[\"abcdef\",\"ghijkl\",\"mnopqr\"]", 0, NULL), *text = json_string("0123456789012345");
    value_text(list, small, sizeof small);
    assert_string_equal(small, "abcdef, g");
    value_text(text, small, sizeof small);
    assert_string_equal(small, "012345678");
    json_decref(list);
    json_decref(text);
}

static void test_times_are_shown_in_the_readers_zone(void **state)
{
    (void)state;
    char out[40];
    json_t *time = json_string("2026-11-25T12:00:00Z"), *none = json_string("2026-11-25Tnonsense!!");
    setenv("TZ", "XXX-3", 1);
    value_text(time, out, sizeof out);
    assert_string_equal(out, "2026-11-25 15:00:00");
    value_text(none, out, sizeof out);
    assert_string_equal(out, "2026-11-25Tnonsense!!");
    json_decref(time);
    json_decref(none);
}

/* What output_error writes to standard error. */
static const char *error_of(bool json, const struct tg_error *err)
{
    static char text[4000];
    int saved = dup(2);
    FILE *file = tmpfile();
    fflush(stderr);
    dup2(fileno(file), 2);
    output_error(json, err);
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void test_an_error_is_one_sentence(void **state)
{
    (void)state;
    struct tg_error err;
    tg_fail(&err, TG_NOT_FOUND, "no account %s\x1b[31m\n", "J\xc3\xb6");
    assert_string_equal(error_of(false, &err), "tollgate: no account J\xc3\xb6?[31m?\n");
    assert_string_equal(error_of(true, &err), "{\"error\":{\"code\":\"not_found\",\"message\":\"no account J\xc3\xb6\\u001B[31m\\n\"}}\n");
}

/* A word typed in another encoding, or cut inside a character, costs no more than itself. */
static void test_an_error_that_is_no_utf8_is_still_said(void **state)
{
    (void)state;
    struct tg_error err;
    tg_fail(&err, TG_USAGE, "unknown command '%.3s' (tollgate help)", "J\xc3\xb6\xc3\xb6");
    assert_string_equal(error_of(true, &err), "{\"error\":{\"code\":\"usage\",\"message\":\"unknown command 'J\xc3\xb6' (tollgate help)\"}}\n");
    tg_fail(&err, TG_USAGE, "unknown command '%.2s' (tollgate help)", "J\xc3\xb6");
    assert_string_equal(error_of(true, &err), "{\"error\":{\"code\":\"usage\",\"message\":\"unknown command 'J?' (tollgate help)\"}}\n");
    tg_fail(&err, TG_USAGE, "\xff\xfe x");
    assert_string_equal(error_of(true, &err), "{\"error\":{\"code\":\"usage\",\"message\":\"?? x\"}}\n");
}

static void test_what_is_no_utf8_is_told_as_far_as_it_is(void **state)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        { "b\xc3\xbcro@example.com", "b\xc3\xbcro@example.com" },
        { "b\xfcro@example.com", "b?ro@example.com" },
        { "\xff\xfe", "??" },
        { "cut \xe2\x82", "cut ??" },
        { "\xed\xa0\x80", "???" }, /* half of a surrogate pair */
        { "", "" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *value = json_text(cases[i].text);
        assert_string_equal(json_string_value(value), cases[i].shown);
        json_decref(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_utf8_is_told_as_far_as_it_is),
        cmocka_unit_test(test_a_table_is_aligned_by_columns_not_octets),
        cmocka_unit_test(test_keys_become_headings_and_null_a_dash),
        cmocka_unit_test(test_a_terminal_is_not_overrun_and_a_pipe_not_cut),
        cmocka_unit_test(test_a_width_that_is_none_is_not_taken_from_the_environment),
        cmocka_unit_test(test_an_empty_list_says_so_on_a_terminal_only),
        cmocka_unit_test(test_nothing_commands_the_terminal),
        cmocka_unit_test(test_an_object_is_keys_and_values),
        cmocka_unit_test(test_json_is_one_line_for_programs),
        cmocka_unit_test(test_long_values_are_cut_to_fit),
        cmocka_unit_test(test_times_are_shown_in_the_readers_zone),
        cmocka_unit_test(test_an_error_is_one_sentence),
        cmocka_unit_test(test_an_error_that_is_no_utf8_is_still_said),
    };
    setlocale(LC_ALL, "C.UTF-8");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(printed);
    return failed;
}
