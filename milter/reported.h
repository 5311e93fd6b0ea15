/* reported.h: how often messages were reported on. Every recipient of a message knows its return path, and may bring
 * whatever reports he likes, as often as he likes: so of one message no more is recorded than its recipients can have
 * met with, and nobody fills the store, or ruins a reputation, with one token.
 *
 * Bounded: it knows the messages that were reported on last, some thousands; the one that was not for longest goes. */
#ifndef MILTER_REPORTED_H
#define MILTER_REPORTED_H

#include "milter/report.h"
#include "schema/token.h"

struct reported;

struct reported *reported_new(void);
void reported_free(struct reported **reported);

/* May one more of this kind be recorded of a message to so many recipients (0: not known, taken for one)? Each can
 * bounce for good and complain once; what may come several times for one (delayed, soft, unknown) is recorded up to
 * REPORTED_EACH times as often. Counts it. Any thread. */
enum { REPORTED_EACH = 4 };
bool reported_take(struct reported *reported, const struct tg_token *token, enum report_kind kind, uint32_t recipients);

#endif
