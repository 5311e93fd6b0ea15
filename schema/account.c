/* account.c: reading accounts and changing them; see account.h. Their beginning is in account_add.c, what
 * concerns passwords in account_password.c, their end in account_remove.c, what is derived in
 * account_status.c. */
#include <stdio.h>
#include <string.h>
#include "schema/account_parts.h"
#include "schema/activity.h"
#include "schema/audit.h"
#include "schema/domain.h"
#include "schema/ledger.h"
#include "schema/mailbox.h"
#include "schema/reputation.h"
#include "schema/text.h"

enum { DESCRIPTION_MAX = 200, REASON_MAX = 200, MAX_DOMAINS = 10000 };

enum tg_code tg_account_get(struct tg_view *view, uint64_t id, Tg__Account **account, struct tg_error *err)
{
    struct tg_key key = tg_key_id(id);
    enum tg_code code = tg_get_record(view, TG_DB_ACCOUNTS, &key, &tg__account__descriptor, account, err);
    if (code == TG_NOT_FOUND)
        return tg_fail(err, TG_NOT_FOUND, "no account with the number %llu", (unsigned long long)id);
    if (code == TG_OK && id > TG_NUMBER_MAX)
        return tg_fail(err, TG_UNUSABLE, "account %s: damaged: it has the number %llu", (*account)->username, (unsigned long long)id);
    return code;
}

enum tg_code tg_account_of_event(struct tg_view *view, uint64_t id, int64_t time, Tg__Account **account, struct tg_error *err)
{
    enum tg_code code = tg_account_get(view, id, account, err);
    if (code == TG_OK && time < (*account)->created_at)
        return tg_fail(err, TG_NOT_FOUND, "the account with the number %llu was made later", (unsigned long long)id);
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

/* Characters, not octets: people write them. */
static bool is_description(const char *text)
{
    size_t characters = 0;
    if (!tg_text_is_clean(text, 4 * DESCRIPTION_MAX))
        return false;
    for (; *text != '\0'; text += tg_utf8_length(text))
        characters++;
    return characters <= DESCRIPTION_MAX;
}

enum tg_code tg_account_check_description(const char *description, struct tg_error *err)
{
    if (*description == '\0')
        return tg_fail(err, TG_USAGE, "an account needs a description (--description)");
    if (!is_description(description))
        return tg_fail(err, TG_USAGE, "the description must be UTF-8 text of at most %d characters, none of them a control",
                       DESCRIPTION_MAX);
    return TG_OK;
}

enum tg_code tg_account_check(const Tg__Account *a, struct tg_error *err)
{
    struct tg_mailbox mailbox;
    struct tg_error why;
    enum tg_code code = tg_account_check_description(a->description, err);
    if (code != TG_OK)
        return code;
    if (a->max_domains > MAX_DOMAINS || (a->max_domains == 0 && a->id != 0))
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

/* ---- changes ---- */

void tg_account_put(struct tg_change *change, const Tg__Account *account)
{
    struct tg_key key = tg_key_id(account->id);
    tg_put_record(change, TG_DB_ACCOUNTS, &key, &account->base);
}

enum tg_code tg_account_note(struct tg_change *change, const Tg__Account *account, Tg__ActivityKind kind, const char *result,
                             const char *text, int64_t now, struct tg_error *err)
{
    Tg__Activity activity = TG__ACTIVITY__INIT;
    activity.kind = kind;
    activity.result = (char *)result;
    activity.text = (char *)text;
    struct tg_event_id id = tg_event_new(account->id, now * 1000000);
    return tg_activity_append(change, &id, &activity, err);
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

static const char *yes_no(bool value)
{
    return value ? "yes" : "no";
}

enum tg_code tg_account_update(struct tg_change *change, const Tg__Account *account, int64_t now, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    Tg__Account *old;
    struct tg_association *list;
    size_t count;
    enum tg_code code = tg_account_check(account, err);
    if (code == TG_OK)
        code = tg_account_get(view, account->id, &old, err);
    if (code == TG_OK)
        code = tg_domain_of_account(view, account->id, &list, &count, err);
    if (code != TG_OK)
        return code;
    if (count > account->max_domains)
        return tg_fail(err, TG_REFUSED, "%s has %zu domain%s: dissociate some before the maximum becomes %u", old->username,
                       count, count == 1 ? "" : "s", account->max_domains);
    audit_text(change, now, old, "--description", old->description, account->description);
    audit_text(change, now, old, "--type", tg_account_type_name(old->type), tg_account_type_name(account->type));
    audit_text(change, now, old, "--notify", old->notify, account->notify);
    audit_number(change, now, old, "--max-domains", old->max_domains, account->max_domains);
    audit_number(change, now, old, "--max-recipients", old->max_recipients, account->max_recipients);
    audit_number(change, now, old, "--max-per-hour", old->max_per_hour, account->max_per_hour);
    audit_number(change, now, old, "--max-per-day", old->max_per_day, account->max_per_day);
    audit_text(change, now, old, "--ip-lock", yes_no(old->ip_lock), yes_no(account->ip_lock));
    audit_text(change, now, old, "--any-sender", yes_no(old->any_sender), yes_no(account->any_sender));
    audit_text(change, now, old, "--notices", yes_no(!old->no_notices), yes_no(!account->no_notices));
    old->description = account->description;
    old->type = account->type;
    old->notify = account->notify;
    old->max_domains = account->max_domains;
    old->max_recipients = account->max_recipients;
    old->max_per_hour = account->max_per_hour;
    old->max_per_day = account->max_per_day;
    old->ip_lock = account->ip_lock;
    old->any_sender = account->any_sender;
    old->no_notices = account->no_notices;
    tg_account_put(change, old);
    return tg_change_error(change, err);
}

/* For the audit log: the status with the provider's reason. */
static const char *status_text(struct tg_arena *arena, const Tg__Account *account)
{
    const char *name = tg_status_name(tg_account_status(account));
    return account->disabled && *account->disabled_reason != '\0'
               ? tg_arena_printf(arena, "%s: %s", name, account->disabled_reason)
               : name;
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
        return tg_fail(err, TG_REFUSED, "%s is %s", username, disabled ? "disabled already" : "not disabled");
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    const char *before = status_text(arena, account);
    account->disabled = disabled;
    account->disabled_reason = (char *)(disabled && reason != NULL ? reason : "");
    tg_account_put(change, account);
    code = tg_account_note(change, account, TG__ACTIVITY_KIND__STATUS_CHANGED, tg_status_name(tg_account_status(account)),
                           account->disabled_reason, now, err);
    if (code != TG_OK)
        return code;
    tg_audit(change, now, disabled ? "account disable" : "account enable", username, before, status_text(arena, account));
    return tg_change_error(change, err);
}

enum tg_code tg_account_enable(struct tg_change *change, const char *username, int64_t now, struct tg_error *err)
{
    Tg__Account *account;
    enum tg_code code = set_disabled(change, username, false, NULL, now, err);
    if (code == TG_OK)
        code = tg_account_by_username(tg_change_view(change), username, &account, err);
    /* auto_disable_below must not take back at once what the provider has just decided. */
    return code == TG_OK ? tg_reputation_restart(change, account->id, now, err) : code;
}

enum tg_code tg_account_disable(struct tg_change *change, const char *username, const char *reason, int64_t now,
                                struct tg_error *err)
{
    return set_disabled(change, username, true, reason, now, err);
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
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    struct tg_balance before, after;
    tg_plan_balance(&plan, &usage, now, &before);
    struct tg_movement credit = tg_plan_credit(&plan, &usage, now, n);
    tg_plan_balance(&plan, &usage, now, &after);
    tg_ledger_append(change, account->id, &credit, reason);
    tg_usage_put(change, account->id, &usage);
    tg_audit(change, now, "account credit", username, tg_arena_printf(arena, "%llu left", (unsigned long long)before.left),
             tg_arena_printf(arena, "%llu left, %llu messages: %s", (unsigned long long)after.left, (unsigned long long)n, reason));
    return tg_change_error(change, err);
}
