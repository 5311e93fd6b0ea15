/* service_metrics.c: see service_metrics.h. Gauges are looked up when they are asked for. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "schema/now.h"
#include "schema/records.pb-c.h"
#include "schema/service_metrics.h"

enum {
    BUILD, READY, STORE_MAP, STORE_USED, STORE_READERS, STORE_READERS_LIMIT, STORE_RECORDS, BATCHES, CHARGES, NOTES,
    DROPPED, FAILURES, BATCH_CHARGES, COMMIT_TIME, START_TIME, CPU_TIME, RESIDENT, OPEN_FDS, MAX_FDS, METRICS,
};

struct tg_service_metrics {
    struct tg_store *store;
    struct tg_committer *committer;
    struct tg_metrics *metrics;
    struct tg_metric table[METRICS];
    const char *program[2];
    const char *database[TG_DB_COUNT + 1];
};

static const char *const version[] = { PACKAGE_VERSION, NULL };
static const uint64_t batch_bounds[] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 0 };

static const struct tg_metric rows[METRICS] = {
    [BUILD] = { "tollgate_build_info", "Always 1; the labels say which program and version this is.", TG_GAUGE,
                { { "program", NULL }, { "version", version } } },
    [READY] = { "tollgate_ready", "1 if the store can be read and written, else 0; /readyz says why.", TG_GAUGE },
    [STORE_MAP] = { "tollgate_store_map_bytes", "Size of the store's map; it grows by itself.", TG_GAUGE },
    [STORE_USED] = { "tollgate_store_used_bytes", "Part of the map that has been used; free pages within it are used again.",
                     TG_GAUGE },
    [STORE_READERS] = { "tollgate_store_readers", "Slots of the reader table that have been taken at once, of all processes.",
                        TG_GAUGE },
    [STORE_READERS_LIMIT] = { "tollgate_store_readers_limit", "Slots of the reader table.", TG_GAUGE },
    [STORE_RECORDS] = { "tollgate_store_records", "Records of each database of the store.", TG_GAUGE,
                        { { "database", NULL } } },
    [BATCHES] = { "tollgate_committer_batches_total", "Durable transactions of charges and events.", TG_COUNTER },
    [CHARGES] = { "tollgate_committer_charges_total", "Messages that were charged, or refused by their plan, in a written batch.",
                  TG_COUNTER },
    [NOTES] = { "tollgate_committer_notes_total", "Events written that nobody waited for.", TG_COUNTER },
    [DROPPED] = { "tollgate_committer_dropped_total", "Events lost because the queue was full or their account's counters damaged.",
                  TG_COUNTER },
    [FAILURES] = { "tollgate_committer_failures_total", "Batches that could not be written; their messages were deferred.",
                   TG_COUNTER },
    [BATCH_CHARGES] = { "tollgate_committer_batch_charges", "Charges that shared one durable transaction.", TG_HISTOGRAM,
                        .bounds = batch_bounds },
    [COMMIT_TIME] = { "tollgate_committer_commit_seconds", "Time of a durable transaction, its sync to disk included.",
                      TG_HISTOGRAM, .bounds = tg_bounds_sync, .per_unit = TG_NS_PER_S },
    [START_TIME] = { "process_start_time_seconds", "When the process started, in seconds since 1970.", TG_GAUGE },
    [CPU_TIME] = { "process_cpu_seconds_total", "Processor time used.", TG_COUNTER, .per_unit = 1000000 },
    [RESIDENT] = { "process_resident_memory_bytes", "Resident memory; pages of the store's map that are in memory count too.",
                   TG_GAUGE },
    [OPEN_FDS] = { "process_open_fds", "Open file descriptors.", TG_GAUGE },
    [MAX_FDS] = { "process_max_fds", "File descriptors that may be open.", TG_GAUGE },
};

/* The committer's thread calls this after each batch. */
static void on_batch(void *arg, size_t charges, uint64_t ns)
{
    struct tg_service_metrics *service = arg;
    if (charges > 0)
        tg_metric_observe(service->metrics, BATCH_CHARGES, TG_NO_LABEL, charges);
    tg_metric_observe(service->metrics, COMMIT_TIME, TG_NO_LABEL, ns);
}

struct tg_service_metrics *tg_service_metrics_new(const char *program, struct tg_store *store,
                                                  struct tg_committer *committer)
{
    struct tg_service_metrics *service = tg_xcalloc(1, sizeof *service);
    service->store = store;
    service->committer = committer;
    memcpy(service->table, rows, sizeof rows);
    service->program[0] = program;
    service->table[BUILD].label[0].values = service->program;
    for (int db = 0; db < TG_DB_COUNT; db++)
        service->database[db] = tg_db_name((enum tg_db)db);
    service->table[STORE_RECORDS].label[0].values = service->database;
    service->metrics = tg_metrics_new(service->table, METRICS);
    tg_metric_set(service->metrics, BUILD, TG_NO_LABEL, 1);
    tg_metric_set(service->metrics, START_TIME, TG_NO_LABEL, (uint64_t)tg_now());
    tg_committer_watch(committer, on_batch, service);
    return service;
}

void tg_service_metrics_free(struct tg_service_metrics **service)
{
    if (*service == NULL)
        return;
    tg_metrics_free(&(*service)->metrics);
    free(*service);
    *service = NULL;
}

/* ---- ready ---- */

static enum tg_code read_something(struct tg_store *store, struct tg_error *err)
{
    struct tg_view *view;
    struct tg_key key = tg_key_name(TG_META_STORE);
    Tg__Meta *meta;
    enum tg_code code = tg_view_begin(store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_get_record(view, TG_DB_META, &key, &tg__meta__descriptor, &meta, err);
    tg_view_end(&view);
    return code;
}

enum tg_code tg_service_ready(struct tg_service_metrics *service, struct tg_error *err)
{
    struct tg_committer_stat stat;
    if (read_something(service->store, err) != TG_OK)
        return TG_UNUSABLE;
    tg_committer_stat(service->committer, &stat);
    return stat.failing ? tg_fail(err, TG_UNUSABLE, "the store can't be written: the log has commit-failed and the reason")
                        : TG_OK;
}

/* ---- gauges ---- */

static void set(struct tg_service_metrics *service, unsigned metric, uint64_t value)
{
    tg_metric_set(service->metrics, metric, TG_NO_LABEL, value);
}

static void look_at_store(struct tg_service_metrics *service)
{
    struct tg_store_stat stat;
    struct tg_error err;
    set(service, READY, tg_service_ready(service, &err) == TG_OK);
    if (tg_store_stat(service->store, &stat, &err) != TG_OK)
        return;
    set(service, STORE_MAP, stat.map_bytes);
    set(service, STORE_USED, stat.used_bytes);
    set(service, STORE_READERS, stat.readers);
    set(service, STORE_READERS_LIMIT, stat.max_readers);
    for (unsigned db = 0; db < TG_DB_COUNT; db++)
        tg_metric_set(service->metrics, STORE_RECORDS, TG_SERIES(db), stat.records[db]);
}

static void look_at_committer(struct tg_service_metrics *service)
{
    struct tg_committer_stat stat;
    tg_committer_stat(service->committer, &stat);
    set(service, BATCHES, stat.batches);
    set(service, CHARGES, stat.charges);
    set(service, NOTES, stat.notes);
    set(service, DROPPED, stat.dropped);
    set(service, FAILURES, stat.failures);
}

static uint64_t open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    uint64_t count = 0;
    if (dir == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count - 1; /* that of the directory itself */
}

static uint64_t resident_bytes(void)
{
    char line[200], *end = line; /* pages: of all, resident, … */
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fgets(line, sizeof line, file) == NULL)
        line[0] = '\0';
    if (file != NULL)
        fclose(file);
    strtoull(line, &end, 10);
    return (uint64_t)strtoull(end, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void look_at_process(struct tg_service_metrics *service)
{
    struct rusage usage;
    struct rlimit limit;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        set(service, CPU_TIME, (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                                   (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec));
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        set(service, MAX_FDS, limit.rlim_cur);
    set(service, OPEN_FDS, open_descriptors());
    set(service, RESIDENT, resident_bytes());
}

void tg_service_metrics_write(struct tg_service_metrics *service, FILE *out)
{
    look_at_store(service);
    look_at_committer(service);
    look_at_process(service);
    tg_metrics_write(service->metrics, out);
}
