/* domain.h: sender domains of customers, and their association with accounts. */
#ifndef TG_DOMAIN_H
#define TG_DOMAIN_H

#include "schema/store.h"
#include "schema/records.pb-c.h"

const char *tg_domain_status_name(Tg__DomainStatus status); /* "pending", "verified", "failed" */

/* `name` everywhere: as typed (U-labels, upper case); made canonical by tg_domain_name (domain_name.h). */
enum tg_code tg_domain_get(struct tg_view *view, const char *name, Tg__Domain **domain, struct tg_error *err) TG_MUST_CHECK;
/* Over a walk of TG_DB_DOMAINS. */
enum tg_code tg_domain_next(struct tg_view *view, struct tg_walk *walk, Tg__Domain **domain, struct tg_error *err) TG_MUST_CHECK;

/* The TXT record that proves ownership: name "_tollgate.DOMAIN", value "tollgate-verify=TOKEN". */
char *tg_domain_txt_name(struct tg_arena *arena, const Tg__Domain *domain);
char *tg_domain_txt_value(struct tg_arena *arena, const Tg__Domain *domain);

/* TG_REFUSED: a public suffix, or somebody's already. Starts as pending. */
enum tg_code tg_domain_add(struct tg_change *change, const char *name, uint64_t customer_id, int64_t now,
                           Tg__Domain **domain, struct tg_error *err) TG_MUST_CHECK;
enum tg_code tg_domain_set_status(struct tg_change *change, const char *name, Tg__DomainStatus status,
                                  const char *reason, int64_t now, struct tg_error *err) TG_MUST_CHECK;
/* While associated with accounts: TG_REFUSED, naming them, or with `dissociate` it is taken from them first. */
enum tg_code tg_domain_remove(struct tg_change *change, const char *name, bool dissociate, int64_t now, struct tg_error *err) TG_MUST_CHECK;

/* TG_REFUSED: another customer's domain, already associated with the same setting, or the account's maximum
 * reached. An association that exists with the other setting of `subdomains` is changed. */
enum tg_code tg_domain_associate(struct tg_change *change, const char *name, const char *username, bool subdomains,
                                 int64_t now, struct tg_error *err) TG_MUST_CHECK;
enum tg_code tg_domain_dissociate(struct tg_change *change, const char *name, const char *username, int64_t now,
                                  struct tg_error *err) TG_MUST_CHECK;

/* Is mail from this canonical domain the account's? The exact domain, or a parent associated with subdomains, unless the
 * domain, or one between, is verified as another customer's. */
enum tg_domain_match { TG_DOMAIN_ASSOCIATED, TG_DOMAIN_UNVERIFIED, TG_DOMAIN_FOREIGN };
enum tg_code tg_domain_match(struct tg_view *view, uint64_t account_id, const char *canonical,
                             enum tg_domain_match *match, struct tg_error *err) TG_MUST_CHECK;

struct tg_association {
    char domain[TG_DOMAIN_MAX + 1];
    bool subdomains;
    int64_t since;
    Tg__DomainStatus status;
};
/* All of the account's, by name; arrays are in the view's arena. */
enum tg_code tg_domain_of_account(struct tg_view *view, uint64_t account_id, struct tg_association **list,
                                  size_t *count, struct tg_error *err) TG_MUST_CHECK;
/* The ids of the accounts that a domain is associated with. */
enum tg_code tg_domain_accounts(struct tg_view *view, const char *canonical, uint64_t **ids, size_t *count,
                                struct tg_error *err) TG_MUST_CHECK;

#endif
