/* account.c: reading accounts and changing them; see account.h. What needs a password is in
 * account_password.c, what ends an account in account_remove.c, what is derived in account_status.c. */
#include <stdio.h>
#include <string.h>
#include "schema/account.h"
#include "schema/activity.h"
#include "schema/audit.h"
#include "schema/customer.h"
#include "schema/domain.h"
#include "schema/ledger.h"
#include "schema/mailbox.h"
#include "schema/text.h"

enum { DESCRIPTION_MAX = 200, REASON_MAX = 200, MAX_DOMAINS = 10000, TRIES = 100 };

enum tg_code tg_account_get(struct tg_view *view, uint64_t id, Tg__Account **account, struct tg_error *err)
{
    struct tg_key key = tg_key_id(id);
    enum tg_code code = tg_get_record(view, TG_DB_ACCOUNTS, &key, &tg__account__descriptor, account, err);
    if (code == TG_NOT_FOUND)
        return tg_fail(err, TG_NOT_FOUND, "no account with the number %llu", (unsigned long long)id);
    return code;
}

enum tg_code tg_account_by_username(struct tg_view *view, const char *username, Tg__Account **account, struct tg_error *err)
{
    struct tg_key key = tg_key_name(username);
    struct tg_span value;
    uint64_t id;
    *account = NULL;
    enum tg_code code = *username == '\0' || strlen(username) > TG_USERNAME_MAX
                            ? TG_NOT_FOUND
                            : tg_get(view, TG_DB_LOGINS, &key, &value, err);
    if (code == TG_NOT_FOUND)
        return tg_fail(err, TG_NOT_FOUND, "no account %s (tollgate account list shows them)",
                       tg_text_is_clean(username, TG_USERNAME_MAX) ? username : "of that name");
    if (code != TG_OK)
        return code;
    if (!tg_read_id(value, &id))
        return tg_fail(err, TG_UNUSABLE, "the login %s is damaged (run tollgate store check)", username);
    code = tg_account_get(view, id, account, err);
    /* A login without its account is damage, not absence. */
    return code == TG_NOT_FOUND ? tg_fail(err, TG_UNUSABLE, "the login %s names no account (run tollgate store check)", username)
                                : code;
}

enum tg_code tg_account_next(struct tg_view *view, struct tg_walk *walk, enum tg_db db, Tg__Account **account,
                             struct tg_error *err)
{
    struct tg_span key, value;
    uint64_t customer_id, id;
    enum tg_code code = tg_walk_next(walk, &key, &value, err);
    if (code != TG_OK)
        return code;
    if (db == TG_DB_ACCOUNTS)
        return tg_unpack(view, db, value, &tg__account__descriptor, account, err);
    if (!tg_read_id_pair(key, &customer_id, &id))
        return tg_fail(err, TG_UNUSABLE, "a damaged key in customer_accounts (run tollgate store check)");
    code = tg_account_get(view, id, account, err);
    return code == TG_NOT_FOUND
               ? tg_fail(err, TG_UNUSABLE, "customer_accounts names an account that is not there (run tollgate store check)")
               : code;
}

/* ---- checks ---- */

static enum tg_code check(const Tg__Account *a, struct tg_error *err)
{
    struct tg_mailbox mailbox;
    struct tg_error why;
    if (*a->description == '\0')
        return tg_fail(err, TG_USAGE, "an account needs a description (--description)");
    if (!tg_text_is_clean(a->description, DESCRIPTION_MAX))
        return tg_fail(err, TG_USAGE, "the description must be UTF-8 text of at most %d octets without control characters",
                       DESCRIPTION_MAX);
    if (a->max_domains == 0 || a->max_domains > MAX_DOMAINS)
        return tg_fail(err, TG_USAGE, "the maximum of domains must be 1 to %d", MAX_DOMAINS);
    if (*a->notify == '\0')
        return TG_OK;
    if (tg_mailbox_parse(tg_span_str(a->notify), &mailbox, &why) != TG_OK)
        return tg_fail(err, TG_USAGE, "the notification address '%.100s' is no mail address: %s",
                       tg_text_is_clean(a->notify, 300) ? a->notify : "?", why.text);
    if (mailbox.null_sender || *a->notify == '<')
        return tg_fail(err, TG_USAGE, "the notification address must be a mail address without brackets");
    return TG_OK;
}

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

/* ---- changes ---- */

static void put(struct tg_change *change, const Tg__Account *account)
{
    struct tg_key key = tg_key_id(account->id);
    tg_put_record(change, TG_DB_ACCOUNTS, &key, &account->base);
}

static void note(struct tg_change *change, const Tg__Account *account, Tg__ActivityKind kind, const char *result,
                 const char *text, int64_t now, struct tg_error *err)
{
    Tg__Activity activity = TG__ACTIVITY__INIT;
    activity.kind = kind;
    activity.result = (char *)result;
    activity.text = (char *)text;
    struct tg_event_id id = tg_event_new(account->id, now * 1000000);
    /* A failure here is remembered by the change. */
    (void)!tg_activity_append(change, &id, &activity, err);
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
    put(change, account);
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
    enum tg_code code = check(a, err);
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

/* One audit line a changed field. */
static void audit_text(struct tg_change *change, int64_t now, const Tg__Account *a, const char *field, const char *old_value,
                       const char *new_value)
{
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    if (strcmp(old_value, new_value) != 0)
        tg_audit(change, now, tg_arena_printf(arena, "account set %s", field), a->username, old_value, new_value);
}

static void audit_number(struct tg_change *change, int64_t now, const Tg__Account *a, const char *field, uint64_t old_value,
                         uint64_t new_value)
{
    char before[32], after[32];
    snprintf(before, sizeof before, "%llu", (unsigned long long)old_value);
    snprintf(after, sizeof after, "%llu", (unsigned long long)new_value);
    audit_text(change, now, a, field, before, after);
}

enum tg_code tg_account_update(struct tg_change *change, const Tg__Account *account, int64_t now, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    Tg__Account *old;
    struct tg_association *list;
    size_t count;
    enum tg_code code = check(account, err);
    if (code == TG_OK)
        code = tg_account_get(view, account->id, &old, err);
    if (code == TG_OK)
        code = tg_domain_of_account(view, account->id, &list, &count, err);
    if (code != TG_OK)
        return code;
    if (count > account->max_domains)
        return tg_fail(err, TG_REFUSED, "%s has %zu domains: dissociate some before the maximum becomes %u", account->username,
                       count, account->max_domains);
    audit_text(change, now, account, "--description", old->description, account->description);
    audit_text(change, now, account, "--type", tg_account_type_name(old->type), tg_account_type_name(account->type));
    audit_text(change, now, account, "--notify", old->notify, account->notify);
    audit_number(change, now, account, "--max-domains", old->max_domains, account->max_domains);
    audit_number(change, now, account, "--max-recipients", old->max_recipients, account->max_recipients);
    audit_number(change, now, account, "--max-per-hour", old->max_per_hour, account->max_per_hour);
    audit_number(change, now, account, "--max-per-day", old->max_per_day, account->max_per_day);
    audit_number(change, now, account, "--ip-lock", old->ip_lock, account->ip_lock);
    audit_number(change, now, account, "--any-sender", old->any_sender, account->any_sender);
    old->description = account->description;
    old->type = account->type;
    old->notify = account->notify;
    old->max_domains = account->max_domains;
    old->max_recipients = account->max_recipients;
    old->max_per_hour = account->max_per_hour;
    old->max_per_day = account->max_per_day;
    old->ip_lock = account->ip_lock;
    old->any_sender = account->any_sender;
    put(change, old);
    return tg_change_error(change, err);
}

static enum tg_code set_disabled(struct tg_change *change, const char *username, bool disabled, const char *reason,
                                 int64_t now, struct tg_error *err)
{
    Tg__Account *account;
    enum tg_code code = tg_account_by_username(tg_change_view(change), username, &account, err);
    if (code != TG_OK)
        return code;
    if (reason != NULL && !tg_text_is_clean(reason, REASON_MAX))
        return tg_fail(err, TG_USAGE, "the reason must be UTF-8 text of at most %d octets without control characters", REASON_MAX);
    if (account->disabled == disabled)
        return tg_fail(err, TG_REFUSED, "%s is %s already", username, disabled ? "disabled" : "enabled");
    const char *before = tg_status_name(tg_account_status(account));
    account->disabled = disabled;
    account->disabled_reason = (char *)(disabled && reason != NULL ? reason : "");
    put(change, account);
    const char *after = tg_status_name(tg_account_status(account));
    note(change, account, TG__ACTIVITY_KIND__STATUS_CHANGED, after, account->disabled_reason, now, err);
    tg_audit(change, now, disabled ? "account disable" : "account enable", username, before,
             *account->disabled_reason != '\0' ? account->disabled_reason : after);
    return tg_change_error(change, err);
}

enum tg_code tg_account_enable(struct tg_change *change, const char *username, int64_t now, struct tg_error *err)
{
    return set_disabled(change, username, false, NULL, now, err);
}

enum tg_code tg_account_disable(struct tg_change *change, const char *username, const char *reason, int64_t now,
                                struct tg_error *err)
{
    return set_disabled(change, username, true, reason, now, err);
}

enum tg_code tg_account_password(struct tg_change *change, const char *username, int64_t overlap_s, int64_t now,
                                 Tg__Account **account, struct tg_secret *password, int64_t *old_valid_until,
                                 struct tg_error *err)
{
    Tg__Account *a;
    enum tg_code code = tg_account_by_username(tg_change_view(change), username, &a, err);
    if (code != TG_OK)
        return code;
    if (overlap_s < 0 || overlap_s > 366 * 86400)
        return tg_fail(err, TG_USAGE, "the old password may stay valid for at most a year");
    Tg__Credential *old = a->credential;
    /* One SCRAM exchange shows one salt, so both must share it. */
    bool overlap = overlap_s > 0 && old != NULL && old->salt.len == TG_SALT_LEN;
    tg_password_make(password);
    a->credential = tg_credential_make(tg_view_arena(tg_change_view(change)), password, overlap ? old->salt.data : NULL, now,
                                       old != NULL ? old->generation + 1 : 1);
    a->old_credential = overlap ? old : NULL;
    *old_valid_until = 0;
    if (overlap) {
        *old_valid_until = now + overlap_s;
        old->expires_at = *old_valid_until;
    }
    put(change, a);
    note(change, a, TG__ACTIVITY_KIND__PASSWORD, "renewed", overlap ? "the old one stays valid for a while" : "", now, err);
    tg_audit(change, now, "account password", username, NULL, overlap ? "renewed, with an overlap" : "renewed");
    *account = a;
    return tg_change_error(change, err);
}

enum tg_code tg_account_credit(struct tg_change *change, const char *username, uint64_t n, const char *reason, int64_t now,
                               struct tg_error *err)
{
    Tg__Account *account;
    struct tg_usage usage;
    enum tg_code code = tg_account_by_username(tg_change_view(change), username, &account, err);
    if (code != TG_OK)
        return code;
    if (n == 0 || n > 1000000000)
        return tg_fail(err, TG_USAGE, "a credit is 1 to 1000000000 messages");
    if (reason == NULL || *reason == '\0' || !tg_text_is_clean(reason, REASON_MAX))
        return tg_fail(err, TG_USAGE, "a credit needs a reason (--reason): UTF-8 text of at most %d octets", REASON_MAX);
    struct tg_plan plan = tg_account_plan(account, 0, 0);
    if ((code = tg_usage_get(tg_change_view(change), account->id, &usage, err)) != TG_OK ||
        (code = tg_ledger_roll(change, account->id, &plan, &usage, now, err)) != TG_OK)
        return code;
    struct tg_movement credit = tg_plan_credit(&plan, &usage, now, n);
    tg_ledger_append(change, account->id, &credit, reason);
    tg_usage_put(change, account->id, &usage);
    tg_audit(change, now, "account credit", username, NULL,
             tg_arena_printf(tg_view_arena(tg_change_view(change)), "%llu messages: %s", (unsigned long long)n, reason));
    return tg_change_error(change, err);
}
