/* account_add.c: a new account: its offer, username, password and first purchase. */
#include <string.h>
#include "schema/account_parts.h"
#include "schema/audit.h"
#include "schema/customer.h"
#include "schema/ledger.h"

enum { TRIES = 100 };

/* The offer that is meant; its number where only one of that plan is there. */
static enum tg_code find_offer(struct tg_view *view, Tg__Account *wish, struct tg_error *err)
{
    struct tg_key prefix = tg_key_offer_prefix((uint8_t)wish->plan);
    struct tg_walk *walk;
    struct tg_span key, value;
    bool listed = false, on_sale = false;
    uint64_t only = 0, count = 0;
    enum tg_code code = tg_walk_begin(view, TG_DB_PLANS, &prefix, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        Tg__Offer *offer;
        if ((code = tg_unpack(view, TG_DB_PLANS, value, &tg__offer__descriptor, &offer, err)) != TG_OK)
            break;
        count += offer->on_sale;
        only = offer->on_sale ? offer->messages : only;
        if (offer->messages == wish->plan_messages) {
            listed = true;
            on_sale = offer->on_sale;
        }
    }
    tg_walk_end(&walk);
    if (code != TG_NOT_FOUND)
        return code;
    if (wish->plan_messages == 0 && count == 1) {
        wish->plan_messages = only;
        return TG_OK;
    }
    if (wish->plan_messages == 0 && count > 1)
        return tg_fail(err, TG_USAGE, "the plan %s comes in several sizes: say which with --messages (tollgate plan list)",
                       tg_plan_name(wish->plan));
    if (listed && on_sale)
        return TG_OK;
    return tg_fail(err, TG_REFUSED, "the plan %s%s is not on sale (tollgate plan list shows what is)", tg_plan_name(wish->plan),
                   wish->plan_messages != 0 ? " with that number of messages" : "");
}

/* Free once per customer at a time. */
static enum tg_code check_free(struct tg_view *view, uint64_t customer_id, struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(customer_id);
    struct tg_walk *walk;
    Tg__Account *other;
    enum tg_code code = tg_walk_begin(view, TG_DB_CUSTOMER_ACCOUNTS, &prefix, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_account_next(view, walk, TG_DB_CUSTOMER_ACCOUNTS, &other, err)) == TG_OK) {
        if (other->plan != TG__PLAN_KIND__FREE)
            continue;
        code = tg_fail(err, TG_REFUSED, "customer %llu has a free account already (%s): one at a time",
                       (unsigned long long)customer_id, other->username);
        break;
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static enum tg_code free_username(struct tg_view *view, char **username, struct tg_error *err)
{
    char made[TG_USERNAME_LEN + 1];
    struct tg_span value;
    for (int i = 0; i < TRIES; i++) {
        tg_username_make(made);
        struct tg_key key = tg_key_name(made);
        enum tg_code code = tg_get(view, TG_DB_LOGINS, &key, &value, err);
        if (code == TG_NOT_FOUND) {
            *username = tg_arena_strdup(tg_view_arena(view), made);
            return TG_OK;
        }
        if (code != TG_OK)
            return code;
    }
    return tg_fail(err, TG_FAILED, "no free username was found");
}

static void put_new(struct tg_change *change, const Tg__Account *account, int64_t now)
{
    struct tg_plan plan = tg_account_plan(account, 0, 0);
    struct tg_usage usage;
    struct tg_movement purchase;
    uint8_t id[8];
    tg_account_put(change, account);
    struct tg_key key = tg_key_name(account->username);
    tg_put(change, TG_DB_LOGINS, &key, tg_value_id(account->id, id));
    key = tg_key_id_pair(account->customer_id, account->id);
    tg_put(change, TG_DB_CUSTOMER_ACCOUNTS, &key, tg_span_of(NULL, 0));
    tg_plan_start(&plan, now, &usage, &purchase);
    tg_usage_put(change, account->id, &usage);
    tg_ledger_append(change, account->id, &purchase, tg_plan_name(account->plan));
}

enum tg_code tg_account_add(struct tg_change *change, const Tg__Account *wish, int64_t now, Tg__Account **account,
                            struct tg_secret *password, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    struct tg_arena *arena = tg_view_arena(view);
    Tg__Customer *customer;
    Tg__Account *a = tg_arena_alloc(arena, sizeof *a);
    *a = *wish;
    if (a->max_domains == 0)
        a->max_domains = TG_DEFAULT_MAX_DOMAINS;
    enum tg_code code = tg_account_check(a, err);
    if (code == TG_OK)
        code = tg_customer_get(view, a->customer_id, &customer, err);
    if (code == TG_OK)
        code = find_offer(view, a, err);
    if (code == TG_OK && a->plan != TG__PLAN_KIND__FREE)
        code = tg_fail(err, TG_REFUSED, "the plan %s needs an order, which this version cannot take: choose --plan free",
                       tg_plan_name(a->plan));
    if (code == TG_OK)
        code = check_free(view, a->customer_id, err);
    if (code == TG_OK)
        code = free_username(view, &a->username, err);
    if (code == TG_OK)
        code = tg_next_id(change, "account", &a->id, err);
    if (code != TG_OK)
        return code;
    tg_password_make(password);
    a->credential = tg_credential_make(arena, password, NULL, now, 1);
    a->old_credential = NULL;
    a->payment = TG__PAYMENT__PAID;
    a->plan_since = now;
    a->created_at = now;
    put_new(change, a, now);
    tg_audit(change, now, "account add", a->username, NULL,
             tg_arena_printf(arena, "customer %llu, plan %s, %s", (unsigned long long)a->customer_id, tg_plan_name(a->plan),
                             a->description));
    *account = a;
    return tg_change_error(change, err);
}
