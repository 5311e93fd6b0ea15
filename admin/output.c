/* output.c: see output.h. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "admin/output.h"
#include "schema/calendar.h"
#include "schema/text.h"

enum { COLUMNS_MAX = 12, CELL_SIZE = 400, GAP = 2, LEAST = 8 };

enum colour output_colour(const char *word)
{
    static const struct {
        const char *word;
        enum colour colour;
    } words[] = {
        { "enabled", GREEN }, { "accepted", GREEN }, { "verified", GREEN }, { "waiting", YELLOW }, { "pending", YELLOW },
        { "warning", YELLOW }, { "deferred", YELLOW }, { "bounce", YELLOW }, { "disabled", RED }, { "error", RED },
        { "refused", RED }, { "failed", RED }, { "found", GREEN }, { "missing", YELLOW }, { "wrong", RED }, { "unknown", DIM },
        { "excellent", GREEN }, { "good", GREEN }, { "fair", YELLOW }, { "poor", RED }, { "bad", RED }, { "auth-failed", RED }, { "complaint", RED },
        { "paid", GREEN }, { "sent", GREEN }, { "unpaid", YELLOW }, { "overdue", RED },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].colour;
    return PLAIN;
}

/* Times are kept in UTC and shown in the reader's zone. */
static bool local_time(const char *text, char *out, size_t size)
{
    int64_t t;
    struct tm tm;
    if (strlen(text) < 20 || text[4] != '-' || text[10] != 'T' || tg_time_parse(text, 0, &t, NULL) != TG_OK)
        return false;
    time_t seconds = (time_t)t;
    return localtime_r(&seconds, &tm) != NULL && strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm) > 0;
}

/* "company Example Ltd, vat -": what is inside, one level deep. */
static void members(const json_t *object, char *out, size_t size)
{
    const char *key;
    json_t *value;
    char one[300];
    size_t len = 0;
    snprintf(out, size, "-");
    json_object_foreach((json_t *)object, key, value) {
        if (json_is_object(value))
            continue;
        output_value(value, one, sizeof one);
        if (*one != '\0' && len < size)
            len += (size_t)snprintf(out + len, size - len, "%s%s %s", len > 0 ? ", " : "", key, one);
    }
}

void output_value(const json_t *value, char *out, size_t size)
{
    if (value == NULL || json_is_null(value)) {
        snprintf(out, size, "-");
    } else if (json_is_string(value)) {
        if (!local_time(json_string_value(value), out, size))
            snprintf(out, size, "%s", json_string_value(value));
    } else if (json_is_integer(value)) {
        snprintf(out, size, "%lld", (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        snprintf(out, size, "%s", json_is_true(value) ? "yes" : "no");
    } else if (json_is_array(value) && (json_array_size(value) == 0 || json_is_string(json_array_get(value, 0)))) {
        size_t i, len = 0;
        const json_t *one;
        snprintf(out, size, "-");
        json_array_foreach(value, i, one)
            len += len < size ? (size_t)snprintf(out + len, size - len, "%s%s", i > 0 ? ", " : "", json_string_value(one)) : 0;
    } else if (json_is_object(value)) {
        members(value, out, size);
    } else {
        char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        snprintf(out, size, "%s", dumped != NULL ? dumped : "");
        free(dumped);
    }
}

struct table {
    char name[COLUMNS_MAX][32];
    int width[COLUMNS_MAX];
    bool number[COLUMNS_MAX];
    size_t columns;
    bool days; /* no room for the time of day */
};

static void read_columns(struct table *t, const char *columns)
{
    t->columns = 0;
    while (*columns != '\0' && t->columns < COLUMNS_MAX) {
        size_t len = strcspn(columns, " ");
        snprintf(t->name[t->columns++], sizeof t->name[0], "%.*s", (int)len, columns);
        columns += len + (columns[len] == ' ');
    }
}

/* Money is text, so that no program takes it for a binary fraction. */
static bool is_amount(const char *name)
{
    return strcmp(name, "price") == 0 || strcmp(name, "amount") == 0;
}

static void cell_text(const struct table *t, const json_t *value, char *out, size_t size)
{
    output_value(value, out, size);
    if (t->days && json_is_string(value) && local_time(json_string_value(value), out, size))
        out[10] = '\0';
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

static void measure_cells(const struct terminal *terminal, struct table *t, const json_t *rows)
{
    size_t i;
    const json_t *row;
    for (size_t c = 0; c < t->columns; c++) {
        t->width[c] = (int)strlen(t->name[c]);
        t->number[c] = json_array_size(rows) > 0;
        json_array_foreach(rows, i, row) {
            char cell[CELL_SIZE];
            const json_t *value = json_object_get(row, t->name[c]);
            cell_text(t, value, cell, sizeof cell);
            int width = terminal_width(terminal, cell);
            t->width[c] = width > t->width[c] ? width : t->width[c];
            t->number[c] = t->number[c] && (json_is_integer(value) || is_amount(t->name[c]));
        }
    }
}

/* Too wide for the terminal: times become days, then the widest texts give way, then the last columns. In a pipe nothing does. */
static void measure(const struct terminal *terminal, struct table *t, const json_t *rows)
{
    size_t widest = 0;
    t->days = false;
    measure_cells(terminal, t, rows);
    if (!terminal->is_tty || total_width(t, &widest) <= terminal->width)
        return;
    t->days = true;
    measure_cells(terminal, t, rows);
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
    int used = terminal_text(terminal, cell, t->width[c], 0);
    fputs(colour != PLAIN ? terminal_plain(terminal) : "", terminal->out);
    if (last)
        return;
    for (int i = t->number[c] ? 0 : used; i < (t->number[c] ? GAP : t->width[c] + GAP); i++)
        fputc(' ', terminal->out);
}

static void header_name(const char *key, char *out, size_t size)
{
    snprintf(out, size, "%s", key);
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '_' ? ' ' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
}

void output_table(const struct terminal *terminal, const json_t *rows, const char *columns)
{
    struct table t;
    size_t i;
    const json_t *row;
    char cell[CELL_SIZE];
    read_columns(&t, columns);
    measure(terminal, &t, rows);
    if (json_array_size(rows) == 0) {
        if (terminal->is_tty)
            fputs("nothing here yet\n", terminal->out);
        return;
    }
    for (size_t c = 0; c < t.columns; c++) {
        header_name(t.name[c], cell, sizeof cell);
        put_cell(terminal, &t, c, cell, BOLD);
    }
    fputc('\n', terminal->out);
    json_array_foreach(rows, i, row) {
        for (size_t c = 0; c < t.columns; c++) {
            cell_text(&t, json_object_get(row, t.name[c]), cell, sizeof cell);
            put_cell(terminal, &t, c, cell, output_colour(cell));
        }
        fputc('\n', terminal->out);
    }
}

void output_object(const struct terminal *terminal, const json_t *object)
{
    const char *key;
    json_t *value;
    int widest = 0;
    json_object_foreach((json_t *)object, key, value)
        widest = (int)strlen(key) > widest ? (int)strlen(key) : widest;
    json_object_foreach((json_t *)object, key, value) {
        char cell[4096];
        output_value(value, cell, sizeof cell);
        terminal_text(terminal, key, 0, widest + GAP);
        const char *colour = terminal_colour(terminal, output_colour(cell));
        fputs(colour, terminal->out);
        terminal_text(terminal, cell, 0, 0);
        fputs(*colour != '\0' ? terminal_plain(terminal) : "", terminal->out);
        fputc('\n', terminal->out);
    }
}

void output_result(const struct terminal *terminal, const struct input *input, const json_t *result)
{
    if (result == NULL)
        return;
    if (input->json) {
        json_dumpf(result, terminal->out, JSON_INDENT(terminal->is_tty ? 2 : 0) | JSON_COMPACT | JSON_PRESERVE_ORDER);
        fputc('\n', terminal->out);
    } else if (input->command->render != NULL) {
        input->command->render(terminal, result);
    } else if (json_is_array(result)) {
        output_table(terminal, result, input->command->columns);
    } else {
        output_object(terminal, result);
    }
}

/* JSON is UTF-8; what was typed, or cut in the middle of a character, need not be. */
static void well_formed(const char *text, char *out)
{
    while (*text != '\0') {
        size_t len = tg_utf8_length(text);
        if (len == 0)
            *out++ = '?';
        else
            memcpy(out, text, len), out += len;
        text += len > 0 ? len : 1;
    }
    *out = '\0';
}

void output_error(bool json, const struct tg_error *err)
{
    if (!json) {
        struct terminal plain = { .out = stderr, .utf8 = true };
        fputs("tollgate: ", stderr);
        terminal_text(&plain, err->text, 0, 0);
        fputc('\n', stderr);
        return;
    }
    char message[sizeof err->text];
    well_formed(err->text, message);
    json_t *object = json_pack("{s:{s:s, s:s}}", "error", "code", tg_code_name(err->code), "message", message);
    json_dumpf(object, stderr, JSON_COMPACT);
    fputc('\n', stderr);
    json_decref(object);
}
