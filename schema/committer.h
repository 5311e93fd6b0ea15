/* committer.h: many messages, one durable transaction (DESIGN 7).
 *
 * All charges waiting at that moment are taken into one change: usage, ledger, activity and daily counters
 * together; then their sessions are woken. A lone session pays one sync, a thousand share one. The change is written by
 * the session itself where nobody else is writing, else by the committer's thread.
 * Events that nobody waits for (refusals, failed logins) ride in the next change, or make one of their own
 * after a short while; they are sampled where they flood. */
#ifndef TG_COMMITTER_H
#define TG_COMMITTER_H

#include "schema/activity.h"
#include "schema/plan.h"
#include "schema/settings.h"

struct tg_committer;

/* Starts the thread. The store must outlive the committer. */
struct tg_committer *tg_committer_new(struct tg_store *store);
/* Writes what is queued, then ends the thread. */
void tg_committer_free(struct tg_committer **committer);

struct tg_charge {
    /* in */
    struct tg_event_id id;         /* tg_event_new(account, now) */
    uint64_t units;                /* > 0 */
    uint64_t service_per_hour, service_per_day;
    const Tg__Activity *activity;  /* what to record if it is accepted */
    unsigned under_way;            /* messages that may be charged soon, this one among them: where they are many, a
                                      batch waits a moment (1 ms at most) for company; 0: nobody is waited for */
    /* out */
    enum tg_plan_outcome outcome;
    struct tg_balance balance;     /* where refused: as it stands */
};

/* Waits until the charge is on disk (fdatasync has returned). TG_OK: taken and recorded. TG_REFUSED: plan or rate
 * (charge->outcome, balance), nothing written. TG_NOT_FOUND: the account is gone or no longer enabled.
 * TG_UNUSABLE: not written, nothing may be accepted. Any thread. */
enum tg_code tg_committer_charge(struct tg_committer *committer, struct tg_charge *charge, struct tg_error *err) TG_MUST_CHECK;

/* Records an event without waiting; copies it. Of refusals and failed logins, the first 20 of an account in a
 * minute are recorded one by one; the others are counted, and once the minute is over one record for each rule
 * tells their number (Activity.repeated); the daily counters count all. Where the queue (10,000) is full, the
 * event is dropped, which is logged once a minute. Returns false where it was folded or dropped (its reference
 * will not be found). Any thread. */
bool tg_committer_note(struct tg_committer *committer, const struct tg_event_id *id, const Tg__Activity *activity);

/* Waits until what was noted before is on disk; for an orderly end and for tests. */
enum tg_code tg_committer_flush(struct tg_committer *committer, struct tg_error *err) TG_MUST_CHECK;

/* charges: answered in a batch that was written, also those refused. dropped: notes that found no room, or whose
 * account's counters are damaged. failures: batches. */
struct tg_committer_stat {
    uint64_t batches, charges, notes, dropped, failures, largest_batch;
    bool failing; /* the latest batch could not be written, within the last minute */
};
void tg_committer_stat(struct tg_committer *committer, struct tg_committer_stat *stat);

/* Calls fn from the committer's thread after each batch that was written: how many charges were in it, and how long
 * the transaction took, sync included. For metrics; it must not wait. */
void tg_committer_watch(struct tg_committer *committer, void (*fn)(void *arg, size_t charges, uint64_t ns), void *arg);

#endif
