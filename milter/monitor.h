/* monitor.h: the milter's own /metrics, /healthz and /readyz (schema/monitor.h), on milter_http_listen: a thread of
 * its own, for libmilter's threads have no loop. */
#ifndef MILTER_MONITOR_H
#define MILTER_MONITOR_H

#include "milter/filter.h"

struct monitor;

/* Binds the sockets, before privileges are dropped. *monitor is NULL where none is configured. */
enum tg_code monitor_bind(const struct tg_settings *settings, struct monitor **monitor, struct tg_error *err) TG_MUST_CHECK;
/* Starts the thread. The filter must outlive it. Does nothing with NULL, as monitor_free. */
enum tg_code monitor_serve(struct monitor *monitor, struct filter *filter, struct tg_error *err) TG_MUST_CHECK;
/* Ends the thread and closes everything. */
void monitor_free(struct monitor **monitor);

#endif
