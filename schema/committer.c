/* committer.c: see committer.h: those who write, and those who wait for them. What a batch writes is
 * in batch.c.
 *
 * A charge is a request on its caller's stack, in a list, with a semaphore of its own: each session
 * is woken once, when its own answer is there. A session that finds nobody writing writes its charge
 * itself: so where few send, none waits for another thread to be given a core. Those who came
 * meanwhile are the committer's thread's, batch after batch as long as somebody waits: handing the
 * write on from session to session would cost a switch each time. The thread also writes what nobody
 * waits for. Notes stay in their queue until their batch is on disk, so a failed batch loses none. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "schema/batch.h"
#include "schema/committer.h"
#include "schema/log.h"
#include "schema/metrics.h"
#include "schema/now.h"
#include "schema/thread.h"

enum {
    NOTES_WAIT_MS = 200, /* for company of a charge */
    RETRY_MS = 1000, /* notes alone, after a failure */
    LOG_MS = 60 * 1000, /* dropped notes and failures are logged once in this time */
    FAILING_MS = 60 * 1000, /* whoever sends no more mail here for want of readiness would else never see it mended */
    LAST_TRIES = 3, /* for what is queued at the end */
    /* A batch costs two syncs and the pages that any batch writes, so where many send it waits a
     * little for company: for a quarter of those who are expected. */
    COMPANY_FROM = 16, /* so many are expected, */
    COMPANY_BATCH = 3, /* and so many come to a batch even without waiting */
    COMPANY_SHARE = 4,
    COMPANY_COMMITS = 3, /* not longer than so many batches took lately, */
    COMPANY_US = 1000, /* nor than this */
};

/* Somebody who waits for all notes up to a number of theirs. */
struct flush {
    struct flush *next;
    sem_t done;
    bool placed; /* upto is known */
    uint64_t upto;
    enum tg_code code;
    struct tg_error err;
};

struct tg_committer {
    struct tg_store *store;
    pthread_t thread;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t work;
    pthread_cond_t company; /* waiting reached wanted */
    size_t waiting, wanted; /* charges in the list; how many are waited for (0: not now) */
    unsigned recent; /* charges in a batch lately, times 16 */
    uint64_t recent_us; /* and what it took, times 16 */
    unsigned expected; /* messages under way, as the latest charge told */
    enum { NOBODY, A_SESSION, THE_THREAD } writer; /* somebody wherever first is not NULL */
    struct tg_batch_request *first, **last;
    struct flush *flushes;
    struct tg_notes *notes;
    uint64_t notes_done; /* how many have left the queue */
    int64_t notes_due_ms; /* when the queued ones are to be written */
    int64_t wake_ms; /* until when the thread sleeps; INT64_MIN: it is awake */
    bool stopping;
    unsigned failed_in_row;
    int64_t failed_ms; /* the latest of them */
    uint64_t unlogged_drops;
    int64_t drops_logged_ms, failures_logged_ms, damage_logged_ms;
    struct tg_committer_stat stat;
    void (*watch)(void *arg, size_t charges, uint64_t ns);
    void *watch_arg;
};

static void wait_for(sem_t *done)
{
    while (sem_wait(done) != 0 && errno == EINTR)
        ;
}

/* ---- whoever writes; "locked": the lock is held ---- */

static void flush_done_locked(struct flush **at, enum tg_code code, const struct tg_error *err)
{
    struct flush *flush = *at;
    *at = flush->next;
    flush->code = code;
    if (code != TG_OK)
        flush->err = *err;
    sem_post(&flush->done);
}

/* A flush is placed behind the last fold, which may take several batches where the queue is full.
 */
static void serve_flushes_locked(struct tg_committer *c)
{
    bool unfolded = c->flushes != NULL && tg_notes_unfold(c->notes);
    struct flush **at = &c->flushes;
    while (*at != NULL) {
        if (!(*at)->placed && unfolded) {
            (*at)->placed = true;
            (*at)->upto = c->notes_done + tg_notes_count(c->notes);
        }
        if ((*at)->placed && (*at)->upto <= c->notes_done)
            flush_done_locked(at, TG_OK, NULL);
        else
            at = &(*at)->next;
    }
}

static bool due_locked(const struct tg_committer *c, int64_t now)
{
    if (c->writer != NOBODY)
        return c->writer == THE_THREAD;
    if (c->flushes != NULL)
        return true;
    if (tg_notes_count(c->notes) == 0)
        return false;
    return c->stopping || now >= c->notes_due_ms;
}

static void take_locked(struct tg_committer *c, struct tg_batch *batch)
{
    *batch = (struct tg_batch){.first = c->first, .notes = c->notes};
    struct tg_batch_request **end = &c->first;
    while (*end != NULL && batch->charge_count < TG_BATCH_CHARGES) {
        batch->charge_count++;
        end = &(*end)->next;
    }
    if (end != &c->first) {
        c->first = *end;
        *end = NULL;
        if (c->first == NULL)
            c->last = &c->first;
    }
    c->waiting -= batch->charge_count;
    batch->note_count = tg_notes_count(c->notes);
    if (batch->note_count > TG_BATCH_NOTES)
        batch->note_count = TG_BATCH_NOTES;
}

/* At most once in a while. */
static bool time_to_log(int64_t *logged_ms, int64_t now)
{
    if (now - *logged_ms < LOG_MS)
        return false;
    *logged_ms = now;
    return true;
}

static void written_locked(struct tg_committer *c, const struct tg_batch *batch, uint64_t took_us, int64_t now)
{
    c->stat.batches++;
    c->stat.charges += batch->charge_count;
    c->stat.notes += batch->note_count - batch->unwritable;
    c->stat.dropped += batch->unwritable;
    c->recent += (unsigned)batch->charge_count * 4 - c->recent / 4;
    c->recent_us += took_us * 4 - c->recent_us / 4;
    if (batch->charge_count > c->stat.largest_batch)
        c->stat.largest_batch = batch->charge_count;
    tg_notes_remove(c->notes, batch->note_count);
    c->notes_done += batch->note_count;
    if (tg_notes_count(c->notes) < TG_BATCH_NOTES)
        c->notes_due_ms = now + NOTES_WAIT_MS; /* those that came meanwhile */
    c->failed_in_row = 0;
}

static void failed_locked(struct tg_committer *c, enum tg_code code, const struct tg_error *err,
                          int64_t now)
{
    c->stat.failures++;
    c->failed_in_row++;
    c->failed_ms = now;
    c->notes_due_ms = now + RETRY_MS;
    while (c->flushes != NULL)
        flush_done_locked(&c->flushes, code, err);
}

/* What a batch may have left due, and time. Between batches only: by the one who writes. */
static void look_after_locked(struct tg_committer *c, int64_t now)
{
    size_t before = tg_notes_count(c->notes);
    tg_notes_expire(c->notes, now);
    if (c->stopping)
        tg_notes_unfold(c->notes);
    if (before == 0 && tg_notes_count(c->notes) > 0)
        c->notes_due_ms = now;
    serve_flushes_locked(c);
}

/* When the thread has to look again, nobody writing. */
static int64_t wanted_ms_locked(const struct tg_committer *c)
{
    if (c->stopping || c->flushes != NULL)
        return INT64_MIN;
    int64_t at = tg_notes_deadline(c->notes);
    return tg_notes_count(c->notes) > 0 && c->notes_due_ms < at ? c->notes_due_ms : at;
}

/* The batch is written: whose is the next? */
static void leave_locked(struct tg_committer *c)
{
    bool awake = c->writer == THE_THREAD;
    c->writer = c->first != NULL ? THE_THREAD : NOBODY;
    if (!awake && (c->writer == THE_THREAD || wanted_ms_locked(c) < c->wake_ms))
        pthread_cond_signal(&c->work);
}

/* After the posts the requests are gone: they live on their callers' stacks. */
static void answer(struct tg_batch_request *request)
{
    while (request != NULL) {
        struct tg_batch_request *next = request->next;
        sem_post(&request->done);
        request = next;
    }
}

/* One batch, by c->writer. */
static void write_batch_locked(struct tg_committer *c)
{
    struct tg_batch batch;
    struct tg_error err;
    enum tg_code code = TG_OK;
    take_locked(c, &batch);
    bool empty = batch.charge_count == 0 && batch.note_count == 0;
    uint64_t took = 0;
    if (!empty) {
        pthread_mutex_unlock(&c->lock);
        uint64_t began = tg_ticks_ns();
        code = tg_batch_write(c->store, &batch, &err);
        took = tg_ticks_ns() - began;
        pthread_mutex_lock(&c->lock);
    }
    int64_t now = tg_ticks_ms();
    if (code != TG_OK)
        failed_locked(c, code, &err, now);
    else if (!empty)
        written_locked(c, &batch, took / 1000, now);
    bool log_failure = code != TG_OK && time_to_log(&c->failures_logged_ms, now);
    bool log_damage = code == TG_OK && batch.unwritable > 0 && time_to_log(&c->damage_logged_ms, now);
    void (*watch)(void *, size_t, uint64_t) = code == TG_OK && !empty ? c->watch : NULL;
    void *watch_arg = c->watch_arg;
    look_after_locked(c, now);
    leave_locked(c);
    pthread_mutex_unlock(&c->lock);
    if (watch != NULL)
        watch(watch_arg, batch.charge_count, took);
    answer(batch.first);
    if (log_failure)
        tg_log_error(TG_ERROR, "commit-failed", &err);
    if (log_damage)
        tg_log_error(TG_ERROR, "activity-dropped", &batch.note_err);
    pthread_mutex_lock(&c->lock);
}

static bool company_locked(const struct tg_committer *c)
{
    return c->expected >= COMPANY_FROM && c->recent >= COMPANY_BATCH * 16;
}

/* By the thread: until the batch is worth its syncs. */
static void wait_for_company_locked(struct tg_committer *c)
{
    struct timespec until;
    if (c->first == NULL || !company_locked(c))
        return;
    uint64_t us = c->recent_us / 16 * COMPANY_COMMITS;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(us < COMPANY_US ? us : COMPANY_US) * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    c->wanted = c->expected / COMPANY_SHARE;
    while (c->waiting < c->wanted && !c->stopping)
        if (pthread_cond_timedwait(&c->company, &c->lock, &until) != 0)
            break;
    c->wanted = 0;
}

static void sleep_locked(struct tg_committer *c)
{
    c->wake_ms = c->writer != NOBODY ? INT64_MAX : wanted_ms_locked(c);
    if (c->wake_ms == INT64_MAX) {
        pthread_cond_wait(&c->work, &c->lock);
    } else {
        struct timespec until = {.tv_sec = (time_t)(c->wake_ms / 1000),
                                 .tv_nsec = (long)(c->wake_ms % 1000) * 1000000};
        pthread_cond_timedwait(&c->work, &c->lock, &until);
    }
    c->wake_ms = INT64_MIN;
}

/* Nothing is left to write, or it can't be written. */
static bool finished_locked(const struct tg_committer *c)
{
    if (!c->stopping || c->writer != NOBODY)
        return false;
    return tg_notes_count(c->notes) == 0 || c->failed_in_row >= LAST_TRIES;
}

static void *run(void *committer)
{
    struct tg_committer *c = committer;
    pthread_mutex_lock(&c->lock);
    for (;;) {
        int64_t now = tg_ticks_ms();
        if (c->writer == NOBODY)
            look_after_locked(c, now);
        if (finished_locked(c))
            break;
        if (due_locked(c, now)) {
            c->writer = THE_THREAD;
            wait_for_company_locked(c);
            write_batch_locked(c);
        } else {
            sleep_locked(c);
        }
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* ---- for all threads ---- */

struct tg_committer *tg_committer_new(struct tg_store *store)
{
    struct tg_committer *c = tg_xcalloc(1, sizeof *c);
    c->store = store;
    c->last = &c->first;
    c->notes = tg_notes_new();
    c->drops_logged_ms = c->failures_logged_ms = c->damage_logged_ms = INT64_MIN / 2;
    c->wake_ms = INT64_MIN;
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&c->work, &steady);
    pthread_cond_init(&c->company, &steady);
    pthread_condattr_destroy(&steady);
    pthread_mutex_init(&c->lock, NULL);
    if (!tg_thread_start(&c->thread, run, c)) {
        fputs("tollgate: can't start the committer's thread\n", stderr);
        abort();
    }
    return c;
}

void tg_committer_free(struct tg_committer **committer)
{
    struct tg_committer *c = *committer;
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    c->failed_in_row = 0;
    pthread_cond_signal(&c->work);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    if (tg_notes_count(c->notes) > 0) {
        char lost[24];
        snprintf(lost, sizeof lost, "%zu", tg_notes_count(c->notes));
        tg_log(TG_ERROR, "activity-lost", "events", lost, "why", "the store can't be written",
               NULL);
    }
    tg_notes_free(&c->notes);
    pthread_cond_destroy(&c->work);
    pthread_cond_destroy(&c->company);
    pthread_mutex_destroy(&c->lock);
    free(c);
    *committer = NULL;
}

enum tg_code tg_committer_charge(struct tg_committer *committer, struct tg_charge *charge,
                                 struct tg_error *err)
{
    struct tg_committer *c = committer;
    struct tg_batch_request request = {.charge = charge};
    if (charge->units == 0)
        return tg_fail(err, TG_UNUSABLE, "a message must be charged with one unit at least");
    sem_init(&request.done, 0, 0);
    pthread_mutex_lock(&c->lock);
    *c->last = &request;
    c->last = &request.next;
    c->expected = charge->under_way;
    if (++c->waiting == c->wanted)
        pthread_cond_signal(&c->company);
    if (c->writer == NOBODY && !company_locked(c)) {
        c->writer = A_SESSION;
        write_batch_locked(c); /* of this request */
    } else if (c->writer == NOBODY) {
        c->writer = THE_THREAD;
        pthread_cond_signal(&c->work);
    }
    pthread_mutex_unlock(&c->lock);
    wait_for(&request.done);
    sem_destroy(&request.done);
    if (request.code != TG_OK && err != NULL)
        *err = request.err;
    return request.code;
}

/* How many were dropped since that was last told, where it is time to tell. */
static uint64_t drops_to_log_locked(struct tg_committer *c, int64_t now)
{
    uint64_t drops = c->unlogged_drops;
    if (drops == 0 || !time_to_log(&c->drops_logged_ms, now))
        return 0;
    c->unlogged_drops = 0;
    return drops;
}

bool tg_committer_note(struct tg_committer *committer, const struct tg_event_id *id,
                       const Tg__Activity *activity)
{
    struct tg_committer *c = committer;
    int64_t now = tg_ticks_ms();
    pthread_mutex_lock(&c->lock);
    bool first = tg_notes_count(c->notes) == 0;
    enum tg_noted noted = tg_notes_add(c->notes, id, activity, now);
    if (first && tg_notes_count(c->notes) > 0 && c->failed_in_row == 0)
        c->notes_due_ms = now + NOTES_WAIT_MS;
    if (tg_notes_count(c->notes) >= TG_BATCH_NOTES && c->failed_in_row == 0)
        c->notes_due_ms = now;
    if (c->writer == NOBODY && wanted_ms_locked(c) < c->wake_ms)
        pthread_cond_signal(&c->work);
    if (noted == TG_NOTE_DROPPED) {
        c->stat.dropped++;
        c->unlogged_drops++;
    }
    uint64_t drops = drops_to_log_locked(c, now);
    pthread_mutex_unlock(&c->lock);
    if (drops > 0) {
        char count[24];
        snprintf(count, sizeof count, "%llu", (unsigned long long)drops);
        tg_log(TG_WARNING, "activity-dropped", "events", count, "why", "the queue is full", NULL);
    }
    return noted == TG_NOTE_QUEUED;
}

enum tg_code tg_committer_flush(struct tg_committer *committer, struct tg_error *err)
{
    struct tg_committer *c = committer;
    struct flush flush = {.placed = false};
    sem_init(&flush.done, 0, 0);
    pthread_mutex_lock(&c->lock);
    flush.next = c->flushes;
    c->flushes = &flush;
    pthread_cond_signal(&c->work);
    pthread_mutex_unlock(&c->lock);
    wait_for(&flush.done);
    sem_destroy(&flush.done);
    if (flush.code != TG_OK && err != NULL)
        *err = flush.err;
    return flush.code;
}

void tg_committer_stat(struct tg_committer *committer, struct tg_committer_stat *stat)
{
    pthread_mutex_lock(&committer->lock);
    *stat = committer->stat;
    stat->failing = committer->failed_in_row > 0 && tg_ticks_ms() - committer->failed_ms < FAILING_MS;
    pthread_mutex_unlock(&committer->lock);
}

void tg_committer_watch(struct tg_committer *committer,
                        void (*fn)(void *arg, size_t charges, uint64_t ns), void *arg)
{
    pthread_mutex_lock(&committer->lock);
    committer->watch = fn;
    committer->watch_arg = arg;
    pthread_mutex_unlock(&committer->lock);
}
