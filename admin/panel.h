/* panel.h: the words and figures that dashboards are made of. */
#ifndef ADMIN_PANEL_H
#define ADMIN_PANEL_H

#include "admin/json.h"
#include "admin/terminal.h"

enum { PANEL_LABEL = 12, PANEL_NUMBER = 32 };

/* The left column. */
void panel_label(const struct terminal *terminal, const char *name);
/* Label, and text folded at the width. */
void panel_line(const struct terminal *terminal, const char *name, const char *text);
void panel_heading(const struct terminal *terminal, const char *text);
/* Text in a colour. */
void panel_word(const struct terminal *terminal, enum colour colour, const char *word);

/* "1,234,567"; into buf, which is returned. */
char *panel_number(long long number, char buf[PANEL_NUMBER]);
/* A time of JSON as a local date, with how far that is: "2026-12-01, in 6 days". */
void panel_date(const json_t *time, int64_t now, char *out, size_t size);
/* The columns that text has beside the label; in a pipe 80 less the label. */
int panel_room(const struct terminal *terminal);

#endif
