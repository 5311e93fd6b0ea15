/* sweep.h: what time brings to everything in the store: renewals, expiries, overdue orders, notices, retention, keys, mails.
 *
 * tollgate-authd runs it every hour, `tollgate sweep` by hand. Walks are made in views that end after some hundred records,
 * changes in bounded batches, so that no message waits long for the store. Whatever was done is not done again: a sweep
 * that is killed in the middle is carried on by the next, and two at once do no harm. */
#ifndef TG_SWEEP_H
#define TG_SWEEP_H

#include <stdatomic.h>
#include "schema/courier.h"
#include "schema/progress.h"
#include "schema/settings.h"
#include "schema/store.h"

/* One thing that was done (in a dry run: would be): what ("renewal", a name of tg_sweep_name), with which account, order
 * or mail, in words. problem: it could not be done, and the detail says why; the sweep goes on. */
struct tg_sweep_event {
    const char *what, *subject, *detail;
    bool problem;
};
typedef void tg_sweep_fn(void *arg, const struct tg_sweep_event *event);

enum tg_sweep_count {
    TG_SWEPT_PLANS, TG_SWEPT_RENEWALS, TG_SWEPT_OVERDUE, TG_SWEPT_ERRORS, TG_SWEPT_EXPIRED, TG_SWEPT_NOTICES,
    TG_SWEPT_DOMAINS, TG_SWEPT_DOMAINS_FAILED, TG_SWEPT_DISABLED,
    TG_SWEPT_ACTIVITY, TG_SWEPT_DAYS, TG_SWEPT_MAILS_REMOVED, TG_SWEPT_MAILS_SENT, TG_SWEPT_MAILS_FAILED, TG_SWEPT_KEYS,
    TG_SWEPT_COUNTS
};
const char *tg_sweep_name(enum tg_sweep_count count); /* "plans_changed" …, keys of tollgate sweep's JSON */

struct tg_sweep_result {
    uint64_t count[TG_SWEPT_COUNTS];
    uint64_t problems;
};

struct tg_sweep_options {
    bool dry_run;              /* everything is undone again, and nothing is mailed */
    struct tg_courier *courier; /* who runs the mailer; NULL: this process */
    const atomic_bool *stop; /* where it becomes true the sweep ends after its batch; NULL: never */
    tg_sweep_fn *event;        /* NULL: nobody listens */
    void *arg;
    tg_progress_fn *progress;  /* of what is asked of accounts, most of the work; NULL: nobody looks */
    void *progress_arg;
};

/* TG_UNUSABLE: the store can't be read or written, and the rest was not done. */
enum tg_code tg_sweep(struct tg_store *store, const struct tg_settings *settings, int64_t now,
                      const struct tg_sweep_options *options, struct tg_sweep_result *result, struct tg_error *err) TG_MUST_CHECK;

#endif
