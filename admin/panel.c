/* panel.c: see panel.h. */
#include <string.h>
#include <time.h>
#include "admin/panel.h"
#include "admin/value.h"
#include "schema/calendar.h"

enum { DAY = 86400 };

void panel_word(const struct terminal *t, enum colour colour, const char *word)
{
    fputs(terminal_colour(t, colour), t->out);
    terminal_text(t, word, 0, 0);
    fputs(colour != PLAIN ? terminal_plain(t) : "", t->out);
}

void panel_label(const struct terminal *t, const char *name)
{
    fputs(*name != '\0' ? terminal_colour(t, BOLD) : "", t->out);
    terminal_text(t, name, 0, PANEL_LABEL);
    fputs(*name != '\0' ? terminal_plain(t) : "", t->out);
}

void panel_line(const struct terminal *t, const char *name, const char *text)
{
    panel_label(t, name);
    terminal_paragraph(t, text, PANEL_LABEL);
}

void panel_heading(const struct terminal *t, const char *text)
{
    fputc('\n', t->out);
    panel_word(t, BOLD, text);
    fputc('\n', t->out);
}

char *panel_number(long long number, char buf[PANEL_NUMBER])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", number < 0 ? -number : number);
    char *to = buf;
    if (number < 0)
        *to++ = '-';
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return buf;
}

/* In whole units, so that nobody has to count days. */
static void distance(int64_t seconds, char *out, size_t size)
{
    long long ahead = seconds < 0 ? -seconds : seconds, n = ahead / DAY;
    const char *unit = "day";
    if (n == 0) {
        n = ahead / 3600;
        unit = "hour";
    }
    if (n == 0) {
        n = ahead / 60;
        unit = "minute";
    }
    if (n == 0) {
        snprintf(out, size, "%s", seconds < 0 ? "just now" : "now");
        return;
    }
    snprintf(out, size, seconds < 0 ? "%lld %s%s ago" : "in %lld %s%s", n, unit, n == 1 ? "" : "s");
}

void panel_date(const json_t *value, int64_t now, char *out, size_t size)
{
    char when[64], far[48];
    int64_t t;
    value_text(value, when, sizeof when);
    if (!json_is_string(value) || tg_time_parse(json_string_value(value), 0, &t, NULL) != TG_OK) {
        snprintf(out, size, "%s", when);
        return;
    }
    distance(t - now - (t == now), far, sizeof far);
    snprintf(out, size, "%.10s, %s", when, far);
}

int panel_room(const struct terminal *t)
{
    return (t->is_tty ? t->width : 80) - PANEL_LABEL;
}
