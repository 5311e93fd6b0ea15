/* terminal.h: where output goes, and what it can show. */
#ifndef ADMIN_TERMINAL_H
#define ADMIN_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

struct terminal {
    FILE *out;
    bool is_tty, colour, utf8;
    int width;    /* columns; 80 where nobody says */
};

enum colour { PLAIN, BOLD, DIM, RED, GREEN, YELLOW, BLUE };

/* Looks at standard output, COLUMNS, NO_COLOR, TERM and the locale. */
void terminal_look(struct terminal *terminal);

/* Escape sequences, or "" where there is no colour. */
const char *terminal_colour(const struct terminal *terminal, enum colour colour);
const char *terminal_plain(const struct terminal *terminal);

/* Writes text so that nothing in it can command the terminal: controls and ill-formed octets become '?' (where the
 * locale is not UTF-8, everything beyond ASCII). At most max columns (0: all), padded to pad. Returns the columns. */
int terminal_text(const struct terminal *terminal, const char *text, int max, int pad);
/* Columns that terminal_text would use. */
int terminal_width(const struct terminal *terminal, const char *text);

/* Text from the present column `indent` on, folded between words at the terminal's width (in a pipe: one line), and the end of
 * line. On a terminal a word that is longer than a line is cut. */
void terminal_paragraph(const struct terminal *terminal, const char *text, int indent);

/* A bar of `width` columns, filled by part/whole. */
void terminal_bar(const struct terminal *terminal, double part, double whole, int width);
/* One column a value, scaled to the largest. */
void terminal_sparkline(const struct terminal *terminal, const double *values, int count);

/* Asks on the terminal; false: not a clear yes. Only where standard input and error are terminals. */
bool terminal_can_ask(void);
bool terminal_confirm(const char *question);
/* A password without echo from the terminal, else a line of standard input. false: none came. */
bool terminal_password(const char *prompt, char *out, size_t size);

#endif
