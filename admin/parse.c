/* parse.c: see parse.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "admin/parse.h"
#include "schema/calendar.h"

static size_t count_options(const struct opt *options)
{
    size_t count = 0;
    while (options != NULL && options[count].name != NULL)
        count++;
    return count;
}

const struct value *input_value(const struct input *input, const char *name)
{
    const struct opt *options = input->command->options;
    for (size_t i = 0; options[i].name != NULL; i++)
        if (strcmp(options[i].name, name) == 0)
            return &input->value[i];
    assert(!"the command has this option");
    abort();
}

/* ---- what was perhaps meant ---- */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance, of words up to 30 letters. */
static size_t distance(const char *a, const char *b)
{
    size_t row[32], la = strlen(a), lb = strlen(b);
    if (la > 30 || lb > 30)
        return 99;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[lb];
}

struct nearest {
    const char *word;
    size_t distance;
};

/* The beginning of a word is as near as one letter that is wrong. */
static void consider(struct nearest *nearest, const char *typed, const char *word)
{
    size_t d = distance(typed, word);
    if (strncmp(typed, word, strlen(typed)) == 0 && d > 1)
        d = 1;
    if (d < nearest->distance) {
        nearest->distance = d;
        nearest->word = word;
    }
}

static enum tg_code unknown(struct tg_error *err, const char *what, const char *typed, const struct nearest *nearest,
                            const char *help)
{
    if (nearest->word != NULL && nearest->distance <= (strlen(typed) + 2) / 3)
        return tg_fail(err, TG_USAGE, "unknown %s '%.60s': is '%s' meant? (%s)", what, typed, nearest->word, help);
    return tg_fail(err, TG_USAGE, "unknown %s '%.60s' (%s)", what, typed, help);
}

/* ---- values ---- */

static enum tg_code read_number(const struct opt *opt, const char *name, const char *text, int64_t *number, struct tg_error *err)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool wrong = *text == '\0' || *end != '\0' || errno != 0 || value < opt->min || value > opt->max;
    if (wrong && opt->max == INT64_MAX)
        return tg_fail(err, TG_USAGE, "%s: '%.60s' is not a number from %lld on", name, text, (long long)opt->min);
    if (wrong)
        return tg_fail(err, TG_USAGE, "%s: '%.60s' is not a number from %lld to %lld", name, text, (long long)opt->min,
                       (long long)opt->max);
    *number = value;
    return TG_OK;
}

static enum tg_code read_choice(const struct opt *opt, const char *text, struct tg_error *err)
{
    size_t len = strlen(text);
    for (const char *c = opt->choices; *c != '\0'; c += strcspn(c, "|"), c += *c == '|')
        if (strcspn(c, "|") == len && memcmp(c, text, len) == 0)
            return TG_OK;
    return tg_fail(err, TG_USAGE, "--%s: '%.60s' is not one of %s", opt->name, text, opt->choices);
}

static enum tg_code read_value(const struct opt *opt, const char *text, int64_t now, struct value *value, struct tg_error *err)
{
    struct tg_error why;
    enum tg_code code = TG_OK;
    value->given = true;
    value->text = text;
    switch (opt->type) {
    case OPT_FLAG:
    case OPT_TEXT: return TG_OK;
    case OPT_CHOICE: return read_choice(opt, text, err);
    case OPT_SWITCH: value->number = strcmp(text, "on") == 0; return read_choice(&(struct opt){ .name = opt->name, .choices = "on|off" }, text, err);
    case OPT_NUMBER: {
        char name[64];
        snprintf(name, sizeof name, "--%s", opt->name);
        return read_number(opt, name, text, &value->number, err);
    }
    case OPT_TIME: code = tg_time_parse(text, now, &value->number, &why); break;
    case OPT_DURATION: code = tg_duration_parse(text, &value->number, &why); break;
    }
    return code == TG_OK ? TG_OK : tg_fail(err, TG_USAGE, "--%s: %s", opt->name, why.text);
}

/* ---- the command line ---- */

struct line {
    int argc, at;
    char **argv;
    int64_t now;
    struct parsed *parsed;
    struct tg_error *err;
    const char *word[ARGS_MAX + 3]; /* noun, verb, arguments */
    size_t words;
    const char *early; /* an option of some command in front of the first word; NULL: none */
};

/* Global options; true: taken. */
static bool take_global(struct line *l, const char *arg, enum tg_code *code)
{
    struct input *in = &l->parsed->input;
    *code = TG_OK;
    if (strcmp(arg, "--json") == 0) {
        in->json = true;
    } else if (strcmp(arg, "--yes") == 0) {
        in->yes = true;
    } else if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0) {
        l->parsed->want = WANT_HELP;
    } else if (strcmp(arg, "--version") == 0) {
        l->parsed->want = WANT_VERSION;
    } else if (strcmp(arg, "--manual") == 0) {
        l->parsed->want = WANT_MANUAL;
    } else if (strcmp(arg, "-c") == 0) {
        if (l->at + 1 >= l->argc || strncmp(l->argv[l->at + 1], "--", 2) == 0)
            *code = tg_fail(l->err, TG_USAGE, "-c needs a file");
        else
            in->config = l->argv[++l->at];
    } else {
        return false;
    }
    return true;
}

static enum tg_code find_command(struct line *l)
{
    struct nearest nouns = { NULL, 99 }, verbs = { NULL, 99 };
    bool noun_known = false;
    char help[80];
    for (size_t i = 0; commands[i] != NULL; i++) {
        const struct command *c = commands[i];
        consider(&nouns, l->word[0], c->noun);
        if (strcmp(c->noun, l->word[0]) != 0)
            continue;
        noun_known = true;
        if (c->verb == NULL || (l->words > 1 && strcmp(c->verb, l->word[1]) == 0)) {
            l->parsed->input.command = c;
            return TG_OK;
        }
        if (l->words > 1)
            consider(&verbs, l->word[1], c->verb);
    }
    if (!noun_known && l->early != NULL)
        return tg_fail(l->err, TG_USAGE, "'%.60s' in front of the command: only -c FILE, --json and --yes may stand there (tollgate help)",
                       l->early);
    if (!noun_known)
        return unknown(l->err, "command", l->word[0], &nouns, "tollgate help lists them");
    l->parsed->help_noun = l->word[0];
    if (l->parsed->want == WANT_HELP && l->words == 1)
        return TG_OK;
    snprintf(help, sizeof help, "tollgate help %.40s", l->word[0]);
    if (l->words == 1)
        return tg_fail(l->err, TG_USAGE, "%s what? (%s)", l->word[0], help);
    return unknown(l->err, "command", l->word[1], &verbs, help);
}

static bool is_switch(const char *text)
{
    return strcmp(text, "on") == 0 || strcmp(text, "off") == 0;
}

/* Whoever left a value out did not mean the next option by it: that may only stand behind "=". */
static bool is_option(const char *text)
{
    return strncmp(text, "--", 2) == 0 || strcmp(text, "-c") == 0 || strcmp(text, "-h") == 0;
}

/* --name VALUE or --name=VALUE */
static enum tg_code take_option(struct line *l, char *arg)
{
    struct input *in = &l->parsed->input;
    char *equals = strchr(arg, '=');
    size_t len = equals != NULL ? (size_t)(equals - arg) - 2 : strlen(arg) - 2;
    struct nearest nearest = { NULL, 99 };
    char typed[64], help[100];
    snprintf(typed, sizeof typed, "%.*s", (int)(len < 60 ? len : 60), arg + 2);
    for (size_t i = 0; i < count_options(in->command->options); i++) {
        const struct opt *opt = &in->command->options[i];
        consider(&nearest, typed, opt->name);
        if (strlen(opt->name) != len || memcmp(opt->name, arg + 2, len) != 0)
            continue;
        const char *text = equals != NULL ? equals + 1 : NULL;
        if (opt->type == OPT_FLAG && equals != NULL)
            return tg_fail(l->err, TG_USAGE, "--%s takes no value", opt->name);
        if (opt->type == OPT_SWITCH && equals == NULL) {
            text = l->at + 1 < l->argc && is_switch(l->argv[l->at + 1]) ? l->argv[++l->at] : "on";
        } else if (opt->type != OPT_FLAG && equals == NULL) {
            if (l->at + 1 >= l->argc || is_option(l->argv[l->at + 1]))
                return tg_fail(l->err, TG_USAGE, "--%s needs a value", opt->name);
            text = l->argv[++l->at];
        }
        if (in->value[i].given)
            return tg_fail(l->err, TG_USAGE, "--%s is given twice", opt->name);
        return read_value(opt, text, l->now, &in->value[i], l->err);
    }
    snprintf(help, sizeof help, "tollgate help %s%s%s", in->command->noun, in->command->verb != NULL ? " " : "",
             in->command->verb != NULL ? in->command->verb : "");
    return unknown(l->err, "option", arg, &nearest, help);
}

static bool is_bare(const struct input *in)
{
    for (size_t i = 0; i < count_options(in->command->options); i++)
        if (in->value[i].given)
            return false;
    return true;
}

static enum tg_code check_arguments(struct line *l)
{
    const struct command *c = l->parsed->input.command;
    size_t least_count = 0, most = 0;
    for (const char *a = c->args; a != NULL && *a != '\0'; a += strcspn(a, " "), a += *a == ' ') {
        most++;
        least_count += *a != '[';
    }
    size_t first = c->verb != NULL ? 2 : 1, given = l->words - first;
    if (given > most)
        return tg_fail(l->err, TG_USAGE, "usage: tollgate %s%s%s %s ('%.60s' is one word too many)", c->noun, c->verb != NULL ? " " : "",
                       c->verb != NULL ? c->verb : "", c->args != NULL ? c->args : "[OPTION …]", l->word[first + most]);
    if (given < least_count)
        return tg_fail(l->err, TG_USAGE, "usage: tollgate %s%s%s %s", c->noun, c->verb != NULL ? " " : "",
                       c->verb != NULL ? c->verb : "", c->args != NULL ? c->args : "[OPTION …]");
    if (c->dialogue != NULL && !l->parsed->input.json && is_bare(&l->parsed->input)) {
        l->parsed->want = WANT_DIALOGUE;
        return TG_OK;
    }
    for (size_t i = 0; i < given; i++)
        l->parsed->input.arg[i] = l->word[first + i];
    if (c->any_option && is_bare(&l->parsed->input))
        return tg_fail(l->err, TG_USAGE, "what is to be changed? (tollgate help %s %s)", c->noun, c->verb);
    for (size_t i = 0; i < count_options(c->options); i++)
        if (c->options[i].required && !l->parsed->input.value[i].given)
            return tg_fail(l->err, TG_USAGE, "--%s is missing: %s", c->options[i].name, c->options[i].help);
    return TG_OK;
}

static bool is_global(const char *arg)
{
    return strcmp(arg, "--json") == 0 || strcmp(arg, "--yes") == 0 || strcmp(arg, "-c") == 0;
}

/* Words first, for the command decides what the options are. */
static enum tg_code collect(struct line *l, bool options)
{
    enum tg_code code = TG_OK;
    size_t words = 0;
    bool only_words = false;
    for (l->at = 1; l->at < l->argc && code == TG_OK; l->at++) {
        char *arg = l->argv[l->at];
        if (!only_words && strcmp(arg, "--") == 0) {
            only_words = true;
        } else if (!only_words && arg[0] == '-' && arg[1] != '\0') {
            if (take_global(l, arg, &code))
                continue;
            if (words == 0 && l->early == NULL)
                l->early = arg;
            if (options && strncmp(arg, "--", 2) == 0)
                code = take_option(l, arg);
            else if (options)
                code = tg_fail(l->err, TG_USAGE, "unknown option '%.60s' (tollgate help)", arg);
        } else if (words == sizeof l->word / sizeof *l->word) {
            code = options ? tg_fail(l->err, TG_USAGE, "too many arguments, from '%.60s' on", arg) : TG_OK;
        } else {
            l->word[words++] = arg;
        }
    }
    l->words = words;
    return code;
}

enum tg_code parse_command(int argc, char **argv, int64_t now, struct parsed *parsed, struct tg_error *err)
{
    struct line l = { .argc = argc, .argv = argv, .now = now, .parsed = parsed, .err = err };
    memset(parsed, 0, sizeof *parsed);
    enum tg_code code = collect(&l, false);
    if (code != TG_OK)
        return code;
    bool help_word = l.words > 0 && strcmp(l.word[0], "help") == 0;
    if (help_word) {
        parsed->want = parsed->want == WANT_MANUAL ? WANT_MANUAL : WANT_HELP;
        memmove(l.word, l.word + 1, --l.words * sizeof *l.word);
    }
    if (parsed->want == WANT_VERSION || parsed->want == WANT_MANUAL || (l.words == 0 && parsed->want == WANT_HELP))
        return TG_OK;
    for (int i = 1; l.words == 0 && i < argc; i++)
        if (argv[i][0] == '-' && strcmp(argv[i], "--") != 0 && !is_global(argv[i]))
            return tg_fail(err, TG_USAGE, "unknown option '%.60s', and no command (tollgate help)", argv[i]);
    if (l.words == 0)
        return tg_fail(err, TG_USAGE, "which command? (tollgate help lists them)");
    if ((code = find_command(&l)) != TG_OK || parsed->want == WANT_HELP)
        return code;
    if ((code = collect(&l, true)) != TG_OK)
        return code;
    return check_arguments(&l);
}
