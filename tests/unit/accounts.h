/* accounts.h: what is done to accounts in these tests, each as a change, and what is to be seen of them afterwards. */
#ifndef TG_TEST_ACCOUNTS_H
#define TG_TEST_ACCOUNTS_H

#include "schema/activity.h"
#include "tests/unit/nouns.h"

struct args {
    const char *username, *reason;
    int64_t overlap_s, now, old_valid_until;
    uint64_t number;
    Tg__Account account;
    struct tg_secret password;
};

static inline enum tg_code update(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_account_update(change, &a->account, NOW, err);
}

static inline enum tg_code enable(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_account_enable(change, a->username, NOW + 2, err);
}

static inline enum tg_code disable(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_account_disable(change, a->username, a->reason, NOW + 1, err);
}

static inline enum tg_code new_password(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct args *a = arg;
    Tg__Account *account;
    return tg_account_password(change, a->username, a->overlap_s, a->now, &account, &a->password, &a->old_valid_until, err);
}

static inline enum tg_code credit(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_account_credit(change, a->username, a->number, a->reason, NOW, err);
}

static inline enum tg_code remove_account(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    return tg_account_remove(change, a->username, NOW, err);
}

/* Any record, behind the nouns' back. */
static inline enum tg_code put_account(struct tg_change *change, void *arg, struct tg_error *err)
{
    const Tg__Account *account = arg;
    struct tg_key key = tg_key_id(account->id);
    tg_put_record(change, TG_DB_ACCOUNTS, &key, &account->base);
    return tg_change_error(change, err);
}

static inline Tg__Account *account_of(struct tg_view *view, const char *username)
{
    struct tg_error err;
    Tg__Account *account;
    assert_ok(tg_account_by_username(view, username, &account, &err));
    return account;
}

/* Of the account's newest activity: "kind result text". */
static inline void assert_activity(struct nouns *n, uint64_t id, const char *expected)
{
    struct tg_error err;
    struct tg_view *view = view_of(n);
    struct tg_key prefix = tg_key_id(id);
    struct tg_walk *walk;
    struct tg_event_id event;
    Tg__Activity *activity;
    char text[400];
    assert_ok(tg_walk_begin(view, TG_DB_ACTIVITY, &prefix, NULL, TG_BACKWARD, &walk, &err));
    assert_ok(tg_activity_next(view, walk, &event, &activity, &err));
    snprintf(text, sizeof text, "%s %s %s", tg_activity_kind_name(activity->kind), activity->result, activity->text);
    assert_string_equal(text, expected);
    tg_walk_end(&walk);
    tg_view_end(&view);
}

static inline enum tg_code add_and_associate(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct args *a = arg;
    Tg__Domain *domain;
    enum tg_code code = tg_domain_add(change, a->reason, 1, NOW, &domain, err);
    return code == TG_OK ? tg_domain_associate(change, a->reason, a->username, true, NOW, err) : code;
}

#endif
