/* manual.c: tollgate(1) in mdoc, from the table of commands. */
#include <string.h>
#include "admin/help.h"

/* A backslash begins an escape; a quote or dot at a line's start a request, which no text here begins with. */
static void text(FILE *out, const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '\\')
            fputs("\\e", out);
        else if (*s == '"')
            fputs("\\(dq", out);
        else if (*s == '-')
            fputs("\\-", out);
        else if ((unsigned char)s[0] == 0xe2 && (unsigned char)s[1] == 0x80 && (unsigned char)s[2] == 0xa6)
            fputs("...", out), s += 2;
        else
            fputc(*s, out);
    }
}

static void write_command(FILE *out, const struct command *c)
{
    fprintf(out, ".It Ic %s%s%s\n", c->noun, c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "");
    if (c->args != NULL) {
        fputs(".Ar ", out);
        text(out, c->args);
        fputs("\n.br\n", out);
    }
    text(out, c->summary);
    fputc('\n', out);
    if (c->question != NULL)
        fputs("Asks first, on a terminal; elsewhere it needs\n.Fl \\-yes .\n", out);
    if (c->options[0].name != NULL) {
        fputs(".Bl -tag -width Ds -compact\n", out);
        for (const struct opt *o = c->options; o->name != NULL; o++) {
            fprintf(out, ".It Fl \\-%s", o->name);
            if (o->type != OPT_FLAG) {
                fputs(" Ar ", out);
                text(out, o->type == OPT_CHOICE ? o->choices : o->value);
            }
            fputc('\n', out);
            text(out, o->help);
            fputs(o->required ? " (required).\n" : ".\n", out);
        }
        fputs(".El\n", out);
    }
    fputs(".Dl ", out);
    text(out, c->example);
    fputc('\n', out);
}

void help_manual(FILE *out)
{
    fputs(".Dd November 24, 2026\n.Dt TOLLGATE 1\n.Os\n.Sh NAME\n.Nm tollgate\n.Nd manage the accounts of an outbound mail relay\n"
          ".Sh SYNOPSIS\n.Nm\n.Op Fl c Ar file\n.Op Fl \\-json\n.Op Fl \\-yes\n.Ar command ...\n"
          ".Sh DESCRIPTION\n.Nm\nmanages customers, accounts, sender domains and authorised addresses in the store that\n"
          ".Xr tollgate-authd 8\nand\n.Xr tollgate-milter 8\nread.\nWhat it changes counts for the very next SMTP command.\n.Pp\n"
          ".Bl -tag -width Ds\n.It Fl c Ar file\nThe configuration, see\n.Xr tollgate.conf 5 .\n"
          ".It Fl \\-json\nResults as JSON on standard output:\n.Ql list\nprints an array, everything else one object; keys in snake_case, times in RFC 3339 UTC.\n"
          "Errors are an object on standard error:\n.Ql {\\(dqerror\\(dq:{\\(dqcode\\(dq,\\(dqmessage\\(dq}} .\n"
          ".It Fl \\-yes\nAnswers yes where a command would ask.\n.El\n.Pp\n"
          "Started as root it becomes the owner of the store before it opens it.\n"
          "A table is cut to the terminal's width; in a pipe nothing is cut.\nTimes in tables are local.\n"
          ".Sh COMMANDS\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; commands[i] != NULL; i++)
        write_command(out, commands[i]);
    fputs(".El\n", out);
    help_keeping(out);
    fputs(".Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev TOLLGATE_CONFIG\nThe configuration, where\n.Fl c\nis not given.\n"
          ".It Ev NO_COLOR\nNo colours, also on a terminal.\n.It Ev COLUMNS\nThe width of tables.\n"
          ".It Ev SUDO_USER\nStands in the audit log beside the user.\n.El\n"
          ".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n.It 0\ndone\n.It 1\nfailed\n.It 2\nusage\n.It 3\nnot found\n"
          ".It 4\nrefused by a rule: a limit is reached, it is there already, it is in use, the password is wrong\n"
          ".It 5\nstore or configuration unusable\n.El\n"
          ".Sh SEE ALSO\n.Xr tollgate.conf 5 ,\n.Xr tollgate-authd 8 ,\n.Xr tollgate-milter 8\n", out);
}
