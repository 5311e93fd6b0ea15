/* drain.h: an orderly end. libmilter's workers can't be waited for: after smfi_stop, and even after smfi_main has
 * returned, one may be inside a callback or about to begin one. So callbacks that use what the sessions share run
 * between enter and leave; once the filter is closed none begins, and what is shared may be freed.
 *
 * Serving, then draining (messages under way go on, new ones are put off), then closed. */
#ifndef MILTER_DRAIN_H
#define MILTER_DRAIN_H

#include <stdatomic.h>
#include <stdbool.h>

struct drain {
    atomic_bool draining, closed;
    atomic_uint callbacks; /* that run */
    atomic_uint messages;  /* under way, from MAIL to the end of the message */
};

/* false: closed; touch nothing that is shared. */
bool drain_enter(struct drain *drain);
void drain_leave(struct drain *drain);

void drain_message_begins(struct drain *drain);
void drain_message_ends(struct drain *drain);
/* Under way. */
unsigned drain_messages(struct drain *drain);
/* Are new messages to be put off? */
bool drain_begun(struct drain *drain);

/* Puts off new messages, from now on. */
void drain_begin(struct drain *drain);
/* Waits until none is under way, at most so long. Returns how many still are. */
unsigned drain_wait(struct drain *drain, int wait_ms);
/* No callback begins any more; waits until none runs, at most so long. false: one still does. */
bool drain_close(struct drain *drain, int wait_ms);

#endif
