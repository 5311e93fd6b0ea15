/* metrics.h: what the milter counts. */
#ifndef MILTER_METRICS_H
#define MILTER_METRICS_H

#include "milter/report.h"
#include "schema/metrics.h"
#include "schema/policy.h"

struct tg_metrics *metrics_new(void);

void metrics_session(struct tg_metrics *metrics, bool opened);
/* A refusal: its rule, and whether it is for good. */
void metrics_refused(struct tg_metrics *metrics, const struct tg_verdict *verdict, bool of_recipient);

/* What became of a message that was not refused. */
enum metrics_message { MESSAGE_ACCEPTED, MESSAGE_UNTOUCHED, MESSAGE_REPORT };
void metrics_message(struct tg_metrics *metrics, enum metrics_message result, uint64_t recipients);
void metrics_warning(struct tg_metrics *metrics);

/* What a delivery report says of one recipient. */
void metrics_report(struct tg_metrics *metrics, enum report_kind kind);

/* From the end of a message to its answer. */
void metrics_end_of_message(struct tg_metrics *metrics, uint64_t ns);

#endif
