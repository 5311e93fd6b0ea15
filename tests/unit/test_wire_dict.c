#include "tests/unit/wire.h"
#include "authd/wire_dict.h"

static ssize_t read_bytes(const char *in, size_t len, struct dict_request *request)
{
    uint8_t *copy = exact_copy(in, len);
    ssize_t used = wire_dict_read(copy, len, request);
    free(copy);
    return used;
}

static struct dict_request read_line(const char *line)
{
    struct dict_request request;
    assert_int_equal(read_bytes(line, strlen(line), &request), (ssize_t)strlen(line));
    return request;
}

static void assert_refused(const char *line)
{
    struct dict_request request;
    assert_int_equal(read_bytes(line, strlen(line), &request), -1);
}

static void test_the_hello_of_dovecot_2_2_and_2_3(void **state)
{
    (void)state;
    assert_int_equal(read_line("H3\t2\t0\t\ttollgate\n").command, DICT_HELLO);
    assert_int_equal(read_line("H3\t2\t0\t\ttollgate\n").major, 3);
    assert_int_equal(read_line("H2\t0\t0\talice\ttollgate\n").major, 2);
    assert_refused("H\n");
    assert_refused("H3\n");
    assert_refused("H3\tx\n");
    assert_refused("H-3\t0\n");
    assert_refused("H99999999999\t0\n");
}

static void test_lookups_with_and_without_the_user(void **state)
{
    (void)state;
    struct dict_request r = read_line("Lshared/passdb/alice\talice\n");
    assert_int_equal(r.command, DICT_LOOKUP);
    assert_string_equal(r.key, "shared/passdb/alice");
    assert_string_equal(read_line("Lpassdb/alice\n").key, "passdb/alice");
    assert_string_equal(read_line("L\n").key, "");
    assert_string_equal(read_line("L\talice\n").key, "");
}

static void test_escapes_in_a_key(void **state)
{
    (void)state;
    assert_string_equal(read_line("Lpassdb/a\001tb\0011c\001nd\001r\talice\n").key, "passdb/a\tb\001c\nd\r");
    assert_string_equal(read_line("Lpassdb/a\0010\n").key, ""); /* NUL: nobody's name */
    assert_string_equal(read_line("Lpassdb/a\001x\n").key, "");
    assert_string_equal(read_line("Lpassdb/a\001\n").key, "");
}

static void test_a_key_that_does_not_fit_is_nobodys(void **state)
{
    (void)state;
    char line[DICT_KEY_MAX + 8] = "L";
    memset(line + 1, 'a', DICT_KEY_MAX - 1);
    strcpy(line + DICT_KEY_MAX, "\n");
    assert_int_equal(strlen(read_line(line).key), DICT_KEY_MAX - 1);
    strcpy(line + DICT_KEY_MAX, "a\n");
    assert_string_equal(read_line(line).key, "");
}

static void test_other_commands(void **state)
{
    (void)state;
    assert_int_equal(read_line("I1\t0\tshared/passdb/\talice\n").command, DICT_ANSWERED);
    assert_string_equal(read_line("I1\t0\tshared/passdb/\talice\n").id, "");
    assert_int_equal(read_line("B7\talice\n").command, DICT_SILENT);
    assert_int_equal(read_line("S7\tshared/a\tb\n").command, DICT_SILENT);
    assert_int_equal(read_line("C7\n").command, DICT_ANSWERED);
    assert_string_equal(read_line("C7\n").id, "7");
    assert_string_equal(read_line("D4294967295\talice\n").id, "4294967295");
    assert_refused("C\n");
    assert_refused("C7x\n");
}

static void test_what_is_not_the_protocol(void **state)
{
    (void)state;
    struct dict_request r;
    assert_refused("\n");
    assert_refused(" Lpassdb/a\n");
    assert_refused("\tL\n");
    assert_refused("lpassdb/a\n");
    assert_int_equal(read_bytes("Lpassdb/a\0b\n", 12, &r), -1);
}

static void test_a_line_may_be_split_at_every_byte_and_followed_by_another(void **state)
{
    (void)state;
    static const char two[] = "Lshared/passdb/alice\talice\nLpassdb/bob\n";
    const size_t first = 27;
    struct dict_request r;
    for (size_t len = 0; len < first; len++)
        assert_int_equal(read_bytes(two, len, &r), 0);
    for (size_t len = first; len < sizeof two; len++)
        assert_int_equal(read_bytes(two, len, &r), first);
    assert_int_equal(read_bytes(two + first, sizeof two - 1 - first, &r), sizeof two - 1 - first);
    assert_string_equal(r.key, "passdb/bob");
}

static void test_an_endless_line_is_refused(void **state)
{
    (void)state;
    struct dict_request r;
    char *line = tg_xmalloc(DICT_LINE_MAX);
    memset(line, 'L', DICT_LINE_MAX);
    assert_int_equal(read_bytes(line, DICT_LINE_MAX - 1, &r), 0);
    assert_int_equal(read_bytes(line, DICT_LINE_MAX, &r), -1);
    line[DICT_LINE_MAX - 1] = '\n';
    assert_int_equal(read_bytes(line, DICT_LINE_MAX, &r), DICT_LINE_MAX);
    free(line);
}

static void assert_text(const struct wire_text *out, const char *text)
{
    assert_int_equal(out->len, strlen(text));
    assert_memory_equal(out->data, text, out->len);
}

static void test_answers(void **state)
{
    (void)state;
    struct wire_text out;
    wire_text_clear(&out);
    wire_dict_found(&out, "{\"a\":\"b\tc\nd\001\"}");
    assert_text(&out, "O{\"a\":\"b\001tc\001nd\0011\"}\n");
    wire_text_clear(&out);
    wire_dict_not_found(&out);
    assert_text(&out, "N\n");
    wire_text_clear(&out);
    wire_dict_fail(&out, "", "not\nnow");
    assert_text(&out, "Fnot\001nnow\n");
    wire_text_clear(&out);
    wire_dict_fail(&out, "7", "no");
    assert_text(&out, "F7\tno\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_hello_of_dovecot_2_2_and_2_3),
        cmocka_unit_test(test_lookups_with_and_without_the_user),
        cmocka_unit_test(test_escapes_in_a_key),
        cmocka_unit_test(test_a_key_that_does_not_fit_is_nobodys),
        cmocka_unit_test(test_other_commands),
        cmocka_unit_test(test_what_is_not_the_protocol),
        cmocka_unit_test(test_a_line_may_be_split_at_every_byte_and_followed_by_another),
        cmocka_unit_test(test_an_endless_line_is_refused),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
