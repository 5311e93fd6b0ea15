/* notes.c: see notes.h. A ring for the queue; a hash table of the accounts whose minute is running.
 */
#include <stdlib.h>
#include <string.h>
#include "schema/activity.h"
#include "schema/notes.h"

enum { MINUTE_MS = 60 * 1000, BUCKETS = 4096 };
static const int64_t minute_us = 60 * INT64_C(1000000);

/* Events of one kind and rule. */
struct fold {
    struct fold *next;
    uint64_t count;
    Tg__ActivityKind kind;
    char *rule;
    struct tg_note latest;
};

struct minute {
    struct minute *next; /* in its bucket */
    uint64_t account_id;
    int64_t number; /* of its events' time */
    int64_t deadline_ms; /* when it is over */
    unsigned whole; /* queued one by one */
    unsigned fold_count;
    struct fold *folds;
};

struct tg_notes {
    struct tg_note queue[TG_NOTES_MAX];
    size_t first, count;
    struct minute *buckets[BUCKETS];
    size_t minutes;
    int64_t deadline_ms; /* of all minutes, or earlier */
    struct tg_arena *scratch;
};

struct tg_notes *tg_notes_new(void)
{
    struct tg_notes *notes = tg_xcalloc(1, sizeof *notes);
    notes->deadline_ms = INT64_MAX;
    notes->scratch = tg_arena_new();
    return notes;
}

static struct tg_note note_make(struct tg_notes *notes, const struct tg_event_id *id,
                                const Tg__Activity *activity)
{
    Tg__Activity cut = tg_activity_cut(notes->scratch, activity);
    struct tg_note note = {
        .id = *id, .repeated = cut.repeated, .len = tg__activity__get_packed_size(&cut)};
    note.packed = tg_xmalloc(note.len);
    tg__activity__pack(&cut, note.packed);
    tg_arena_reset(notes->scratch);
    return note;
}

/* ---- the queue ---- */

static bool full(const struct tg_notes *notes)
{
    return notes->count == TG_NOTES_MAX;
}

static void push(struct tg_notes *notes, struct tg_note note)
{
    notes->queue[(notes->first + notes->count++) % TG_NOTES_MAX] = note;
}

size_t tg_notes_count(const struct tg_notes *notes)
{
    return notes->count;
}

const struct tg_note *tg_notes_at(const struct tg_notes *notes, size_t i)
{
    return &notes->queue[(notes->first + i) % TG_NOTES_MAX];
}

void tg_notes_remove(struct tg_notes *notes, size_t n)
{
    for (; n > 0; n--) {
        free(notes->queue[notes->first].packed);
        notes->queue[notes->first].packed = NULL;
        notes->first = (notes->first + 1) % TG_NOTES_MAX;
        notes->count--;
    }
}

/* ---- minutes ---- */

static struct minute **bucket_of(struct tg_notes *notes, uint64_t account_id)
{
    return &notes->buckets[account_id * UINT64_C(0x9e3779b97f4a7c15) >> 52];
}

static void fold_free(struct fold *fold)
{
    free(fold->latest.packed);
    free(fold->rule);
    free(fold);
}

/* Queues what was folded, as far as there is room: true where nothing is left. */
static bool unfold(struct tg_notes *notes, struct minute *minute)
{
    while (minute->folds != NULL) {
        struct fold *fold = minute->folds;
        if (full(notes))
            return false;
        uint64_t others = fold->count - 1;
        fold->latest.repeated = others > UINT32_MAX ? UINT32_MAX : (uint32_t)others;
        push(notes, fold->latest);
        fold->latest.packed = NULL;
        minute->folds = fold->next;
        minute->fold_count--;
        fold_free(fold);
    }
    return true;
}

static void minute_free(struct tg_notes *notes, struct minute **at)
{
    struct minute *minute = *at;
    *at = minute->next;
    while (minute->folds != NULL) {
        struct fold *fold = minute->folds;
        minute->folds = fold->next;
        fold_free(fold);
    }
    free(minute);
    notes->minutes--;
}

void tg_notes_free(struct tg_notes **notes)
{
    if (*notes == NULL)
        return;
    tg_notes_remove(*notes, (*notes)->count);
    for (size_t i = 0; i < BUCKETS; i++)
        while ((*notes)->buckets[i] != NULL)
            minute_free(*notes, &(*notes)->buckets[i]);
    tg_arena_free(&(*notes)->scratch);
    free(*notes);
    *notes = NULL;
}

/* Ends the minutes that are over at this time and sees when the next one is. One whose folds find
 * no room is tried again a little later. */
void tg_notes_expire(struct tg_notes *notes, int64_t ticks_ms)
{
    if (ticks_ms < notes->deadline_ms)
        return;
    notes->deadline_ms = INT64_MAX;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct minute **at = &notes->buckets[i];
        while (*at != NULL) {
            if ((*at)->deadline_ms <= ticks_ms && unfold(notes, *at)) {
                minute_free(notes, at);
                continue;
            }
            if ((*at)->deadline_ms <= ticks_ms)
                (*at)->deadline_ms = ticks_ms + 1000;
            if ((*at)->deadline_ms < notes->deadline_ms)
                notes->deadline_ms = (*at)->deadline_ms;
            at = &(*at)->next;
        }
    }
}

int64_t tg_notes_deadline(const struct tg_notes *notes)
{
    return notes->deadline_ms;
}

bool tg_notes_unfold(struct tg_notes *notes)
{
    bool all = true;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct minute *m = notes->buckets[i]; m != NULL; m = m->next)
            all &= unfold(notes, m);
    return all;
}

/* Makes room in the table: ends the minute that is over first. */
static void evict(struct tg_notes *notes)
{
    struct minute **oldest = NULL;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct minute **at = &notes->buckets[i]; *at != NULL; at = &(*at)->next)
            if (oldest == NULL || (*at)->deadline_ms < (*oldest)->deadline_ms)
                oldest = at;
    if (oldest != NULL && unfold(notes, *oldest))
        minute_free(notes, oldest);
}

/* The account's running minute, a new one where the event begins it; NULL where the table is full.
 * An event of an earlier minute, from a slower thread or a clock that went back, belongs to the
 * running one. */
static struct minute *minute_of(struct tg_notes *notes, const struct tg_event_id *id,
                                int64_t ticks_ms)
{
    int64_t number = id->time_us / minute_us - (id->time_us % minute_us < 0);
    struct minute **bucket = bucket_of(notes, id->account_id);
    for (struct minute **at = bucket; *at != NULL; at = &(*at)->next)
        if ((*at)->account_id == id->account_id) {
            if (number <= (*at)->number || !unfold(notes, *at))
                return *at;
            minute_free(notes, at);
            break;
        }
    if (notes->minutes == TG_NOTES_ACCOUNTS)
        evict(notes);
    if (notes->minutes == TG_NOTES_ACCOUNTS)
        return NULL;
    struct minute *minute = tg_xcalloc(1, sizeof *minute);
    *minute = (struct minute){.next = *bucket,
                              .account_id = id->account_id,
                              .number = number,
                              .deadline_ms =
                                  ticks_ms + MINUTE_MS - (id->time_us - number * minute_us) / 1000};
    if (minute->deadline_ms < notes->deadline_ms)
        notes->deadline_ms = minute->deadline_ms;
    notes->minutes++;
    return *bucket = minute;
}

/* Rules are few; should there be more, the last fold takes the rest. */
static struct fold *fold_of(struct minute *minute, const Tg__Activity *activity)
{
    for (struct fold *f = minute->folds; f != NULL; f = f->next)
        if ((f->kind == activity->kind &&
             strncmp(f->rule, activity->rule, TG_ACTIVITY_TEXT) == 0) ||
            (f->next == NULL && minute->fold_count == TG_NOTES_RULES))
            return f;
    struct fold *fold = tg_xcalloc(1, sizeof *fold);
    fold->kind = activity->kind;
    fold->rule = tg_xstrndup(activity->rule, TG_ACTIVITY_TEXT);
    fold->next = minute->folds;
    minute->folds = fold;
    minute->fold_count++;
    return fold;
}

static void fold_add(struct tg_notes *notes, struct minute *minute, const struct tg_event_id *id,
                     const Tg__Activity *activity)
{
    struct fold *fold = fold_of(minute, activity);
    fold->count += 1 + (uint64_t)activity->repeated;
    free(fold->latest.packed);
    fold->latest = note_make(notes, id, activity);
}

enum tg_noted tg_notes_add(struct tg_notes *notes, const struct tg_event_id *id,
                           const Tg__Activity *activity, int64_t ticks_ms)
{
    if (activity->kind == TG__ACTIVITY_KIND__REFUSED ||
        activity->kind == TG__ACTIVITY_KIND__AUTH_FAILED) {
        struct minute *minute = minute_of(notes, id, ticks_ms);
        if (minute != NULL && minute->whole >= TG_NOTES_WHOLE) {
            fold_add(notes, minute, id, activity);
            return TG_NOTE_FOLDED;
        }
        if (minute != NULL && !full(notes))
            minute->whole++;
    }
    if (full(notes))
        return TG_NOTE_DROPPED;
    push(notes, note_make(notes, id, activity));
    return TG_NOTE_QUEUED;
}
