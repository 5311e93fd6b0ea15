/* main.c: tollgate-milter: the order of starting, signals, the end. See tollgate-milter(8). */
#include <errno.h>
#include <fcntl.h>
#include <gmime/gmime.h>
#include <libmilter/mfapi.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "milter/callbacks.h"
#include "milter/listen.h"
#include "milter/metrics.h"
#include "milter/monitor.h"
#include "milter/options.h"
#include "milter/reported.h"
#include "schema/confine.h"
#include "schema/credential.h"
#include "schema/daemon.h"
#include "schema/detach.h"
#include "schema/log.h"
#include "schema/notify.h"
#include "schema/privilege.h"
#include "schema/service_metrics.h"
#include "schema/standard_files.h"
#include "schema/thread.h"

enum {
    SESSION_TIMEOUT_S = 7210,
    BACKLOG = 512,
    DRAIN_MS = 10000,    /* at the end: for messages under way … */
    CLOSE_MS = 10000,    /* … and for the store to answer */
    END_S = 30,          /* for the committer's last batch, which may have to wait for another writer */
    LAST_WORDS_MS = 100, /* for answers that are decided */
};

/* What waits: one octet for each signal. Written by the handler and by a smfi_main that ended by itself. */
static int wake[2];
static atomic_bool got_hup, got_term; /* the handler may run in any thread */

/* Read by the main thread while smfi_main may still be on its way out. */
static void *run_milter(void *result)
{
    int rc = smfi_main();
    atomic_store((atomic_int *)result, rc);
    kill(getpid(), SIGTERM);
    return NULL;
}

static void reload(struct filter *filter, const char *config)
{
    struct tg_settings *settings;
    struct tg_error err;
    tg_notify("RELOADING=1");
    if (tg_settings_read(config, &settings, &err) != TG_OK ||
        tg_log_open("tollgate-milter", settings->log, tg_settings_log_level(settings), &err) != TG_OK) {
        tg_log_error(TG_ERROR, "reload-failed", &err);
        tg_settings_free(&settings);
    } else {
        filter_settings_replace(filter, settings);
        tg_log(TG_INFO, "reloaded", "config", config, NULL);
    }
    tg_notify("READY=1");
}

/* libmilter has a thread that sits in sigwait and takes even SIGHUP as "stop": it would close the socket behind our back,
 * and end with messages under way. Linux gives a signal to the main thread first, but not while that has another one to
 * handle, or blocks it (sanitizers and libfaketime do at times). So libmilter finds this sigwait, not the C library's, and
 * never hears of a signal. */
int sigwait(const sigset_t *set, int *number)
{
    (void)set;
    (void)number;
    for (;;)
        pause();
}

static void on_signal(int number)
{
    int saved = errno;
    if (number == SIGHUP)
        got_hup = true;
    else
        got_term = true;
    ssize_t rc = write(wake[1], "", 1);
    (void)rc; /* full: it will wake all the same */
    errno = saved;
}

static enum tg_code handle_signals(struct tg_error *err)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_NODEFER };
    sigemptyset(&action.sa_mask);
    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
        return tg_fail(err, TG_FAILED, "can't catch signals: %s", strerror(errno));
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    listen_prepare_stop();
    tg_daemon_hold_reloads(false);
    return TG_OK;
}

static void wait_for_signal(void)
{
    struct pollfd fd = { .fd = wake[0], .events = POLLIN };
    char octets[64];
    poll(&fd, 1, -1);
    while (read(wake[0], octets, sizeof octets) > 0)
        ;
}

/* false: a callback still runs, so nothing that it uses may be freed. */
static bool stop(struct filter *filter, struct listener *listener, pthread_t thread)
{
    struct timespec last_words = { .tv_nsec = LAST_WORDS_MS * 1000000L };
    drain_begin(&filter->drain); /* first: who reads "stopping" may rely on it */
    tg_notify("STOPPING=1");
    tg_log(TG_INFO, "stopping", NULL);
    listen_stop(listener, thread);
    unsigned left = drain_wait(&filter->drain, DRAIN_MS);
    if (left > 0) {
        char messages[16];
        snprintf(messages, sizeof messages, "%u", left);
        tg_log(TG_WARNING, "stopped-late", "messages", messages, NULL);
    }
    /* libmilter writes the last answers once the callbacks have ended. */
    while (nanosleep(&last_words, &last_words) != 0 && errno == EINTR)
        ;
    bool closed = drain_close(&filter->drain, CLOSE_MS);
    if (!closed)
        tg_log(TG_ERROR, "stopped-hard", "why", "the store does not answer", NULL);
    return closed;
}

/* Sets *idle where nothing uses the filter any more. */
static int serve(struct filter *filter, struct listener *listener, const char *config, struct monitor *monitor,
                 struct tg_detached *detached, bool *idle)
{
    pthread_t thread;
    atomic_int result = MI_SUCCESS;
    struct tg_error err;
    if (monitor_serve(monitor, filter, &err) != TG_OK ||
        tg_confine_calls(filter->current->settings->seccomp, &err) != TG_OK) {
        tg_log_error(TG_ERROR, "start-failed", &err);
        return TG_FAILED;
    }
    if (!tg_thread_start(&thread, run_milter, &result)) {
        tg_log(TG_ERROR, "start-failed", "error", "no thread could be started", NULL);
        return TG_FAILED;
    }
    tg_log(TG_INFO, "ready", "listen", filter->current->settings->milter_listen.item[0], "handed-over",
           listener->made_here ? NULL : "yes", "version", PACKAGE_VERSION, NULL);
    tg_detach_ready(detached);
    tg_notify("READY=1");
    while (!got_term) {
        wait_for_signal();
        if (got_hup) {
            got_hup = false;
            reload(filter, config);
        }
    }
    /* After sixteen failures in a row, within two minutes. */
    if (atomic_load(&result) != MI_SUCCESS) {
        tg_log(TG_ERROR, "listen-failed", "error", "libmilter can't accept connections: out of descriptors or threads?", NULL);
        pthread_join(thread, NULL);
        listener->fd = -1; /* libmilter has closed it: the number may be somebody else's by now */
    }
    *idle = stop(filter, listener, thread);
    return result == MI_SUCCESS && *idle ? TG_OK : TG_FAILED;
}

/* GLib makes a class with its first object, in whatever thread that is: here, while there is only one. */
static void mime_begin(void)
{
    g_mime_init();
    const GType types[] = {
        INTERNET_ADDRESS_TYPE_MAILBOX, INTERNET_ADDRESS_TYPE_GROUP, GMIME_TYPE_PART,
        GMIME_TYPE_TEXT_PART,          GMIME_TYPE_MESSAGE_PART,     GMIME_TYPE_MESSAGE_PARTIAL,
        GMIME_TYPE_MULTIPART,          GMIME_TYPE_MULTIPART_SIGNED, GMIME_TYPE_MULTIPART_ENCRYPTED,
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        g_type_class_ref(types[i]); /* never let go, as static types aren't */
}

/* Detach, listen and drop privileges before the store is opened: it does not survive a fork. System calls are cut down
 * when all of that is done. */
static enum tg_code prepare(const struct options *options, const struct tg_settings *settings, struct filter *filter,
                            struct listener *listener, struct monitor **monitor, struct tg_detached **detached,
                            struct tg_error *err)
{
    struct tg_store_options store = { .no_sync = settings->sync == TG_SYNC_NONE };
    enum tg_code code = tg_crypto_init(err);
    tg_daemon_raise_files();
    if (code == TG_OK && options->detach)
        code = tg_detach(options->pid_file, detached, err);
    if (code == TG_OK)
        code = callbacks_register(filter, err);
    smfi_settimeout(SESSION_TIMEOUT_S);
    smfi_setbacklog(BACKLOG);
    if (code == TG_OK)
        code = listen_open(settings, listener, err);
    if (code == TG_OK)
        code = monitor_bind(settings, monitor, err);
    if (code == TG_OK)
        code = tg_daemon_own_log(settings, err);
    if (code == TG_OK)
        code = tg_privilege_drop(settings->user, err);
    if (code == TG_OK)
        code = tg_confine_process(err);
    if (code == TG_OK)
        code = tg_log_open("tollgate-milter", settings->log, tg_settings_log_level(settings), err);
    if (code == TG_OK)
        code = tg_store_open(settings->store, &store, &filter->store, err);
    if (code == TG_OK)
        code = handle_signals(err);
    if (code == TG_OK && store.no_sync)
        tg_log(TG_WARNING, "not-durable", "text", "sync = none: a power cut loses what was counted", NULL);
    return code;
}

int main(int argc, char **argv)
{
    struct options options = { 0 };
    struct tg_settings *settings;
    static struct filter filter; /* a worker of libmilter's may look into it to the very end */
    struct listener listener = { .fd = -1 };
    bool idle = true;
    struct monitor *monitor = NULL;
    struct tg_detached *detached = NULL;
    struct tg_error err;
    tg_standard_files();
    umask(077);
    tg_daemon_hold_reloads(true);
    int status = options_read(argc, argv, &options);
    if (status >= 0)
        return status;
    if (tg_settings_read(options.config, &settings, &err) != TG_OK) {
        fprintf(stderr, "tollgate-milter: %s\n", err.text);
        return TG_UNUSABLE;
    }
    if (options.test) {
        printf("%s is in order\n", settings->path);
        tg_settings_free(&settings);
        return 0;
    }
    mime_begin();
    enum tg_code code = prepare(&options, settings, &filter, &listener, &monitor, &detached, &err);
    if (code != TG_OK) {
        fprintf(stderr, "tollgate-milter: %s\n", err.text);
        if (tg_log_is_elsewhere())
            tg_log_error(TG_ERROR, "start-failed", &err);
        tg_detach_end(&detached);
        monitor_free(&monitor);
        tg_settings_free(&settings);
        return code;
    }
    filter.committer = tg_committer_new(filter.store);
    filter.metrics = metrics_new(); /* never freed: a session counts its end, to the very last */
    filter.service = tg_service_metrics_new("tollgate-milter", filter.store, filter.committer);
    filter.reported = reported_new();
    filter_begin(&filter, settings);
    status = serve(&filter, &listener, options.config, monitor, detached, &idle);
    if (!idle)
        _exit(status);
    tg_daemon_end_within(END_S);
    monitor_free(&monitor);
    tg_committer_free(&filter.committer);
    tg_service_metrics_free(&filter.service);
    reported_free(&filter.reported);
    tg_store_close(&filter.store);
    filter_end(&filter);
    g_mime_shutdown();
    tg_log(TG_INFO, "stopped", NULL);
    tg_detach_end(&detached);
    tg_log_close();
    return status;
}
