/* dialogue_customer.c: steps 3 and 4: whose account it is, and who gets the invoice. */
#include <string.h>
#include "admin/dialogue_parts.h"
#include "schema/customer.h"

enum { FOUND_MAX = 200 };

static enum tg_code check_plan(struct dialogue *d, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Offer *offer;
    /* What a paid plan needs beside the customer comes in step 4. */
    if (d->signup.customer.id == 0 || dialogue_costs(d))
        return TG_OK;
    enum tg_code code = tg_view_begin(d->context->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_billing_check(view, d->signup.customer.id, 0, d->offer.plan, d->offer.messages, &offer, err);
    tg_view_end(&view);
    return code;
}

bool dialogue_customer_fits(struct dialogue *d, enum step_outcome *outcome)
{
    struct tg_error why;
    enum tg_code code = check_plan(d, &why);
    *outcome = code == TG_OK ? STEP_DONE : STEP_FAILED;
    if (code == TG_REFUSED)
        dialogue_reason(d, &why);
    else if (code != TG_OK)
        tg_fail(d->err, code, "%s", why.text);
    return code != TG_REFUSED;
}

static enum tg_code check_field(const struct dialogue *d, int field, const char *text, struct tg_error *err)
{
    (void)d;
    return tg_customer_check((enum tg_customer_field)field, text, err);
}

/* ---- a new one ---- */

static enum answer terms(struct dialogue *d)
{
    const char *version = d->context->settings->terms_version;
    struct tg_error why;
    for (;;) {
        bool yes;
        dialogue_tell(d->asker, PLAIN, tg_arena_printf(d->arena, "Does the customer accept the terms (version %s)?", version));
        enum answer answer = dialogue_yes(d, "accepts (y/n)", &yes);
        if (answer != ANSWERED)
            return answer;
        d->signup.customer.terms_version = yes ? tg_arena_strdup(d->arena, version) : "";
        if (tg_customer_check(TG_CUSTOMER_TERMS, d->signup.customer.terms_version, &why) == TG_OK)
            return ANSWERED;
        dialogue_reason(d, &why);
    }
}

static enum answer new_customer(struct dialogue *d)
{
    Tg__Customer *c = &d->signup.customer;
    if (c->id != 0)
        tg__customer__init(c);
    tg__customer__init(&d->known);
    enum answer answer = dialogue_text(d, "name", check_field, TG_CUSTOMER_NAME, &c->name);
    if (answer == ANSWERED)
        answer = dialogue_text(d, "e-mail", check_field, TG_CUSTOMER_EMAIL, &c->email);
    if (answer == ANSWERED)
        answer = dialogue_text(d, "phone, if any", check_field, TG_CUSTOMER_PHONE, &c->phone);
    if (answer == ANSWERED)
        answer = dialogue_text(d, "address, if any", check_field, TG_CUSTOMER_ADDRESS, &c->address);
    return answer == ANSWERED ? terms(d) : answer;
}

/* ---- one who is there ---- */

struct found {
    Tg__Customer *list[FOUND_MAX];
    size_t count;
    bool more;
};

/* What the dialogue shows of a customer, in its own arena. */
static Tg__Customer *copy(struct tg_arena *arena, const Tg__Customer *from)
{
    Tg__Customer *to = tg_arena_alloc(arena, sizeof *to);
    tg__customer__init(to);
    to->id = from->id;
    to->name = tg_arena_strdup(arena, from->name);
    to->email = tg_arena_strdup(arena, from->email);
    to->address = tg_arena_strdup(arena, from->address);
    if (from->billing != NULL) {
        to->billing = tg_arena_alloc(arena, sizeof *to->billing);
        tg__billing__init(to->billing);
        to->billing->company = tg_arena_strdup(arena, from->billing->company);
        to->billing->vat = tg_arena_strdup(arena, from->billing->vat);
        to->billing->address = tg_arena_strdup(arena, from->billing->address);
    }
    return to;
}

static enum tg_code find(struct dialogue *d, const char *part, struct found *found, struct tg_error *err)
{
    struct tg_view *view;
    struct tg_walk *walk;
    struct tg_key all = tg_key_all();
    Tg__Customer *customer;
    memset(found, 0, sizeof *found);
    enum tg_code code = tg_view_begin(d->context->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_walk_begin(view, TG_DB_CUSTOMERS, &all, NULL, TG_FORWARD, &walk, err);
    if (code == TG_OK) {
        while (!found->more && (code = tg_customer_next(view, walk, &customer, err)) == TG_OK) {
            if (!tg_customer_matches(customer, part))
                continue;
            if (found->count < FOUND_MAX)
                found->list[found->count++] = copy(d->arena, customer);
            else
                found->more = true;
        }
        tg_walk_end(&walk);
    }
    tg_view_end(&view);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static enum answer choose(struct dialogue *d, const struct found *found)
{
    struct menu_item items[FOUND_MAX];
    size_t at = 0;
    if (found->more)
        dialogue_tell(d->asker, YELLOW, tg_arena_printf(d->arena, "There are more than these %d: go back and say more of the name.", FOUND_MAX));
    for (size_t i = 0; i < found->count; i++) {
        const Tg__Customer *c = found->list[i];
        items[i] = (struct menu_item){ .text = tg_arena_printf(d->arena, "%s <%s>", c->name, c->email),
                                       .note = tg_arena_printf(d->arena, "customer %llu", (unsigned long long)c->id) };
    }
    enum answer answer = dialogue_menu(d->asker, "customer", items, found->count, d->arena, &at);
    if (answer != ANSWERED)
        return answer;
    d->known = *found->list[at];
    d->signup.customer = d->known;
    d->signup.customer.billing = NULL;
    return ANSWERED;
}

static enum step_outcome known_customer(struct dialogue *d)
{
    struct found found;
    enum step_outcome outcome;
    for (;;) {
        char *part = NULL;
        enum answer answer = dialogue_text(d, "name or e-mail", NULL, 0, &part);
        if (answer != ANSWERED)
            return dialogue_outcome(answer);
        if (find(d, part, &found, d->err) != TG_OK)
            return STEP_FAILED;
        if (found.count == 0) {
            dialogue_tell(d->asker, RED, tg_arena_printf(d->arena, "no customer has '%s' in name or e-mail", part));
            continue;
        }
        answer = choose(d, &found);
        if (answer == BACK)
            continue;
        if (answer != ANSWERED)
            return dialogue_outcome(answer);
        if (dialogue_customer_fits(d, &outcome))
            return outcome;
        dialogue_tell(d->asker, PLAIN, "Choose another customer, or go back (<) for another plan.");
    }
}

/* ---- 3 ---- */

enum step_outcome dialogue_customer(struct dialogue *d)
{
    static const struct menu_item kinds[] = { { .text = "a new customer" }, { .text = "a customer who is there already" } };
    struct found anybody;
    size_t at = d->known.id != 0;
    if (find(d, "", &anybody, d->err) != TG_OK)
        return STEP_FAILED;
    for (;;) {
        enum answer answer = anybody.count == 0 ? ANSWERED : dialogue_menu(d->asker, NULL, kinds, 2, d->arena, &at);
        if (answer != ANSWERED)
            return dialogue_outcome(answer);
        enum step_outcome outcome = at == 1 ? known_customer(d) : dialogue_outcome(new_customer(d));
        if (outcome != STEP_BACK || anybody.count == 0)
            return outcome;
    }
}

/* ---- 4 ---- */

/* An empty line too, where the invoice needs it. */
static enum tg_code check_billing(const struct dialogue *d, int field, const char *text, struct tg_error *err)
{
    Tg__Billing billing = TG__BILLING__INIT;
    Tg__Customer customer = TG__CUSTOMER__INIT;
    (void)d;
    billing.company = field == TG_CUSTOMER_COMPANY ? (char *)text : "-";
    billing.address = field == TG_CUSTOMER_BILLING_ADDRESS ? (char *)text : "-";
    customer.billing = &billing;
    if (!tg_customer_is_billable(&customer))
        return tg_fail(err, TG_USAGE, "the invoice needs it");
    return tg_customer_check((enum tg_customer_field)field, text, err);
}

enum step_outcome dialogue_billing(struct dialogue *d)
{
    const Tg__Customer *c = &d->signup.customer;
    Tg__Billing given = d->billing;
    if (c->billing == NULL) {
        const Tg__Billing *old = d->known.billing;
        given.company = old != NULL && *old->company != '\0' ? old->company : c->name;
        given.address = old != NULL && *old->address != '\0' ? old->address : c->address;
        given.vat = old != NULL ? old->vat : "";
    }
    enum answer answer = dialogue_text(d, "on the invoice", check_billing, TG_CUSTOMER_COMPANY, &given.company);
    if (answer == ANSWERED)
        answer = dialogue_text(d, "its address", check_billing, TG_CUSTOMER_BILLING_ADDRESS, &given.address);
    if (answer == ANSWERED)
        answer = dialogue_text(d, "VAT ID, if any", check_billing, TG_CUSTOMER_VAT, &given.vat);
    if (answer == ANSWERED) {
        d->billing = given;
        d->signup.customer.billing = &d->billing;
    }
    return dialogue_outcome(answer);
}
