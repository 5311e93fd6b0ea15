/* sweep_parts.h: what a step of the sweep works with. A step is a row of the table in sweep_steps.c: either a function of
 * its own, or for each account a question (in a view) and an answer (in a change). */
#ifndef TG_SWEEP_PARTS_H
#define TG_SWEEP_PARTS_H

#include "schema/mail.h"
#include "schema/sweep.h"

struct sweep {
    struct tg_store *store;
    const struct tg_settings *settings;
    struct tg_shop shop;
    int64_t now;
    const struct tg_sweep_options *options;
    uint64_t asked, to_ask;    /* questions to accounts: done, and all */
    struct tg_sweep_result *result;
    struct sweep_note *notes; /* of the running batch: told after its commit */
    size_t note_count, note_room;
};

struct sweep_note {
    enum tg_sweep_count count;
    uint64_t n;
    char subject[80], detail[200];
};

struct sweep_step {
    const char *name;
    enum tg_code (*run)(struct sweep *s, struct tg_error *err);
    enum tg_code (*is_due)(struct sweep *s, struct tg_view *view, const Tg__Account *account, bool *due, struct tg_error *err);
    enum tg_code (*apply)(struct sweep *s, struct tg_change *change, uint64_t account_id, struct tg_error *err);
};
extern const struct sweep_step sweep_steps[]; /* a NULL name ends it */

/* In a change: n of this were done. */
void sweep_note(struct sweep *s, enum tg_sweep_count count, uint64_t n, const char *subject, const char *detail);
/* Outside of any: n of this were done, and are told at once. */
void sweep_tell(struct sweep *s, enum tg_sweep_count count, uint64_t n, const char *subject, const char *detail);
/* Something could not be done. */
void sweep_problem(struct sweep *s, const char *subject, const struct tg_error *why);
bool sweep_must_stop(const struct sweep *s);
/* Runs fn in a change, which a dry run undoes; then tells what was noted. */
enum tg_code sweep_change(struct sweep *s, tg_change_fn *fn, void *arg, struct tg_error *err) TG_MUST_CHECK;

/* A step that asks each account, in batches. */
enum tg_code sweep_over_accounts(struct sweep *s, const struct sweep_step *step, struct tg_error *err) TG_MUST_CHECK;

/* Deletes the keys of a database that `next` finds, in batches and bounded views. next takes one step of the walk. TG_OK: this
 * one goes, and *from is its key. TG_REFUSED: it stays, and *from is where to go on. TG_NOT_FOUND: none is left.
 * last (or NULL) is asked in the change, before one goes: TG_OK; TG_REFUSED: it stays after all. */
typedef enum tg_code sweep_next_fn(struct sweep *s, struct tg_walk *walk, struct tg_key *from, struct tg_error *err);
typedef enum tg_code sweep_last_fn(struct tg_change *change, const struct tg_key *key, struct tg_error *err);
enum tg_code sweep_delete(struct sweep *s, enum tg_db db, struct tg_key prefix, sweep_next_fn *next, sweep_last_fn *last,
                          enum tg_sweep_count count, struct tg_error *err) TG_MUST_CHECK;

#endif
