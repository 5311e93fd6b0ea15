/* check.c: see check.h. A checker a database; the table at the end names them all. What concerns money is in
 * check_money.c. */
#include <string.h>
#include "schema/account.h"
#include "schema/catalog.h"
#include "schema/check_parts.h"
#include "schema/credential.h"
#include "schema/plan.h"
#include "schema/records.pb-c.h"

enum { RENEW_EVERY = 1000 };

/* ---- a checker for each database ---- */

static void check_meta(struct check *c, struct tg_span key, struct tg_span value)
{
    const ProtobufCMessageDescriptor *type = tg_catalog_type(TG_DB_META, key);
    if (type == NULL)
        tg_check_found(c, "meta: a record of a name that means nothing");
    else
        tg_check_record(c, TG_DB_META, value, type);
}

static void check_customer(struct check *c, struct tg_span key, struct tg_span value)
{
    uint64_t id;
    Tg__Customer *customer = tg_check_record(c, TG_DB_CUSTOMERS, value, &tg__customer__descriptor);
    if (!tg_read_id(key, &id))
        tg_check_bad_key(c, TG_DB_CUSTOMERS);
    else if (customer != NULL && customer->id != id)
        tg_check_found(c, "customers: the record under %llu says it is %llu", n(id), n(customer->id));
}

static void check_account(struct check *c, struct tg_span key, struct tg_span value)
{
    uint64_t id, named;
    struct tg_usage usage;
    struct tg_span login;
    struct tg_error err;
    Tg__Account *a = tg_check_record(c, TG_DB_ACCOUNTS, value, &tg__account__descriptor);
    if (!tg_read_id(key, &id)) {
        tg_check_bad_key(c, TG_DB_ACCOUNTS);
        return;
    }
    if (a == NULL)
        return;
    if (id > TG_NUMBER_MAX)
        tg_check_found(c, "account %s: damaged: it has the number %llu", a->username, n(id));
    if (a->id != id)
        tg_check_found(c, "accounts: the record under %llu says it is %llu", n(id), n(a->id));
    struct tg_key name = tg_key_name(a->username);
    if (*a->username == '\0' || tg_get(c->view, TG_DB_LOGINS, &name, &login, NULL) != TG_OK || !tg_read_id(login, &named) || named != id)
        tg_check_found(c, "account %llu: the login %s does not lead to it", n(id), a->username);
    if (!tg_check_exists(c, TG_DB_CUSTOMERS, tg_key_id(a->customer_id)))
        tg_check_found(c, "account %s: there is no customer %llu", a->username, n(a->customer_id));
    if (!tg_check_exists(c, TG_DB_CUSTOMER_ACCOUNTS, tg_key_id_pair(a->customer_id, id)))
        tg_check_found(c, "account %s: customer_accounts does not have it", a->username);
    if (a->credential == NULL || a->credential->hash.len == 0 || a->credential->salt.len != TG_SALT_LEN)
        tg_check_found(c, "account %s: its credential is damaged", a->username);
    if (tg_usage_get(c->view, id, &usage, &err) != TG_OK)
        tg_check_found(c, "account %s: %s", a->username, err.text);
    else
        tg_check_money(c, a, &usage);
    tg_check_open_orders(c, a);
}

static void check_login(struct check *c, struct tg_span key, struct tg_span value)
{
    char name[TG_DOMAIN_MAX + 1];
    uint64_t id;
    if (!tg_read_name(key, name))
        tg_check_bad_key(c, TG_DB_LOGINS);
    else if (!tg_read_id(value, &id) || !tg_check_exists(c, TG_DB_ACCOUNTS, tg_key_id(id)))
        tg_check_found(c, "logins: %s names no account", name);
}

static void check_usage(struct check *c, struct tg_span key, struct tg_span value)
{
    uint64_t id;
    (void)value;
    if (!tg_read_id(key, &id))
        tg_check_bad_key(c, TG_DB_USAGE);
    else if (!tg_check_exists(c, TG_DB_ACCOUNTS, tg_key_id(id)))
        tg_check_found(c, "usage: there is no account %llu", n(id));
}

static void check_domain(struct check *c, struct tg_span key, struct tg_span value)
{
    char name[TG_DOMAIN_MAX + 1];
    Tg__Domain *d = tg_check_record(c, TG_DB_DOMAINS, value, &tg__domain__descriptor);
    if (!tg_read_name(key, name)) {
        tg_check_bad_key(c, TG_DB_DOMAINS);
        return;
    }
    if (d == NULL)
        return;
    if (strcmp(d->domain, name) != 0)
        tg_check_found(c, "domains: the record under %s says it is %.253s", name, d->domain);
    if (!tg_check_exists(c, TG_DB_CUSTOMERS, tg_key_id(d->customer_id)))
        tg_check_found(c, "domain %s: there is no customer %llu", name, n(d->customer_id));
    if (!tg_check_exists(c, TG_DB_CUSTOMER_DOMAINS, tg_key_id_name(d->customer_id, name)))
        tg_check_found(c, "domain %s: customer_domains does not have it", name);
}

static void check_association(struct check *c, struct tg_span key, struct tg_span value)
{
    char name[TG_DOMAIN_MAX + 1];
    uint64_t id;
    tg_check_record(c, TG_DB_ASSOCIATIONS, value, &tg__association__descriptor);
    if (!tg_read_id_name(key, &id, name)) {
        tg_check_bad_key(c, TG_DB_ASSOCIATIONS);
        return;
    }
    if (!tg_check_exists(c, TG_DB_ACCOUNTS, tg_key_id(id)))
        tg_check_found(c, "associations: %s with account %llu, which is not there", name, n(id));
    if (!tg_check_exists(c, TG_DB_DOMAINS, tg_key_name(name)))
        tg_check_found(c, "associations: account %llu with %s, which is not there", n(id), name);
    if (!tg_check_exists(c, TG_DB_DOMAIN_ACCOUNTS, tg_key_name_id(name, id)))
        tg_check_found(c, "associations: domain_accounts does not have %s with account %llu", name, n(id));
}

static void check_network(struct check *c, struct tg_span key, struct tg_span value)
{
    struct tg_network network;
    uint64_t id;
    tg_check_record(c, TG_DB_NETWORKS, value, &tg__authorised_ip__descriptor);
    if (!tg_read_network(key, &network, &id))
        tg_check_bad_key(c, TG_DB_NETWORKS);
    else if (!tg_check_exists(c, TG_DB_ACCOUNTS, tg_key_id(id)))
        tg_check_found(c, "networks: one of account %llu, which is not there", n(id));
    else if (!tg_check_exists(c, TG_DB_ACCOUNT_NETWORKS, tg_key_account_network(id, &network)))
        tg_check_found(c, "networks: account_networks does not have one of account %llu", n(id));
}

static void check_offer(struct check *c, struct tg_span key, struct tg_span value)
{
    uint8_t plan;
    uint64_t messages;
    tg_check_record(c, TG_DB_PLANS, value, &tg__offer__descriptor);
    if (!tg_read_offer(key, &plan, &messages))
        tg_check_bad_key(c, TG_DB_PLANS);
}

static void check_event(struct check *c, enum tg_db db, struct tg_span key, struct tg_span value,
                        const ProtobufCMessageDescriptor *type)
{
    struct tg_event_id id;
    tg_check_record(c, db, value, type);
    if (!tg_read_event(key, &id))
        tg_check_bad_key(c, db);
    else
        tg_check_owned(c, db, id.account_id);
}

static void check_activity(struct check *c, struct tg_span key, struct tg_span value)
{
    check_event(c, TG_DB_ACTIVITY, key, value, &tg__activity__descriptor);
}

static void check_ledger(struct check *c, struct tg_span key, struct tg_span value)
{
    check_event(c, TG_DB_LEDGER, key, value, &tg__movement__descriptor);
}

static void check_audit(struct check *c, struct tg_span key, struct tg_span value)
{
    int64_t time_us;
    uint32_t sequence;
    tg_check_record(c, TG_DB_AUDIT, value, &tg__audit__descriptor);
    if (!tg_read_audit(key, &time_us, &sequence))
        tg_check_bad_key(c, TG_DB_AUDIT);
}

static void check_mail(struct check *c, struct tg_span key, struct tg_span value)
{
    uint64_t id;
    bool done;
    Tg__Mail *mail = tg_check_record(c, TG_DB_MAILS, value, &tg__mail__descriptor);
    if (!tg_read_mail(key, &done, &id))
        tg_check_bad_key(c, TG_DB_MAILS);
    else if (mail != NULL && mail->id != id)
        tg_check_found(c, "mails: the record under %llu says it is %llu", n(id), n(mail->id));
}

static void check_notices(struct check *c, struct tg_span key, struct tg_span value)
{
    uint64_t id;
    tg_check_record(c, TG_DB_NOTICES, value, &tg__notices__descriptor);
    if (!tg_read_id(key, &id))
        tg_check_bad_key(c, TG_DB_NOTICES);
    else
        tg_check_owned(c, TG_DB_NOTICES, id);
}

/* ---- the indexes: each entry has its record ---- */

static void check_customer_account(struct check *c, struct tg_span key, struct tg_span value)
{
    uint64_t customer_id, id;
    Tg__Account *a;
    (void)value;
    if (!tg_read_id_pair(key, &customer_id, &id))
        tg_check_bad_key(c, TG_DB_CUSTOMER_ACCOUNTS);
    else if (tg_account_get(c->view, id, &a, NULL) != TG_OK || a->customer_id != customer_id)
        tg_check_found(c, "customer_accounts: account %llu is not customer %llu's", n(id), n(customer_id));
}

static void check_customer_domain(struct check *c, struct tg_span key, struct tg_span value)
{
    char name[TG_DOMAIN_MAX + 1];
    uint64_t customer_id;
    Tg__Domain *d;
    (void)value;
    if (!tg_read_id_name(key, &customer_id, name)) {
        tg_check_bad_key(c, TG_DB_CUSTOMER_DOMAINS);
        return;
    }
    struct tg_key at = tg_key_name(name);
    if (tg_get_record(c->view, TG_DB_DOMAINS, &at, &tg__domain__descriptor, &d, NULL) != TG_OK || d->customer_id != customer_id)
        tg_check_found(c, "customer_domains: %s is not customer %llu's", name, n(customer_id));
}

static void check_domain_account(struct check *c, struct tg_span key, struct tg_span value)
{
    char name[TG_DOMAIN_MAX + 1];
    uint64_t id;
    (void)value;
    if (!tg_read_name_id(key, name, &id))
        tg_check_bad_key(c, TG_DB_DOMAIN_ACCOUNTS);
    else if (!tg_check_exists(c, TG_DB_ASSOCIATIONS, tg_key_id_name(id, name)))
        tg_check_found(c, "domain_accounts: %s with account %llu is no association", name, n(id));
}

static void check_account_network(struct check *c, struct tg_span key, struct tg_span value)
{
    struct tg_network network;
    uint64_t id;
    (void)value;
    if (!tg_read_account_network(key, &id, &network))
        tg_check_bad_key(c, TG_DB_ACCOUNT_NETWORKS);
    else if (!tg_check_exists(c, TG_DB_NETWORKS, tg_key_network(&network, id)))
        tg_check_found(c, "account_networks: one of account %llu is not in networks", n(id));
}

/* ---- all of them ---- */

typedef void check_fn(struct check *c, struct tg_span key, struct tg_span value);

static check_fn *const checkers[TG_DB_COUNT] = {
    [TG_DB_META] = check_meta,
    [TG_DB_CUSTOMERS] = check_customer,
    [TG_DB_ACCOUNTS] = check_account,
    [TG_DB_LOGINS] = check_login,
    [TG_DB_USAGE] = check_usage,
    [TG_DB_DOMAINS] = check_domain,
    [TG_DB_ASSOCIATIONS] = check_association,
    [TG_DB_NETWORKS] = check_network,
    [TG_DB_PLANS] = check_offer,
    [TG_DB_ORDERS] = tg_check_order,
    [TG_DB_ACTIVITY] = check_activity,
    [TG_DB_DAILY] = tg_check_daily,
    [TG_DB_LEDGER] = check_ledger,
    [TG_DB_AUDIT] = check_audit,
    [TG_DB_CUSTOMER_ACCOUNTS] = check_customer_account,
    [TG_DB_CUSTOMER_DOMAINS] = check_customer_domain,
    [TG_DB_DOMAIN_ACCOUNTS] = check_domain_account,
    [TG_DB_ACCOUNT_NETWORKS] = check_account_network,
    [TG_DB_MAILS] = check_mail,
    [TG_DB_NOTICES] = check_notices,
};

/* One bounded view: at most RENEW_EVERY records. *more: there is a rest, from *from on. */
static enum tg_code check_some(struct tg_store *store, struct check *c, enum tg_db db, struct tg_key *from, bool *more,
                               struct tg_error *err)
{
    struct tg_key all = tg_key_all();
    struct tg_walk *walk;
    struct tg_span key, value;
    int looked = 0;
    *more = false;
    enum tg_code code = tg_view_begin(store, &c->view, err);
    if (code != TG_OK)
        return code;
    code = tg_walk_begin(c->view, db, &all, from->len > 0 ? from : NULL, TG_FORWARD, &walk, err);
    if (code == TG_OK) {
        while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
            if (looked++ == RENEW_EVERY) {
                from->len = key.len;
                memcpy(from->data, key.data, key.len);
                *more = true;
                break;
            }
            checkers[db](c, key, value);
            c->done++;
        }
        tg_walk_end(&walk);
    }
    tg_view_end(&c->view);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

enum tg_code tg_store_check(struct tg_store *store, int64_t now, tg_problem_fn *problem, void *problem_arg,
                            tg_progress_fn *progress, void *progress_arg, struct tg_store_stat *records, struct tg_error *err)
{
    struct check c = { .now = now, .problem = problem, .arg = problem_arg };
    enum tg_code code = tg_store_stat(store, records, err);
    for (int db = 0; db < TG_DB_COUNT; db++)
        c.all += code == TG_OK ? records->records[db] : 0;
    for (int db = 0; code == TG_OK && db < TG_DB_COUNT; db++) {
        struct tg_key from = { .len = 0 };
        for (bool more = true; code == TG_OK && more;) {
            code = check_some(store, &c, (enum tg_db)db, &from, &more, err);
            if (progress != NULL)
                progress(progress_arg, c.done, c.all > c.done ? c.all : c.done);
        }
    }
    return code;
}
