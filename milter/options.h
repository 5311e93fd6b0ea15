/* options.h: the command line of tollgate-milter. */
#ifndef MILTER_OPTIONS_H
#define MILTER_OPTIONS_H

#include <stdbool.h>

struct options {
    const char *config;   /* NULL: the default */
    const char *pid_file; /* NULL: none */
    bool test, detach;
};

/* Returns -1 to go on, else the exit status: help or version was printed, or what is wrong was. */
int options_read(int argc, char **argv, struct options *options);

#endif
