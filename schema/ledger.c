/* ledger.c: see ledger.h. */
#include "schema/ledger.h"
#include "schema/words.h"

static const char *const names[] = {
    [TG__MOVEMENT_KIND__PURCHASE] = "purchase", [TG__MOVEMENT_KIND__EXTENSION] = "extension",
    [TG__MOVEMENT_KIND__RENEWAL] = "renewal",   [TG__MOVEMENT_KIND__USE] = "use",
    [TG__MOVEMENT_KIND__CREDIT] = "credit",     [TG__MOVEMENT_KIND__EXPIRY] = "expiry",
};

const char *tg_movement_name(Tg__MovementKind kind)
{
    return tg_word(TG_WORDS(names), (size_t)kind);
}

enum { SECOND_US = 1000000, SEQUENCE_MAX = 0xffffff };

/* The account's first free microsecond of that second: the ledger is read in the order it was
 * written, and the expiry of one period and the renewal of the next fall into the same second.
 * Where the ledger can't be read the change fails at its commit anyway. */
static int64_t free_time_us(struct tg_change *change, uint64_t account_id, int64_t at)
{
    struct tg_view *view = tg_change_view(change);
    int64_t first;
    if (__builtin_mul_overflow(at, (int64_t)SECOND_US, &first))
        return at < 0 ? INT64_MIN : INT64_MAX;
    struct tg_event_id last = {account_id, first + SECOND_US - 1, SEQUENCE_MAX};
    struct tg_key account = tg_key_id(account_id), from = tg_key_event(&last);
    struct tg_walk *walk;
    struct tg_span key, value;
    if (tg_walk_begin(view, TG_DB_LEDGER, &account, &from, TG_BACKWARD, &walk, NULL) != TG_OK)
        return first;
    bool found = tg_walk_next(walk, &key, &value, NULL) == TG_OK && tg_read_event(key, &last);
    tg_walk_end(&walk);
    return found && last.time_us >= first ? last.time_us + 1 : first;
}

void tg_ledger_append(struct tg_change *change, uint64_t account_id,
                      const struct tg_movement *movement, const char *note)
{
    struct tg_event_id id =
        tg_event_new(account_id, free_time_us(change, account_id, movement->at));
    struct tg_key key = tg_key_event(&id);
    Tg__Movement record = TG__MOVEMENT__INIT;
    record.kind = movement->kind;
    record.amount = movement->amount;
    record.day = movement->day;
    if (note != NULL)
        record.note = (char *)note;
    tg_put_record(change, TG_DB_LEDGER, &key, &record.base);
}

enum tg_code tg_ledger_roll(struct tg_change *change, uint64_t account_id,
                            const struct tg_plan *plan, struct tg_usage *usage, int64_t now,
                            struct tg_error *err)
{
    struct tg_movement movements[TG_PLAN_MOVEMENTS];
    size_t count = tg_plan_roll(plan, usage, now, movements);
    for (size_t i = 0; i < count; i++)
        tg_ledger_append(change, account_id, &movements[i], NULL);
    return tg_change_error(change, err);
}
