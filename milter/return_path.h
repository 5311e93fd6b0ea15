/* return_path.h: reverse-paths on their way out, reports on their way back (DESIGN 8). */
#ifndef MILTER_RETURN_PATH_H
#define MILTER_RETURN_PATH_H

#include <libmilter/mfapi.h>
#include "milter/session.h"

/* After the charge: sets the reverse-path (direct or signed) and the trace header. TG_FAILED: the MTA did not take it,
 * so the message must not go out. */
enum tg_code return_path_set(SMFICTX *ctx, struct session *session, const struct decision *decision,
                             const struct tg_event_id *event, struct tg_error *err) TG_MUST_CHECK;

/* A message whose every recipient is a return path: records what it reports and sends it on. What the callback
 * returns. */
sfsistat return_path_report(SMFICTX *ctx, struct session *session);

#endif
