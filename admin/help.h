/* help.h: usage of all commands, a noun's, one command's; and tollgate(1), all from the table. */
#ifndef ADMIN_HELP_H
#define ADMIN_HELP_H

#include "admin/command.h"
#include "admin/terminal.h"

void help_all(const struct terminal *terminal);
void help_noun(const struct terminal *terminal, const char *noun);
void help_command(const struct terminal *terminal, const struct command *command);

/* In mdoc. */
void help_manual(FILE *out);
void help_keeping(FILE *out); /* its section on copies of the store */

#endif
