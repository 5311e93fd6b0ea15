/* commits.h: a committer over a store with one account, and what is charged and noted there. */
#ifndef TG_TEST_COMMITS_H
#define TG_TEST_COMMITS_H

#include <stdatomic.h>
#include "schema/committer.h"
#include "tests/unit/account_store.h"

enum { ACCOUNT = 7, THREADS = 200, NOON = 20781 * 86400 + 43200 };
static const int64_t noon_us = NOON * INT64_C(1000000);

static struct tg_error err;
static struct account_store s;
static struct tg_committer *committer;
static Tg__Activity accepted, refused;

static inline struct new_account account_with(uint64_t messages)
{
    return (struct new_account){
        .id = ACCOUNT, .plan = {.kind = TG__PLAN_KIND__FREE, .messages = messages, .since = NOON}};
}

static inline void make_store(uint64_t messages)
{
    tg__activity__init(&accepted);
    accepted.recipients = 1;
    tg__activity__init(&refused);
    refused.kind = TG__ACTIVITY_KIND__REFUSED;
    refused.rule = "plan";
    account_store_make(&s);
    account_store_open(&s);
    add_account(&s, account_with(messages));
}

static inline void begin(uint64_t messages)
{
    make_store(messages);
    committer = tg_committer_new(s.store);
}

static inline void end(void)
{
    tg_committer_free(&committer);
    assert_null(committer);
    account_store_end(&s);
}

/* Within this second; each at another time, for the random part of ids is small. */
static inline int64_t later(int64_t time_us)
{
    static atomic_int count;
    return time_us + count++ % 900000;
}

static inline struct tg_charge charge_of(uint64_t account_id, int64_t time_us, uint64_t units)
{
    return (struct tg_charge){
        .id = tg_event_new(account_id, later(time_us)), .units = units, .activity = &accepted};
}

static inline enum tg_code charge(int64_t time_us, uint64_t units)
{
    struct tg_charge c = charge_of(ACCOUNT, time_us, units);
    return tg_committer_charge(committer, &c, &err);
}

static inline bool note(uint64_t account_id, int64_t time_us, const Tg__Activity *activity)
{
    struct tg_event_id id = tg_event_new(account_id, later(time_us));
    return tg_committer_note(committer, &id, activity);
}

static inline uint64_t daily_refused(uint64_t account_id)
{
    struct tg_view *view;
    Tg__Daily *daily;
    assert_ok(tg_view_begin(s.store, &view, &err));
    assert_ok(tg_daily_get(view, account_id, tg_day_of(NOON), &daily, &err));
    assert_int_equal(daily->n_refused, 1);
    uint64_t count = daily->refused[0]->count;
    tg_view_end(&view);
    return count;
}

static inline void assert_ledger_adds_up(uint64_t left)
{
    assert_int_equal(ledger_sum(&s, ACCOUNT, NULL) - (int64_t)usage_of(&s, ACCOUNT).day_used, left);
}

#endif
