/* domain.c: see domain.h. */
#include <sodium.h>
#include <string.h>
#include "schema/account.h"
#include "schema/audit.h"
#include "schema/base32.h"
#include "schema/customer.h"
#include "schema/domain.h"
#include "schema/domain_name.h"
#include "schema/text.h"

enum { REASON_MAX = 400 };

const char *tg_domain_status_name(Tg__DomainStatus status)
{
    switch (status) {
    case TG__DOMAIN_STATUS__VERIFIED: return "verified";
    case TG__DOMAIN_STATUS__FAILED: return "failed";
    default: return "pending";
    }
}

char *tg_domain_txt_name(struct tg_arena *arena, const Tg__Domain *domain)
{
    return tg_arena_printf(arena, "_tollgate.%s", domain->domain);
}

char *tg_domain_txt_value(struct tg_arena *arena, const Tg__Domain *domain)
{
    return tg_arena_printf(arena, "tollgate-verify=%s", domain->token);
}

/* ---- reading ---- */

static enum tg_code get_canonical(struct tg_view *view, const char *canonical, Tg__Domain **domain, struct tg_error *err)
{
    struct tg_key key = tg_key_name(canonical);
    enum tg_code code = tg_get_record(view, TG_DB_DOMAINS, &key, &tg__domain__descriptor, domain, err);
    if (code == TG_NOT_FOUND)
        return tg_fail(err, TG_NOT_FOUND, "no domain %s (tollgate domain list shows them)", canonical);
    return code;
}

enum tg_code tg_domain_get(struct tg_view *view, const char *name, Tg__Domain **domain, struct tg_error *err)
{
    char canonical[TG_DOMAIN_MAX + 1];
    *domain = NULL;
    enum tg_code code = tg_domain_name(tg_span_str(name), canonical, err);
    return code == TG_OK ? get_canonical(view, canonical, domain, err) : code;
}

enum tg_code tg_domain_next(struct tg_view *view, struct tg_walk *walk, Tg__Domain **domain, struct tg_error *err)
{
    struct tg_span key, value;
    enum tg_code code = tg_walk_next(walk, &key, &value, err);
    return code == TG_OK ? tg_unpack(view, TG_DB_DOMAINS, value, &tg__domain__descriptor, domain, err) : code;
}

/* ---- domains ---- */

enum tg_code tg_domain_add(struct tg_change *change, const char *name, uint64_t customer_id, int64_t now,
                           Tg__Domain **domain, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    struct tg_arena *arena = tg_view_arena(view);
    char canonical[TG_DOMAIN_MAX + 1], token[TG_BASE32_LEN(20) + 1];
    uint8_t random[20];
    Tg__Customer *customer;
    Tg__Domain *there;
    enum tg_code code = tg_domain_name(tg_span_str(name), canonical, err);
    if (code == TG_OK)
        code = tg_customer_get(view, customer_id, &customer, err);
    if (code != TG_OK)
        return code;
    if (tg_domain_is_public_suffix(canonical))
        return tg_fail(err, TG_REFUSED, "%s is a public suffix: it can't be anyone's domain", canonical);
    code = get_canonical(view, canonical, &there, err);
    if (code == TG_OK)
        return tg_fail(err, TG_REFUSED, "%s is %s domain already", canonical,
                       there->customer_id == customer_id ? "this customer's" : "another customer's");
    if (code != TG_NOT_FOUND)
        return code;
    randombytes_buf(random, sizeof random);
    tg_base32_encode(random, sizeof random, token);

    Tg__Domain *d = tg_arena_alloc(arena, sizeof *d);
    tg__domain__init(d);
    d->domain = tg_arena_strdup(arena, canonical);
    d->customer_id = customer_id;
    d->token = tg_arena_strdup(arena, token);
    d->created_at = now;
    struct tg_key key = tg_key_name(canonical);
    tg_put_record(change, TG_DB_DOMAINS, &key, &d->base);
    key = tg_key_id_name(customer_id, canonical);
    tg_put(change, TG_DB_CUSTOMER_DOMAINS, &key, tg_span_of(NULL, 0));
    tg_audit(change, now, "domain add", canonical, NULL, tg_arena_printf(arena, "customer %llu", (unsigned long long)customer_id));
    *domain = d;
    return tg_change_error(change, err);
}

/* For the audit log. */
static const char *status_text(struct tg_arena *arena, const Tg__Domain *domain)
{
    const char *name = tg_domain_status_name(domain->status);
    return *domain->status_reason == '\0' ? name : tg_arena_printf(arena, "%s: %s", name, domain->status_reason);
}

enum tg_code tg_domain_set_status(struct tg_change *change, const char *name, Tg__DomainStatus status, const char *reason,
                                  int64_t now, struct tg_error *err)
{
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    Tg__Domain *domain;
    enum tg_code code = tg_domain_get(tg_change_view(change), name, &domain, err);
    if (code != TG_OK)
        return code;
    if (reason != NULL && !tg_text_is_clean(reason, REASON_MAX))
        return tg_fail(err, TG_USAGE, "the reason for the status of %s must be UTF-8 text of at most %d octets without "
                       "control characters", domain->domain, REASON_MAX);
    const char *before = status_text(arena, domain);
    domain->status = status;
    domain->status_reason = (char *)(reason != NULL ? reason : "");
    domain->checked_at = now;
    tg_audit(change, now, "domain verify", domain->domain, before, status_text(arena, domain));
    struct tg_key key = tg_key_name(domain->domain);
    tg_put_record(change, TG_DB_DOMAINS, &key, &domain->base);
    return tg_change_error(change, err);
}

/* "k3v9x0a2m7qd, b2…": the first ten. */
static const char *usernames(struct tg_view *view, const uint64_t *ids, size_t count)
{
    struct tg_arena *arena = tg_view_arena(view);
    char *list = tg_arena_strdup(arena, "");
    Tg__Account *account;
    for (size_t i = 0; i < count && i < 10; i++)
        list = tg_arena_printf(arena, "%s%s%s", list, i > 0 ? ", " : "",
                               tg_account_get(view, ids[i], &account, NULL) == TG_OK ? account->username : "?");
    return count > 10 ? tg_arena_printf(arena, "%s and %zu more", list, count - 10) : list;
}

static enum tg_code dissociate_all(struct tg_change *change, const char *name, const uint64_t *ids, size_t count, int64_t now,
                                   struct tg_error *err)
{
    enum tg_code code = TG_OK;
    Tg__Account *account;
    for (size_t i = 0; code == TG_OK && i < count; i++) {
        code = tg_account_get(tg_change_view(change), ids[i], &account, err);
        if (code == TG_OK)
            code = tg_domain_dissociate(change, name, account->username, now, err);
    }
    return code;
}

enum tg_code tg_domain_remove(struct tg_change *change, const char *name, bool dissociate, int64_t now, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    Tg__Domain *domain;
    uint64_t *ids;
    size_t count;
    enum tg_code code = tg_domain_get(view, name, &domain, err);
    if (code == TG_OK)
        code = tg_domain_accounts(view, domain->domain, &ids, &count, err);
    if (code == TG_OK && count > 0 && !dissociate)
        return tg_fail(err, TG_REFUSED, "%s is in use by %s: dissociate it first (tollgate domain dissociate), or say --yes, which does "
                       "that too", domain->domain, usernames(view, ids, count));
    if (code == TG_OK)
        code = dissociate_all(change, domain->domain, ids, count, now, err);
    if (code != TG_OK)
        return code;
    struct tg_key key = tg_key_name(domain->domain);
    tg_delete(change, TG_DB_DOMAINS, &key);
    key = tg_key_id_name(domain->customer_id, domain->domain);
    tg_delete(change, TG_DB_CUSTOMER_DOMAINS, &key);
    tg_audit(change, now, "domain remove", domain->domain,
             tg_arena_printf(tg_view_arena(view), "customer %llu, %s", (unsigned long long)domain->customer_id,
                             tg_domain_status_name(domain->status)), NULL);
    return tg_change_error(change, err);
}

/* ---- associations ---- */

static enum tg_code domain_and_account(struct tg_view *view, const char *name, const char *username, Tg__Domain **domain,
                                       Tg__Account **account, struct tg_error *err)
{
    enum tg_code code = tg_domain_get(view, name, domain, err);
    return code == TG_OK ? tg_account_by_username(view, username, account, err) : code;
}

/* For the audit log. */
static const char *association_text(struct tg_arena *arena, const char *username, bool subdomains)
{
    return subdomains ? tg_arena_printf(arena, "%s, with subdomains", username) : username;
}

enum tg_code tg_domain_associate(struct tg_change *change, const char *name, const char *username, bool subdomains,
                                 int64_t now, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    Tg__Domain *domain;
    Tg__Account *account;
    Tg__Association *there;
    struct tg_association *list;
    size_t count;
    enum tg_code code = domain_and_account(view, name, username, &domain, &account, err);
    if (code != TG_OK)
        return code;
    if (domain->customer_id != account->customer_id)
        return tg_fail(err, TG_REFUSED, "%s belongs to customer %llu and %s to customer %llu", domain->domain,
                       (unsigned long long)domain->customer_id, username, (unsigned long long)account->customer_id);
    struct tg_key key = tg_key_id_name(account->id, domain->domain);
    code = tg_get_record(view, TG_DB_ASSOCIATIONS, &key, &tg__association__descriptor, &there, err);
    if (code == TG_OK && there->subdomains == subdomains)
        return tg_fail(err, TG_REFUSED, "%s is associated with %s already", domain->domain, username);
    if (code != TG_OK && code != TG_NOT_FOUND)
        return code;
    bool is_new = code == TG_NOT_FOUND;
    if ((code = tg_domain_of_account(view, account->id, &list, &count, err)) != TG_OK)
        return code;
    if (is_new && count >= account->max_domains)
        return tg_fail(err, TG_REFUSED, "%s has its maximum of %u domain%s: dissociate one (tollgate domain dissociate DOMAIN %s), or "
                       "raise it (tollgate account set %s --max-domains %u)", username, account->max_domains,
                       account->max_domains == 1 ? "" : "s", username, username, account->max_domains + 1);
    Tg__Association record = TG__ASSOCIATION__INIT;
    record.subdomains = subdomains;
    record.since = is_new ? now : there->since;
    tg_put_record(change, TG_DB_ASSOCIATIONS, &key, &record.base);
    key = tg_key_name_id(domain->domain, account->id);
    tg_put(change, TG_DB_DOMAIN_ACCOUNTS, &key, tg_span_of(NULL, 0));
    struct tg_arena *arena = tg_view_arena(view);
    tg_audit(change, now, "domain associate", domain->domain,
             is_new ? NULL : association_text(arena, username, there->subdomains),
             association_text(arena, username, subdomains));
    return tg_change_error(change, err);
}

enum tg_code tg_domain_dissociate(struct tg_change *change, const char *name, const char *username, int64_t now,
                                  struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    Tg__Domain *domain;
    Tg__Account *account;
    Tg__Association *there;
    enum tg_code code = domain_and_account(view, name, username, &domain, &account, err);
    if (code != TG_OK)
        return code;
    struct tg_key key = tg_key_id_name(account->id, domain->domain);
    code = tg_get_record(view, TG_DB_ASSOCIATIONS, &key, &tg__association__descriptor, &there, err);
    if (code == TG_NOT_FOUND)
        return tg_fail(err, TG_NOT_FOUND, "%s is not associated with %s (tollgate account show %s says what is)",
                       domain->domain, username, username);
    if (code != TG_OK)
        return code;
    tg_delete(change, TG_DB_ASSOCIATIONS, &key);
    key = tg_key_name_id(domain->domain, account->id);
    tg_delete(change, TG_DB_DOMAIN_ACCOUNTS, &key);
    tg_audit(change, now, "domain dissociate", domain->domain,
             association_text(tg_view_arena(view), username, there->subdomains), NULL);
    return tg_change_error(change, err);
}

/* A name that the account has not: whoever proved that it is his, has it, and what is below; an unproved claim is none. */
static enum tg_code note_owner(struct tg_view *view, const char *name, uint64_t *owner, struct tg_error *err)
{
    Tg__Domain *domain;
    if (*owner != 0)
        return TG_OK;
    enum tg_code code = get_canonical(view, name, &domain, err);
    if (code == TG_OK && domain->status == TG__DOMAIN_STATUS__VERIFIED)
        *owner = domain->customer_id;
    return code == TG_NOT_FOUND ? TG_OK : code;
}

/* What this one association says of mail from a domain; FOREIGN where it does not exist, or where what stands between is
 * another customer's (*owner, 0: nobody's so far). */
static enum tg_code match_one(struct tg_view *view, uint64_t account_id, const char *name, bool exact, uint64_t *owner,
                              enum tg_domain_match *match, struct tg_error *err)
{
    struct tg_key key = tg_key_id_name(account_id, name);
    Tg__Association *association;
    Tg__Domain *domain;
    *match = TG_DOMAIN_FOREIGN;
    enum tg_code code = tg_get_record(view, TG_DB_ASSOCIATIONS, &key, &tg__association__descriptor, &association, err);
    if (code == TG_NOT_FOUND)
        return note_owner(view, name, owner, err);
    if (code == TG_OK && !exact && !association->subdomains)
        return TG_OK;
    if (code == TG_OK)
        code = get_canonical(view, name, &domain, err);
    if (code == TG_NOT_FOUND)
        return tg_fail(err, TG_UNUSABLE, "an association names the domain %s, which is gone (run tollgate store check)", name);
    if (code != TG_OK)
        return code;
    if (*owner != 0 && *owner != domain->customer_id)
        return TG_OK;
    *match = domain->status == TG__DOMAIN_STATUS__VERIFIED ? TG_DOMAIN_ASSOCIATED : TG_DOMAIN_UNVERIFIED;
    return TG_OK;
}

enum tg_code tg_domain_match(struct tg_view *view, uint64_t account_id, const char *canonical, enum tg_domain_match *match,
                             struct tg_error *err)
{
    uint64_t owner = 0;
    *match = TG_DOMAIN_FOREIGN;
    for (const char *name = canonical; name != NULL; name = strchr(name, '.') != NULL ? strchr(name, '.') + 1 : NULL) {
        enum tg_domain_match one;
        enum tg_code code = match_one(view, account_id, name, name == canonical, &owner, &one, err);
        if (code != TG_OK)
            return code;
        /* The best of all: a verified parent with subdomains makes up for a pending child. */
        if (one < *match)
            *match = one;
        if (*match == TG_DOMAIN_ASSOCIATED)
            break;
    }
    return TG_OK;
}

enum tg_code tg_domain_of_account(struct tg_view *view, uint64_t account_id, struct tg_association **list, size_t *count,
                                  struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(account_id);
    struct tg_arena *arena = tg_view_arena(view);
    struct tg_walk *walk;
    struct tg_span key, value;
    size_t room = 0;
    *list = NULL;
    *count = 0;
    enum tg_code code = tg_walk_begin(view, TG_DB_ASSOCIATIONS, &prefix, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        Tg__Association *association;
        Tg__Domain *domain;
        uint64_t id;
        if (*count == room) {
            room = room == 0 ? 8 : room * 2;
            struct tg_association *more = tg_arena_alloc(arena, room * sizeof *more);
            if (*count > 0)
                memcpy(more, *list, *count * sizeof *more);
            *list = more;
        }
        struct tg_association *entry = &(*list)[*count];
        if (!tg_read_id_name(key, &id, entry->domain)) {
            code = tg_fail(err, TG_UNUSABLE, "a damaged key in associations (run tollgate store check)");
            break;
        }
        code = tg_unpack(view, TG_DB_ASSOCIATIONS, value, &tg__association__descriptor, &association, err);
        if (code == TG_OK && (code = get_canonical(view, entry->domain, &domain, err)) == TG_NOT_FOUND)
            code = tg_fail(err, TG_UNUSABLE, "an association names the domain %s, which is gone (run tollgate store check)",
                           entry->domain);
        if (code != TG_OK)
            break;
        entry->subdomains = association->subdomains;
        entry->since = association->since;
        entry->status = domain->status;
        (*count)++;
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

enum tg_code tg_domain_accounts(struct tg_view *view, const char *canonical, uint64_t **ids, size_t *count, struct tg_error *err)
{
    struct tg_key prefix = tg_key_name_prefix(canonical);
    struct tg_walk *walk;
    struct tg_span key, value;
    char domain[TG_DOMAIN_MAX + 1];
    size_t room = 0;
    *ids = NULL;
    *count = 0;
    enum tg_code code = tg_walk_begin(view, TG_DB_DOMAIN_ACCOUNTS, &prefix, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        if (*count == room) {
            room = room == 0 ? 8 : room * 2;
            uint64_t *more = tg_arena_alloc(tg_view_arena(view), room * sizeof *more);
            if (*count > 0)
                memcpy(more, *ids, *count * sizeof *more);
            *ids = more;
        }
        if (!tg_read_name_id(key, domain, &(*ids)[*count])) {
            code = tg_fail(err, TG_UNUSABLE, "a damaged key in domain_accounts (run tollgate store check)");
            break;
        }
        (*count)++;
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}
