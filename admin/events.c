/* events.c: see events.h. */
#include <string.h>
#include "admin/events.h"
#include "admin/panel.h"
#include "admin/value.h"

enum { LINES = 10, BEFORE_TEXT = 34 };

void events_text(const json_t *event, char *out, size_t size)
{
    const char *kind = json_text_of(event, "kind"), *reply = json_text_of(event, "reply"),
               *result = json_text_of(event, "result"), *recipient = json_text_of(event, "recipient"),
               *text = json_text_of(event, "text");
    long long recipients = json_number_of(event, "recipients");
    if (strcmp(kind, "accepted") == 0)
        snprintf(out, size, "from %.200s, %lld recipient%s",
                 *json_text_of(event, "sender") != '\0' ? json_text_of(event, "sender") : "<>", recipients,
                 recipients == 1 ? "" : "s");
    else if (*reply != '\0')
        /* Without the reference, which is for machines. */
        snprintf(out, size, "%.*s",
                 (int)(strstr(reply, " [ref ") != NULL ? strstr(reply, " [ref ") - reply
                                                       : (ptrdiff_t)strlen(reply)),
                 reply);
    else
        snprintf(out, size, "%.40s%s%.200s%s%.200s", result,
                 *result != '\0' && *recipient != '\0' ? " " : "", recipient,
                 (*result != '\0' || *recipient != '\0') && *text != '\0' ? ": " : "", text);
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
    return strcmp(json_text_of(a, key), json_text_of(b, key)) == 0;
}

bool events_equal(const json_t *a, const json_t *b)
{
    char x[600], y[600];
    events_text(a, x, sizeof x);
    events_text(b, y, sizeof y);
    return same(a, b, "kind") && same(a, b, "rule") && strcmp(x, y) == 0;
}

static void line(const struct terminal *t, const json_t *event, long long times)
{
    char when[64], what[600];
    const char *kind = json_text_of(event, "kind");
    value_text(json_object_get(event, "time"), when, sizeof when);
    events_text(event, what, sizeof what);
    fprintf(t->out, "%s%s%s  ", terminal_colour(t, DIM), when, terminal_plain(t));
    fputs(terminal_colour(t, value_colour(kind)), t->out);
    terminal_text(t, kind, 0, 11);
    fprintf(t->out, "%s ", terminal_plain(t));
    char count[32] = "";
    if (times > 1)
        snprintf(count, sizeof count, t->utf8 ? " ×%lld" : " x%lld", times);
    int room = (t->is_tty ? t->width : 0) - BEFORE_TEXT - terminal_width(t, count);
    terminal_text(t, what, t->is_tty ? room : 0, 0);
    panel_word(t, BOLD, count);
    fputc('\n', t->out);
}

void events_render(const struct terminal *t, const json_t *list)
{
    size_t count = json_array_size(list);
    if (count == 0)
        return;
    panel_heading(t, "last activities");
    int lines = 0;
    for (size_t i = 0; i < count && lines < LINES; lines++) {
        const json_t *first = json_array_get(list, i);
        long long times = 0;
        for (; i < count && events_equal(first, json_array_get(list, i)); i++)
            times += 1 + json_number_of(json_array_get(list, i), "repeated");
        line(t, first, times);
    }
}

void events_line(const struct terminal *t, const json_t *event, bool all, bool date)
{
    char when[64], what[600];
    const char *kind = json_text_of(event, "kind"), *client = json_text_of(event, "client"),
               *rule = json_text_of(event, "rule");
    long long repeated = json_number_of(event, "repeated");
    value_text(json_object_get(event, "time"), when, sizeof when);
    events_text(event, what, sizeof what);
    fprintf(t->out, "%s%s%s  %s", terminal_colour(t, DIM), when + (date ? 0 : 11), terminal_plain(t),
            terminal_colour(t, value_colour(kind)));
    terminal_text(t, kind, 0, 11);
    fputs(terminal_plain(t), t->out);
    fputc(' ', t->out);
    int used = (date ? 19 : 8) + 2 + 11 + 1;
    if (all)
        used += terminal_text(
            t, *json_text_of(event, "username") != '\0' ? json_text_of(event, "username") : "-", 0, 13);
    char tail[120] = "";
    if (*rule != '\0')
        snprintf(tail, sizeof tail, " (%.30s)", rule);
    if (repeated > 0)
        snprintf(tail + strlen(tail), sizeof tail - strlen(tail), " and %lld more", repeated);
    /* Where there is little room, what happened comes first. */
    if (*client != '\0' && (!t->is_tty || t->width >= 100))
        snprintf(tail + strlen(tail), sizeof tail - strlen(tail), " [%.45s]", client);
    int room = t->width - used - terminal_width(t, tail);
    terminal_text(t, what, t->is_tty ? room > 12 ? room : 12 : 0, 0);
    terminal_text(t, tail, 0, 0);
    fputc('\n', t->out);
}
