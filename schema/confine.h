/* confine.h: what a daemon takes from itself, so that whoever gets into it gets no further.
 *
 * tg_confine_process comes once the sockets are bound and the user was changed: no capability, nothing that it runs gains
 * privileges (no_new_privs), no core and no memory for other processes of its user. TG_UNUSABLE: the kernel refuses.
 *
 * tg_confine_calls comes last, when the store is open and every socket listens: from then on, in every thread, the system
 * calls of confine.c's list are all there is. What is not in it is answered with ENOSYS, as if the kernel did not have it (so
 * the C library takes its older way); what no daemon could ever want ends the process. No program can be run: a mailer is
 * run by the courier (courier.h), which is made before. wanted false: nothing. TG_UNUSABLE: wanted and not to be had.
 *
 * In builds with sanitizers, which need ptrace and more, both do only what these bear. */
#ifndef TG_CONFINE_H
#define TG_CONFINE_H

#include <stdbool.h>
#include "schema/error.h"

enum tg_code tg_confine_process(struct tg_error *err) TG_MUST_CHECK;
enum tg_code tg_confine_calls(bool wanted, struct tg_error *err) TG_MUST_CHECK;

#endif
