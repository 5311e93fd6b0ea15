/* dialogue_input.h: lines and keys from a terminal, by libedit, so that it is left as it was found whatever happens.
 *
 * Between dialogue_open and dialogue_close the signals that would end the program are blocked and looked for beside the
 * keys, so that they count as "gone", as Ctrl-C, Ctrl-D and a terminal that is closed do. Ctrl-Z stops the program as ever. */
#ifndef ADMIN_DIALOGUE_INPUT_H
#define ADMIN_DIALOGUE_INPUT_H

#include "admin/terminal.h"
#include "schema/arena.h"

enum { DIALOGUE_LABEL = 18, DIALOGUE_INDENT = 2 };

/* GONE: nobody answers any more. */
enum answer { ANSWERED, BACK, GONE };

struct asker;

/* Are standard input and output terminals? */
bool dialogue_possible(void);

struct asker *dialogue_open(void);
void dialogue_close(struct asker **asker);
/* As it is now: a window changes its size. Valid until the next question. */
const struct terminal *dialogue_terminal(struct asker *asker);

/* One line, without blanks around it, in the arena; `given` (may be NULL) stands there to be edited. "<" alone is BACK. */
enum answer dialogue_line(struct asker *asker, const char *label, const char *given, struct tg_arena *arena, char **line);

/* A key: a digit ('0' … '9') or one of these. */
enum key { KEY_OTHER = 256, KEY_UP, KEY_DOWN, KEY_ENTER, KEY_BACK, KEY_RESIZED, KEY_GONE };
int dialogue_key(struct asker *asker);

/* Beside its label, as an answer looks. */
void dialogue_said(struct asker *asker, const char *label, const char *text);
/* Folded, indented. */
void dialogue_tell(struct asker *asker, enum colour colour, const char *text);

#endif
