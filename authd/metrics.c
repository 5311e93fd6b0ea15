/* metrics.c: see metrics.h. */
#include "authd/metrics.h"

enum {
    CONNECTIONS, OPEN, ENDS, REQUESTS, REQUEST_TIME, LOGINS, ANSWERS, HELD, HELD_TIME, ACCEPT_FAILURES,
    THROTTLE_USED, THROTTLE_LIMIT, SWEEPS, SWEPT_AT, METRICS,
};

static const char *const doors[] = { "auth", "saslauthd", "dict", "policy", "socketmap", "http", "other", NULL };
/* Doors that decide logins, and those that look something up. */
static const char *const login_doors[] = { "auth", "saslauthd", "dict", "other", NULL };
static const char *const lookup_doors[] = { "policy", "socketmap", "dict", "other", NULL };
static const char *const mechanisms[] = { "PLAIN", "LOGIN", "SCRAM-SHA-256", "other", NULL };
static const char *const results[] = { "ok", "password", "unknown", "disabled", "authzid", "malformed", "refused",
                                       "unusable", "other", NULL };
static const char *const answers[] = { "ok", "dunno", "notfound", "refused", "unusable", "other", NULL };
static const char *const sweep_results[] = { "done", "failed", NULL };
static const char *const ends[] = {
    [CONN_PEER_CLOSED] = "peer-closed",
    [CONN_FINISHED] = "finished",
    [CONN_IDLE] = "idle",
    [CONN_SLOW_REQUEST] = "slow-request",
    [CONN_SLOW_READER] = "slow-reader",
    [CONN_LONG_REQUEST] = "long-request",
    [CONN_PROTOCOL] = "protocol",
    [CONN_CROWDED] = "crowded",
    [CONN_TOO_MUCH] = "too-much",
    [CONN_UNUSABLE] = "unusable",
    [CONN_BROKEN] = "broken",
    [CONN_ENDS] = NULL,
};

static const struct tg_metric table[METRICS] = {
    [CONNECTIONS] = { "tollgate_connections_total", "Connections taken by each door.", TG_COUNTER, { { "door", doors } } },
    [OPEN] = { "tollgate_connections", "Connections that are open.", TG_GAUGE, { { "door", doors } } },
    [ENDS] = { "tollgate_connection_ends_total", "Connections that ended, and why.", TG_COUNTER,
               { { "door", doors }, { "reason", ends } } },
    [REQUESTS] = { "tollgate_requests_total", "Requests that were understood.", TG_COUNTER, { { "door", doors } } },
    [REQUEST_TIME] = { "tollgate_request_seconds",
                       "Time to answer a request; the time for which the answer to a failed login is held back is not in it.",
                       TG_HISTOGRAM, { { "door", doors } }, tg_bounds_fast, TG_NS_PER_S },
    [LOGINS] = { "tollgate_logins_total", "Logins decided, by mechanism and result; \"unusable\": the store could not be read.",
                 TG_COUNTER, { { "door", login_doors }, { "mechanism", mechanisms }, { "result", results } } },
    [ANSWERS] = { "tollgate_answers_total", "Answers of the doors that look something up; \"unusable\": the store could not be read.",
                  TG_COUNTER, { { "door", lookup_doors }, { "answer", answers } } },
    [HELD] = { "tollgate_answers_held_total", "Answers to failed logins that were held back.", TG_COUNTER, { { "door", doors } } },
    [HELD_TIME] = { "tollgate_answers_held_seconds_total", "For how long, all together.", TG_COUNTER, { { "door", doors } },
                    .per_unit = 1000 },
    [ACCEPT_FAILURES] = { "tollgate_accept_failures_total", "Clients that could not be taken: out of file descriptors.",
                          TG_COUNTER, { { "door", doors } } },
    [THROTTLE_USED] = { "tollgate_throttle_entries", "Addresses and usernames whose failed logins are remembered.", TG_GAUGE },
    [THROTTLE_LIMIT] = { "tollgate_throttle_entries_limit", "Room for them; when it is full the oldest are forgotten.", TG_GAUGE },
    [SWEEPS] = { "tollgate_sweeps_total", "Hourly sweeps (renewals, expiries, overdue orders, retention), and whether they went through.",
                 TG_COUNTER, { { "result", sweep_results } } },
    [SWEPT_AT] = { "tollgate_sweep_last_success_seconds", "When the last sweep went through, in seconds since 1970; 0: none since the start.",
                   TG_GAUGE },
};

struct tg_metrics *metrics_new(void)
{
    return tg_metrics_new(table, METRICS);
}

unsigned metrics_door(const char *name)
{
    return tg_metric_place(doors, name);
}

void metrics_opened(struct tg_metrics *metrics, unsigned door)
{
    tg_metric_add(metrics, CONNECTIONS, TG_SERIES(door), 1);
    tg_metric_add(metrics, OPEN, TG_SERIES(door), 1);
}

void metrics_ended(struct tg_metrics *metrics, unsigned door, enum conn_end why)
{
    tg_metric_subtract(metrics, OPEN, TG_SERIES(door), 1);
    tg_metric_add(metrics, ENDS, TG_SERIES(door, why), 1);
}

void metrics_request(struct tg_metrics *metrics, unsigned door, uint64_t ns)
{
    tg_metric_add(metrics, REQUESTS, TG_SERIES(door), 1);
    tg_metric_observe(metrics, REQUEST_TIME, TG_SERIES(door), ns);
}

void metrics_held(struct tg_metrics *metrics, unsigned door, unsigned delay_ms)
{
    tg_metric_add(metrics, HELD, TG_SERIES(door), 1);
    tg_metric_add(metrics, HELD_TIME, TG_SERIES(door), delay_ms);
}

void metrics_accept_failed(struct tg_metrics *metrics, const char *door)
{
    tg_metric_add(metrics, ACCEPT_FAILURES, TG_SERIES(metrics_door(door)), 1);
}

void metrics_login(struct tg_metrics *metrics, const char *door, const char *mechanism, const char *result)
{
    tg_metric_add(metrics, LOGINS, TG_SERIES(tg_metric_place(login_doors, door), tg_metric_place(mechanisms, mechanism),
                                             tg_metric_place(results, result)), 1);
}

void metrics_answer(struct tg_metrics *metrics, const char *door, const char *answer)
{
    tg_metric_add(metrics, ANSWERS, TG_SERIES(tg_metric_place(lookup_doors, door), tg_metric_place(answers, answer)), 1);
}

void metrics_throttle(struct tg_metrics *metrics, size_t entries, size_t limit)
{
    tg_metric_set(metrics, THROTTLE_USED, TG_NO_LABEL, entries);
    tg_metric_set(metrics, THROTTLE_LIMIT, TG_NO_LABEL, limit);
}

void metrics_sweep(struct tg_metrics *metrics, bool done, int64_t now)
{
    tg_metric_add(metrics, SWEEPS, TG_SERIES(!done), 1);
    if (done)
        tg_metric_set(metrics, SWEPT_AT, TG_NO_LABEL, (uint64_t)now);
}
