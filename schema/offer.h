/* offer.h: the catalogue: plans in their sizes, what they cost and which are on sale. Offers are never removed: what
 * is off sale can't be bought any more, but goes on being renewed. */
#ifndef TG_OFFER_H
#define TG_OFFER_H

#include "schema/plan.h"
#include "schema/store.h"
#include "schema/records.pb-c.h"

/* By plan, then by size; TG_NOT_FOUND at the end. Begin with tg_walk_begin(view, TG_DB_PLANS, …). */
enum tg_code tg_offer_next(struct tg_view *view, struct tg_walk *walk, Tg__Offer **offer, struct tg_error *err) TG_MUST_CHECK;

/* The offer of this plan and size, on sale or not. messages 0: the only one on sale (TG_USAGE where there are several).
 * TG_NOT_FOUND names the sizes that there are. */
enum tg_code tg_offer_find(struct tg_view *view, Tg__PlanKind plan, uint64_t messages, Tg__Offer **offer,
                           struct tg_error *err) TG_MUST_CHECK;
/* The same, and on sale; otherwise TG_REFUSED. */
enum tg_code tg_offer_for_sale(struct tg_view *view, Tg__PlanKind plan, uint64_t messages, Tg__Offer **offer,
                               struct tg_error *err) TG_MUST_CHECK;

enum tg_on_sale { TG_SALE_AS_IS, TG_ON_SALE, TG_OFF_SALE };

/* Makes or changes an offer. price (as typed) and currency may be NULL where it is there already (currency: EUR for a new
 * one); a new one is off sale unless said otherwise. The free plan costs nothing and comes in one size: putting one on sale
 * takes the other off. A paid plan costs something. */
enum tg_code tg_offer_set(struct tg_change *change, Tg__PlanKind plan, uint64_t messages, const char *price,
                          const char *currency, enum tg_on_sale sale, int64_t now, Tg__Offer **offer,
                          struct tg_error *err) TG_MUST_CHECK;

#endif
