/* audit.c: see audit.h. */
#include <sodium.h>
#include "schema/audit.h"

static char *text(const char *value)
{
    return (char *)(value != NULL ? value : "");
}

void tg_audit(struct tg_change *change, int64_t now, const char *action, const char *subject, const char *old_value,
              const char *new_value)
{
    Tg__Audit entry = TG__AUDIT__INIT;
    entry.who = text(tg_change_actor(change));
    entry.action = text(action);
    entry.subject = text(subject);
    entry.old_value = text(old_value);
    entry.new_value = text(new_value);
    struct tg_key key = tg_key_audit(now * 1000000, randombytes_random() & 0xffffff);
    tg_put_record(change, TG_DB_AUDIT, &key, &entry.base);
}
