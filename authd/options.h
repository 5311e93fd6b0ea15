/* options.h: the command line of tollgate-authd. */
#ifndef AUTHD_OPTIONS_H
#define AUTHD_OPTIONS_H

#include <stdbool.h>
#include "schema/error.h"

struct options {
    const char *config;   /* NULL: the default */
    const char *pid_file; /* NULL: none */
    bool check, detach;
};

/* TG_OK; TG_USAGE. --help and --version print and set *done. */
enum tg_code options_read(int argc, char **argv, struct options *options, bool *done, struct tg_error *err) TG_MUST_CHECK;

#endif
