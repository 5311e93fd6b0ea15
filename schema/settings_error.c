/* settings_error.c: what libconfuse does not say of a file: what may stand there, and where a quote was left open. */
#include <stdio.h>
#include <string.h>
#include "schema/settings_parts.h"

/* As an option's name is mistyped most: with a dash, or in capitals. */
static bool is_meant(const char *typed, size_t len, const char *name)
{
    if (strlen(name) != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (typed[i] != name[i] && !(typed[i] == '-' && name[i] == '_') && !(typed[i] >= 'A' && typed[i] <= 'Z' && typed[i] + 32 == name[i]))
            return false;
    return true;
}

/* The option that a sentence names in quotes, or nearly. */
static const struct option_row *row_in(const char *said)
{
    const char *typed = strchr(said, '\'');
    size_t len = typed != NULL ? strcspn(typed + 1, "'") : 0;
    for (size_t i = 0; len > 0 && i < TG_OPTION_COUNT; i++)
        if (is_meant(typed + 1, len, tg_option_rows[i].name))
            return &tg_option_rows[i];
    return NULL;
}

static bool begins(const char *said, const char *with)
{
    return strncmp(said, with, strlen(with)) == 0;
}

void tg_settings_hint(const char *said, char *out, size_t size)
{
    const struct option_row *row = row_in(said);
    *out = '\0';
    if (begins(said, "no such option") && row != NULL)
        snprintf(out, size, ": is '%s' meant?", row->name);
    else if (begins(said, "no such option"))
        snprintf(out, size, " (tollgate.conf(5) lists them)");
    else if (begins(said, "invalid integer value") && row != NULL)
        snprintf(out, size, "; allowed is %ld to %ld", row->min, row->max);
    else if (begins(said, "invalid boolean value"))
        snprintf(out, size, "; allowed is true or false");
    else if (begins(said, "missing equal sign"))
        snprintf(out, size, " (a line is NAME = VALUE)");
    else if (begins(said, "premature end of file"))
        snprintf(out, size, ": a value or a closing brace is missing");
    else if (begins(said, "unexpected") || begins(said, "no sub-section"))
        snprintf(out, size, " (a line is NAME = VALUE, a list {\"a\", \"b\"})");
}

/* libconfuse takes a string to the next quote, or to the end of the file, and with it the options between. */
int tg_settings_open_quote(FILE *file)
{
    int line = 1, quote = 0, before = '\n';
    for (int c; (c = getc(file)) != EOF; before = c) {
        if (c == '\\' && quote != 0) {
            c = getc(file);
            line += c == '\n';
            c = ' ';
        } else if (c == '\n') {
            if (quote != 0)
                return line;
            line++;
        } else if (c == quote) {
            quote = 0;
        } else if (quote == 0 && (c == '"' || c == '\'')) {
            quote = c;
        } else if (quote == 0 && c == '*' && before == '/') {
            for (before = ' '; (c = getc(file)) != EOF && !(c == '/' && before == '*'); before = c)
                line += c == '\n';
        } else if (quote == 0 && (c == '#' || (c == '/' && before == '/'))) {
            while ((c = getc(file)) != EOF && c != '\n')
                continue;
            line++;
        }
    }
    return quote != 0 ? line : 0;
}
