/* chart.c: see chart.h. */
#include <stdio.h>
#include <string.h>
#include "admin/chart.h"
#include "admin/panel.h"

enum { HIGH = 5, AXIS = 8 };

/* "1.2k", at most five columns. */
static void short_number(double n, char *out, size_t size)
{
    static const char units[] = " kMGT";
    int unit = 0;
    while (n >= 9999.5 && unit < 4) {
        n /= 1000;
        unit++;
    }
    if (unit == 0)
        snprintf(out, size, "%.0f", n);
    else
        snprintf(out, size, n < 99.95 ? "%.1f%c" : "%.0f%c", n, units[unit]);
}

/* A round number at or above, so that the scale can be read. */
static double round_up(double n)
{
    static const double steps[] = {1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10};
    double power = 1;
    if (n <= 5)
        return 5;
    while (power * 10 < n)
        power *= 10;
    for (int i = 0; i < 10; i++)
        if (steps[i] * power >= n)
            return steps[i] * power;
    return n;
}

/* What of the value is seen in this line (0: the lowest), in eighths. */
static int eighths(double value, double top, int row)
{
    int all = (int)(value / top * HIGH * 8 + 0.5);
    if (value > 0 && all == 0)
        all = 1;
    int here = all - row * 8;
    return here < 0 ? 0 : here > 8 ? 8 : here;
}

static void column(const struct terminal *t, int eight, int width)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char plain[] = " ...::###";
    for (int i = 0; i < width; i++)
        fputs(t->utf8 ? blocks[eight] : (char[]){plain[eight], '\0'}, t->out);
}

static void row(const struct terminal *t, const double *values, int count, double top, int r,
                int wide, int indent)
{
    char scale[16] = "";
    if (r == HIGH - 1)
        short_number(top, scale, sizeof scale);
    fprintf(t->out, "%*s%s%6s %s%s", indent, "", terminal_colour(t, DIM), scale,
            t->utf8 ? (r == HIGH - 1 ? "┤" : "│") : "|", terminal_plain(t));
    int last = count - 1;
    while (last >= 0 && eighths(values[last], top, r) == 0)
        last--;
    fputs(terminal_colour(t, BLUE), t->out);
    for (int i = 0; i <= last; i++) {
        /* A gap between days where there is room for one. */
        column(t, eighths(values[i], top, r), wide > 1 ? wide - 1 : 1);
        if (wide > 1 && i < last)
            fputc(' ', t->out);
    }
    fputs(terminal_plain(t), t->out);
    fputc('\n', t->out);
}

void chart_columns(const struct terminal *t, const double *values, int count, const char *first,
                   const char *last, int indent)
{
    double most = 0;
    for (int i = 0; i < count; i++)
        most = values[i] > most ? values[i] : most;
    int room = (t->is_tty ? t->width : 80) - indent - AXIS, wide = room / count;
    wide = wide < 1 ? 1 : wide > 4 ? 4 : wide;
    double top = round_up(most);
    for (int r = HIGH - 1; r >= 0; r--)
        row(t, values, count, top, r, wide, indent);
    int all = count * wide - (wide > 1);
    fprintf(t->out, "%*s%s     0 %s", indent, "", terminal_colour(t, DIM), t->utf8 ? "└" : "+");
    for (int i = 0; i < all; i++)
        fputs(t->utf8 ? "─" : "-", t->out);
    fprintf(t->out, "\n%*s%s%*s%s\n", indent + AXIS, "", first, all - (int)strlen(first), last,
            terminal_plain(t));
}

int chart_bar(const struct terminal *t, double value, double most, int width, enum colour colour)
{
    int halves = most > 0 ? (int)(value / most * width * 2 + 0.5) : 0;
    if (value > 0 && halves == 0)
        halves = 1;
    fputs(terminal_colour(t, colour), t->out);
    for (int i = 0; i < halves / 2; i++)
        fputs(t->utf8 ? "━" : "#", t->out);
    if (halves % 2 == 1)
        fputs(t->utf8 ? "╸" : halves == 1 ? "#" : " ", t->out);
    fputs(terminal_plain(t), t->out);
    return (halves + 1) / 2;
}
