/* json.h: records → the JSON of DESIGN 10, new references, whose keys are a contract; and what is shown of it. */
#ifndef ADMIN_JSON_H
#define ADMIN_JSON_H

#include <jansson.h>
#include "schema/activity.h"
#include "schema/domain_dns.h"
#include "schema/plan.h"
#include "schema/settings.h"
#include "schema/store.h"
#include "schema/records.pb-c.h"

/* RFC 3339 UTC; null for 0. */
json_t *json_time(int64_t t);
/* Text of a record: each octet of it that is no UTF-8 (no checked field has any) becomes "?". */
json_t *json_text(const char *text);
json_t *json_text_or_null(const char *text);

json_t *json_customer(const Tg__Customer *customer);
json_t *json_offer(const Tg__Offer *offer);
json_t *json_activity(const char *username, const struct tg_event_id *id, const Tg__Activity *activity);

/* These read what belongs to the record. */
enum tg_code json_account(struct tg_view *view, const struct tg_settings *settings, const Tg__Account *account, int64_t now,
                          json_t **out, struct tg_error *err) TG_MUST_CHECK;
enum tg_code json_domain(struct tg_view *view, const Tg__Domain *domain, json_t **out, struct tg_error *err) TG_MUST_CHECK;

/* "dns" of domain show: {"spf":{"state","name","value","text"}, …}. */
json_t *json_domain_facts(const struct tg_domain_facts *facts);
json_t *json_order(struct tg_view *view, const struct tg_settings *settings, const Tg__Order *order, int64_t now);

/* The username of an account; "" for account 0 and for one that is gone. */
const char *json_username(struct tg_view *view, uint64_t account_id);

/* What a result has under this key, to be shown: "" and 0 where there is no such text or number. */
const char *json_text_of(const json_t *object, const char *key);
long long json_number_of(const json_t *object, const char *key);

#endif
