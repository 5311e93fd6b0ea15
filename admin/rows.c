/* rows.c: see rows.h. */
#include <stdlib.h>
#include <string.h>
#include "admin/outlet.h"
#include "admin/output.h"
#include "admin/progress.h"
#include "admin/rows.h"
#include "admin/table.h"
#include "schema/customer.h"

/* A table of no more rows than FEW is not read twice. */
enum { FEW = 100, TELL_EVERY = 256 };

struct printing {
    const struct rows *rows;
    struct tg_view *view;
    struct outlet outlet;
    struct table table;
    json_t *few;      /* cells of the first rows that were measured */
    uint64_t measured, shown;
    struct progress progress;
    uint64_t all;     /* how many are asked for before anything is printed; 0: it can't be long, or nobody knows */
};

typedef void show_fn(struct printing *p, const json_t *row);

static enum tg_code each_row(struct printing *p, struct row_place *place, show_fn *show, struct tg_error *err)
{
    const struct rows *rows = p->rows;
    enum tg_code code = TG_OK;
    for (uint64_t count = 0; code == TG_OK && (rows->limit == 0 || count < rows->limit); place->at++) {
        json_t *row = NULL;
        code = rows->next(place, rows->arg, &row, err);
        if (code == TG_OK && row != NULL) {
            show(p, row);
            count++;
        }
        json_decref(row);
        if (p->all > 0 && place->at % TELL_EVERY == TELL_EVERY - 1)
            progress_show(&p->progress, place->at, p->all);
        tg_arena_reset(tg_view_arena(p->view));
        if (code == TG_OK && outlet_due(&p->outlet))
            code = outlet_write(&p->outlet, p->view, err);
    }
    return code == TG_NOT_FOUND ? TG_OK : code;
}

/* From the first row to the last. */
static enum tg_code pass(struct printing *p, show_fn *show, struct tg_error *err)
{
    const struct rows *rows = p->rows;
    struct row_place place = { .view = p->view };
    if (rows->db == TG_DB_COUNT)
        return each_row(p, &place, show, err);
    enum tg_code code = tg_walk_begin(p->view, rows->db, &rows->prefix, rows->from, TG_FORWARD, &place.walk, err);
    if (code != TG_OK)
        return code;
    code = each_row(p, &place, show, err);
    tg_walk_end(&place.walk);
    return code;
}

/* ---- JSON: the bytes that json_dumpf would print of one array ---- */

static void show_json(struct printing *p, const json_t *row)
{
    FILE *out = p->outlet.terminal.out;
    fputc(p->shown++ == 0 ? '[' : ',', out);
    if (!p->outlet.terminal.is_tty) {
        json_dumpf(row, out, JSON_COMPACT | JSON_PRESERVE_ORDER);
        return;
    }
    char *text = json_dumps(row, JSON_INDENT(2) | JSON_COMPACT | JSON_PRESERVE_ORDER);
    for (const char *line = text; line != NULL && *line != '\0';) {
        int len = (int)strcspn(line, "\n");
        fprintf(out, "\n  %.*s", len, line);
        line += len + (line[len] == '\n');
    }
    free(text);
}

static enum tg_code print_json(struct printing *p, struct tg_error *err)
{
    enum tg_code code = pass(p, show_json, err);
    fputs(p->shown == 0 ? "[]\n" : p->outlet.terminal.is_tty ? "\n]\n" : "]\n", p->outlet.terminal.out);
    return code;
}

/* ---- for people ---- */

static void show_line(struct printing *p, const json_t *row)
{
    p->shown++;
    p->rows->line(&p->outlet.terminal, row, p->rows->arg);
}

static json_t *cells_of(const struct rows *rows, const json_t *row)
{
    return rows->cells != NULL ? rows->cells(row) : json_incref((json_t *)row);
}

static void measure_row(struct printing *p, const json_t *row)
{
    json_t *cells = cells_of(p->rows, row);
    table_measure(&p->outlet.terminal, &p->table, cells);
    if (p->measured++ < FEW)
        json_array_append(p->few, cells);
    json_decref(cells);
}

static void show_cells(struct printing *p, const json_t *cells)
{
    if (p->shown++ == 0)
        table_head(&p->outlet.terminal, &p->table);
    table_row(&p->outlet.terminal, &p->table, cells);
}

static void show_row(struct printing *p, const json_t *row)
{
    json_t *cells = cells_of(p->rows, row);
    show_cells(p, cells);
    json_decref(cells);
}

/* A terminal hears how far it is. */
static enum tg_code measure(struct printing *p, struct tg_error *err)
{
    const struct rows *rows = p->rows;
    enum tg_code code = TG_OK;
    if (rows->db != TG_DB_COUNT && rows->prefix.len == 0 && rows->from == NULL) {
        p->progress.what = tg_db_name(rows->db);
        code = tg_count(p->view, rows->db, &p->all, err);
    }
    if (code == TG_OK)
        code = pass(p, measure_row, err);
    progress_end(&p->progress);
    p->all = 0;
    return code;
}

static enum tg_code print_table(struct printing *p, const char *columns, struct tg_error *err)
{
    size_t i;
    const json_t *cells;
    p->few = json_array();
    table_begin(&p->table, columns);
    enum tg_code code = measure(p, err);
    table_fit(&p->outlet.terminal, &p->table);
    if (code == TG_OK && p->measured > FEW)
        code = pass(p, show_row, err);
    else if (code == TG_OK)
        json_array_foreach(p->few, i, cells)
            show_cells(p, cells);
    json_decref(p->few);
    return code;
}

static enum tg_code print_people(struct printing *p, const char *columns, struct tg_error *err)
{
    enum tg_code code = p->rows->line != NULL ? pass(p, show_line, err) : print_table(p, columns, err);
    if (code == TG_OK && p->shown == 0)
        output_nothing(&p->outlet.terminal);
    return code;
}

static enum tg_code check_customer(struct tg_view *view, int64_t id, struct tg_error *err)
{
    Tg__Customer *customer;
    return id == 0 ? TG_OK : tg_customer_get(view, (uint64_t)id, &customer, err);
}

enum tg_code rows_print(struct context *c, const struct input *in, const struct rows *rows, struct tg_error *err)
{
    struct printing p = { .rows = rows };
    enum tg_code code = tg_view_begin(c->store, &p.view, err);
    if (code != TG_OK)
        return code;
    if ((code = check_customer(p.view, rows->customer, err)) != TG_OK) {
        tg_view_end(&p.view);
        return code;
    }
    outlet_open(&p.outlet, c->terminal);
    code = in->json ? print_json(&p, err) : print_people(&p, rows->columns != NULL ? rows->columns : in->command->columns, err);
    tg_view_end(&p.view);
    if (code == TG_OK)
        code = outlet_write(&p.outlet, NULL, err);
    outlet_close(&p.outlet);
    return code;
}
