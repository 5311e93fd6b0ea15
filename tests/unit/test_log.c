#include "tests/unit/test.h"
#include <stdio.h>
#include <unistd.h>
#include "schema/log.h"

static char path[] = "/tmp/tollgate-log-XXXXXX";

static void read_back(char *text, size_t size)
{
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    text[fread(text, 1, size - 1, in)] = '\0';
    fclose(in);
}

static int lines_of(const char *text)
{
    int lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static void test_no_value_can_write_a_line_of_the_log(void **state)
{
    (void)state;
    struct tg_error err;
    char text[8192];
    assert_ok(tg_log_open("tollgate-test", path, "info", &err));
    tg_log(TG_INFO, "refused", "account", "k3v9x0a2m7qd", "sender", "a\nfake event\r\x1b[31m\"\\ =", "absent", NULL, "empty", "",
           "bad", "\xff\xc2\x85", "good", "gr\xc3\xbc\xc3\x9f", NULL);
    tg_log(TG_DEBUG, "unseen", "key", "value", NULL);
    read_back(text, sizeof text);
    assert_int_equal(lines_of(text), 1);
    assert_non_null(strstr(text, " tollgate-test["));
    assert_non_null(strstr(text, " info refused account=k3v9x0a2m7qd sender=\"a\\nfake event\\x0D\\x1B[31m\\\"\\\\ =\" "
                                 "empty=\"\" bad=\"\\xFF\\xC2\\x85\" good=gr\xc3\xbc\xc3\x9f\n"));
    assert_null(strstr(text, "absent"));
}

static void test_a_value_that_is_too_long_is_cut_and_the_line_ends(void **state)
{
    (void)state;
    struct tg_error err;
    static char text[65536], huge[10000];
    memset(huge, ' ', sizeof huge - 1);
    assert_ok(tg_log_open("tollgate-test", path, "info", &err));
    tg_log(TG_INFO, "long", "a", huge, "b", huge, "c", huge, "d", huge, "e", huge, NULL);
    read_back(text, sizeof text);
    assert_true(strlen(text) < 5000);
    assert_int_equal(lines_of(text), 1);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void test_a_wrong_target_or_level_is_refused_and_the_log_stays(void **state)
{
    (void)state;
    struct tg_error err;
    assert_int_equal(tg_log_open("tollgate-test", "/nonexistent/log", "info", &err), TG_UNUSABLE);
    assert_non_null(strstr(err.text, "/nonexistent/log"));
    assert_int_equal(tg_log_open("tollgate-test", "stderr", "loud", &err), TG_USAGE);
}

static int empty_file(void **state)
{
    (void)state;
    return truncate(path, 0);
}

static int end(void **state)
{
    (void)state;
    tg_log_close();
    return unlink(path);
}

int main(void)
{
    close(mkstemp(path));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_no_value_can_write_a_line_of_the_log, empty_file),
        cmocka_unit_test_setup(test_a_value_that_is_too_long_is_cut_and_the_line_ends, empty_file),
        cmocka_unit_test(test_a_wrong_target_or_level_is_refused_and_the_log_stays),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
