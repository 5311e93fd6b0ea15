/* help.c: see help.h; the manual page is in manual.c. */
#include <string.h>
#include "admin/help.h"

static void usage_line(FILE *out, const struct command *c)
{
    fprintf(out, "tollgate %s%s%s", c->noun, c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "");
    if (c->args != NULL)
        fprintf(out, " %s", c->args);
    for (const struct opt *o = c->options; o->name != NULL; o++)
        if (o->required)
            fprintf(out, " --%s %s", o->name, o->value);
}

static void list(const struct terminal *t, const char *noun)
{
    for (size_t i = 0; commands[i] != NULL; i++) {
        const struct command *c = commands[i];
        char name[80];
        if (noun != NULL && strcmp(noun, c->noun) != 0)
            continue;
        snprintf(name, sizeof name, "%s%s%s%s%s", c->noun, c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "",
                 c->args != NULL ? " " : "", c->args != NULL ? c->args : "");
        fputs("  ", t->out);
        terminal_text(t, name, 0, 30);
        terminal_text(t, c->summary, t->is_tty ? t->width - 33 : 0, 0); /* grep finds its words */
        fputc('\n', t->out);
    }
}

void help_all(const struct terminal *t)
{
    fputs("usage: tollgate [-c FILE] [--json] [--yes] COMMAND …\n\n"
          "Manages the accounts of an outbound mail relay.\n\n"
          "  -c FILE    configuration (else $TOLLGATE_CONFIG, else " TG_SYSCONFDIR "/tollgate/tollgate.conf)\n"
          "  --json     results as JSON on standard output, errors as JSON on standard error\n"
          "  --yes      answer yes where a command would ask\n"
          "  --version  the version\n\n", t->out);
    list(t, NULL);
    fputs("\ntollgate help COMMAND tells more. Exit status: 0 done, 1 failed, 2 usage, 3 not found,\n"
          "4 refused by a rule, 5 store or configuration unusable.\n\n"
          "examples:\n"
          "  tollgate init\n"
          "  tollgate account list --status disabled --json\n", t->out);
}

void help_noun(const struct terminal *t, const char *noun)
{
    fprintf(t->out, "usage: tollgate %s COMMAND …\n\n", noun);
    list(t, noun);
    fprintf(t->out, "\ntollgate help %s COMMAND tells more.\n", noun);
}

/* " (free, monthly, prepaid)"; words, so that they can be folded. */
static void choices_of(const struct opt *o, char *out, size_t size)
{
    size_t len = 0;
    *out = '\0';
    if (o->type != OPT_CHOICE)
        return;
    for (const char *c = o->choices; *c != '\0' && len < size; c += strcspn(c, "|"), c += *c == '|')
        len += (size_t)snprintf(out + len, size - len, "%s%.*s", len == 0 ? " (" : ", ", (int)strcspn(c, "|"), c);
    if (len < size)
        snprintf(out + len, size - len, ")");
}

void help_command(const struct terminal *t, const struct command *c)
{
    fputs("usage: ", t->out);
    usage_line(t->out, c);
    fprintf(t->out, "%s\n\n", c->options[0].name != NULL ? " [OPTION …]" : "");
    terminal_paragraph(t, c->summary, 0);
    if (c->options[0].name != NULL)
        fputc('\n', t->out);
    for (const struct opt *o = c->options; o->name != NULL; o++) {
        char name[80], text[600], choices[200];
        snprintf(name, sizeof name, "  --%s%s%s", o->name, o->type != OPT_FLAG ? " " : "", o->type != OPT_FLAG ? o->value : "");
        terminal_text(t, name, 0, 30);
        fputc(' ', t->out);
        choices_of(o, choices, sizeof choices);
        snprintf(text, sizeof text, "%s%s%s", o->help, choices, o->required ? "; required" : "");
        terminal_paragraph(t, text, 31);
    }
    if (c->question != NULL)
        fputs("\nAsks first, on a terminal; elsewhere it needs --yes.\n", t->out);
    fprintf(t->out, "\nexample:\n  %s\n", c->example);
}
