/* clock.c: see clock.h. An account's balance is in clock_usage.c. */
#include <stdlib.h>
#include "schema/audit.h"
#include "schema/billing_parts.h"
#include "schema/calendar.h"
#include "schema/clock.h"
#include "schema/clock_parts.h"
#include "schema/now.h"
#include "schema/sweep_parts.h"
#include "schema/token.h"

bool clock_order_is_ahead(const Tg__Order *o, int64_t now)
{
    return clock_is_ahead(o->created_at, now) || (o->status == TG__ORDER_STATUS__ORDER_OVERDUE && clock_is_ahead(o->due_at, now));
}

enum tg_code tg_clock_is_ahead(struct tg_view *view, const Tg__Account *a, int64_t now, bool *ahead, struct tg_error *err)
{
    struct tg_usage usage;
    Tg__Order *order;
    *ahead = clock_is_ahead(a->plan_since, now) || clock_is_ahead(a->created_at, now) ||
             (a->credential != NULL && clock_is_ahead(a->credential->created_at, now));
    enum tg_code code = tg_usage_get(view, a->id, &usage, err);
    *ahead = *ahead || (code == TG_OK && clock_usage_is_ahead(&usage, now));
    for (size_t i = 0; code == TG_OK && !*ahead && i < a->n_open_orders; i++) {
        code = tg_order_of_account(view, a, i, &order, err);
        *ahead = code == TG_OK && clock_order_is_ahead(order, now);
    }
    return code;
}

/* ---- the latest time in the store ---- */

static enum tg_code last_key(struct tg_view *view, enum tg_db db, const struct tg_key *prefix, int64_t *latest, struct tg_error *err)
{
    struct tg_span key, value;
    struct tg_walk *walk;
    struct tg_event_id id;
    int64_t time_us = 0;
    uint32_t sequence;
    enum tg_code code = tg_walk_begin(view, db, prefix, NULL, TG_BACKWARD, &walk, err);
    if (code != TG_OK)
        return code;
    code = tg_walk_next(walk, &key, &value, err);
    if (code == TG_OK && db == TG_DB_AUDIT && tg_read_audit(key, &time_us, &sequence))
        *latest = time_us / 1000000 > *latest ? time_us / 1000000 : *latest;
    else if (code == TG_OK && db == TG_DB_ACTIVITY && tg_read_event(key, &id))
        *latest = id.time_us / 1000000 > *latest ? id.time_us / 1000000 : *latest;
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static enum tg_code last_of_account(struct tg_view *view, uint64_t id, int64_t *event, int64_t *usage_at, struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(id);
    struct tg_usage usage;
    enum tg_code code = last_key(view, TG_DB_ACTIVITY, &prefix, event, err);
    if (code == TG_OK && id != 0 && (code = tg_usage_get(view, id, &usage, err)) == TG_OK) {
        int64_t at = tg_plan_time(&usage, usage.period_start);
        *usage_at = at > *usage_at ? at : *usage_at;
    }
    return code;
}

/* Of events (*event grows), and of usage, which nothing excuses. */
static enum tg_code find_latest(struct tg_view *view, uint64_t most, int64_t *event, int64_t *usage, struct tg_error *err)
{
    struct tg_key all = tg_key_all();
    struct tg_span key, value;
    struct tg_walk *walk;
    uint64_t id;
    *usage = 0;
    enum tg_code code = last_key(view, TG_DB_AUDIT, &all, event, err);
    if (code == TG_OK)
        code = last_of_account(view, 0, event, usage, err);
    if (code != TG_OK || (code = tg_walk_begin(view, TG_DB_ACCOUNTS, &all, NULL, TG_BACKWARD, &walk, err)) != TG_OK)
        return code;
    for (uint64_t i = 0; i < most && (code = tg_walk_next(walk, &key, &value, err)) == TG_OK; i++)
        if (tg_read_id(key, &id) && (code = last_of_account(view, id, event, usage, err)) != TG_OK)
            break;
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

enum tg_code tg_clock_latest(struct tg_view *view, uint64_t most, int64_t *latest, struct tg_error *err)
{
    struct tg_key key = tg_key_name(TG_META_CLOCK);
    Tg__Counter *known;
    int64_t event = 0;
    enum tg_code code = find_latest(view, most, &event, latest, err);
    if (code != TG_OK)
        return code;
    code = tg_get_record(view, TG_DB_META, &key, &tg__counter__descriptor, &known, err);
    if (event > *latest && (code == TG_NOT_FOUND || (code == TG_OK && event > (int64_t)known->next)))
        *latest = event;
    return code == TG_NOT_FOUND ? TG_OK : code;
}

/* ---- an account comes back ---- */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void order_back(struct tg_change *change, const struct tg_shop *shop, Tg__Order *o, int64_t now)
{
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    const char *name = tg_arena_printf(arena, "order %llu", (unsigned long long)o->id);
    char old[TG_RFC3339_SIZE], new[TG_RFC3339_SIZE];
    if (clock_is_ahead(o->created_at, now)) {
        int64_t due = later(o->period_start, now) + shop->grace_s;
        tg_audit(change, now, "order due", name, tg_rfc3339(o->due_at, old), tg_rfc3339(due, new));
        o->created_at = now;
        o->due_at = due;
    }
    if (o->status == TG__ORDER_STATUS__ORDER_OVERDUE && o->due_at > now) {
        tg_audit(change, now, "order overdue", name, "overdue", "unpaid");
        o->status = TG__ORDER_STATUS__UNPAID;
    }
    tg_order_put(change, o);
}

/* An account that is in error only by the clock is so no more. */
static enum tg_code orders_back(struct tg_change *change, const struct tg_shop *shop, Tg__Account *a, int64_t now, struct tg_error *err)
{
    bool opening = false, renewal = false, owed = false;
    for (size_t i = 0; i < a->n_open_orders; i++) {
        Tg__Order *o;
        enum tg_code code = tg_order_of_account(tg_change_view(change), a, i, &o, err);
        if (code != TG_OK)
            return code;
        if (clock_order_is_ahead(o, now))
            order_back(change, shop, o, now);
        bool stops = o->kind == TG__ORDER_KIND__OPENING || o->kind == TG__ORDER_KIND__RENEWAL_ORDER;
        owed = owed || (stops && o->status == TG__ORDER_STATUS__ORDER_OVERDUE);
        opening = opening || o->kind == TG__ORDER_KIND__OPENING;
        renewal = renewal || o->kind == TG__ORDER_KIND__RENEWAL_ORDER;
    }
    if (a->payment != TG__PAYMENT__OVERDUE || owed)
        return TG_OK;
    if (opening)
        return tg_billing_set_payment(change, a, TG__PAYMENT__AWAITED, now, err);
    if (a->plan != TG__PLAN_KIND__MONTHLY || (a->paid_until <= now && !renewal))
        return TG_OK;
    return tg_billing_set_payment(change, a, TG__PAYMENT__PAID, now, err);
}

/* An old password is valid as long as was wished when the new one was made. */
static void password_back(Tg__Account *a, int64_t now)
{
    Tg__Credential *made = a->credential, *old = a->old_credential;
    if (made == NULL || made->created_at <= now)
        return;
    if (old != NULL && old->expires_at > made->created_at)
        old->expires_at -= made->created_at - now;
    made->created_at = now;
}

static const char *state(struct tg_arena *arena, const Tg__Account *a, const struct tg_usage *usage, int64_t now)
{
    struct tg_plan plan = tg_account_plan(a, 0, 0);
    struct tg_balance b;
    char text[TG_RFC3339_SIZE];
    tg_plan_balance(&plan, usage, now, &b);
    if (plan.kind == TG__PLAN_KIND__PREPAID && b.expires == 0) /* nothing was bought yet */
        return tg_arena_printf(arena, "%s, %llu left", tg_status_name(tg_account_status(a)), (unsigned long long)b.left);
    if (plan.kind == TG__PLAN_KIND__PREPAID)
        return tg_arena_printf(arena, "%s, %llu left until %.10s", tg_status_name(tg_account_status(a)), (unsigned long long)b.left,
                               tg_rfc3339(b.expires, text));
    return tg_arena_printf(arena, "%s, period from %.10s, %llu used, %llu left", tg_status_name(tg_account_status(a)),
                           tg_rfc3339(b.period_start, text), (unsigned long long)b.used, (unsigned long long)b.left);
}

struct set_back {
    struct sweep s;
    int64_t begun, begun_ms; /* s.now then, and by tg_ticks_ms */
    int64_t event;           /* the latest that was seen */
};

/* Of many accounts the last comes minutes after the first: what was sent meanwhile is not ahead. */
static void look_at_clock(struct set_back *b)
{
    int64_t passed = (tg_ticks_ms() - b->begun_ms) / 1000;
    if (passed > TG_CLOCK_SLACK_S / 2)
        b->s.now = b->begun + passed;
}

static enum tg_code account_due(struct sweep *s, struct tg_view *view, const Tg__Account *account, bool *due, struct tg_error *err)
{
    struct set_back *b = (struct set_back *)s; /* its first member */
    look_at_clock(b);
    struct tg_key prefix = tg_key_id(account->id);
    enum tg_code code = last_key(view, TG_DB_ACTIVITY, &prefix, &b->event, err);
    return code == TG_OK ? tg_clock_is_ahead(view, account, s->now, due, err) : code;
}

static enum tg_code account_back(struct sweep *s, struct tg_change *change, uint64_t id, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    struct tg_arena *arena = tg_view_arena(view);
    struct tg_usage usage;
    Tg__Account *a;
    bool ahead;
    look_at_clock((struct set_back *)s);
    enum tg_code code = tg_account_get(view, id, &a, err);
    if (code != TG_OK)
        return code == TG_NOT_FOUND ? TG_OK : code; /* removed meanwhile */
    if ((code = tg_clock_is_ahead(view, a, s->now, &ahead, err)) != TG_OK || !ahead ||
        (code = tg_usage_get(view, id, &usage, err)) != TG_OK)
        return code;
    const char *before = state(arena, a, &usage, s->now);
    if ((code = clock_usage_back(change, a, &usage, s->now, err)) != TG_OK)
        return code;
    tg_usage_put(change, id, &usage);
    if (a->created_at > s->now)
        a->created_at = s->now;
    password_back(a, s->now);
    if ((code = orders_back(change, &s->shop, a, s->now, err)) != TG_OK)
        return code;
    tg_account_put(change, a);
    const char *after = state(arena, a, &usage, s->now);
    tg_audit(change, s->now, "store set-back", a->username, before, after);
    sweep_note(s, TG_SWEPT_PLANS, 1, a->username, tg_arena_printf(arena, "%s; was: %s", after, before));
    return tg_change_error(change, err);
}

/* ---- the store comes back ---- */

/* Events that stay in the log ahead of the clock are known from here on, and keys are made again every month. */
static enum tg_code note_it(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct set_back *b = arg;
    struct tg_key key = tg_key_name(TG_META_CLOCK);
    Tg__Counter counter = TG__COUNTER__INIT;
    int64_t made;
    uint32_t number;
    look_at_clock(b);
    if (clock_is_ahead(b->event, b->s.now)) {
        counter.next = (uint64_t)b->event;
        tg_put_record(change, TG_DB_META, &key, &counter.base);
    }
    enum tg_code code = tg_seal_keys_newest(tg_change_view(change), &number, &made, err);
    if (code == TG_OK && clock_is_ahead(made, b->s.now))
        code = tg_seal_keys_rotate(change, b->s.now, err);
    return code == TG_OK ? tg_change_error(change, err) : code;
}

/* What is no account's; each account is looked at when it is asked. */
static enum tg_code look_at_rest(struct set_back *b, struct tg_error *err)
{
    struct tg_view *view;
    int64_t usage;
    enum tg_code code = tg_view_begin(b->s.store, &view, err);
    if (code != TG_OK)
        return code;
    code = find_latest(view, 0, &b->event, &usage, err);
    if (code == TG_OK)
        code = tg_count(view, TG_DB_ACCOUNTS, &b->s.to_ask, err);
    tg_view_end(&view);
    return code;
}

enum tg_code tg_clock_set_back(struct tg_store *store, const struct tg_settings *settings, int64_t now,
                               const struct tg_sweep_options *options, uint64_t *accounts, uint64_t *problems, struct tg_error *err)
{
    static const struct sweep_step back = { .name = "clock", .is_due = account_due, .apply = account_back };
    struct tg_sweep_result result = { .problems = 0 };
    struct set_back b = { .s = { .store = store, .settings = settings, .now = now, .options = options, .result = &result } };
    b.s.shop = tg_shop_of(settings, NULL);
    b.begun = now;
    b.begun_ms = tg_ticks_ms();
    *accounts = *problems = 0;
    enum tg_code code = look_at_rest(&b, err);
    if (code == TG_OK)
        code = sweep_over_accounts(&b.s, &back, err);
    if (code == TG_OK)
        code = sweep_change(&b.s, note_it, &b, err);
    *accounts = result.count[TG_SWEPT_PLANS];
    *problems = result.problems;
    free(b.s.notes);
    return code;
}
