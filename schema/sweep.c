/* sweep.c: see sweep.h: the order of steps, batches and dry runs. The steps are in sweep_steps.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "schema/account.h"
#include "schema/sweep_parts.h"

enum { LOOKED_AT = 500, BATCH = 50, KEYS_BATCH = 500 };

static const char *const names[TG_SWEPT_COUNTS] = {
    [TG_SWEPT_PLANS] = "plans_changed",
    [TG_SWEPT_RENEWALS] = "renewals",
    [TG_SWEPT_OVERDUE] = "overdue",
    [TG_SWEPT_ERRORS] = "errors",
    [TG_SWEPT_EXPIRED] = "expired",
    [TG_SWEPT_NOTICES] = "notices",
    [TG_SWEPT_DOMAINS] = "domains_checked",
    [TG_SWEPT_DOMAINS_FAILED] = "domains_failed",
    [TG_SWEPT_DISABLED] = "disabled",
    [TG_SWEPT_ACTIVITY] = "activity_removed",
    [TG_SWEPT_DAYS] = "days_summed_up",
    [TG_SWEPT_MAILS_REMOVED] = "mails_removed",
    [TG_SWEPT_MAILS_SENT] = "mails_sent",
    [TG_SWEPT_MAILS_FAILED] = "mails_failed",
    [TG_SWEPT_KEYS] = "keys_rotated",
};

const char *tg_sweep_name(enum tg_sweep_count count)
{
    return names[count];
}

/* ---- notes ---- */

void sweep_note(struct sweep *s, enum tg_sweep_count count, uint64_t n, const char *subject, const char *detail)
{
    if (s->note_count == s->note_room) {
        s->note_room = s->note_room * 2 + 16;
        s->notes = tg_xrealloc(s->notes, s->note_room * sizeof *s->notes);
    }
    struct sweep_note *note = &s->notes[s->note_count++];
    note->count = count;
    note->n = n;
    snprintf(note->subject, sizeof note->subject, "%s", subject);
    snprintf(note->detail, sizeof note->detail, "%s", detail);
}

static void tell_notes(struct sweep *s)
{
    for (size_t i = 0; i < s->note_count; i++) {
        const struct sweep_note *note = &s->notes[i];
        struct tg_sweep_event event = { names[note->count], note->subject, note->detail, false };
        s->result->count[note->count] += note->n;
        if (s->options->event != NULL && *note->subject != '\0')
            s->options->event(s->options->arg, &event);
    }
    s->note_count = 0;
}

void sweep_tell(struct sweep *s, enum tg_sweep_count count, uint64_t n, const char *subject, const char *detail)
{
    sweep_note(s, count, n, subject, detail);
    tell_notes(s);
}

void sweep_problem(struct sweep *s, const char *subject, const struct tg_error *why)
{
    struct tg_sweep_event event = { "problem", subject, why->text, true };
    s->result->problems++;
    if (s->options->event != NULL)
        s->options->event(s->options->arg, &event);
}

bool sweep_must_stop(const struct sweep *s)
{
    return s->options->stop != NULL && *s->options->stop;
}

/* ---- changes ---- */

struct run {
    struct sweep *s;
    tg_change_fn *fn;
    void *arg;
    bool undone;
};

static enum tg_code run_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct run *r = arg;
    r->s->note_count = 0; /* it may be run again */
    enum tg_code code = r->fn(change, r->arg, err);
    if (code == TG_OK && r->s->options->dry_run && (code = tg_change_error(change, err)) == TG_OK) {
        r->undone = true;
        return TG_REFUSED;
    }
    return code;
}

enum tg_code sweep_change(struct sweep *s, tg_change_fn *fn, void *arg, struct tg_error *err)
{
    struct run r = { s, fn, arg, false };
    enum tg_code code = tg_store_change(s->store, run_in, &r, err);
    if (r.undone && code == TG_REFUSED)
        code = TG_OK;
    if (code == TG_OK)
        tell_notes(s);
    s->note_count = 0;
    return code;
}

/* ---- accounts ---- */

struct batch {
    struct sweep *s;
    const struct sweep_step *step;
    uint64_t id[BATCH];
    size_t first, count;
};

static enum tg_code apply_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct batch *b = arg;
    for (size_t i = b->first; i < b->count; i++) {
        enum tg_code code = b->step->apply(b->s, change, b->id[i], err);
        if (code != TG_OK)
            return code;
    }
    return tg_change_error(change, err);
}

/* One that fails is left out, the others are done. */
static enum tg_code apply(struct sweep *s, struct batch *b, struct tg_error *err)
{
    if (b->count == 0 || sweep_change(s, apply_in, b, err) == TG_OK)
        return TG_OK;
    for (size_t i = 0; i < b->count; i++) {
        struct batch one = { .s = s, .step = b->step, .id = { b->id[i] }, .count = 1 };
        char subject[40];
        snprintf(subject, sizeof subject, "account %llu", (unsigned long long)b->id[i]);
        if (sweep_change(s, apply_in, &one, err) != TG_OK)
            sweep_problem(s, subject, err);
    }
    return TG_OK;
}

/* Accounts from *id on that have something to do, at most a batch of them; *id moves behind what was looked at. */
static enum tg_code find_due(struct sweep *s, struct batch *b, uint64_t *id, bool *more, struct tg_error *err)
{
    struct tg_key all = tg_key_all(), from = tg_key_id(*id);
    struct tg_view *view;
    struct tg_walk *walk;
    Tg__Account *account;
    enum tg_code code = tg_view_begin(s->store, &view, err);
    if (code != TG_OK)
        return code;
    b->count = 0;
    *more = false;
    if ((code = tg_walk_begin(view, TG_DB_ACCOUNTS, &all, &from, TG_FORWARD, &walk, err)) == TG_OK) {
        for (int i = 0; (code = tg_account_next(view, walk, TG_DB_ACCOUNTS, &account, err)) == TG_OK; i++) {
            bool due;
            struct tg_error why;
            if (i == LOOKED_AT || b->count == BATCH) {
                *more = true;
                *id = account->id;
                break;
            }
            s->asked++;
            if (b->step->is_due(s, view, account, &due, &why) != TG_OK)
                sweep_problem(s, account->username, &why);
            else if (due)
                b->id[b->count++] = account->id;
        }
        tg_walk_end(&walk);
    }
    tg_view_end(&view);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

enum tg_code sweep_over_accounts(struct sweep *s, const struct sweep_step *step, struct tg_error *err)
{
    struct batch b = { .s = s, .step = step };
    uint64_t id = 0;
    enum tg_code code = TG_OK;
    for (bool more = true; code == TG_OK && more && !sweep_must_stop(s);) {
        code = find_due(s, &b, &id, &more, err);
        if (code == TG_OK)
            code = apply(s, &b, err);
        if (s->options->progress != NULL)
            s->options->progress(s->options->progress_arg, s->asked, s->to_ask);
    }
    return code;
}

/* ---- keys that go ---- */

struct going {
    struct sweep *s;
    enum tg_db db;
    enum tg_sweep_count what;
    sweep_last_fn *last;
    struct tg_key key[KEYS_BATCH];
    size_t count;
};

static enum tg_code delete_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct going *g = arg;
    size_t gone = 0;
    for (size_t i = 0; i < g->count; i++) {
        enum tg_code code = g->last != NULL ? g->last(change, &g->key[i], err) : TG_OK;
        if (code == TG_REFUSED)
            continue;
        if (code != TG_OK)
            return code;
        tg_delete(change, g->db, &g->key[i]);
        gone++;
    }
    sweep_note(g->s, g->what, gone, "", "");
    return tg_change_error(change, err);
}

/* The key behind this one. */
static void step_over(struct tg_key *key)
{
    if (key->len < sizeof key->data)
        key->data[key->len++] = 0;
}

enum tg_code sweep_delete(struct sweep *s, enum tg_db db, struct tg_key prefix, sweep_next_fn *next, sweep_last_fn *last,
                          enum tg_sweep_count count, struct tg_error *err)
{
    struct going *g = tg_xcalloc(1, sizeof *g);
    struct tg_key from = prefix;
    enum tg_code code = TG_OK;
    *g = (struct going){ .s = s, .db = db, .what = count, .last = last };
    while (code == TG_OK && !sweep_must_stop(s)) {
        struct tg_view *view;
        struct tg_walk *walk;
        if ((code = tg_view_begin(s->store, &view, err)) != TG_OK)
            break;
        g->count = 0;
        if ((code = tg_walk_begin(view, db, &prefix, &from, TG_FORWARD, &walk, err)) == TG_OK) {
            for (int i = 0; i < LOOKED_AT && g->count < KEYS_BATCH && (code = next(s, walk, &from, err)) != TG_NOT_FOUND; i++) {
                if (code == TG_REFUSED) /* this one stays */
                    continue;
                if (code != TG_OK)
                    break;
                g->key[g->count++] = from;
                step_over(&from);
            }
            tg_walk_end(&walk);
        }
        tg_view_end(&view);
        if (code == TG_REFUSED)
            code = TG_OK;
        if ((code == TG_OK || code == TG_NOT_FOUND) && g->count > 0) {
            enum tg_code changed = sweep_change(s, delete_in, g, err);
            code = changed == TG_OK ? code : changed;
        }
    }
    free(g);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

/* ---- all steps ---- */

static void bad_template(void *arg, const char *sentence)
{
    struct tg_error why;
    tg_fail(&why, TG_USAGE, "%s", sentence);
    sweep_problem(arg, "templates", &why);
}

static enum tg_code count_questions(struct sweep *s, struct tg_error *err)
{
    struct tg_view *view;
    uint64_t accounts;
    enum tg_code code = tg_view_begin(s->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_count(view, TG_DB_ACCOUNTS, &accounts, err);
    for (const struct sweep_step *step = sweep_steps; code == TG_OK && step->name != NULL; step++)
        s->to_ask += step->run == NULL ? accounts : 0;
    tg_view_end(&view);
    return code;
}

enum tg_code tg_sweep(struct tg_store *store, const struct tg_settings *settings, int64_t now,
                      const struct tg_sweep_options *options, struct tg_sweep_result *result, struct tg_error *err)
{
    static const struct tg_sweep_options defaults;
    struct sweep s = { .store = store, .settings = settings, .now = now, .options = options != NULL ? options : &defaults,
                       .result = result };
    memset(result, 0, sizeof *result);
    struct tg_templates *templates = tg_templates_read(settings->templates, bad_template, &s);
    s.shop = tg_shop_of(settings, templates);
    enum tg_code code = count_questions(&s, err);
    for (const struct sweep_step *step = sweep_steps; code == TG_OK && step->name != NULL && !sweep_must_stop(&s); step++)
        code = step->run != NULL ? step->run(&s, err) : sweep_over_accounts(&s, step, err);
    tg_templates_free(&templates);
    free(s.notes);
    return code;
}
