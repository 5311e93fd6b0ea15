/* reply.h: a refusal → what the MTA is told, what is logged and what is remembered. */
#ifndef MILTER_REPLY_H
#define MILTER_REPLY_H

#include <libmilter/mfapi.h>
#include "milter/session.h"

enum { REPLY_SIZE = 480 };

/* The text of an SMTP reply: printable ASCII, one line, with the reference behind it. */
void reply_text(const struct tg_verdict *verdict, const char *ref, char out[REPLY_SIZE]);

/* Records the refusal as activity (of account 0 where it is nobody's), logs it, sets the reply and returns what the
 * callback returns. `recipient`: of this RCPT, else NULL. */
sfsistat reply_refuse(SMFICTX *ctx, struct session *session, const struct decision *decision, const char *recipient);

/* The activity of the message under way, for a charge or a note; texts stay the message's. */
void reply_activity(const struct session *session, Tg__Activity *activity);

#endif
