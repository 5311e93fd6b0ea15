/* main.c: tollgate-authd(8): options, privileges, signals.
 *
 * The order matters: detach, bind, drop privileges, fork off who runs the mailer, and only then open the store, for LMDB
 * does not survive a fork, and what root opened the daemon could not write. What it may do is cut down twice: to what
 * an ordinary process of its user may not (tg_confine_process), and, when all is open, to its system calls. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "authd/clean_memory.h"
#include "authd/doors.h"
#include "authd/metrics.h"
#include "authd/options.h"
#include "authd/sasl.h"
#include "authd/sweeper.h"
#include "schema/confine.h"
#include "schema/courier.h"
#include "schema/credential.h"
#include "schema/daemon.h"
#include "schema/detach.h"
#include "schema/log.h"
#include "schema/notify.h"
#include "schema/now.h"
#include "schema/privilege.h"
#include "schema/service_metrics.h"
#include "schema/standard_files.h"

enum {
    STOP_S = 5, /* for clients that don't take their last answer */
    END_S = 30, /* for the sweep's and the committer's last batch, which may have to wait for another writer */
};

struct daemon {
    struct app app;
    const char *config;
    struct tg_settings *started; /* what it runs with where that is read at start only */
    struct listeners *listeners;
    struct conns *conns;
    struct sweeper *sweeper;
    struct event *term, *interrupt, *hangup, *deadline;
    struct tg_detached *detached;
    bool served;
};

/* ---- signals ---- */

static void end_loop(void *arg)
{
    struct daemon *d = arg;
    event_base_loopexit(d->app.base, NULL);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct daemon *d = arg;
    (void)fd;
    (void)what;
    char left[24];
    snprintf(left, sizeof left, "%zu", conns_count(d->conns));
    tg_log(TG_WARNING, "stopped-late", "connections", left, NULL);
    end_loop(d);
}

static void on_stop(evutil_socket_t signal_number, short what, void *arg)
{
    struct daemon *d = arg;
    struct timeval wait = { .tv_sec = STOP_S };
    (void)signal_number;
    (void)what;
    if (evtimer_pending(d->deadline, NULL))
        return;
    tg_log(TG_INFO, "stopping", NULL);
    tg_notify("STOPPING=1");
    evtimer_add(d->deadline, &wait);
    sweeper_stop(d->sweeper);
    listeners_stop(d->listeners);
    conns_stop(d->conns, end_loop, d);
}

static enum tg_code read_again(struct daemon *d, struct tg_error *err)
{
    struct tg_settings *wanted = NULL;
    enum tg_code code = tg_settings_read(d->config, &wanted, err);
    if (code == TG_OK)
        code = sasl_offers(&wanted->mechanisms, err);
    if (code == TG_OK)
        code = tg_log_open("tollgate-authd", wanted->log, tg_settings_log_level(wanted), err);
    if (code != TG_OK) {
        tg_settings_free(&wanted);
        return code;
    }
    const char *option = doors_restart_needed(d->started, wanted);
    if (option != NULL)
        tg_log(TG_WARNING, "restart-needed", "option", option, "reason", "it is read at start only", NULL);
    if (d->app.settings != d->started)
        sweeper_release(d->sweeper, &d->app.settings);
    d->app.settings = wanted;
    return TG_OK;
}

static void on_hangup(evutil_socket_t signal_number, short what, void *arg)
{
    struct daemon *d = arg;
    struct tg_error err;
    (void)signal_number;
    (void)what;
    char state[64];
    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)tg_ticks_ms() * 1000);
    tg_notify(state);
    if (read_again(d, &err) == TG_OK)
        tg_log(TG_INFO, "reloaded", "config", d->app.settings->path, NULL);
    else
        tg_log_error(TG_ERROR, "reload-failed", &err);
    tg_notify("READY=1");
}

/* What libevent puts back at the end: a second SIGTERM must not cut off the committer's last batch. Not SIG_IGN, which
 * would throw away a signal that waits. */
static void heed_not(int number)
{
    (void)number;
}

static enum tg_code catch_signals(struct daemon *d, struct tg_error *err)
{
    static const int ours[] = { SIGTERM, SIGINT, SIGHUP };
    sigset_t held;
    signal(SIGPIPE, SIG_IGN);
    d->term = evsignal_new(d->app.base, SIGTERM, on_stop, d);
    d->interrupt = evsignal_new(d->app.base, SIGINT, on_stop, d);
    d->hangup = evsignal_new(d->app.base, SIGHUP, on_hangup, d);
    d->deadline = evtimer_new(d->app.base, on_deadline, d);
    if (d->term == NULL || d->interrupt == NULL || d->hangup == NULL || d->deadline == NULL)
        return tg_fail(err, TG_FAILED, "can't catch signals: %s", strerror(ENOMEM));
    /* One that comes in the midst of this waits for its event. */
    sigemptyset(&held);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigaddset(&held, ours[i]);
    pthread_sigmask(SIG_BLOCK, &held, NULL);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        signal(ours[i], heed_not);
    int rc = event_add(d->term, NULL) | event_add(d->interrupt, NULL) | event_add(d->hangup, NULL);
    pthread_sigmask(SIG_UNBLOCK, &held, NULL);
    return rc == 0 ? TG_OK : tg_fail(err, TG_FAILED, "can't catch signals: %s", strerror(errno));
}

/* ---- from start to end ---- */

static enum tg_code open_store(struct daemon *d, struct tg_error *err)
{
    struct tg_store_options options = { .no_sync = d->app.settings->sync == TG_SYNC_NONE };
    enum tg_code code = tg_store_open(d->app.settings->store, &options, &d->app.store, err);
    if (code != TG_OK)
        return code;
    tg_store_set_actor(d->app.store, "tollgate-authd");
    d->app.committer = tg_committer_new(d->app.store);
    if (d->app.committer == NULL)
        return tg_fail(err, TG_FAILED, "can't start the thread that writes events: %s", strerror(errno));
    d->app.throttle = throttle_new(THROTTLE_ENTRIES);
    d->app.metrics = metrics_new();
    d->app.service = tg_service_metrics_new("tollgate-authd", d->app.store, d->app.committer);
    return TG_OK;
}

static enum tg_code begin(struct daemon *d, struct tg_error *err)
{
    const struct tg_settings *settings = d->app.settings;
    tg_daemon_raise_files();
    d->listeners = listeners_new();
    enum tg_code code = doors_bind(settings, d->listeners, err);
    if (code == TG_OK)
        code = tg_daemon_own_log(settings, err);
    if (code == TG_OK)
        code = tg_privilege_drop(settings->user, err);
    if (code == TG_OK)
        code = tg_courier_start(d->config, settings->mailer, d->detached != NULL, &d->app.courier, err);
    if (code == TG_OK)
        code = tg_confine_process(err);
    /* As the user that will open it again on SIGHUP. */
    if (code == TG_OK)
        code = tg_log_open("tollgate-authd", settings->log, tg_settings_log_level(settings), err);
    if (code == TG_OK)
        code = tg_crypto_init(err);
    if (code == TG_OK)
        code = sasl_begin(&settings->mechanisms, err);
    if (code == TG_OK)
        code = open_store(d, err);
    if (code != TG_OK)
        return code;
    d->app.base = event_base_new();
    if (d->app.base == NULL)
        return tg_fail(err, TG_FAILED, "can't make an event loop: %s", strerror(errno));
    d->conns = conns_new(&d->app);
    d->sweeper = sweeper_new(&d->app);
    if ((code = catch_signals(d, err)) != TG_OK)
        return code;
    code = listeners_serve(d->listeners, d->conns, err);
    return code == TG_OK ? tg_confine_calls(settings->seccomp, err) : code;
}

static void free_event(struct event **event)
{
    if (*event != NULL)
        event_free(*event);
    *event = NULL;
}

static void end(struct daemon *d)
{
    if (d->served)
        tg_daemon_end_within(END_S);
    conns_free(&d->conns);
    sweeper_free(&d->sweeper);
    listeners_free(&d->listeners);
    free_event(&d->term);
    free_event(&d->interrupt);
    free_event(&d->hangup);
    free_event(&d->deadline);
    if (d->app.base != NULL)
        event_base_free(d->app.base);
    if (d->app.committer != NULL)
        tg_committer_free(&d->app.committer);
    tg_service_metrics_free(&d->app.service);
    tg_metrics_free(&d->app.metrics);
    throttle_free(&d->app.throttle);
    if (d->app.store != NULL)
        tg_store_close(&d->app.store);
    tg_courier_end(&d->app.courier);
    sasl_end();
    libevent_global_shutdown();
    if (d->app.settings != d->started)
        tg_settings_free(&d->app.settings);
    tg_settings_free(&d->started);
    if (d->served)
        tg_log(TG_INFO, "stopped", NULL);
    tg_detach_end(&d->detached);
    tg_log_close();
}

/* Also to standard error where the log is elsewhere: who starts a daemon by hand reads his terminal. */
static void tell(const struct tg_error *err)
{
    fprintf(stderr, "tollgate-authd: %s\n", err->text);
    if (tg_log_is_elsewhere())
        tg_log_error(TG_ERROR, "not-started", err);
}

static enum tg_code serve(struct daemon *d, const struct options *options, struct tg_error *err)
{
    enum tg_code code = TG_OK;
    if (options->detach)
        code = tg_detach(options->pid_file, &d->detached, err);
    if (code == TG_OK)
        code = begin(d, err);
    if (code != TG_OK) {
        tell(err);
        return code;
    }
    tg_log(TG_INFO, "started", "version", PACKAGE_VERSION, "config", d->app.settings->path, NULL);
    tg_detach_ready(d->detached);
    tg_notify("READY=1");
    d->served = true;
    event_base_dispatch(d->app.base);
    return TG_OK;
}

int main(int argc, char **argv)
{
    tg_standard_files();
    umask(077);
    clean_memory_begin();
    struct daemon d = { .config = NULL };
    struct options options;
    struct tg_error err;
    bool done;
    tg_daemon_hold_reloads(true);
    enum tg_code code = options_read(argc, argv, &options, &done, &err);
    if (code == TG_OK && done)
        return TG_OK;
    d.config = options.config;
    if (code == TG_OK)
        code = tg_settings_read(options.config, &d.started, &err);
    d.app.settings = d.started;
    if (code != TG_OK)
        fprintf(stderr, "tollgate-authd: %s\n", err.text);
    else if (options.check)
        printf("%s is in order\n", d.app.settings->path);
    else
        code = serve(&d, &options, &err);
    end(&d);
    return code;
}
