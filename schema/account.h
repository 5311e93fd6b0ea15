/* account.h: accounts with their indexes kept: logins, customer_accounts, usage, and at removal
 * associations and networks too. */
#ifndef TG_ACCOUNT_H
#define TG_ACCOUNT_H

#include "schema/credential.h"
#include "schema/plan.h"
#include "schema/store.h"
#include "schema/records.pb-c.h"

/* What the user sees. Derived, never stored: disabled before error before waiting before enabled. */
enum tg_status { TG_STATUS_ENABLED, TG_STATUS_WAITING, TG_STATUS_ERROR, TG_STATUS_DISABLED };
enum tg_status tg_account_status(const Tg__Account *account);
const char *tg_status_name(enum tg_status status); /* "enabled" … */
bool tg_status_parse(const char *text, enum tg_status *status);
/* For people, "" where enabled; the provider's own reason where it gave one. Points into account or static. */
const char *tg_account_status_reason(const Tg__Account *account);

const char *tg_account_type_name(Tg__AccountType type); /* "transactional", "promotional" */
bool tg_account_type_parse(const char *text, Tg__AccountType *type);

enum { TG_DEFAULT_MAX_DOMAINS = 10, TG_FREE_MESSAGES = 1000 };

enum tg_code tg_account_get(struct tg_view *view, uint64_t id, Tg__Account **account, struct tg_error *err) TG_MUST_CHECK;
/* Whose event of this second was that? TG_NOT_FOUND too where the account that has this number now was made later: a restore leaves
 * numbers out, but where a copy came back by other means those given since it was made are given again, and what is out there of the
 * first is not the second's. */
enum tg_code tg_account_of_event(struct tg_view *view, uint64_t id, int64_t time, Tg__Account **account, struct tg_error *err) TG_MUST_CHECK;
/* TG_NOT_FOUND: "no account USER (tollgate account list shows them)". */
enum tg_code tg_account_by_username(struct tg_view *view, const char *username, Tg__Account **account,
                                    struct tg_error *err) TG_MUST_CHECK;
/* In the order of ids, over a walk of TG_DB_ACCOUNTS, or over TG_DB_CUSTOMER_ACCOUNTS with the customer's
 * id as prefix. TG_NOT_FOUND at the end. */
enum tg_code tg_account_next(struct tg_view *view, struct tg_walk *walk, enum tg_db db, Tg__Account **account,
                             struct tg_error *err) TG_MUST_CHECK;

/* TG_USAGE: it is no description of an account. */
enum tg_code tg_account_check_description(const char *description, struct tg_error *err) TG_MUST_CHECK;

/* The plan with the account's own caps and the service's, whichever is tighter (0: no cap). */
struct tg_plan tg_account_plan(const Tg__Account *account, uint64_t service_per_hour, uint64_t service_per_day);

/* Makes an account on a free plan (billing.h makes those of any plan), with username, id and password generated. Taken from *wish: customer_id
 * (must exist), description (not empty), type, plan (TG_REFUSED: not on sale), plan_messages (0: the plan's
 * only offer), notify ("" or a mailbox), max_domains (0: default), the limits and switches. TG_REFUSED where
 * the customer already has a free account. Writes usage, purchase in the ledger, audit. Results are in the
 * change's arena; the password is the only copy, wipe it. */
enum tg_code tg_account_add(struct tg_change *change, const Tg__Account *wish, int64_t now, Tg__Account **account,
                            struct tg_secret *password, struct tg_error *err) TG_MUST_CHECK;

/* Replaces description, type, notify, limits and switches (account set), with the same checks; max_domains
 * below what is associated: TG_REFUSED. Writes one audit line a changed field. */
enum tg_code tg_account_update(struct tg_change *change, const Tg__Account *account, int64_t now, struct tg_error *err) TG_MUST_CHECK;

/* Both say TG_REFUSED where it is so already. */
enum tg_code tg_account_enable(struct tg_change *change, const char *username, int64_t now, struct tg_error *err) TG_MUST_CHECK;
enum tg_code tg_account_disable(struct tg_change *change, const char *username, const char *reason, int64_t now,
                                struct tg_error *err) TG_MUST_CHECK;

/* A new password at once; overlap_s > 0 keeps the old one valid that long (at most a year, TG_USAGE).
 * *old_valid_until: 0 where the old one is void now. */
enum tg_code tg_account_password(struct tg_change *change, const char *username, int64_t overlap_s, int64_t now,
                                 Tg__Account **account, struct tg_secret *password, int64_t *old_valid_until,
                                 struct tg_error *err) TG_MUST_CHECK;

/* By hand: n messages more (n > 0), in the ledger and the audit log. */
enum tg_code tg_account_credit(struct tg_change *change, const char *username, uint64_t n, const char *reason,
                               int64_t now, struct tg_error *err) TG_MUST_CHECK;

/* The account, its login, usage, associations, networks, activity, daily and ledger. */
enum tg_code tg_account_remove(struct tg_change *change, const char *username, int64_t now, struct tg_error *err) TG_MUST_CHECK;

/* The account that a client names at a login: TG_OK with *account NULL where there is none, in the same time; else
 * TG_UNUSABLE. */
enum tg_code tg_account_of_login(struct tg_view *view, const char *username, Tg__Account **account, struct tg_error *err) TG_MUST_CHECK;

/* Is this the password of the account, now (either credential)? TG_OK; TG_REFUSED: wrong password, unknown
 * or disabled account, told apart only by *why ("password", "unknown", "disabled"), in the same time;
 * TG_UNUSABLE: can't tell. *account is NULL where unknown. */
enum tg_code tg_account_check_password(struct tg_view *view, const char *username, const char *password, size_t len,
                                       int64_t now, Tg__Account **account, const char **why, struct tg_error *err) TG_MUST_CHECK;

#endif
