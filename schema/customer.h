/* customer.h: whom the provider bills. All text is UTF-8; what is checked is said at each function. */
#ifndef TG_CUSTOMER_H
#define TG_CUSTOMER_H

#include "schema/store.h"
#include "schema/records.pb-c.h"

enum tg_code tg_customer_get(struct tg_view *view, uint64_t id, Tg__Customer **customer, struct tg_error *err) TG_MUST_CHECK;

/* In the order of ids: TG_NOT_FOUND at the end. Begin with tg_walk_begin(view, TG_DB_CUSTOMERS, …). */
enum tg_code tg_customer_next(struct tg_view *view, struct tg_walk *walk, Tg__Customer **customer, struct tg_error *err) TG_MUST_CHECK;

/* Is this part of the name or the e-mail address, whatever the case of its letters? */
bool tg_customer_matches(const Tg__Customer *customer, const char *part);

enum tg_customer_field {
    TG_CUSTOMER_NAME, TG_CUSTOMER_EMAIL, TG_CUSTOMER_PHONE, TG_CUSTOMER_ADDRESS, TG_CUSTOMER_TERMS,
    TG_CUSTOMER_COMPANY, TG_CUSTOMER_VAT, TG_CUSTOMER_BILLING_ADDRESS,
};
/* May this field hold this text? TG_USAGE says why not: no name, no mailbox, terms not accepted (""), control characters. */
enum tg_code tg_customer_check(enum tg_customer_field field, const char *text, struct tg_error *err) TG_MUST_CHECK;
/* Name and address for an invoice are there. */
bool tg_customer_is_billable(const Tg__Customer *customer);

/* Numbers the customer and stores it, each field being checked. customer->id, created_at and terms_accepted_at are set. */
enum tg_code tg_customer_add(struct tg_change *change, Tg__Customer *customer, int64_t now, struct tg_error *err) TG_MUST_CHECK;

/* Replaces the record of an existing customer (set, billing); same checks. `action` is for the audit log. */
enum tg_code tg_customer_update(struct tg_change *change, Tg__Customer *customer, const char *action, int64_t now,
                                struct tg_error *err) TG_MUST_CHECK;

/* TG_REFUSED while it has accounts or domains. */
enum tg_code tg_customer_remove(struct tg_change *change, uint64_t id, int64_t now, struct tg_error *err) TG_MUST_CHECK;

#endif
