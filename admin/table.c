/* table.c: see table.h. */
#include <string.h>
#include "admin/table.h"
#include "admin/value.h"

enum { CELL_SIZE = 400, GAP = 2, LEAST = 8 };

static void header_name(const char *key, char *out, size_t size)
{
    snprintf(out, size, "%s", key);
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '_' ? ' ' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
}

void table_begin(struct table *t, const char *columns)
{
    *t = (struct table){ 0 };
    while (*columns != '\0' && t->columns < TABLE_COLUMNS) {
        size_t len = strcspn(columns, " "), c = t->columns++;
        snprintf(t->name[c], sizeof t->name[c], "%.*s", (int)len, columns);
        t->width[c] = t->day_width[c] = (int)strlen(t->name[c]);
        t->number[c] = true;
        columns += len + (columns[len] == ' ');
    }
}

/* Money is text, so that no program takes it for a binary fraction. */
static bool is_amount(const char *name)
{
    return strcmp(name, "price") == 0 || strcmp(name, "amount") == 0;
}

static void cell_text(bool days, const json_t *value, char *out, size_t size)
{
    value_text(value, out, size);
    if (*out == '\0') /* a cell that is empty would be none for awk */
        snprintf(out, size, "-");
    if (days && json_is_string(value) && value_local_time(json_string_value(value), out, size))
        out[10] = '\0';
}

static void widen(const struct terminal *terminal, int *width, const char *cell)
{
    int columns = terminal_width(terminal, cell);
    *width = columns > *width ? columns : *width;
}

void table_measure(const struct terminal *terminal, struct table *t, const json_t *row)
{
    char cell[CELL_SIZE];
    for (size_t c = 0; c < t->columns; c++) {
        const json_t *value = json_object_get(row, t->name[c]);
        cell_text(false, value, cell, sizeof cell);
        widen(terminal, &t->width[c], cell);
        if (terminal->is_tty) {
            cell_text(true, value, cell, sizeof cell);
            widen(terminal, &t->day_width[c], cell);
        }
        t->number[c] = t->number[c] && (json_is_integer(value) || is_amount(t->name[c]));
    }
}

/* What is typed elsewhere is not cut. */
static bool is_whole(const struct table *t, size_t c)
{
    static const char *const whole[] = { "username", "ref", "time", "created", "due" };
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(t->name[c], whole[i]) == 0)
            return true;
    return t->number[c];
}

static int total_width(const struct table *t, size_t *widest)
{
    int total = -GAP, most = 0;
    for (size_t c = 0; c < t->columns; c++) {
        total += t->width[c] + GAP;
        if (t->width[c] > most && !is_whole(t, c)) {
            most = t->width[c];
            *widest = c;
        }
    }
    return total;
}

void table_fit(const struct terminal *terminal, struct table *t)
{
    size_t widest = 0;
    if (!terminal->is_tty || total_width(t, &widest) <= terminal->width)
        return;
    t->days = true;
    memcpy(t->width, t->day_width, sizeof t->width);
    while (t->columns > 0 && total_width(t, &widest) > terminal->width) {
        if (t->width[widest] > LEAST)
            t->width[widest]--;
        else if (t->columns > 1)
            t->columns--;
        else
            return;
    }
}

static void put_cell(const struct terminal *terminal, const struct table *t, size_t c, const char *cell, enum colour colour)
{
    bool last = c + 1 == t->columns;
    int width = terminal_width(terminal, cell);
    if (t->number[c])
        for (int i = width; i < t->width[c]; i++)
            fputc(' ', terminal->out);
    fputs(colour != PLAIN ? terminal_colour(terminal, colour) : "", terminal->out);
    int used = terminal_text(terminal, cell, terminal->is_tty ? t->width[c] : 0, 0);
    fputs(colour != PLAIN ? terminal_plain(terminal) : "", terminal->out);
    if (last)
        return;
    for (int i = 0; i < GAP || (!t->number[c] && i < t->width[c] + GAP - used); i++)
        fputc(' ', terminal->out);
}

void table_head(const struct terminal *terminal, const struct table *t)
{
    char cell[sizeof t->name[0]];
    for (size_t c = 0; c < t->columns; c++) {
        header_name(t->name[c], cell, sizeof cell);
        put_cell(terminal, t, c, cell, BOLD);
    }
    fputc('\n', terminal->out);
}

void table_row(const struct terminal *terminal, const struct table *t, const json_t *row)
{
    char cell[CELL_SIZE];
    for (size_t c = 0; c < t->columns; c++) {
        cell_text(t->days, json_object_get(row, t->name[c]), cell, sizeof cell);
        put_cell(terminal, t, c, cell, value_colour(cell));
    }
    fputc('\n', terminal->out);
}
