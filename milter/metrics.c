/* metrics.c: see metrics.h. */
#include "milter/metrics.h"

enum { SESSIONS, OPEN, MESSAGES, RECIPIENTS, REFUSED, REFUSED_RECIPIENTS, WARNINGS, REPORTS, END_TIME, METRICS };

static const char *const results[] = { "accepted", "untouched", "report", NULL };
static const char *const verdicts[] = { "reject", "defer", NULL };
static const char *const rules[] = { "client", "login", "status", "plan", "rate", "sender", "from", "unsubscribe",
                                     "recipients", "return-path", "store", "other", NULL };
static const char *const kinds[] = { "hard", "soft", "delayed", "complaint", "delivered", "unknown", NULL };

static const struct tg_metric table[METRICS] = {
    [SESSIONS] = { "tollgate_milter_sessions_total", "Connections of the MTA that were taken.", TG_COUNTER },
    [OPEN] = { "tollgate_milter_sessions", "Connections of the MTA that are open.", TG_GAUGE },
    [MESSAGES] = { "tollgate_milter_messages_total",
                   "Messages let through: accepted and counted, untouched by any rule, or a report on its way to its account.",
                   TG_COUNTER, { { "result", results } } },
    [RECIPIENTS] = { "tollgate_milter_recipients_total", "Distinct recipients of the messages let through.", TG_COUNTER,
                     { { "result", results } } },
    [REFUSED] = { "tollgate_milter_refusals_total", "Refusals at any stage, by the rule that decided and whether they are for good.",
                  TG_COUNTER, { { "rule", rules }, { "verdict", verdicts } } },
    [REFUSED_RECIPIENTS] = { "tollgate_milter_refused_recipients_total", "Those of the refusals that were of one recipient.",
                             TG_COUNTER },
    [WARNINGS] = { "tollgate_milter_warnings_total", "Messages accepted with a warning: promotional, without List-Unsubscribe.",
                   TG_COUNTER },
    [REPORTS] = { "tollgate_milter_reports_total", "What delivery reports said, one for each recipient that they name.",
                  TG_COUNTER, { { "kind", kinds } } },
    [END_TIME] = { "tollgate_milter_end_of_message_seconds", "From the end of a message to its answer, the sync to disk included.",
                   TG_HISTOGRAM, .bounds = tg_bounds_sync, .per_unit = TG_NS_PER_S },
};

struct tg_metrics *metrics_new(void)
{
    return tg_metrics_new(table, METRICS);
}

void metrics_session(struct tg_metrics *metrics, bool opened)
{
    if (opened) {
        tg_metric_add(metrics, SESSIONS, TG_NO_LABEL, 1);
        tg_metric_add(metrics, OPEN, TG_NO_LABEL, 1);
    } else {
        tg_metric_subtract(metrics, OPEN, TG_NO_LABEL, 1);
    }
}

void metrics_refused(struct tg_metrics *metrics, const struct tg_verdict *verdict, bool of_recipient)
{
    tg_metric_add(metrics, REFUSED, TG_SERIES(tg_metric_place(rules, verdict->rule), verdict->kind == TG_DEFER), 1);
    if (of_recipient)
        tg_metric_add(metrics, REFUSED_RECIPIENTS, TG_NO_LABEL, 1);
}

void metrics_message(struct tg_metrics *metrics, enum metrics_message result, uint64_t recipients)
{
    tg_metric_add(metrics, MESSAGES, TG_SERIES(result), 1);
    tg_metric_add(metrics, RECIPIENTS, TG_SERIES(result), recipients);
}

void metrics_warning(struct tg_metrics *metrics)
{
    tg_metric_add(metrics, WARNINGS, TG_NO_LABEL, 1);
}

void metrics_report(struct tg_metrics *metrics, enum report_kind kind)
{
    tg_metric_add(metrics, REPORTS, TG_SERIES(kind), 1);
}

void metrics_end_of_message(struct tg_metrics *metrics, uint64_t ns)
{
    tg_metric_observe(metrics, END_TIME, TG_NO_LABEL, ns);
}
