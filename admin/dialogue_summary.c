/* dialogue_summary.c: step 5: all of it once more, and the way back to each step. */
#include "admin/dialogue_parts.h"
#include "schema/customer.h"

static const char *billing_text(struct dialogue *d)
{
    const Tg__Billing *b = d->signup.customer.billing != NULL ? d->signup.customer.billing : d->known.billing;
    if (b == NULL)
        return "none";
    return tg_arena_printf(d->arena, "%s, %s%s%s", b->company, b->address, *b->vat != '\0' ? ", " : "", b->vat);
}

static const char *customer_text(struct dialogue *d)
{
    const Tg__Customer *c = &d->signup.customer;
    if (c->id != 0)
        return tg_arena_printf(d->arena, "%s <%s>", c->name, c->email);
    return tg_arena_printf(d->arena, "%s <%s>, new, accepts the terms (version %s)", c->name, c->email, c->terms_version);
}

static const char *total_text(struct dialogue *d)
{
    if (!dialogue_costs(d))
        return "nothing";
    return tg_arena_printf(d->arena, "%s%s", dialogue_price(d->arena, &d->offer),
                           d->offer.plan == TG__PLAN_KIND__MONTHLY ? " for the first month, and each month again" : "");
}

enum step_outcome dialogue_summary(struct dialogue *d, int *next)
{
    bool costs = dialogue_costs(d);
    const char *act = costs ? "Order" : "Activate";
    const struct {
        const char *label, *text;
        int step;
    } rows[] = {
        { "account", tg_arena_printf(d->arena, "%s, %s", d->signup.wish.description, tg_account_type_name(d->signup.wish.type)), STEP_ACCOUNT },
        { "plan", tg_arena_printf(d->arena, "%s, %s", tg_plan_name(d->offer.plan), dialogue_size(d->arena, &d->offer)), STEP_PLAN },
        { "customer", customer_text(d), STEP_CUSTOMER },
        { "billing", billing_text(d), STEP_BILLING },
    };
    struct menu_item items[5];
    size_t count = costs ? 4 : 3, at = count;
    for (size_t i = 0; i < count; i++)
        items[i] = (struct menu_item){ .text = tg_arena_printf(d->arena, "%-9s  %s", rows[i].label, rows[i].text),
                                       .note = "Enter changes it" };
    items[count] = (struct menu_item){ .text = act, .note = costs ? "makes the account; it waits for its order"
                                                                  : "makes the account, which may send at once" };
    dialogue_said(d->asker, "total", total_text(d));
    enum answer answer = dialogue_menu(d->asker, NULL, items, count + 1, d->arena, &at);
    if (answer != ANSWERED)
        return dialogue_outcome(answer);
    *next = at == count ? STEP_CREDENTIALS : rows[at].step;
    if (at == count)
        for (size_t i = 0; i < count; i++)
            dialogue_said(d->asker, rows[i].label, rows[i].text);
    return STEP_DONE;
}
