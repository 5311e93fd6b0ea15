/* dialogue_menu.c: see dialogue_menu.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "admin/dialogue_menu.h"

enum { ROWS_LEAST = 3, AROUND = 8 }; /* lines that the list leaves to the rest of the screen */

struct menu {
    struct asker *asker;
    const char *label;
    const struct menu_item *items;
    size_t count, at, first; /* first: of the window on the list */
    size_t digits;           /* the number that is being typed */
    int drawn;               /* lines on the screen, to be drawn over */
};

/* What the item is called; 0: off. */
static size_t number_of_item(const struct menu *m, size_t index)
{
    size_t number = 0;
    for (size_t i = 0; i <= index; i++)
        number += !m->items[i].off;
    return m->items[index].off ? 0 : number;
}

/* m->count: there is none. */
static size_t find_number(const struct menu *m, size_t number)
{
    for (size_t i = 0; i < m->count; i++)
        if (number > 0 && number_of_item(m, i) == number)
            return i;
    return m->count;
}

static void move(struct menu *m, int step)
{
    size_t at = m->at;
    while ((step > 0 && at + 1 < m->count) || (step < 0 && at > 0)) {
        at = step > 0 ? at + 1 : at - 1;
        if (!m->items[at].off) {
            m->at = at;
            return;
        }
    }
}

/* ---- on the screen ---- */

static size_t rows(void)
{
    struct winsize size;
    size_t lines = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
    return lines > AROUND + ROWS_LEAST ? lines - AROUND : ROWS_LEAST;
}

static void item_row(const struct terminal *t, const struct menu *m, size_t i)
{
    const struct menu_item *item = &m->items[i];
    char number[24] = "";
    bool here = i == m->at;
    if (!item->off)
        snprintf(number, sizeof number, "%zu", number_of_item(m, i));
    fprintf(t->out, "  %s%s %2s  ", terminal_colour(t, here ? BOLD : item->off ? DIM : PLAIN), here ? (t->utf8 ? "❯" : ">") : " ", number);
    terminal_text(t, item->text, t->width - 9, 0);
    fprintf(t->out, "%s\n", here || item->off ? terminal_plain(t) : "");
}

/* One line: where it is longer than the window, the end is cut. */
static void dim_row(const struct terminal *t, const char *text)
{
    fprintf(t->out, "  %s", terminal_colour(t, DIM));
    terminal_text(t, text, t->width - 3, 0);
    fprintf(t->out, "%s\n", terminal_plain(t));
}

static void erase(struct menu *m)
{
    if (m->drawn > 0)
        printf("\033[%dA\r\033[J", m->drawn);
    m->drawn = 0;
}

/* What is pointed at is in the window, with the neighbours that can't be pointed at, where there is room. */
static void scroll(struct menu *m, size_t window)
{
    size_t low = m->at, high = low;
    while (low > 0 && m->items[low - 1].off)
        low--;
    while (high + 1 < m->count && m->items[high + 1].off)
        high++;
    if (high >= m->first + window)
        m->first = high - window + 1;
    if (low < m->first)
        m->first = low;
    if (m->at >= m->first + window)
        m->first = m->at - window + 1;
}

static void draw(struct menu *m)
{
    const struct terminal *t = dialogue_terminal(m->asker);
    size_t window = rows(), last;
    char more[80];
    erase(m);
    scroll(m, window);
    last = m->first + window < m->count ? m->first + window : m->count;
    if (m->label != NULL) {
        fprintf(t->out, "  %s", terminal_colour(t, BOLD));
        terminal_text(t, m->label, t->width - 3, 0);
        fprintf(t->out, "%s\n", terminal_plain(t));
        m->drawn++;
    }
    for (size_t i = m->first; i < last; i++)
        item_row(t, m, i);
    m->drawn += (int)(last - m->first);
    if (last - m->first < m->count) {
        snprintf(more, sizeof more, "     %zu to %zu of %zu", m->first + 1, last, m->count);
        dim_row(t, more);
        m->drawn++;
    }
    if (m->items[m->at].note != NULL) {
        fprintf(t->out, "     ");
        terminal_text(t, m->items[m->at].note, t->width - 6, 0);
        fputc('\n', t->out);
        m->drawn++;
    }
    dim_row(t, t->utf8 ? "↑ ↓ or its number, then Enter; < goes back" : "arrows or its number, then Enter; < goes back");
    m->drawn++;
}

/* "12" by its digits: 1 is pointed at, then 12, where there are so many. */
static void type_digit(struct menu *m, size_t digit)
{
    size_t found = find_number(m, m->digits * 10 + digit);
    if (found < m->count) {
        m->digits = m->digits * 10 + digit;
    } else {
        found = find_number(m, digit);
        m->digits = found < m->count ? digit : 0;
    }
    if (found < m->count)
        m->at = found;
    else
        fputc('\a', stdout);
}

static enum answer by_keys(struct menu *m)
{
    for (;;) {
        draw(m);
        int key = dialogue_key(m->asker);
        if (key >= '0' && key <= '9') {
            type_digit(m, (size_t)(key - '0'));
            continue;
        }
        m->digits = 0;
        switch (key) {
        case KEY_UP: move(m, -1); break;
        case KEY_DOWN: move(m, 1); break;
        case KEY_ENTER: erase(m); return ANSWERED;
        case KEY_BACK: erase(m); return BACK;
        case KEY_GONE: return GONE;
        /* Nobody knows how the terminal folded what was there. */
        case KEY_RESIZED: m->drawn = 0; break;
        default: break;
        }
    }
}

static enum answer by_line(struct menu *m, struct tg_arena *arena)
{
    const struct terminal *t = dialogue_terminal(m->asker);
    char *line, *end;
    size_t nowhere = m->at;
    m->at = m->count; /* no row is pointed at */
    if (m->label != NULL)
        fprintf(t->out, "  %s\n", m->label);
    for (size_t i = 0; i < m->count; i++)
        item_row(t, m, i);
    m->at = nowhere;
    for (;;) {
        enum answer answer = dialogue_line(m->asker, "number", NULL, arena, &line);
        if (answer != ANSWERED)
            return answer;
        size_t found = find_number(m, strtoul(line, &end, 10));
        if (*line == '\0')
            return ANSWERED;
        if (*end == '\0' && found < m->count) {
            m->at = found;
            return ANSWERED;
        }
        dialogue_tell(m->asker, RED, "that is none of the numbers above");
    }
}

enum answer dialogue_menu(struct asker *asker, const char *label, const struct menu_item *items, size_t count,
                          struct tg_arena *arena, size_t *at)
{
    const char *term = getenv("TERM");
    struct menu m = { .asker = asker, .label = label, .items = items, .count = count, .at = *at < count ? *at : 0 };
    if (items[m.at].off)
        m.at = find_number(&m, 1);
    bool plain = term == NULL || strcmp(term, "dumb") == 0;
    enum answer answer = plain ? by_line(&m, arena) : by_keys(&m);
    *at = m.at;
    if (answer == ANSWERED && label != NULL)
        dialogue_said(asker, label, items[m.at].said != NULL ? items[m.at].said : items[m.at].text);
    return answer;
}
