/* settings_parts.h: the table of options, for those that read a file by it and write of it. */
#ifndef TG_SETTINGS_PARTS_H
#define TG_SETTINGS_PARTS_H

#include <stdbool.h>
#include <stdio.h>

enum option_type { TEXT, LIST, INT, BOOL, CHOICE };

struct option_row {
    const char *name;
    enum option_type type;
    const char *value;                  /* default, as it stands in a file */
    const char *(*check)(const char *); /* NULL, or what is allowed */
    long min, max;
    const char *choices;
    const char *help;
};

enum {
    TG_OPTION_COUNT = 0
#define OPTION_TEXT(...) + 1
#define OPTION_LIST(...) + 1
#define OPTION_INT(...) + 1
#define OPTION_BOOL(...) + 1
#define OPTION_CHOICE(...) + 1
#include "schema/options.def"
#undef OPTION_TEXT
#undef OPTION_LIST
#undef OPTION_INT
#undef OPTION_BOOL
#undef OPTION_CHOICE
};

extern const struct option_row tg_option_rows[TG_OPTION_COUNT];

/* What to add to libconfuse's sentence: what is allowed there, or "". */
void tg_settings_hint(const char *said, char *out, size_t size);
/* The line where a quote is opened that is not closed on it (a backslash carries on to the next); 0: none. */
int tg_settings_open_quote(FILE *file);

#endif
