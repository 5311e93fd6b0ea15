/* parse.h: argv → typed values, by the table of commands. */
#ifndef ADMIN_PARSE_H
#define ADMIN_PARSE_H

#include "admin/command.h"

/* WANT_DIALOGUE: the command has one, and nothing was said that it would ask for. */
enum parse_want { WANT_RUN, WANT_DIALOGUE, WANT_HELP, WANT_VERSION, WANT_MANUAL };

struct parsed {
    enum parse_want want;
    struct input input;      /* WANT_RUN; for WANT_HELP input.command may be NULL … */
    const char *help_noun;   /* … and this may name a noun */
};

/* -c FILE, --json and --yes may stand anywhere. TG_USAGE says what is wrong and what was perhaps meant; parsed->input.json
 * is right even then. Texts point into argv. */
enum tg_code parse_command(int argc, char **argv, int64_t now, struct parsed *parsed, struct tg_error *err) TG_MUST_CHECK;

#endif
