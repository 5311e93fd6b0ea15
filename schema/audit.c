/* audit.c: see audit.h. */
#include <sodium.h>
#include "schema/audit.h"

enum { SECOND_US = 1000000, SEQUENCE_MAX = 0xffffff };

static char *text(const char *value)
{
    return (char *)(value != NULL ? value : "");
}

/* The first free microsecond of that second: the log is read in the order it was written, and a script
 * changes many things in one second. Where the log can't be read the change fails at its commit anyway. */
static int64_t free_time_us(struct tg_change *change, int64_t now)
{
    const int64_t first = now * SECOND_US;
    struct tg_key all = tg_key_all(), from = tg_key_audit(first + SECOND_US - 1, SEQUENCE_MAX);
    struct tg_walk *walk;
    struct tg_span key, value;
    int64_t last_us;
    uint32_t sequence;
    if (tg_walk_begin(tg_change_view(change), TG_DB_AUDIT, &all, &from, TG_BACKWARD, &walk, NULL) != TG_OK)
        return first;
    bool found = tg_walk_next(walk, &key, &value, NULL) == TG_OK && tg_read_audit(key, &last_us, &sequence);
    tg_walk_end(&walk);
    return found && last_us >= first ? last_us + 1 : first;
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
    struct tg_key key = tg_key_audit(free_time_us(change, now), randombytes_random() & SEQUENCE_MAX);
    tg_put_record(change, TG_DB_AUDIT, &key, &entry.base);
}
