/* notes.h: events that nobody waits for, queued and sampled until the committer writes them
 * (committer.h).
 *
 * Of the refusals and failed logins of an account, the first 20 of a minute are queued; the others
 * are folded: counted by kind and rule, the latest kept. When the minute is over, each fold is
 * queued as one event that stands for all. Both the queue and the table of accounts are bounded.
 *
 * No lock of its own: whoever shares it has one. The first `n` events of the queue stay where they
 * are until tg_notes_remove, so the committer reads those without the lock while others add. Clocks
 * are milliseconds of any steady clock; an event's minute is that of its own time. */
#ifndef TG_NOTES_H
#define TG_NOTES_H

#include <stdbool.h>
#include "schema/keys.h"
#include "schema/records.pb-c.h"

enum {
    TG_NOTES_MAX = 10000, /* of the queue */
    TG_NOTES_WHOLE = 20, /* of an account in a minute, before folding */
    TG_NOTES_ACCOUNTS = 4096,
    TG_NOTES_RULES = 16, /* different folds of an account */
};

struct tg_note {
    struct tg_event_id id;
    uint32_t repeated; /* to be set in the activity */
    uint8_t *packed; /* Tg__Activity */
    size_t len;
};

struct tg_notes;
struct tg_notes *tg_notes_new(void);
void tg_notes_free(struct tg_notes **notes);

enum tg_noted { TG_NOTE_QUEUED, TG_NOTE_FOLDED, TG_NOTE_DROPPED };
/* Copies the event, its texts cut. */
enum tg_noted tg_notes_add(struct tg_notes *notes, const struct tg_event_id *id,
                           const Tg__Activity *activity, int64_t ticks_ms);

/* The queue: its length, the event at i (0: the oldest), and its first n removed. */
size_t tg_notes_count(const struct tg_notes *notes);
const struct tg_note *tg_notes_at(const struct tg_notes *notes, size_t i);
void tg_notes_remove(struct tg_notes *notes, size_t n);

/* Queues the folds of the minutes that are over, and forgets these. */
void tg_notes_expire(struct tg_notes *notes, int64_t ticks_ms);
/* When the next minute is over; INT64_MAX: none is running. */
int64_t tg_notes_deadline(const struct tg_notes *notes);
/* Queues all folds now; the minutes run on. false: the queue had not room for all. */
bool tg_notes_unfold(struct tg_notes *notes);

#endif
