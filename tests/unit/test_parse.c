#include "tests/unit/test.h"
#include <stdio.h>
#include "admin/parse.h"

enum { NOW = 1800000000 };

static struct parsed parsed;
static struct tg_error err;

/* The words of the line, parted by blanks; '_' stands for a blank inside a word. */
static enum tg_code parse(const char *line)
{
    static char text[2000], *argv[60];
    int argc = 1;
    argv[0] = (char *)"tollgate";
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(argc < 59);
        for (char *c = word; *c != '\0'; c++)
            *c = *c == '_' ? ' ' : *c;
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    memset(&err, 0, sizeof err);
    return parse_command(argc, argv, NOW, &parsed, &err);
}

static void assert_runs(const char *line)
{
    if (parse(line) != TG_OK)
        fail_msg("%s: %s", line, err.text);
    assert_int_equal(parsed.want, WANT_RUN);
    assert_non_null(parsed.input.command);
}

static void assert_usage(const char *line, const char *words)
{
    if (parse(line) != TG_USAGE)
        fail_msg("accepted: %s", line);
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" instead of \"%s\": %s", err.text, words, line);
}

static void test_values_are_typed(void **state)
{
    (void)state;
    assert_runs("account add --customer 7 --description a_letter --type transactional --plan free --messages=1000");
    assert_string_equal(parsed.input.command->noun, "account");
    assert_string_equal(parsed.input.command->verb, "add");
    assert_int_equal(input_value(&parsed.input, "customer")->number, 7);
    assert_string_equal(input_text(&parsed.input, "description"), "a letter");
    assert_int_equal(input_value(&parsed.input, "messages")->number, 1000);
    assert_false(input_flag(&parsed.input, "notify"));
    assert_null(input_text(&parsed.input, "notify"));
    assert_runs("account password k3v9x0a2m7qd --overlap 7d");
    assert_string_equal(parsed.input.arg[0], "k3v9x0a2m7qd");
    assert_int_equal(input_value(&parsed.input, "overlap")->number, 7 * 86400);
}

static void test_a_command_that_can_ask_does_so_where_nothing_is_given(void **state)
{
    (void)state;
    assert_int_equal(parse("account add"), TG_OK);
    assert_int_equal(parsed.want, WANT_DIALOGUE);
    assert_int_equal(parse("-c /etc/other.conf account add"), TG_OK);
    assert_int_equal(parsed.want, WANT_DIALOGUE);
    assert_usage("account add nonsense", "usage");
    assert_usage("customer add", "--name");
}

static void test_switches_have_three_forms(void **state)
{
    (void)state;
    assert_runs("account set k3v9x0a2m7qd --ip-lock");
    assert_int_equal(input_value(&parsed.input, "ip-lock")->number, 1);
    assert_runs("account set k3v9x0a2m7qd --ip-lock off");
    assert_true(input_flag(&parsed.input, "ip-lock"));
    assert_int_equal(input_value(&parsed.input, "ip-lock")->number, 0);
    assert_runs("account set --ip-lock k3v9x0a2m7qd");
    assert_string_equal(parsed.input.arg[0], "k3v9x0a2m7qd");
    assert_runs("account set --ip-lock=on k3v9x0a2m7qd");
    assert_usage("account set k3v9x0a2m7qd --ip-lock=perhaps", "on|off");
}

static void test_global_options_stand_anywhere(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "-c /x --json --yes account remove u", "account -c /x remove --json u --yes", "account remove u --yes --json -c /x",
        "--json account --yes remove -c /x u",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_runs(lines[i]);
        assert_true(parsed.input.json && parsed.input.yes);
        assert_string_equal(parsed.input.config, "/x");
        assert_string_equal(parsed.input.arg[0], "u");
    }
    assert_runs("account list");
    assert_false(parsed.input.json || parsed.input.yes);
    assert_null(parsed.input.config);
}

/* Somebody forgot the value: it must not become a reason, and the option behind must not do what nobody meant. */
static void test_an_option_is_no_value(void **state)
{
    (void)state;
    assert_usage("account disable u --reason --yes", "--reason needs a value");
    assert_usage("account disable u --reason --json", "--reason needs a value");
    assert_usage("account disable u --reason", "--reason needs a value");
    assert_usage("account disable u --reason -c /x", "--reason needs a value");
    assert_usage("-c --json account list", "-c needs a file");
    /* With an equals sign it may be anything, and is nothing else. */
    assert_runs("account disable u --reason=--yes");
    assert_string_equal(input_text(&parsed.input, "reason"), "--yes");
    assert_false(parsed.input.yes);
    assert_runs("account disable u --reason=");
    assert_string_equal(input_text(&parsed.input, "reason"), "");
    assert_runs("account disable u --reason -");
}

static void test_behind_two_dashes_all_are_words(void **state)
{
    (void)state;
    assert_runs("account show -- --json");
    assert_string_equal(parsed.input.arg[0], "--json");
    assert_false(parsed.input.json);
    assert_runs("account -- show u");
    assert_usage("account show -- u --json", "usage: tollgate account show USER");
}

static void test_numbers_are_in_range(void **state)
{
    (void)state;
    assert_usage("account list --customer x", "is not a number from");
    assert_usage("account list --customer=", "is not a number from");
    assert_usage("account list --customer 1x", "is not a number from");
    assert_usage("account list --customer 99999999999999999999", "is not a number from");
    assert_usage("account list --customer=-1", "is not a number from");
    assert_usage("account list --customer=0x10", "is not a number from");
    assert_usage("account password u --overlap soon", "--overlap");
    assert_usage("account list --status perhaps", "is not one of");
}

static void test_what_was_perhaps_meant_is_said(void **state)
{
    (void)state;
    assert_usage("acount list", "is 'account' meant?");
    assert_usage("account lst", "is 'list' meant?");
    assert_usage("account list --custmer 1", "is 'customer' meant?");
    assert_usage("nonsenseword", "unknown command 'nonsenseword' (tollgate help lists them)");
    assert_usage("account list --zzzzzzzzzzzz", "unknown option");
    assert_usage("account list -x", "unknown option '-x'");
    assert_usage("account", "account what?");
    assert_usage("", "which command?");
    char line[300];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    assert_usage(line, "unknown command 'xxx"); /* cut, not overrun */
    memcpy(line, "account list --", 15);
    assert_usage(line, "unknown option '--xxx");
}

static void test_arguments_are_counted(void **state)
{
    (void)state;
    assert_usage("account show", "usage: tollgate account show USER");
    assert_usage("account show a b", "usage: tollgate account show USER ('b' is one word too many)");
    assert_usage("account set a --ip-lock maybe", "'maybe' is one word too many");
    assert_usage("account show a b c d e f g h", "too many arguments");
    assert_usage("account add --json", "--customer");
    assert_usage("account add --plan free", "--customer");
    assert_usage("account list --customer 1 --customer 2", "--customer is given twice");
    assert_usage("account show u --json=1", "unknown option");
    assert_runs("activity");
    assert_runs("activity u");
    assert_usage("activity u v", "usage");
}

static void test_help_version_and_manual(void **state)
{
    (void)state;
    assert_int_equal(parse("--version account nonsense"), TG_OK);
    assert_int_equal(parsed.want, WANT_VERSION);
    assert_int_equal(parse("help"), TG_OK);
    assert_int_equal(parsed.want, WANT_HELP);
    assert_int_equal(parse("help account"), TG_OK);
    assert_string_equal(parsed.help_noun, "account");
    assert_int_equal(parse("help account disable"), TG_OK);
    assert_string_equal(parsed.input.command->verb, "disable");
    assert_int_equal(parse("account disable --help"), TG_OK);
    assert_int_equal(parsed.want, WANT_HELP);
    assert_usage("help nonsense", "unknown command");
    assert_int_equal(parse("help --manual"), TG_OK);
    assert_int_equal(parsed.want, WANT_MANUAL);
}

static void test_json_is_known_even_where_the_line_is_wrong(void **state)
{
    (void)state;
    assert_usage("nonsense --json", "unknown");
    assert_true(parsed.input.json);
    assert_usage("account list --zz --json", "unknown");
    assert_true(parsed.input.json);
}

/* The table itself: what the parser counts on. */
static void test_every_command_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; commands[i] != NULL; i++) {
        const struct command *c = commands[i];
        size_t options = 0;
        assert_non_null(c->run);
        assert_non_null(c->summary);
        for (const struct opt *o = c->options; o != NULL && o->name != NULL; o++, options++) {
            if (o->help == NULL || (o->type == OPT_CHOICE) != (o->choices != NULL) || (o->type == OPT_NUMBER && o->max <= o->min))
                fail_msg("%s %s --%s", c->noun, c->verb, o->name);
            for (const struct opt *other = c->options; other < o; other++)
                assert_string_not_equal(other->name, o->name);
        }
        assert_true(options <= OPTIONS_MAX);
        for (size_t k = 0; k < i; k++)
            assert_true(strcmp(commands[k]->noun, c->noun) != 0 ||
                        (c->verb != NULL && commands[k]->verb != NULL && strcmp(commands[k]->verb, c->verb) != 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_are_typed),
        cmocka_unit_test(test_a_command_that_can_ask_does_so_where_nothing_is_given),
        cmocka_unit_test(test_switches_have_three_forms),
        cmocka_unit_test(test_global_options_stand_anywhere),
        cmocka_unit_test(test_an_option_is_no_value),
        cmocka_unit_test(test_behind_two_dashes_all_are_words),
        cmocka_unit_test(test_numbers_are_in_range),
        cmocka_unit_test(test_what_was_perhaps_meant_is_said),
        cmocka_unit_test(test_arguments_are_counted),
        cmocka_unit_test(test_help_version_and_manual),
        cmocka_unit_test(test_json_is_known_even_where_the_line_is_wrong),
        cmocka_unit_test(test_every_command_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
