/* output.c: see output.h. */
#include <string.h>
#include "admin/json.h"
#include "admin/output.h"
#include "admin/table.h"
#include "admin/value.h"

enum { GAP = 2 };

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
        value_text(value, cell, sizeof cell);
        if (*cell == '\0')
            snprintf(cell, sizeof cell, "-");
        terminal_text(terminal, key, 0, widest + GAP);
        const char *colour = terminal_colour(terminal, value_colour(cell));
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
