/* events.h: activity for people, one event a line, equal ones folded. */
#ifndef ADMIN_EVENTS_H
#define ADMIN_EVENTS_H

#include <jansson.h>
#include "admin/terminal.h"

/* What happened, in words: "from a@example.com, 3 recipients". */
void events_text(const json_t *event, char *out, size_t size);
/* Are they the same but for their time? */
bool events_equal(const json_t *a, const json_t *b);
/* One line, as wide as the terminal; all: of several accounts, with their usernames; date: not only the time of day. */
void events_line(const struct terminal *terminal, const json_t *event, bool all, bool date);
/* "last activities": at most ten lines of a list that is newest first; a run of equal ones is one
 * line. */
void events_render(const struct terminal *terminal, const json_t *list);

#endif
