/* audit.h: who changed what, old and new; appended only, in the change that it tells of. */
#ifndef TG_AUDIT_H
#define TG_AUDIT_H

#include "schema/store.h"
#include "schema/records.pb-c.h"

/* action: the command's words ("account disable"); subject: username, domain, id. NULL: nothing to say. */
void tg_audit(struct tg_change *change, int64_t now, const char *action, const char *subject,
              const char *old_value, const char *new_value);

#endif
