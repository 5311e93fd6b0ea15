/* dialogue.c: see dialogue.h. The order of the steps, and the one change at the end of step 5. */
#include "admin/account_edit.h"
#include "admin/dialogue.h"
#include "admin/dialogue_parts.h"
#include "admin/json.h"
#include "schema/customer.h"
#include "schema/now.h"

/* ---- the change ---- */

struct commit {
    struct dialogue *d;
    struct shop shop;
    struct tg_secret password;
    json_t *account;
    uint64_t order_id;
};

static enum tg_code commit_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct commit *c = arg;
    const struct context *context = c->d->context;
    Tg__Account *account;
    Tg__Order *order;
    enum tg_code code = tg_signup(change, &c->shop.terms, &c->d->signup, context->now, &account, &c->password, &order, err);
    if (code != TG_OK)
        return code;
    c->order_id = order != NULL ? order->id : 0;
    json_decref(c->account);
    c->account = NULL;
    return json_account(tg_change_view(change), context->settings, account, context->now, &c->account, err);
}

/* TG_OK: the account is there, and its credentials were shown. */
static enum tg_code commit(struct dialogue *d, struct tg_error *err)
{
    struct commit c = { .d = d };
    struct tg_error unread;
    json_t *order = NULL;
    /* The questions took their time. */
    d->context->now = tg_now();
    shop_open(d->context, &c.shop);
    enum tg_code code = shop_change(d->context, &c.shop, commit_in, &c, err);
    if (code == TG_OK) {
        if (account_edit_order(d->context, c.order_id, &order, &unread) != TG_OK)
            order = json_null();
        dialogue_credentials(d, c.account, &c.password, order);
    }
    json_decref(order);
    json_decref(c.account);
    tg_secret_wipe(&c.password);
    return code;
}

/* ---- the steps ---- */

static bool needs_billing(const struct dialogue *d)
{
    return dialogue_costs(d) && d->signup.customer.billing == NULL && !tg_customer_is_billable(&d->signup.customer) &&
           !tg_customer_is_billable(&d->known);
}

static enum step_outcome ask(struct dialogue *d, int step, int *next)
{
    dialogue_heading(d, step);
    switch (step) {
    case STEP_ACCOUNT: return dialogue_account(d);
    case STEP_PLAN: return dialogue_plan(d);
    case STEP_CUSTOMER: return dialogue_customer(d);
    case STEP_BILLING: return dialogue_billing(d);
    default: return dialogue_summary(d, next);
    }
}

static enum tg_code steps(struct dialogue *d, struct tg_error *err)
{
    int step = STEP_ACCOUNT;
    bool reviewing = false; /* the summary was seen: each step leads back to it */
    for (;;) {
        int next = step;
        struct tg_error why;
        switch (ask(d, step, &next)) {
        case STEP_FAILED: return err->code;
        case STEP_GONE: fputc('\n', stdout); return tg_fail(err, TG_FAILED, "broken off: nothing was done");
        case STEP_BACK:
            step = reviewing && step != STEP_SUMMARY ? STEP_SUMMARY : step > STEP_ACCOUNT ? step - 1 : step;
            if (step == STEP_BILLING && !dialogue_costs(d))
                step = STEP_CUSTOMER;
            continue;
        case STEP_DONE: break;
        }
        if (step != STEP_SUMMARY) {
            step = reviewing ? STEP_SUMMARY : step + 1;
            if (step >= STEP_BILLING)
                step = needs_billing(d) ? STEP_BILLING : STEP_SUMMARY;
        } else if (next != STEP_CREDENTIALS) {
            step = next;
        } else {
            enum tg_code code = commit(d, &why);
            if (code == TG_OK)
                return TG_OK;
            if (code != TG_REFUSED && code != TG_USAGE && code != TG_NOT_FOUND)
                return tg_fail(err, code, "%s", why.text);
            dialogue_reason(d, &why);
        }
        reviewing = reviewing || step == STEP_SUMMARY;
    }
}

enum tg_code dialogue_account_add(struct context *context, struct tg_error *err)
{
    struct dialogue d = { .context = context, .err = err, .asker = dialogue_open(), .arena = tg_arena_new() };
    tg__customer__init(&d.signup.customer);
    tg__account__init(&d.signup.wish);
    tg__customer__init(&d.known);
    tg__billing__init(&d.billing);
    tg__offer__init(&d.offer);
    const struct terminal *t = dialogue_terminal(d.asker);
    fprintf(t->out, "%sA new account, in six steps.%s\n", terminal_colour(t, BOLD), terminal_plain(t));
    terminal_paragraph(t, "Enter takes what you see, < goes back a step, and Ctrl-C at any point leaves nothing behind.", 0);
    enum tg_code code = steps(&d, err);
    tg_arena_free(&d.arena);
    dialogue_close(&d.asker);
    return code;
}
