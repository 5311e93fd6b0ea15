/* table.h: a table for people: every row is measured, then every row is printed; none is kept. */
#ifndef ADMIN_TABLE_H
#define ADMIN_TABLE_H

#include <jansson.h>
#include "admin/terminal.h"

enum { TABLE_COLUMNS = 12 };

struct table {
    char name[TABLE_COLUMNS][32];
    int width[TABLE_COLUMNS];
    int day_width[TABLE_COLUMNS]; /* the same without the time of day */
    bool number[TABLE_COLUMNS];
    size_t columns;
    bool days; /* no room for the time of day */
};

/* "username status": the keys of a row, which become the headings. */
void table_begin(struct table *table, const char *columns);
void table_measure(const struct terminal *terminal, struct table *table, const json_t *row);
/* All rows are measured. Too wide for the terminal: times become days, then the widest texts give way, then the last columns. In a
 * pipe nothing does. */
void table_fit(const struct terminal *terminal, struct table *table);
void table_head(const struct terminal *terminal, const struct table *table);
/* A row that was not measured (it is newer) may stand out of its columns; in a pipe it is not cut either. */
void table_row(const struct terminal *terminal, const struct table *table, const json_t *row);

#endif
