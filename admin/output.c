/* output.c: see output.h. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "admin/json.h"
#include "admin/output.h"
#include "admin/table.h"
#include "schema/calendar.h"
#include "schema/text.h"

enum { GAP = 2 };

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
bool output_local_time(const char *text, char *out, size_t size)
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
        if (!output_local_time(json_string_value(value), out, size))
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

void output_table(const struct terminal *terminal, const json_t *rows, const char *columns)
{
    struct table t;
    size_t i;
    const json_t *row;
    table_begin(&t, columns);
    json_array_foreach(rows, i, row)
        table_measure(terminal, &t, row);
    if (json_array_size(rows) == 0) {
        output_nothing(terminal);
        return;
    }
    table_fit(terminal, &t);
    table_head(terminal, &t);
    json_array_foreach(rows, i, row)
        table_row(terminal, &t, row);
}

void output_nothing(const struct terminal *terminal)
{
    if (terminal->is_tty)
        fputs("nothing here yet\n", terminal->out);
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

void output_error(bool json, const struct tg_error *err)
{
    if (!json) {
        struct terminal plain = { .out = stderr, .utf8 = true };
        fputs("tollgate: ", stderr);
        terminal_text(&plain, err->text, 0, 0);
        fputc('\n', stderr);
        return;
    }
    json_t *object = json_pack("{s:{s:s, s:o}}", "error", "code", tg_code_name(err->code), "message", json_text(err->text));
    json_dumpf(object, stderr, JSON_COMPACT);
    fputc('\n', stderr);
    json_decref(object);
}
