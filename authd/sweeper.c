/* sweeper.c: see sweeper.h. */
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "authd/metrics.h"
#include "authd/sweeper.h"
#include "schema/log.h"
#include "schema/now.h"
#include "schema/sweep.h"
#include "schema/thread.h"

enum { FIRST_S = 3, EVERY_S = 3600 };

struct sweeper {
    struct app *app;
    struct event *timer;
    pthread_t thread;
    bool started;                 /* and not joined yet */
    atomic_bool running, stop;
    struct tg_settings *settings; /* the thread's, while it runs; else the loop's */
    struct tg_settings *replaced; /* to be freed after it */
};

/* ---- the thread ---- */

static void log_event(void *arg, const struct tg_sweep_event *event)
{
    (void)arg;
    if (event->problem)
        tg_log(TG_WARNING, "sweep-problem", "subject", event->subject, "error", event->detail, NULL);
    else
        tg_log(TG_INFO, "swept", "what", event->what, "subject", event->subject, "detail", event->detail, NULL);
}

static void log_end(const struct tg_sweep_result *result)
{
    char text[600] = "";
    size_t len = 0;
    for (int i = 0; i < TG_SWEPT_COUNTS && len < sizeof text; i++)
        if (result->count[i] > 0)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %llu", len > 0 ? ", " : "",
                                    tg_sweep_name((enum tg_sweep_count)i), (unsigned long long)result->count[i]);
    tg_log(len > 0 ? TG_INFO : TG_DEBUG, "sweep", "done", len > 0 ? text : "nothing", NULL);
}

static void *run(void *arg)
{
    struct sweeper *s = arg;
    struct tg_sweep_options options = { .courier = s->app->courier, .stop = &s->stop, .event = log_event };
    struct tg_sweep_result result;
    struct tg_error err;
    enum tg_code code = tg_sweep(s->app->store, s->settings, tg_now(), &options, &result, &err);
    metrics_sweep(s->app->metrics, code == TG_OK, tg_now());
    if (code != TG_OK)
        tg_log_error(TG_ERROR, "sweep-failed", &err);
    else
        log_end(&result);
    atomic_store(&s->running, false);
    return NULL;
}

/* ---- the loop ---- */

static void join(struct sweeper *s)
{
    if (s->started)
        pthread_join(s->thread, NULL);
    s->started = false;
    tg_settings_free(&s->replaced);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct sweeper *s = arg;
    struct timeval every = { .tv_sec = EVERY_S };
    (void)fd;
    (void)what;
    evtimer_add(s->timer, &every);
    if (atomic_load(&s->running) || atomic_load(&s->stop))
        return;
    join(s);
    s->settings = s->app->settings;
    atomic_store(&s->running, true);
    s->started = tg_thread_start(&s->thread, run, s);
    if (!s->started) {
        atomic_store(&s->running, false);
        tg_log(TG_ERROR, "sweep-failed", "error", "can't start its thread", NULL);
    }
}

struct sweeper *sweeper_new(struct app *app)
{
    struct sweeper *s = tg_xcalloc(1, sizeof *s);
    struct timeval first = { .tv_sec = FIRST_S };
    s->app = app;
    s->timer = evtimer_new(app->base, on_timer, s);
    if (s->timer == NULL)
        abort();
    evtimer_add(s->timer, &first);
    return s;
}

void sweeper_release(struct sweeper *s, struct tg_settings **settings)
{
    if (s->started && atomic_load(&s->running) && s->settings == *settings) {
        s->replaced = *settings;
        *settings = NULL;
        return;
    }
    tg_settings_free(settings);
}

void sweeper_stop(struct sweeper *s)
{
    atomic_store(&s->stop, true);
}

void sweeper_free(struct sweeper **sweeper)
{
    struct sweeper *s = *sweeper;
    if (s == NULL)
        return;
    sweeper_stop(s);
    join(s);
    event_free(s->timer);
    free(s);
    *sweeper = NULL;
}
