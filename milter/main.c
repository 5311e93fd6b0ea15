/* main.c: tollgate-milter: options, the order of starting, signals. See tollgate-milter(8). */
#include <errno.h>
#include <getopt.h>
#include <gmime/gmime.h>
#include <libmilter/mfapi.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "milter/callbacks.h"
#include "milter/metrics.h"
#include "milter/monitor.h"
#include "schema/credential.h"
#include "schema/daemon.h"
#include "schema/detach.h"
#include "schema/handed_over.h"
#include "schema/listen_address.h"
#include "schema/log.h"
#include "schema/notify.h"
#include "schema/privilege.h"
#include "schema/service_metrics.h"

enum { SESSION_TIMEOUT_S = 7210, BACKLOG = 512 };

static const char usage[] =
    "usage: tollgate-milter [-c FILE] [-t] [-d [--pid-file FILE]]\n"
    "\n"
    "The mail filter: enforces account status, plan and sender domains, and routes bounces.\n"
    "\n"
    "  -c, --config FILE    configuration (default: $TOLLGATE_CONFIG, else\n"
    "                       " TG_SYSCONFDIR "/tollgate/tollgate.conf)\n"
    "  -t, --test           check the configuration and exit\n"
    "  -d, --detach         go to the background once it serves\n"
    "      --pid-file FILE  with -d: where to write the process id\n"
    "  -h, --help           this text\n"
    "      --version        the version\n"
    "\n"
    "examples:\n"
    "  tollgate-milter -t -c /etc/tollgate/tollgate.conf\n"
    "  tollgate-milter -c ./tollgate.conf                # in the foreground\n"
    "\n"
    "SIGHUP reloads the configuration, SIGTERM finishes what is under way and ends.\n";

struct options {
    const char *config;
    const char *pid_file;
    bool test, detach;
};

/* Returns -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct options *options)
{
    enum { PID_FILE = 256, VERSION_WANTED };
    static const struct option names[] = {
        { "config", required_argument, NULL, 'c' }, { "test", no_argument, NULL, 't' },
        { "detach", no_argument, NULL, 'd' },       { "pid-file", required_argument, NULL, PID_FILE },
        { "help", no_argument, NULL, 'h' },         { "version", no_argument, NULL, VERSION_WANTED },
        { 0 },
    };
    for (int c; (c = getopt_long(argc, argv, "c:tdh", names, NULL)) != -1;) {
        switch (c) {
        case 'c': options->config = optarg; break;
        case 't': options->test = true; break;
        case 'd': options->detach = true; break;
        case 'h': fputs(usage, stdout); return 0;
        case PID_FILE: options->pid_file = optarg; break;
        case VERSION_WANTED: puts("tollgate-milter " PACKAGE_VERSION); return 0;
        default: fputs("try tollgate-milter --help\n", stderr); return TG_USAGE;
        }
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "tollgate-milter: unexpected argument '%s'\n", argv[optind]);
    return TG_USAGE;
}

/* libmilter's way of writing an address. */
static void milter_address(const struct tg_listen *listen, char *out, size_t size)
{
    if (listen->is_unix)
        snprintf(out, size, "unix:%s", listen->path);
    else
        snprintf(out, size, "%s:%u@%s", strchr(listen->host, ':') != NULL ? "inet6" : "inet", listen->port, listen->host);
}

/* libmilter takes a socket that listens already as fd:N. */
static enum tg_code open_handed_over(int fd, const char *text, struct tg_error *err)
{
    char address[16];
    snprintf(address, sizeof address, "fd:%d", fd);
    if (smfi_setconn(address) != MI_SUCCESS || smfi_opensocket(0) != MI_SUCCESS)
        return tg_fail(err, TG_UNUSABLE, "can't listen on %s, which was handed over: libmilter refused it", text);
    return TG_OK;
}

static enum tg_code open_socket(const struct tg_settings *settings, struct tg_error *err)
{
    const char *text = settings->milter_listen.item[0];
    struct tg_socket_address socket_address;
    struct tg_listen listen;
    char address[256];
    if (!tg_listen_parse(text, &listen))
        return tg_fail(err, TG_UNUSABLE, "milter_listen is no address");
    enum tg_code code = tg_socket_resolve(&listen, text, &socket_address, err);
    if (code != TG_OK)
        return code;
    int fd = tg_handed_over(&socket_address);
    if (fd >= 0)
        return open_handed_over(fd, text, err);
    if (listen.is_unix && (code = tg_socket_make_room(listen.path, err)) != TG_OK)
        return code;
    milter_address(&listen, address, sizeof address);
    mode_t old = umask(0177);
    bool opened = smfi_setconn(address) == MI_SUCCESS && smfi_opensocket(0) == MI_SUCCESS;
    umask(old);
    if (!opened)
        return tg_fail(err, TG_UNUSABLE, "can't listen on %s: %s", text,
                       errno != 0 ? strerror(errno) : "libmilter refused it");
    return listen.is_unix ? tg_socket_permissions(listen.path, settings, err) : TG_OK;
}

static void *run_milter(void *result)
{
    *(int *)result = smfi_main();
    /* However it ended, the main thread is waiting for a signal. */
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

/* The main thread keeps the signals: libmilter's own thread takes SIGHUP as "stop". They are taken by sigwait here, so
 * libmilter's thread, which waits for the same, must not be asked first: handlers in the main thread set a flag. */
static volatile sig_atomic_t got_hup, got_term;

static void on_signal(int number)
{
    if (number == SIGHUP)
        got_hup = 1;
    else
        got_term = 1;
}

static void handle_signals(sigset_t *others)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t ours;
    sigemptyset(&action.sa_mask);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&ours);
    sigaddset(&ours, SIGHUP);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    /* Blocked but while waiting, so that none comes between the look at the flags and the wait. */
    pthread_sigmask(SIG_BLOCK, &ours, others);
}

static int serve(struct filter *filter, const char *config, struct monitor *monitor, struct tg_detached *detached)
{
    sigset_t while_waiting;
    pthread_t thread;
    int result = MI_FAILURE;
    struct tg_error err;
    handle_signals(&while_waiting);
    if (monitor_serve(monitor, filter, &err) != TG_OK) {
        tg_log_error(TG_ERROR, "start-failed", &err);
        return TG_FAILED;
    }
    if (pthread_create(&thread, NULL, run_milter, &result) != 0) {
        tg_log(TG_ERROR, "start-failed", "error", "no thread could be started", NULL);
        return TG_FAILED;
    }
    tg_log(TG_INFO, "ready", "listen", filter->current->settings->milter_listen.item[0], "version", PACKAGE_VERSION, NULL);
    tg_detach_ready(detached);
    tg_notify("READY=1");
    while (!got_term) {
        sigsuspend(&while_waiting);
        if (got_hup) {
            got_hup = 0;
            reload(filter, config);
        }
    }
    tg_notify("STOPPING=1");
    tg_log(TG_INFO, "stopping", NULL);
    smfi_stop();
    pthread_join(thread, NULL);
    return result == MI_SUCCESS ? TG_OK : TG_FAILED;
}

/* Detach, listen and drop privileges before the store is opened: it does not survive a fork. */
static enum tg_code prepare(const struct options *options, const struct tg_settings *settings, struct filter *filter,
                            struct monitor **monitor, struct tg_detached **detached, struct tg_error *err)
{
    struct tg_store_options store = { .no_sync = settings->sync == TG_SYNC_NONE };
    enum tg_code code = tg_crypto_init(err);
    if (code == TG_OK && options->detach)
        code = tg_detach(options->pid_file, detached, err);
    if (code == TG_OK)
        code = callbacks_register(filter, err);
    smfi_settimeout(SESSION_TIMEOUT_S);
    smfi_setbacklog(BACKLOG);
    if (code == TG_OK)
        code = open_socket(settings, err);
    if (code == TG_OK)
        code = monitor_bind(settings, monitor, err);
    if (code == TG_OK)
        code = tg_daemon_own_log(settings, err);
    if (code == TG_OK)
        code = tg_privilege_drop(settings->user, err);
    if (code == TG_OK)
        code = tg_log_open("tollgate-milter", settings->log, tg_settings_log_level(settings), err);
    if (code == TG_OK)
        code = tg_store_open(settings->store, &store, &filter->store, err);
    if (code == TG_OK && store.no_sync)
        tg_log(TG_WARNING, "not-durable", "text", "sync = none: a power cut loses what was counted", NULL);
    return code;
}

int main(int argc, char **argv)
{
    struct options options = { 0 };
    struct tg_settings *settings;
    struct filter filter = { 0 };
    struct monitor *monitor = NULL;
    struct tg_detached *detached = NULL;
    struct tg_error err;
    int status = read_options(argc, argv, &options);
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
    g_mime_init();
    enum tg_code code = prepare(&options, settings, &filter, &monitor, &detached, &err);
    if (code != TG_OK) {
        fprintf(stderr, "tollgate-milter: %s\n", err.text);
        tg_log_error(TG_ERROR, "start-failed", &err);
        monitor_free(&monitor);
        tg_settings_free(&settings);
        return code;
    }
    filter.committer = tg_committer_new(filter.store);
    filter.metrics = metrics_new();
    filter.service = tg_service_metrics_new("tollgate-milter", filter.store, filter.committer);
    filter_begin(&filter, settings);
    status = serve(&filter, options.config, monitor, detached);
    monitor_free(&monitor);
    tg_committer_free(&filter.committer);
    tg_service_metrics_free(&filter.service);
    tg_metrics_free(&filter.metrics);
    tg_store_close(&filter.store);
    filter_end(&filter);
    g_mime_shutdown();
    tg_log(TG_INFO, "stopped", NULL);
    tg_detach_end(&detached);
    tg_log_close();
    return status;
}
