/* dialogue_menu.h: one of a list, by arrow keys or numbers. */
#ifndef ADMIN_DIALOGUE_MENU_H
#define ADMIN_DIALOGUE_MENU_H

#include <stddef.h>
#include "admin/dialogue_input.h"

struct menu_item {
    const char *text;
    const char *note; /* shown below while the item is pointed at; NULL: nothing */
    bool off;         /* shown, without a number, but not to be chosen */
    const char *said; /* what stays of the menu when it is chosen; NULL: its text */
};

/* At least one item is not off. *at: where it begins (off: the first that is not), and what was chosen. The menu gives way to
 * its answer, beside the label (NULL: to nothing). A list that is longer than the window is moved through it. Where the terminal
 * can't move its cursor, the list is written once and the number asked for. */
enum answer dialogue_menu(struct asker *asker, const char *label, const struct menu_item *items, size_t count,
                          struct tg_arena *arena, size_t *at);

#endif
