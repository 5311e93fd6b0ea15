/* follow.c: see follow.h. Events are written in batches and not in the order of their times, and a
 * fold comes when its minute is over: so each poll looks back over some minutes, and a table
 * remembers what was shown. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "admin/events.h"
#include "admin/follow.h"
#include "admin/json.h"
#include "admin/output.h"
#include "admin/panel.h"
#include "admin/value.h"
#include "schema/account.h"
#include "schema/activity.h"
#include "schema/now.h"

enum { POLL_MS = 300, SEEN_FIRST = 1024 };
static const int64_t look_back_us = 150 * INT64_C(1000000);

/* ---- what was shown ---- */

struct seen {
    struct tg_event_id *slot; /* open addressing; time 0: empty */
    size_t size, count;
};

static size_t place(const struct seen *s, const struct tg_event_id *id)
{
    uint64_t h = ((uint64_t)id->time_us * UINT64_C(0x9e3779b97f4a7c15)) ^
                 (id->account_id * UINT64_C(0xc2b2ae3d27d4eb4f)) ^ id->sequence;
    size_t at = (size_t)(h >> 20) & (s->size - 1);
    while (s->slot[at].time_us != 0 &&
           (s->slot[at].time_us != id->time_us || s->slot[at].sequence != id->sequence ||
            s->slot[at].account_id != id->account_id))
        at = (at + 1) & (s->size - 1);
    return at;
}

static bool has(const struct seen *s, const struct tg_event_id *id)
{
    return s->slot[place(s, id)].time_us != 0;
}

/* Grows by making anew; what is older than the look back goes then. */
static void make_room(struct seen *s, int64_t oldest_us)
{
    struct seen old = *s;
    size_t alive = 0;
    for (size_t i = 0; i < old.size; i++)
        alive += old.slot[i].time_us >= oldest_us && old.slot[i].time_us != 0;
    s->size = SEEN_FIRST;
    while (s->size < alive * 4)
        s->size *= 2;
    s->slot = tg_xcalloc(s->size, sizeof *s->slot);
    s->count = alive;
    for (size_t i = 0; i < old.size; i++)
        if (old.slot[i].time_us >= oldest_us && old.slot[i].time_us != 0)
            s->slot[place(s, &old.slot[i])] = old.slot[i];
    free(old.slot);
}

static void remember(struct seen *s, const struct tg_event_id *id, int64_t oldest_us)
{
    if (s->count * 2 >= s->size)
        make_room(s, oldest_us);
    s->slot[place(s, id)] = *id;
    s->count++;
}

/* ---- one poll ---- */

struct poll {
    struct context *context;
    const struct input *input;
    const char *kind;
    int64_t since_us;
    struct seen seen;
    json_t **events; /* new ones */
    size_t count, room;
};

static void take(struct poll *p, json_t *event)
{
    if (p->count == p->room) {
        p->room = p->room == 0 ? 64 : p->room * 2;
        p->events = tg_xrealloc(p->events, p->room * sizeof(json_t *));
    }
    p->events[p->count++] = event;
}

/* The newest events of one account. Its name is read only where there are any. */
static enum tg_code read_account(struct poll *p, struct tg_view *view, uint64_t account_id,
                                 struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(account_id);
    struct tg_walk *walk;
    struct tg_span key, value;
    struct tg_event_id id;
    const char *username = NULL;
    enum tg_code code = tg_walk_begin(view, TG_DB_ACTIVITY, &prefix, NULL, TG_BACKWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK && tg_read_event(key, &id) &&
           id.time_us >= p->since_us) {
        Tg__Activity *activity;
        if (has(&p->seen, &id))
            continue;
        remember(&p->seen, &id, p->since_us);
        if ((code = tg_unpack(view, TG_DB_ACTIVITY, value, &tg__activity__descriptor, &activity,
                              err)) != TG_OK)
            break;
        if (p->kind != NULL && strcmp(p->kind, tg_activity_kind_name(activity->kind)) != 0)
            continue;
        username = username != NULL ? username : json_username(view, account_id);
        take(p, json_activity(username, &id, activity));
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static enum tg_code next_event(struct tg_walk *walk, struct tg_event_id *id, struct tg_error *err)
{
    struct tg_span key, value;
    enum tg_code code = tg_walk_next(walk, &key, &value, err);
    if (code == TG_OK && !tg_read_event(key, id))
        return tg_fail(err, TG_UNUSABLE,
                       "damaged key in the activity log (see tollgate store check)");
    return code;
}

/* From account to account over the keys of the activity log, one seek each: to the first event of
 * the time looked at, which, where the account has none, is the next account's first. */
static enum tg_code read_all(struct poll *p, struct tg_view *view, struct tg_error *err)
{
    struct tg_key all = tg_key_all();
    struct tg_walk *walk;
    struct tg_event_id id;
    enum tg_code code = tg_walk_begin(view, TG_DB_ACTIVITY, &all, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    code = next_event(walk, &id, err);
    while (code == TG_OK) {
        uint64_t account_id = id.account_id;
        struct tg_key to =
            tg_key_event(&(struct tg_event_id){.account_id = account_id, .time_us = p->since_us});
        if (id.time_us >= p->since_us) {
            if (account_id == UINT64_MAX ||
                (code = read_account(p, view, account_id, err)) != TG_OK)
                break;
            to = tg_key_id(account_id + 1);
        }
        tg_walk_seek(walk, &to);
        code = next_event(walk, &id, err);
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static enum tg_code poll_once(struct poll *p, const char *username, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Account *account;
    p->count = 0;
    enum tg_code code = tg_view_begin(p->context->store, &view, err);
    if (code != TG_OK)
        return code;
    if (username == NULL)
        code = read_all(p, view, err);
    else if ((code = tg_account_by_username(view, username, &account, err)) == TG_OK)
        code = read_account(p, view, account->id, err);
    tg_view_end(&view);
    return code;
}

/* ---- showing ---- */

static int by_time(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    return tg_ref_compare(json_text_of(x, "ref"), json_text_of(y, "ref"));
}

/* What --since brings from other days has its date, else two nights would look like one. */
static bool is_of_today(const json_t *event)
{
    char when[64], today[16];
    time_t now = time(NULL);
    struct tm tm;
    value_text(json_object_get(event, "time"), when, sizeof when);
    return localtime_r(&now, &tm) != NULL && strftime(today, sizeof today, "%Y-%m-%d", &tm) > 0 && strncmp(when, today, 10) == 0;
}

static void show(struct poll *p, bool all)
{
    if (p->count > 0)
        qsort(p->events, p->count, sizeof *p->events, by_time);
    for (size_t i = 0; i < p->count; i++) {
        if (p->input->json) {
            json_dumpf(p->events[i], stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
            fputc('\n', stdout);
        } else {
            events_line(p->context->terminal, p->events[i], all, !is_of_today(p->events[i]));
        }
        json_decref(p->events[i]);
    }
    fflush(stdout);
}

/* ---- the loop ---- */

enum tg_code follow_activity(struct context *c, const struct input *in, const char *username,
                             const char *kind, int64_t since_us, struct tg_error *err)
{
    struct poll p = {.context = c, .input = in, .kind = kind, .since_us = since_us};
    sigset_t stop, before;
    enum tg_code code = TG_OK;
    int64_t started = tg_now_us();
    make_room(&p.seen, 0);
    /* Blocked, and waited for: no signal is lost between a poll and its pause. */
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGHUP);
    sigprocmask(SIG_BLOCK, &stop, &before);
    if (c->terminal->is_tty && !in->json)
        fputs("waiting for what happens; Ctrl-C ends\n", stderr);
    for (;;) {
        int64_t began = tg_ticks_ms();
        if ((code = poll_once(&p, username, err)) != TG_OK)
            break;
        show(&p, username == NULL);
        if (ferror(stdout))
            break; /* a full disk; where nobody reads any more, SIGPIPE ends it */
        int64_t now = tg_now_us(), oldest = now - look_back_us;
        /* What was there before it began is shown by --since only, and once. */
        p.since_us = oldest > since_us ? oldest : since_us;
        if (now < started)
            p.since_us = since_us; /* the clock was set back */
        int64_t pause_ms = tg_ticks_ms() - began;
        pause_ms = pause_ms < POLL_MS ? POLL_MS : pause_ms;
        if (sigtimedwait(&stop, NULL,
                         &(struct timespec){.tv_sec = pause_ms / 1000,
                                            .tv_nsec = pause_ms % 1000 * 1000000}) > 0)
            break;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (c->terminal->is_tty && !in->json)
        fputc('\n', stderr); /* behind the terminal's ^C */
    free(p.events);
    free(p.seen.slot);
    return code;
}
