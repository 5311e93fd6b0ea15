/* command.h: what a command is: one table entry that the parser, its checks, help and the manual page read.
 *
 * A handler gets typed values and hands back JSON, which output.c prints as it is or as the table that `columns`
 * names; no handler prints. Rules of the product live in schema/, never here. */
#ifndef ADMIN_COMMAND_H
#define ADMIN_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "schema/settings.h"
#include "schema/store.h"

enum { ARGS_MAX = 3, OPTIONS_MAX = 16 };

/* OPT_SWITCH: --name, --name on, --name off. */
enum opt_type { OPT_FLAG, OPT_TEXT, OPT_NUMBER, OPT_CHOICE, OPT_SWITCH, OPT_TIME, OPT_DURATION };

struct opt {
    const char *name;    /* without its dashes; NULL ends a list */
    enum opt_type type;
    const char *value;   /* what the value is called in help: "ADDR" */
    const char *help;
    const char *choices; /* OPT_CHOICE: "free|monthly" */
    int64_t min, max;    /* OPT_NUMBER */
    bool required;
};

struct value {
    bool given;
    const char *text;    /* as typed */
    int64_t number;      /* OPT_NUMBER, OPT_SWITCH (0 or 1), OPT_TIME (seconds since 1970), OPT_DURATION (seconds) */
};

struct terminal;
struct context;
struct input;

typedef enum tg_code run_fn(struct context *context, const struct input *input, json_t **result, struct tg_error *err);

struct command {
    const char *noun, *verb; /* verb NULL: a word alone */
    const char *args;        /* "USER", "ADDR[/LEN] USER", "[USER]": one word each, optional in brackets */
    const char *summary;
    const struct opt *options;
    const char *example;
    const char *columns;     /* of a list: "username status"; NULL: no list */
    const char *question;    /* asked first: "Remove account %s and all that is its own?" (%s: the first argument) */
    bool question_now;       /* … %s: the time, by this machine's clock; with --dry-run nothing is asked */
    bool any_option;         /* without one there is nothing to do */
    bool no_store;           /* runs without an open store */
    bool no_settings;        /* … and without a configuration */
    run_fn *run;
    /* Asks for everything, where no option is given and somebody sits at a terminal; it writes for itself. NULL: none. */
    enum tg_code (*dialogue)(struct context *context, struct tg_error *err);
    /* For people, in place of key and value; NULL: key and value. */
    void (*render)(const struct terminal *terminal, const json_t *result);
};

struct input {
    const struct command *command;
    const char *arg[ARGS_MAX];
    struct value value[OPTIONS_MAX]; /* as command->options */
    bool json, yes;
    const char *config;
};

/* What a handler works with. */
struct context {
    struct tg_settings *settings;
    struct tg_store *store;  /* NULL where command->no_store */
    const struct terminal *terminal;
    int64_t now;
    char who[160];           /* makes the changes, for the audit log */
};

/* An option of this command, which must have it. */
const struct value *input_value(const struct input *input, const char *name);
static inline bool input_flag(const struct input *input, const char *name)
{
    return input_value(input, name)->given;
}
/* NULL where it was not given. */
static inline const char *input_text(const struct input *input, const char *name)
{
    return input_value(input, name)->text;
}

/* OPT_NUMBER, OPT_SWITCH, OPT_TIME, OPT_DURATION; 0 where it was not given. */
static inline int64_t input_number(const struct input *input, const char *name)
{
    return input_value(input, name)->number;
}

/* Every command, in the order of help; NULL ends it (commands.c). */
extern const struct command *const commands[];

#endif
