/* dialogue_account.c: steps 1 and 2: what the account is for, and its plan. */
#include <string.h>
#include "admin/dialogue_parts.h"
#include "admin/panel.h"
#include "schema/money.h"

/* ---- 1 ---- */

static enum tg_code check_description(const struct dialogue *d, int field, const char *text, struct tg_error *err)
{
    (void)d;
    (void)field;
    return tg_account_check_description(text, err);
}

enum step_outcome dialogue_account(struct dialogue *d)
{
    static const struct menu_item types[] = {
        { .text = "transactional  receipts, alerts: what one person waits for", .said = "transactional" },
        { .text = "promotional    newsletters, offers: the same to many", .said = "promotional" },
    };
    Tg__Account *wish = &d->signup.wish;
    for (;;) {
        size_t at = wish->type == TG__ACCOUNT_TYPE__PROMOTIONAL;
        enum answer answer = dialogue_text(d, "description", check_description, 0, &wish->description);
        if (answer != ANSWERED)
            return dialogue_outcome(answer);
        answer = dialogue_menu(d->asker, "type", types, 2, d->arena, &at);
        if (answer == BACK)
            continue;
        wish->type = at == 1 ? TG__ACCOUNT_TYPE__PROMOTIONAL : TG__ACCOUNT_TYPE__TRANSACTIONAL;
        return dialogue_outcome(answer);
    }
}

/* ---- 2 ---- */

const char *dialogue_size(struct tg_arena *arena, const Tg__Offer *offer)
{
    char number[PANEL_NUMBER];
    return tg_arena_printf(arena, "%s messages %s", panel_number((long long)offer->messages, number),
                           offer->plan == TG__PLAN_KIND__PREPAID ? "for 12 months" : "a month");
}

const char *dialogue_price(struct tg_arena *arena, const Tg__Offer *offer)
{
    char price[TG_MONEY_SIZE];
    return tg_arena_printf(arena, "%s %s", tg_money_text(offer->price_minor, offer->currency, price), offer->currency);
}

static char *row(struct tg_arena *arena, const Tg__Offer *offer)
{
    char number[PANEL_NUMBER];
    const char *price = !offer->on_sale ? "not on sale" : offer->plan == TG__PLAN_KIND__FREE ? "free of charge" : dialogue_price(arena, offer);
    return tg_arena_printf(arena, "%-8s %13s %-13s %16s", tg_plan_name(offer->plan), panel_number((long long)offer->messages, number),
                           offer->plan == TG__PLAN_KIND__PREPAID ? "for 12 months" : "a month", price);
}

static const char *note(struct tg_arena *arena, const Tg__Offer *offer)
{
    switch (offer->plan) {
    case TG__PLAN_KIND__MONTHLY:
        return tg_arena_printf(arena, "%s a month; it begins when the first is paid", dialogue_price(arena, offer));
    case TG__PLAN_KIND__PREPAID: return tg_arena_printf(arena, "%s, once; it begins when that is paid", dialogue_price(arena, offer));
    default: return "begins at once; one such account a customer";
    }
}

static Tg__Offer *copy(struct tg_arena *arena, const Tg__Offer *offer)
{
    Tg__Offer *mine = tg_arena_alloc(arena, sizeof *mine);
    *mine = *offer;
    mine->currency = tg_arena_strdup(arena, offer->currency);
    return mine;
}

/* All of the catalogue, into the dialogue's arena: no view waits for an answer. */
static enum tg_code read_offers(struct dialogue *d, Tg__Offer ***offers, size_t *count, struct tg_error *err)
{
    struct tg_view *view;
    struct tg_walk *walk;
    struct tg_key all = tg_key_all();
    Tg__Offer *offer;
    uint64_t most = 0;
    enum tg_code code = tg_view_begin(d->context->store, &view, err);
    if (code != TG_OK)
        return code;
    *count = 0;
    if ((code = tg_count(view, TG_DB_PLANS, &most, err)) == TG_OK)
        code = tg_walk_begin(view, TG_DB_PLANS, &all, NULL, TG_FORWARD, &walk, err);
    if (code == TG_OK) {
        *offers = tg_arena_calloc(d->arena, most + 1, sizeof **offers);
        while (*count < most && (code = tg_offer_next(view, walk, &offer, err)) == TG_OK)
            (*offers)[(*count)++] = copy(d->arena, offer);
        tg_walk_end(&walk);
    }
    tg_view_end(&view);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

enum step_outcome dialogue_plan(struct dialogue *d)
{
    Tg__Offer **offers = NULL;
    size_t count = 0, at = 0, on_sale = 0;
    if (read_offers(d, &offers, &count, d->err) != TG_OK)
        return STEP_FAILED;
    struct menu_item *items = tg_arena_calloc(d->arena, count + 1, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        const Tg__Offer *o = offers[i];
        items[i] = (struct menu_item){ .text = row(d->arena, o), .note = note(d->arena, o), .off = !o->on_sale };
        items[i].said = tg_arena_printf(d->arena, "%s, %s, %s", tg_plan_name(o->plan), dialogue_size(d->arena, o),
                                        o->plan == TG__PLAN_KIND__FREE ? "free of charge" : dialogue_price(d->arena, o));
        on_sale += o->on_sale;
        if (o->plan == d->offer.plan && o->messages == d->offer.messages)
            at = i;
    }
    if (on_sale == 0) {
        tg_fail(d->err, TG_REFUSED, "no plan is on sale (tollgate plan set puts one on sale)");
        return STEP_FAILED;
    }
    for (;;) {
        enum answer answer = dialogue_menu(d->asker, "plan", items, count, d->arena, &at);
        if (answer != ANSWERED)
            return dialogue_outcome(answer);
        d->offer = *offers[at];
        d->signup.wish.plan = d->offer.plan;
        d->signup.wish.plan_messages = d->offer.messages;
        enum step_outcome outcome;
        if (dialogue_customer_fits(d, &outcome))
            return outcome;
    }
}
