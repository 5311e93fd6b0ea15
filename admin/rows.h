/* rows.h: a list that may be long, printed row by row: a row is read, printed and forgotten, so that what a list needs
 * of memory does not grow with it.
 *
 * The life of a list: a handler says by struct rows where its rows are and what one looks like, and returns what rows_print
 * does; its own result stays NULL. JSON goes out as it is read. A long table is read twice, for its columns are as wide as
 * its widest cells. Both see one snapshot of the store as long as whoever reads keeps up (outlet.h); with a reader that
 * stalls the list goes on from its key in a newer one: each row is of one moment and comes once, but not all of the same.
 *
 * An error ends the list where it is: an array without its end, which no script takes for a whole one; nothing at all of
 * one that is short. */
#ifndef ADMIN_ROWS_H
#define ADMIN_ROWS_H

#include "admin/command.h"

/* Where a list is. */
struct row_place {
    struct tg_view *view; /* its arena is emptied behind each row */
    struct tg_walk *walk; /* of rows->db; NULL: none */
    uint64_t at;          /* how many were asked for before this one */
};

struct rows {
    enum tg_db db;              /* walked from its beginning; TG_DB_COUNT: none */
    struct tg_key prefix;
    const struct tg_key *from;  /* as in tg_walk_begin */
    uint64_t limit;             /* at most so many rows; 0: all */
    int64_t customer;           /* whose rows: TG_NOT_FOUND where there is no such customer; 0: everybody's */
    /* The next row, a new reference; *row stays NULL where it is not among those wanted. TG_NOT_FOUND: there is no more. */
    enum tg_code (*next)(const struct row_place *place, const void *arg, json_t **row, struct tg_error *err);
    const void *arg;            /* what `next` and `line` work with */

    const char *columns;        /* of the table; NULL: the command's */
    json_t *(*cells)(const json_t *row); /* a row as the table shows it, a new reference; NULL: as it is */
    /* For people, in place of the table; NULL: the table. */
    void (*line)(const struct terminal *terminal, const json_t *row, const void *arg);
};

enum tg_code rows_print(struct context *context, const struct input *input, const struct rows *rows, struct tg_error *err) TG_MUST_CHECK;

#endif
