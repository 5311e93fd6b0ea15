/* account_remove.c: the end of an account and of all that is its own. */
#include <string.h>
#include "schema/account.h"
#include "schema/audit.h"
#include "schema/billing.h"

/* Every key of this database that starts with the account's id; for each, `also` may delete its counterpart. */
static enum tg_code delete_all(struct tg_change *change, enum tg_db db, uint64_t id,
                               void (*also)(struct tg_change *, struct tg_span key), struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(id);
    struct tg_walk *walk;
    struct tg_span key, value;
    enum tg_code code = tg_walk_begin(tg_change_view(change), db, &prefix, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        struct tg_key this = { .len = key.len };
        memcpy(this.data, key.data, key.len);
        if (also != NULL)
            also(change, tg_key_span(&this));
        tg_delete(change, db, &this);
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? tg_change_error(change, err) : code;
}

static void delete_domain_account(struct tg_change *change, struct tg_span key)
{
    uint64_t id;
    char domain[TG_DOMAIN_MAX + 1];
    if (tg_read_id_name(key, &id, domain)) {
        struct tg_key other = tg_key_name_id(domain, id);
        tg_delete(change, TG_DB_DOMAIN_ACCOUNTS, &other);
    }
}

static void delete_network(struct tg_change *change, struct tg_span key)
{
    uint64_t id;
    struct tg_network network;
    if (tg_read_account_network(key, &id, &network)) {
        struct tg_key other = tg_key_network(&network, id);
        tg_delete(change, TG_DB_NETWORKS, &other);
    }
}

enum tg_code tg_account_remove(struct tg_change *change, const char *username, int64_t now, struct tg_error *err)
{
    Tg__Account *account;
    enum tg_code code = tg_account_by_username(tg_change_view(change), username, &account, err);
    if (code == TG_OK)
        code = tg_billing_forget(change, account, now, err);
    if (code == TG_OK)
        code = delete_all(change, TG_DB_ASSOCIATIONS, account->id, delete_domain_account, err);
    if (code == TG_OK)
        code = delete_all(change, TG_DB_ACCOUNT_NETWORKS, account->id, delete_network, err);
    if (code == TG_OK)
        code = delete_all(change, TG_DB_ACTIVITY, account->id, NULL, err);
    if (code == TG_OK)
        code = delete_all(change, TG_DB_DAILY, account->id, NULL, err);
    if (code == TG_OK)
        code = delete_all(change, TG_DB_LEDGER, account->id, NULL, err);
    if (code != TG_OK)
        return code;
    struct tg_key key = tg_key_id(account->id);
    tg_delete(change, TG_DB_USAGE, &key);
    tg_delete(change, TG_DB_NOTICES, &key);
    tg_delete(change, TG_DB_ACCOUNTS, &key);
    key = tg_key_name(username);
    tg_delete(change, TG_DB_LOGINS, &key);
    key = tg_key_id_pair(account->customer_id, account->id);
    tg_delete(change, TG_DB_CUSTOMER_ACCOUNTS, &key);
    tg_audit(change, now, "account remove", username,
             tg_arena_printf(tg_view_arena(tg_change_view(change)), "customer %llu, plan %s, %s",
                             (unsigned long long)account->customer_id, tg_plan_name(account->plan), account->description),
             NULL);
    return tg_change_error(change, err);
}
