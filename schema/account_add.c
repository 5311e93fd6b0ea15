/* account_add.c: a new account: its offer, username, password and first purchase. */
#include <string.h>
#include "schema/account_parts.h"
#include "schema/audit.h"
#include "schema/customer.h"
#include "schema/ledger.h"
#include "schema/offer.h"

enum { TRIES = 100 };

enum tg_code tg_account_check_free(struct tg_view *view, uint64_t customer_id, uint64_t account_id, struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(customer_id);
    struct tg_walk *walk;
    Tg__Account *other;
    enum tg_code code = tg_walk_begin(view, TG_DB_CUSTOMER_ACCOUNTS, &prefix, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_account_next(view, walk, TG_DB_CUSTOMER_ACCOUNTS, &other, err)) == TG_OK) {
        bool will_be = other->next_at != 0 && other->next_plan == TG__PLAN_KIND__FREE;
        if (other->id == account_id || (other->plan != TG__PLAN_KIND__FREE && !will_be))
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
    if (purchase.amount > 0)
        tg_ledger_append(change, account->id, &purchase, tg_plan_name(account->plan));
}

enum tg_code tg_account_open(struct tg_change *change, const Tg__Account *wish, Tg__Payment payment, int64_t now,
                             Tg__Account **account, struct tg_secret *password, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    struct tg_arena *arena = tg_view_arena(view);
    Tg__Account *a = tg_arena_alloc(arena, sizeof *a);
    *a = *wish;
    enum tg_code code = free_username(view, &a->username, err);
    if (code == TG_OK)
        code = tg_next_id(change, TG_SEQUENCE_ACCOUNT, &a->id, err);
    if (code != TG_OK)
        return code;
    if (a->max_domains == 0)
        a->max_domains = TG_DEFAULT_MAX_DOMAINS;
    tg_password_make(password);
    a->credential = tg_credential_make(arena, password, NULL, now, 1);
    a->old_credential = NULL;
    a->payment = payment;
    a->plan_messages = payment == TG__PAYMENT__AWAITED ? 0 : wish->plan_messages;
    a->plan_since = now;
    a->created_at = now;
    put_new(change, a, now);
    tg_audit(change, now, "account add", a->username, NULL,
             tg_arena_printf(arena, "customer %llu, plan %s, %s", (unsigned long long)a->customer_id, tg_plan_name(a->plan),
                             a->description));
    *account = a;
    return tg_change_error(change, err);
}

enum tg_code tg_account_add(struct tg_change *change, const Tg__Account *wish, int64_t now, Tg__Account **account,
                            struct tg_secret *password, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    Tg__Account free_wish = *wish;
    Tg__Customer *customer;
    Tg__Offer *offer;
    enum tg_code code = tg_account_check(wish, err);
    if (code == TG_OK)
        code = tg_customer_get(view, wish->customer_id, &customer, err);
    if (code == TG_OK)
        code = tg_offer_for_sale(view, wish->plan, wish->plan_messages, &offer, err);
    if (code == TG_OK && wish->plan != TG__PLAN_KIND__FREE)
        code = tg_fail(err, TG_REFUSED, "the plan %s needs an order", tg_plan_name(wish->plan));
    if (code == TG_OK)
        code = tg_account_check_free(view, wish->customer_id, 0, err);
    if (code != TG_OK)
        return code;
    free_wish.plan_messages = offer->messages;
    return tg_account_open(change, &free_wish, TG__PAYMENT__PAID, now, account, password, err);
}
