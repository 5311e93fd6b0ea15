/* check_money.c: the ledger against usage, usage against what was counted, what was counted against activity; orders. */
#include "schema/account.h"
#include "schema/activity.h"
#include "schema/check_parts.h"
#include "schema/order.h"

/* Its movements: the sum of all, and of what was used. */
static bool ledger_of(struct check *c, uint64_t id, int64_t *sum, uint64_t *used)
{
    struct tg_key prefix = tg_key_id(id);
    struct tg_walk *walk;
    struct tg_span key, value;
    *sum = 0;
    *used = 0;
    if (tg_walk_begin(c->view, TG_DB_LEDGER, &prefix, NULL, TG_FORWARD, &walk, NULL) != TG_OK)
        return false;
    while (tg_walk_next(walk, &key, &value, NULL) == TG_OK) {
        Tg__Movement *m = tg_check_record(c, TG_DB_LEDGER, value, &tg__movement__descriptor);
        *sum += m != NULL ? m->amount : 0;
        *used += m != NULL && m->kind == TG__MOVEMENT_KIND__USE ? (uint64_t)-m->amount : 0;
    }
    tg_walk_end(&walk);
    return true;
}

/* All its days, and the sum of those before: messages and recipients that were counted. */
static bool counted_of(struct check *c, uint64_t id, uint64_t *messages, uint64_t *recipients)
{
    struct tg_key prefix = tg_key_id(id);
    struct tg_walk *walk;
    struct tg_span key, value;
    *messages = *recipients = 0;
    if (tg_walk_begin(c->view, TG_DB_DAILY, &prefix, NULL, TG_FORWARD, &walk, NULL) != TG_OK)
        return false;
    while (tg_walk_next(walk, &key, &value, NULL) == TG_OK) {
        Tg__Daily *d = tg_check_record(c, TG_DB_DAILY, value, &tg__daily__descriptor);
        *messages += d != NULL ? d->messages : 0;
        *recipients += d != NULL ? d->recipients : 0;
    }
    tg_walk_end(&walk);
    return true;
}

/* What is left as of the last charge: what time has brought since is not in the ledger yet. */
static int64_t left_of(const Tg__Account *a, const struct tg_usage *usage)
{
    struct tg_plan plan = tg_account_plan(a, 0, 0);
    struct tg_balance balance;
    if (usage->prepaid_left > 0 && a->plan == TG__PLAN_KIND__PREPAID)
        return (int64_t)usage->prepaid_left;
    tg_plan_balance(&plan, usage, usage->last_at, &balance);
    return (int64_t)balance.left;
}

void tg_check_money(struct check *c, const Tg__Account *a, const struct tg_usage *usage)
{
    int64_t sum;
    uint64_t used, messages, recipients;
    if (!ledger_of(c, a->id, &sum, &used) || !counted_of(c, a->id, &messages, &recipients))
        return;
    sum -= (int64_t)usage->day_used;
    used += usage->day_used;
    if (sum != left_of(a, usage))
        tg_check_found(c, "account %s: its ledger sums up to %lld, and %lld are left", a->username, (long long)sum,
                       (long long)left_of(a, usage));
    if (used != usage->total)
        tg_check_found(c, "account %s: its ledger has %llu used, and its usage %llu", a->username, n(used), n(usage->total));
    /* A unit is a recipient or a message, whatever `count` was at its time. */
    if (usage->total < messages || usage->total > recipients)
        tg_check_found(c, "account %s: its usage has %llu units, and its days have %llu messages to %llu recipients", a->username,
                       n(usage->total), n(messages), n(recipients));
}

/* ---- days against events ---- */

static bool events_of(struct check *c, uint64_t id, int64_t day, uint64_t *messages, uint64_t *recipients)
{
    struct tg_event_id from = { id, day * 86400 * 1000000, 0 }, event;
    struct tg_key prefix = tg_key_id(id), key = tg_key_event(&from);
    struct tg_walk *walk;
    struct tg_span at, value;
    *messages = *recipients = 0;
    if (tg_walk_begin(c->view, TG_DB_ACTIVITY, &prefix, &key, TG_FORWARD, &walk, NULL) != TG_OK)
        return false;
    while (tg_walk_next(walk, &at, &value, NULL) == TG_OK && tg_read_event(at, &event) &&
           event.time_us < (day + 1) * 86400 * 1000000) {
        Tg__Activity *a;
        if (tg_unpack(c->view, TG_DB_ACTIVITY, value, &tg__activity__descriptor, &a, NULL) != TG_OK ||
            a->kind != TG__ACTIVITY_KIND__ACCEPTED)
            continue;
        ++*messages;
        *recipients += a->recipients;
    }
    tg_walk_end(&walk);
    return true;
}

/* Of days that retention has reached some events may be gone: a sweep is at it, or was killed, or told a later time. */
static bool events_fit(struct check *c, int64_t day, uint64_t events, uint64_t counted)
{
    int64_t whole_from;
    struct tg_error err;
    if (events == counted || tg_activity_whole_from(c->view, &whole_from, &err) != TG_OK)
        return true; /* damage of meta is told elsewhere */
    return day < whole_from && events < counted;
}

void tg_check_daily(struct check *c, struct tg_span key, struct tg_span value)
{
    uint64_t id, day, messages, recipients;
    Tg__Daily *d = tg_check_record(c, TG_DB_DAILY, value, &tg__daily__descriptor);
    if (!tg_read_id_pair(key, &id, &day)) {
        tg_check_bad_key(c, TG_DB_DAILY);
        return;
    }
    tg_check_owned(c, TG_DB_DAILY, id);
    if (d == NULL || day > INT32_MAX || !events_of(c, id, (int64_t)day, &messages, &recipients) || messages == 0)
        return;
    if (!events_fit(c, (int64_t)day, messages, d->messages) || !events_fit(c, (int64_t)day, recipients, d->recipients))
        tg_check_found(c, "account %llu, day %llu: %llu messages to %llu recipients are counted, and its activity has %llu to %llu",
                       n(id), n(day), n(d->messages), n(d->recipients), n(messages), n(recipients));
}

/* ---- orders ---- */

void tg_check_open_orders(struct check *c, const Tg__Account *a)
{
    for (size_t i = 0; i < a->n_open_orders; i++) {
        Tg__Order *order;
        if (tg_order_get(c->view, a->open_orders[i], &order, NULL) != TG_OK)
            tg_check_found(c, "account %s: there is no order %llu", a->username, n(a->open_orders[i]));
        else if (order->account_id != a->id || !tg_order_is_open(order))
            tg_check_found(c, "account %s: order %llu is not an open one of its own", a->username, n(order->id));
    }
}

void tg_check_order(struct check *c, struct tg_span key, struct tg_span value)
{
    uint64_t id;
    Tg__Account *a;
    Tg__Order *o = tg_check_record(c, TG_DB_ORDERS, value, &tg__order__descriptor);
    if (!tg_read_id(key, &id)) {
        tg_check_bad_key(c, TG_DB_ORDERS);
        return;
    }
    if (o == NULL)
        return;
    if (o->id != id)
        tg_check_found(c, "orders: the record under %llu says it is %llu", n(id), n(o->id));
    if (!tg_order_is_open(o))
        return;
    if (tg_account_get(c->view, o->account_id, &a, NULL) != TG_OK) {
        tg_check_found(c, "order %llu is open, and its account is gone", n(id));
        return;
    }
    for (size_t i = 0; i < a->n_open_orders; i++)
        if (a->open_orders[i] == id)
            return;
    tg_check_found(c, "order %llu is open, and account %s does not know", n(id), a->username);
}
