/* settings_write.c: the sample configuration and the list of options in tollgate.conf(5), by the table. */
#include "schema/settings.h"
#include "schema/settings_parts.h"

void tg_settings_write_sample(FILE *out)
{
    fputs("# tollgate.conf: every option with its default. See tollgate.conf(5).\n"
          "# An option that is commented out has the value shown.\n", out);
    for (size_t i = 0; i < TG_OPTION_COUNT; i++) {
        const struct option_row *row = &tg_option_rows[i];
        fprintf(out, "\n# %s", row->help);
        if (row->choices != NULL)
            fprintf(out, " (%s)", row->choices);
        if (row->type == INT)
            fprintf(out, " (%ld to %ld)", row->min, row->max);
        fprintf(out, "\n#%s = %s\n", row->name, row->value);
    }
}

/* A backslash begins an escape in mdoc, a leading dot or quote a request. */
static void write_mdoc(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '"')
            fputs("\\(dq", out);
        else
            fputc(*text, out);
    }
}

void tg_settings_write_manual(FILE *out)
{
    for (size_t i = 0; i < TG_OPTION_COUNT; i++) {
        const struct option_row *row = &tg_option_rows[i];
        fprintf(out, ".It Ic %s No = ", row->name);
        write_mdoc(out, row->value);
        fputc('\n', out);
        write_mdoc(out, row->help);
        fputs(".\n", out);
        if (row->type == INT)
            fprintf(out, "Allowed: %ld to %ld.\n", row->min, row->max);
        if (row->choices == NULL)
            continue;
        fputs("Allowed: ", out);
        for (const char *c = row->choices; *c != '\0'; c++)
            fputs(*c == '|' ? ", " : (char[]){ *c, '\0' }, out);
        fputs(".\n", out);
    }
}
