/* chart.h: columns over days, and bars side by side. */
#ifndef ADMIN_CHART_H
#define ADMIN_CHART_H

#include "admin/terminal.h"

/* Columns a few lines high with an axis, `indent` columns from the left; as wide as the terminal
 * allows, two to four columns a value. first and last stand under the ends. */
void chart_columns(const struct terminal *terminal, const double *values, int count,
                   const char *first, const char *last, int indent);

/* One thin bar, to half a column where the terminal can; 0: nothing. Returns its columns, at most
 * width. */
int chart_bar(const struct terminal *terminal, double value, double most, int width,
              enum colour colour);

#endif
