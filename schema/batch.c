/* batch.c: see batch.h. */
#include <assert.h>
#include "schema/account.h"
#include "schema/batch.h"
#include "schema/ledger.h"

/* Everything about the account that a charge reads. */
struct subject {
    struct tg_plan plan;
    struct tg_usage usage;
    int64_t now;
};

static enum tg_code read_subject(struct tg_view *view, const struct tg_charge *charge,
                                 struct subject *s, struct tg_error *err)
{
    uint64_t id = charge->id.account_id;
    Tg__Account *account;
    enum tg_code code = tg_account_get(view, id, &account, err);
    if (code != TG_OK)
        return code;
    enum tg_status status = tg_account_status(account);
    if (status != TG_STATUS_ENABLED)
        return tg_fail(err, TG_NOT_FOUND, "account %s is %s", account->username,
                       tg_status_name(status));
    s->plan = tg_account_plan(account, charge->service_per_hour, charge->service_per_day);
    s->now = charge->id.time_us / 1000000 - (charge->id.time_us % 1000000 < 0);
    return tg_usage_get(view, id, &s->usage, err);
}

/* A refused charge writes nothing, not even what would have rolled over. The event goes first: it
 * reads its day's counters before it writes, so where these are damaged nothing of this charge is
 * written. */
static enum tg_code serve(struct tg_change *change, struct tg_charge *charge, struct tg_error *err)
{
    struct subject s;
    uint64_t id = charge->id.account_id;
    charge->outcome = TG_PLAN_OK;
    charge->balance = (struct tg_balance){.outcome = TG_PLAN_OK};
    enum tg_code code = read_subject(tg_change_view(change), charge, &s, err);
    if (code != TG_OK)
        return code;
    charge->outcome = tg_plan_check(&s.plan, &s.usage, s.now, charge->units);
    if (charge->outcome != TG_PLAN_OK) {
        tg_plan_balance(&s.plan, &s.usage, s.now, &charge->balance);
        return tg_fail(err, TG_REFUSED, "the plan does not cover %llu more",
                       (unsigned long long)charge->units);
    }
    code = tg_activity_append(change, &charge->id, charge->activity, err);
    if (code != TG_OK)
        return code;
    code = tg_ledger_roll(change, id, &s.plan, &s.usage, s.now, err);
    if (code != TG_OK)
        return code;
    charge->outcome = tg_plan_take(&s.plan, &s.usage, s.now, charge->units);
    assert(charge->outcome == TG_PLAN_OK); /* tg_plan_check said so, of the same usage and time */
    tg_usage_put(change, id, &s.usage);
    return TG_OK;
}

/* A note may wait for a minute: of an account that was removed meanwhile nothing must stay. */
static enum tg_code write_note(struct tg_change *change, const struct tg_note *note,
                               struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    struct tg_key owner = tg_key_id(note->id.account_id);
    struct tg_span account;
    Tg__Activity *activity;
    enum tg_code code =
        note->id.account_id != 0 ? tg_get(view, TG_DB_ACCOUNTS, &owner, &account, err) : TG_OK;
    if (code == TG_NOT_FOUND)
        return TG_OK;
    if (code == TG_OK)
        code = tg_unpack(view, TG_DB_ACTIVITY, tg_span_of(note->packed, note->len),
                         &tg__activity__descriptor, &activity, err);
    if (code != TG_OK)
        return code;
    activity->repeated = note->repeated;
    return tg_activity_append(change, &note->id, activity, err);
}

/* May be run again: every result is set anew. What failed in the change itself fails all of it;
 * what could not be read of one account concerns that account. */
static enum tg_code write_all(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct tg_batch *batch = arg;
    for (struct tg_batch_request *r = batch->first; r != NULL; r = r->next) {
        r->code = serve(change, r->charge, &r->err);
        if (r->code == TG_FAILED || r->code == TG_USAGE)
            r->code = TG_UNUSABLE;
    }
    batch->unwritable = 0;
    for (size_t i = 0; i < batch->note_count; i++)
        if (write_note(change, tg_notes_at(batch->notes, i), &batch->note_err) != TG_OK)
            batch->unwritable++;
    return tg_change_error(change, err);
}

enum tg_code tg_batch_write(struct tg_store *store, struct tg_batch *batch, struct tg_error *err)
{
    enum tg_code code = tg_store_change(store, write_all, batch, err);
    if (code == TG_OK)
        return TG_OK;
    for (struct tg_batch_request *r = batch->first; r != NULL; r = r->next)
        r->code = tg_fail(&r->err, TG_UNUSABLE, "nothing was written: %s", err->text);
    return TG_UNUSABLE;
}
