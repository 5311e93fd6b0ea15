/* customer.c: see customer.h. */
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include "schema/audit.h"
#include "schema/customer.h"
#include "schema/mailbox.h"
#include "schema/text.h"

enum { TEXT_MAX = 400 };

static enum tg_code check_email(const char *email, struct tg_error *err)
{
    struct tg_mailbox mailbox;
    struct tg_error why;
    if (tg_mailbox_parse(tg_span_str(email), &mailbox, &why) != TG_OK)
        return tg_fail(err, TG_USAGE, "the e-mail address '%.100s' is no mail address: %s",
                       tg_text_is_clean(email, TEXT_MAX) ? email : "?", why.text);
    if (mailbox.null_sender || *email == '<')
        return tg_fail(err, TG_USAGE, "a customer needs an e-mail address (--email)");
    return TG_OK;
}

enum tg_code tg_customer_check(enum tg_customer_field field, const char *text, struct tg_error *err)
{
    static const char *const names[] = {
        [TG_CUSTOMER_NAME] = "name",
        [TG_CUSTOMER_EMAIL] = "e-mail address",
        [TG_CUSTOMER_PHONE] = "phone",
        [TG_CUSTOMER_ADDRESS] = "address",
        [TG_CUSTOMER_TERMS] = "terms' version",
        [TG_CUSTOMER_COMPANY] = "company",
        [TG_CUSTOMER_VAT] = "VAT number",
        [TG_CUSTOMER_BILLING_ADDRESS] = "billing address",
    };
    if (field == TG_CUSTOMER_EMAIL)
        return check_email(text, err);
    if (!tg_text_is_clean(text, TEXT_MAX))
        return tg_fail(err, TG_USAGE, "the %s must be UTF-8 text of at most %d octets without control characters",
                       names[field], TEXT_MAX);
    if (field == TG_CUSTOMER_NAME && *text == '\0')
        return tg_fail(err, TG_USAGE, "a customer needs a name (--name)");
    if (field == TG_CUSTOMER_TERMS && *text == '\0')
        return tg_fail(err, TG_USAGE, "a customer must accept the terms (--accept-terms)");
    return TG_OK;
}

static enum tg_code check(const Tg__Customer *c, struct tg_error *err)
{
    const Tg__Billing *b = c->billing;
    const char *const texts[] = {
        [TG_CUSTOMER_NAME] = c->name,
        [TG_CUSTOMER_EMAIL] = c->email,
        [TG_CUSTOMER_PHONE] = c->phone,
        [TG_CUSTOMER_ADDRESS] = c->address,
        [TG_CUSTOMER_TERMS] = c->terms_version,
        [TG_CUSTOMER_COMPANY] = b != NULL ? b->company : "",
        [TG_CUSTOMER_VAT] = b != NULL ? b->vat : "",
        [TG_CUSTOMER_BILLING_ADDRESS] = b != NULL ? b->address : "",
    };
    enum tg_code code = TG_OK;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && code == TG_OK; i++)
        code = tg_customer_check((enum tg_customer_field)i, texts[i], err);
    return code;
}

bool tg_customer_is_billable(const Tg__Customer *customer)
{
    const Tg__Billing *billing = customer->billing;
    return billing != NULL && *billing->address != '\0' && *billing->company != '\0';
}

/* For comparing; the caller frees it. */
static char *folded(const char *text)
{
    char *whole = g_utf8_normalize(text, -1, G_NORMALIZE_ALL);
    char *fold = whole != NULL ? g_utf8_casefold(whole, -1) : NULL;
    g_free(whole);
    return fold;
}

bool tg_customer_matches(const Tg__Customer *customer, const char *part)
{
    char *sought = folded(part), *name = folded(customer->name), *email = folded(customer->email);
    bool found = sought != NULL && ((name != NULL && strstr(name, sought) != NULL) || (email != NULL && strstr(email, sought) != NULL));
    g_free(sought);
    g_free(name);
    g_free(email);
    return found;
}

static const char *subject(uint64_t id, char buf[32])
{
    snprintf(buf, 32, "customer %llu", (unsigned long long)id);
    return buf;
}

/* For the audit log: all of it that a change may concern. */
static char *summary(struct tg_change *change, const Tg__Customer *c)
{
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    const Tg__Billing *b = c->billing;
    const char *rest[] = { c->phone, c->address };
    char *text = tg_arena_printf(arena, "%s <%s>", c->name, c->email);
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        if (*rest[i] != '\0')
            text = tg_arena_printf(arena, "%s, %s", text, rest[i]);
    return b == NULL ? text : tg_arena_printf(arena, "%s; billing: %s, %s, %s", text, b->company, b->vat, b->address);
}

enum tg_code tg_customer_get(struct tg_view *view, uint64_t id, Tg__Customer **customer, struct tg_error *err)
{
    struct tg_key key = tg_key_id(id);
    enum tg_code code = tg_get_record(view, TG_DB_CUSTOMERS, &key, &tg__customer__descriptor, customer, err);
    if (code == TG_NOT_FOUND)
        return tg_fail(err, TG_NOT_FOUND, "no customer %llu (tollgate customer list shows them)", (unsigned long long)id);
    return code;
}

enum tg_code tg_customer_next(struct tg_view *view, struct tg_walk *walk, Tg__Customer **customer, struct tg_error *err)
{
    struct tg_span key, value;
    enum tg_code code = tg_walk_next(walk, &key, &value, err);
    return code == TG_OK ? tg_unpack(view, TG_DB_CUSTOMERS, value, &tg__customer__descriptor, customer, err) : code;
}

static void put(struct tg_change *change, const Tg__Customer *customer)
{
    struct tg_key key = tg_key_id(customer->id);
    tg_put_record(change, TG_DB_CUSTOMERS, &key, &customer->base);
}

enum tg_code tg_customer_add(struct tg_change *change, Tg__Customer *customer, int64_t now, struct tg_error *err)
{
    char name[32];
    enum tg_code code = check(customer, err);
    if (code != TG_OK || (code = tg_next_id(change, TG_SEQUENCE_CUSTOMER, &customer->id, err)) != TG_OK)
        return code;
    customer->created_at = now;
    customer->terms_accepted_at = now;
    put(change, customer);
    tg_audit(change, now, "customer add", subject(customer->id, name), NULL, summary(change, customer));
    return tg_change_error(change, err);
}

enum tg_code tg_customer_update(struct tg_change *change, Tg__Customer *customer, const char *action, int64_t now,
                                struct tg_error *err)
{
    char name[32];
    Tg__Customer *old;
    enum tg_code code = tg_customer_get(tg_change_view(change), customer->id, &old, err);
    if (code != TG_OK || (code = check(customer, err)) != TG_OK)
        return code;
    customer->created_at = old->created_at;
    put(change, customer);
    tg_audit(change, now, action, subject(customer->id, name), summary(change, old), summary(change, customer));
    return tg_change_error(change, err);
}

/* Anything in this index under the customer's id? */
static enum tg_code owns_any(struct tg_change *change, enum tg_db db, uint64_t id, bool *any, struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(id);
    struct tg_walk *walk;
    struct tg_span key, value;
    enum tg_code code = tg_walk_begin(tg_change_view(change), db, &prefix, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    code = tg_walk_next(walk, &key, &value, err);
    tg_walk_end(&walk);
    *any = code == TG_OK;
    return code == TG_NOT_FOUND ? TG_OK : code;
}

enum tg_code tg_customer_remove(struct tg_change *change, uint64_t id, int64_t now, struct tg_error *err)
{
    Tg__Customer *customer;
    char name[32];
    bool accounts = false, domains = false;
    enum tg_code code = tg_customer_get(tg_change_view(change), id, &customer, err);
    if (code == TG_OK)
        code = owns_any(change, TG_DB_CUSTOMER_ACCOUNTS, id, &accounts, err);
    if (code == TG_OK)
        code = owns_any(change, TG_DB_CUSTOMER_DOMAINS, id, &domains, err);
    if (code != TG_OK)
        return code;
    if (accounts || domains)
        return tg_fail(err, TG_REFUSED, "customer %llu still has %s: remove them first (tollgate %s list)",
                       (unsigned long long)id, accounts ? "accounts" : "domains", accounts ? "account" : "domain");
    struct tg_key key = tg_key_id(id);
    tg_delete(change, TG_DB_CUSTOMERS, &key);
    tg_audit(change, now, "customer remove", subject(id, name), summary(change, customer), NULL);
    return tg_change_error(change, err);
}
