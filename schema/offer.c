/* offer.c: see offer.h. */
#include <stdio.h>
#include <string.h>
#include "schema/audit.h"
#include "schema/money.h"
#include "schema/offer.h"

enum { MESSAGES_MAX = 1000000000 };

enum tg_code tg_offer_next(struct tg_view *view, struct tg_walk *walk, Tg__Offer **offer, struct tg_error *err)
{
    struct tg_span key, value;
    enum tg_code code = tg_walk_next(walk, &key, &value, err);
    return code == TG_OK ? tg_unpack(view, TG_DB_PLANS, value, &tg__offer__descriptor, offer, err) : code;
}

/* What a plan is sold in: how many sizes, the last of them, and a list for people. */
struct sizes {
    size_t on_sale;
    Tg__Offer *last;
    char list[120];
};

static enum tg_code sizes_of(struct tg_view *view, Tg__PlanKind plan, struct sizes *s, struct tg_error *err)
{
    struct tg_key prefix = tg_key_offer_prefix((uint8_t)plan);
    struct tg_walk *walk;
    Tg__Offer *offer;
    size_t len = 0;
    memset(s, 0, sizeof *s);
    enum tg_code code = tg_walk_begin(view, TG_DB_PLANS, &prefix, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_offer_next(view, walk, &offer, err)) == TG_OK) {
        if (!offer->on_sale)
            continue;
        s->on_sale++;
        s->last = offer;
        if (len < sizeof s->list)
            len += (size_t)snprintf(s->list + len, sizeof s->list - len, "%s%llu", len > 0 ? ", " : "",
                                    (unsigned long long)offer->messages);
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static enum tg_code not_for_sale(Tg__PlanKind plan, uint64_t messages, enum tg_code code, struct tg_error *err)
{
    return tg_fail(err, code, "the plan %s%s is not on sale (tollgate plan list shows what is, tollgate plan set puts it on sale)",
                   tg_plan_name(plan), messages != 0 ? " with that number of messages" : "");
}

enum tg_code tg_offer_find(struct tg_view *view, Tg__PlanKind plan, uint64_t messages, Tg__Offer **offer, struct tg_error *err)
{
    struct tg_key key = tg_key_offer((uint8_t)plan, messages);
    struct sizes sizes;
    enum tg_code code = messages == 0 ? TG_NOT_FOUND
                                      : tg_get_record(view, TG_DB_PLANS, &key, &tg__offer__descriptor, offer, err);
    if (code != TG_NOT_FOUND)
        return code;
    if ((code = sizes_of(view, plan, &sizes, err)) != TG_OK)
        return code;
    if (messages == 0 && sizes.on_sale == 1) {
        *offer = sizes.last;
        return TG_OK;
    }
    if (messages == 0 && sizes.on_sale > 1)
        return tg_fail(err, TG_USAGE, "the plan %s comes in several sizes: say which with --messages (%s)", tg_plan_name(plan),
                       sizes.list);
    if (messages == 0 || sizes.on_sale == 0)
        return not_for_sale(plan, messages, TG_NOT_FOUND, err);
    return tg_fail(err, TG_NOT_FOUND, "the plan %s with %llu messages is not on sale: it comes with %s (tollgate plan list)",
                   tg_plan_name(plan), (unsigned long long)messages, sizes.list);
}

enum tg_code tg_offer_for_sale(struct tg_view *view, Tg__PlanKind plan, uint64_t messages, Tg__Offer **offer,
                               struct tg_error *err)
{
    enum tg_code code = tg_offer_find(view, plan, messages, offer, err);
    if (code == TG_NOT_FOUND) {
        if (err != NULL)
            err->code = TG_REFUSED;
        return TG_REFUSED;
    }
    if (code != TG_OK || (*offer)->on_sale)
        return code;
    return not_for_sale(plan, messages, TG_REFUSED, err);
}

/* ---- changing ---- */

static const char *summary(struct tg_arena *arena, const Tg__Offer *o)
{
    char price[TG_MONEY_SIZE];
    return tg_arena_printf(arena, "%s %s, %s", tg_money_text(o->price_minor, o->currency, price), o->currency,
                           o->on_sale ? "on sale" : "off sale");
}

static void put(struct tg_change *change, const Tg__Offer *old, const Tg__Offer *offer, int64_t now)
{
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    struct tg_key key = tg_key_offer((uint8_t)offer->plan, offer->messages);
    tg_put_record(change, TG_DB_PLANS, &key, &offer->base);
    tg_audit(change, now, "plan set",
             tg_arena_printf(arena, "%s %llu", tg_plan_name(offer->plan), (unsigned long long)offer->messages),
             old != NULL ? summary(arena, old) : NULL, summary(arena, offer));
}

/* Free comes in one size. */
static enum tg_code take_others_off(struct tg_change *change, const Tg__Offer *offer, int64_t now, struct tg_error *err)
{
    struct sizes sizes;
    for (;;) {
        enum tg_code code = sizes_of(tg_change_view(change), offer->plan, &sizes, err);
        if (code != TG_OK || sizes.on_sale == 0)
            return code;
        Tg__Offer other = *sizes.last;
        other.on_sale = false;
        put(change, sizes.last, &other, now);
        if ((code = tg_change_error(change, err)) != TG_OK)
            return code;
    }
}

static enum tg_code set_price(Tg__Offer *offer, const char *price, const char *currency, bool exists, struct tg_error *err)
{
    if (currency != NULL && tg_currency_digits(currency) < 0)
        return tg_fail(err, TG_USAGE, "'%.20s' is no currency: give its ISO 4217 code, such as EUR", currency);
    if (price == NULL && currency != NULL && strcmp(currency, offer->currency) != 0)
        return tg_fail(err, TG_USAGE, "another currency needs another price: give --price too");
    if (price == NULL && !exists)
        return tg_fail(err, TG_USAGE, "a new offer needs a price (--price 9.90)");
    if (price == NULL)
        return TG_OK;
    if (currency != NULL)
        offer->currency = (char *)currency;
    enum tg_code code = tg_money_parse(price, offer->currency, &offer->price_minor, err);
    if (code != TG_OK)
        return code;
    if (offer->plan == TG__PLAN_KIND__FREE && offer->price_minor != 0)
        return tg_fail(err, TG_USAGE, "the free plan costs nothing: give --price 0");
    if (offer->plan != TG__PLAN_KIND__FREE && offer->price_minor == 0)
        return tg_fail(err, TG_USAGE, "the plan %s must cost something", tg_plan_name(offer->plan));
    return TG_OK;
}

enum tg_code tg_offer_set(struct tg_change *change, Tg__PlanKind plan, uint64_t messages, const char *price,
                          const char *currency, enum tg_on_sale sale, int64_t now, Tg__Offer **offer, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    struct tg_key key = tg_key_offer((uint8_t)plan, messages);
    Tg__Offer *old = NULL, *made = tg_arena_alloc(tg_view_arena(view), sizeof *made);
    if (messages == 0 || messages > MESSAGES_MAX)
        return tg_fail(err, TG_USAGE, "a plan has 1 to %d messages", MESSAGES_MAX);
    enum tg_code code = tg_get_record(view, TG_DB_PLANS, &key, &tg__offer__descriptor, &old, err);
    if (code != TG_OK && code != TG_NOT_FOUND)
        return code;
    bool exists = code == TG_OK;
    tg__offer__init(made);
    if (exists) {
        *made = *old;
    } else {
        made->plan = plan;
        made->messages = messages;
        made->currency = "EUR";
    }
    if ((code = set_price(made, price, currency, exists, err)) != TG_OK)
        return code;
    if (sale != TG_SALE_AS_IS)
        made->on_sale = sale == TG_ON_SALE;
    if (plan == TG__PLAN_KIND__FREE && made->on_sale && (code = take_others_off(change, made, now, err)) != TG_OK)
        return code;
    put(change, exists ? old : NULL, made, now);
    *offer = made;
    return tg_change_error(change, err);
}
