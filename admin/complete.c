/* complete.c: see complete.h. It reads the words as parse.c does, but forgives what is wrong in them. */
#include <stdio.h>
#include <string.h>
#include "admin/command.h"
#include "admin/complete.h"
#include "admin/complete_names.h"

/* What parse.c takes anywhere. */
static const struct opt globals[] = {
    { .name = "json", .help = "results and errors as JSON" },
    { .name = "yes", .help = "answer yes where a command would ask" },
    { .name = "help", .help = "help on what stands there so far" },
    { .name = "version", .help = "the version" },
    { 0 },
};

struct line {
    const char *config;
    const char *noun;
    const struct command *command;
    int words;             /* noun, verb, arguments */
    bool help;
    const struct opt *open; /* the option whose value comes next */
    bool file;             /* -c: a file comes next */
    bool only_words;       /* after -- */
    bool given[OPTIONS_MAX];
    const char *prefix;    /* of what is typed */
    const char *before;    /* stands in front of each candidate: "--name=" */
};

/* ---- candidates ---- */

/* A description is one line and one sentence; what a record says can't make another. */
static void put(void *arg, const char *name, const char *description)
{
    const struct line *l = arg;
    if (strncmp(name, l->prefix, strlen(l->prefix)) != 0)
        return;
    fprintf(stdout, "%s%s\t", l->before, name);
    for (const char *d = description; *d != '\0' && strncmp(d, ". ", 2) != 0; d++)
        fputc((unsigned char)*d < ' ' || *d == 0x7f ? ' ' : *d, stdout);
    fputc('\n', stdout);
}

/* "a|b|c" */
static void put_choices(struct line *l, const char *choices)
{
    char word[64];
    for (const char *c = choices; *c != '\0'; c += strcspn(c, "|"), c += *c == '|') {
        snprintf(word, sizeof word, "%.*s", (int)strcspn(c, "|"), c);
        put(l, word, "");
    }
}

/* What help calls a value says what it is. */
static void put_values(struct line *l, const char *what, const char *noun, const char *verb)
{
    if (strchr(what, '|') != NULL)
        put_choices(l, what);
    else if (strcmp(what, "USER") == 0)
        complete_names(l->config, NAMES_ACCOUNTS, l->prefix, put, l);
    else if (strcmp(what, "DOMAIN") == 0 && strcmp(verb, "add") != 0)
        complete_names(l->config, NAMES_DOMAINS, l->prefix, put, l);
    else if (strcmp(what, "ID") == 0 && strcmp(noun, "customer") == 0)
        complete_names(l->config, NAMES_CUSTOMERS, l->prefix, put, l);
    else if (strcmp(what, "ID") == 0 && strcmp(noun, "order") == 0)
        complete_names(l->config, NAMES_ORDERS, l->prefix, put, l);
    else if (strcmp(what, "PLAN") == 0)
        put_choices(l, "free|monthly|prepaid");
    else if (strcmp(what, "FILE") == 0)
        puts(":files");
    else if (strcmp(what, "DIR") == 0)
        puts(":dirs");
}

static void put_option_values(struct line *l, const struct opt *opt)
{
    if (opt->type == OPT_CHOICE)
        put_choices(l, opt->choices);
    else if (opt->type == OPT_SWITCH)
        put_choices(l, "on|off");
    else if (opt->value != NULL)
        put_values(l, opt->value, opt->name, "");
}

/* The name of the nth argument, without its brackets: "[USER]" → "USER", "ADDR[/LEN]" → "ADDR[/LEN]". */
static void put_argument(struct line *l, int n)
{
    const char *a = l->command->args != NULL ? l->command->args : "";
    char name[64];
    for (; n > 0 && *a != '\0'; n--)
        a += strcspn(a, " "), a += *a == ' ';
    size_t len = strcspn(a, " "), skip = *a == '[';
    snprintf(name, sizeof name, "%.*s", (int)(len > 2 * skip ? len - 2 * skip : 0), a + skip);
    put_values(l, name, l->command->noun, l->command->verb != NULL ? l->command->verb : "");
}

static void put_nouns(struct line *l)
{
    for (size_t i = 0, j; commands[i] != NULL; i++) {
        for (j = 0; j < i && strcmp(commands[i]->noun, commands[j]->noun) != 0; j++)
            ;
        if (j == i)
            put(l, commands[i]->noun, commands[i]->verb == NULL ? commands[i]->summary : "");
    }
    if (!l->help)
        put(l, "help", "what a command does, and its options");
}

static void put_verbs(struct line *l)
{
    for (size_t i = 0; commands[i] != NULL; i++)
        if (strcmp(commands[i]->noun, l->noun) == 0 && commands[i]->verb != NULL)
            put(l, commands[i]->verb, commands[i]->summary);
}

static void put_options(struct line *l)
{
    char name[80];
    for (size_t i = 0; l->command != NULL && l->command->options[i].name != NULL; i++) {
        snprintf(name, sizeof name, "--%s", l->command->options[i].name);
        if (!l->given[i])
            put(l, name, l->command->options[i].help);
    }
    for (size_t i = 0; globals[i].name != NULL; i++) {
        snprintf(name, sizeof name, "--%s", globals[i].name);
        put(l, name, globals[i].help);
    }
    put(l, "-c", "the configuration");
}

/* ---- the words so far ---- */

static const struct opt *find_option(struct line *l, const char *name, size_t len)
{
    for (size_t i = 0; l->command != NULL && l->command->options[i].name != NULL; i++) {
        const struct opt *opt = &l->command->options[i];
        if (strlen(opt->name) == len && memcmp(opt->name, name, len) == 0) {
            l->given[i] = true;
            return opt;
        }
    }
    return NULL;
}

static void take_plain_word(struct line *l, const char *word)
{
    if (l->words == 0 && !l->help && strcmp(word, "help") == 0) {
        l->help = true;
        return;
    }
    if (l->words == 0)
        l->noun = word;
    for (size_t i = 0; l->words < 2 && l->command == NULL && commands[i] != NULL; i++)
        if (strcmp(commands[i]->noun, l->noun) == 0 &&
            (commands[i]->verb == NULL || (l->words == 1 && strcmp(commands[i]->verb, word) == 0)))
            l->command = commands[i];
    l->words++;
}

/* An option stands here, or its value; bash makes words of its own of "--name", "=", "value". */
static void take_word(struct line *l, const char *word)
{
    if (l->open != NULL && strcmp(word, "=") == 0)
        return;
    if (l->file) {
        l->config = word;
        l->file = false;
        return;
    }
    const struct opt *open = l->open;
    l->open = NULL;
    if (open != NULL && (open->type != OPT_SWITCH || strcmp(word, "on") == 0 || strcmp(word, "off") == 0))
        return;
    if (l->only_words || word[0] != '-') {
        take_plain_word(l, word);
    } else if (strcmp(word, "--") == 0) {
        l->only_words = true;
    } else if (strcmp(word, "-c") == 0) {
        l->file = true;
    } else if (strncmp(word, "--", 2) == 0) {
        const char *equals = strchr(word, '=');
        const struct opt *opt = find_option(l, word + 2, equals != NULL ? (size_t)(equals - word) - 2 : strlen(word) - 2);
        l->open = opt != NULL && opt->type != OPT_FLAG && equals == NULL ? opt : NULL;
    }
}

static void put_word(struct line *l)
{
    if (l->words == 0)
        put_nouns(l);
    else if (l->command == NULL && l->words == 1)
        put_verbs(l);
    else if (l->command != NULL && !l->help)
        put_argument(l, l->words - (l->command->verb != NULL ? 2 : 1));
}

int complete_words(int count, char **words)
{
    struct line l = { .prefix = "", .before = "" };
    char before[80];
    for (int i = 0; i + 1 < count; i++)
        take_word(&l, words[i]);
    l.prefix = count > 0 ? words[count - 1] : "";
    const char *equals = strchr(l.prefix, '=');
    if (l.file) {
        puts(":files");
    } else if (l.open != NULL) {
        l.prefix = strcmp(l.prefix, "=") == 0 ? "" : l.prefix;
        put_option_values(&l, l.open);
        if (l.open->type == OPT_SWITCH)
            put_word(&l);
    } else if (!l.only_words && strncmp(l.prefix, "--", 2) == 0 && equals != NULL) {
        const struct opt *opt = find_option(&l, l.prefix + 2, (size_t)(equals - l.prefix) - 2);
        snprintf(before, sizeof before, "%.*s", (int)(equals - l.prefix) + 1, l.prefix);
        l.before = before;
        l.prefix = equals + 1;
        if (opt != NULL)
            put_option_values(&l, opt);
    } else if (!l.only_words && l.prefix[0] == '-') {
        put_options(&l);
    } else {
        put_word(&l);
    }
    return 0;
}
