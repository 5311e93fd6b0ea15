/* service_metrics.h: what both daemons tell monitoring about themselves: store, committer, process; and whether
 * they are ready. */
#ifndef TG_SERVICE_METRICS_H
#define TG_SERVICE_METRICS_H

#include "schema/committer.h"
#include "schema/metrics.h"
#include "schema/store.h"

struct tg_service_metrics;

/* Watches the committer from now on; store and committer must outlive its use. program is kept. */
struct tg_service_metrics *tg_service_metrics_new(const char *program, struct tg_store *store,
                                                  struct tg_committer *committer);
/* After the committer, which counts in it. */
void tg_service_metrics_free(struct tg_service_metrics **service);

/* TG_OK: the store can be read, and the last thing written to it was. Else TG_UNUSABLE, with the reason. Any
 * thread. */
enum tg_code tg_service_ready(struct tg_service_metrics *service, struct tg_error *err) TG_MUST_CHECK;

/* One thread at a time. */
void tg_service_metrics_write(struct tg_service_metrics *service, FILE *out);

#endif
