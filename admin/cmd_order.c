/* cmd_order.c: tollgate order … */
#include <string.h>
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/rows.h"
#include "admin/shop.h"
#include "admin/value.h"
#include "schema/account.h"
#include "schema/billing.h"

/* ---- list, show ---- */

struct wanted {
    const struct context *context;
    const char *status;  /* NULL: all */
    uint64_t account_id; /* 0: of all */
};

static enum tg_code next_order(const struct row_place *place, const void *arg, json_t **row, struct tg_error *err)
{
    const struct wanted *w = arg;
    Tg__Order *order;
    enum tg_code code = tg_order_next(place->view, place->walk, &order, err);
    if (code == TG_OK && (w->status == NULL || strcmp(w->status, tg_order_status_name(order->status)) == 0) &&
        (w->account_id == 0 || order->account_id == w->account_id))
        *row = json_order(place->view, w->context->settings, order, w->context->now);
    return code;
}

static enum tg_code id_of(struct context *c, const char *username, uint64_t *id, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Account *account;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_account_by_username(view, username, &account, err);
    if (code == TG_OK)
        *id = account->id;
    tg_view_end(&view);
    return code;
}

static enum tg_code order_list(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    const char *username = input_text(in, "account");
    struct wanted wanted = { .context = c, .status = input_text(in, "status") };
    struct rows rows = { .db = TG_DB_ORDERS, .prefix = tg_key_all(), .next = next_order, .arg = &wanted };
    enum tg_code code = username != NULL ? id_of(c, username, &wanted.account_id, err) : TG_OK;
    (void)result;
    return code == TG_OK ? rows_print(c, in, &rows, err) : code;
}

const struct command cmd_order_list = {
    .noun = "order", .verb = "list",
    .summary = "List orders.",
    .options = (const struct opt[]){
        { .name = "status", .type = OPT_CHOICE, .value = "STATUS", .choices = "unpaid|paid|cancelled|overdue", .help = "of this status" },
        { .name = "account", .type = OPT_TEXT, .value = "USER", .help = "of this account" },
        { 0 } },
    .example = "tollgate order list --status unpaid",
    .columns = "id status username kind plan messages amount due currency created",
    .run = order_list,
};

static enum tg_code show(struct context *c, const char *name, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Order *order;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_order_find(view, name, &order, err);
    if (code == TG_OK)
        *result = json_order(view, c->settings, order, c->now);
    tg_view_end(&view);
    return code;
}

static enum tg_code order_show(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    return show(c, in->arg[0], result, err);
}

static void row(const struct terminal *t, const char *name, const char *text)
{
    terminal_text(t, name, 0, 14);
    terminal_text(t, text, 0, 0);
    fputc('\n', t->out);
}

static void show_mail(const struct terminal *t, const json_t *mail)
{
    char text[600], when[64];
    const char *state = json_text_of(mail, "status"), *error = json_string_value(json_object_get(mail, "error"));
    const long long attempts = json_number_of(mail, "attempts");
    if (!json_is_object(mail))
        return;
    value_text(json_object_get(mail, strcmp(state, "sent") == 0 ? "sent" : "tried"), when, sizeof when);
    if (strcmp(state, "sent") == 0)
        snprintf(text, sizeof text, "sent to %s on %s", json_text_of(mail, "to"), when);
    else if (error != NULL)
        snprintf(text, sizeof text, "%s after %lld attempt%s, the last on %s: %s", state, attempts, attempts == 1 ? "" : "s", when,
                 error);
    else
        snprintf(text, sizeof text, "%s", state);
    row(t, "mail", text);
}

static void render_order(const struct terminal *t, const json_t *o)
{
    static const char *const keys[] = { "username", "customer", "kind", "created", "due", "paid", "reference", "payment_url" };
    char text[600];
    const char *status = json_text_of(o, "status");
    fprintf(t->out, "%sorder %lld%s  %s%s%s\n", terminal_colour(t, BOLD), json_number_of(o, "id"),
            terminal_plain(t), terminal_colour(t, value_colour(status)), status, terminal_plain(t));
    snprintf(text, sizeof text, "%s, %lld messages", json_text_of(o, "plan"), json_number_of(o, "messages"));
    row(t, "plan", text);
    snprintf(text, sizeof text, "%s %s", json_text_of(o, "amount"), json_text_of(o, "currency"));
    row(t, "amount", text);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const json_t *value = json_object_get(o, keys[i]);
        if (json_is_null(value))
            continue;
        value_text(value, text, sizeof text);
        row(t, strcmp(keys[i], "payment_url") == 0 ? "pay at" : keys[i], text);
    }
    show_mail(t, json_object_get(o, "mail"));
    if (json_is_true(json_object_get(o, "again")))
        fputs("It was paid before: nothing was done.\n", t->out);
}

const struct command cmd_order_show = {
    .noun = "order", .verb = "show", .args = "ORDER",
    .summary = "Show one order, named by its number or its token.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate order show 17",
    .render = render_order,
    .run = order_show,
};

/* ---- pay, cancel ---- */

struct edit {
    struct context *context;
    const struct input *input;
    struct shop shop;
    bool again;
};

static enum tg_code pay_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    Tg__Order *order;
    return tg_billing_pay(change, &e->shop.terms, e->input->arg[0], input_text(e->input, "reference"), e->context->now, &order,
                          &e->again, err);
}

static enum tg_code order_pay(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { .context = c, .input = in };
    shop_open(c, &e.shop);
    enum tg_code code = shop_change(c, &e.shop, pay_in, &e, err);
    if (code == TG_OK)
        code = show(c, in->arg[0], result, err);
    if (code == TG_OK)
        json_object_set_new(*result, "again", json_boolean(e.again));
    return code;
}

const struct command cmd_order_pay = {
    .noun = "order", .verb = "pay", .args = "ORDER",
    .summary = "The order is paid: what was ordered begins at once, and once only, however often it is reported.",
    .options = (const struct opt[]){
        { .name = "reference", .type = OPT_TEXT, .value = "TEXT", .help = "of the payment; another one for an order that is paid is refused" },
        { 0 } },
    .example = "tollgate order pay 17 --reference pi_3Nq8xK",
    .render = render_order,
    .run = order_pay,
};

static enum tg_code cancel_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    Tg__Order *order;
    return tg_billing_cancel(change, e->input->arg[0], e->context->now, &order, err);
}

static enum tg_code order_cancel(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { .context = c, .input = in };
    enum tg_code code = tg_store_change(c->store, cancel_in, &e, err);
    return code == TG_OK ? show(c, in->arg[0], result, err) : code;
}

const struct command cmd_order_cancel = {
    .noun = "order", .verb = "cancel", .args = "ORDER",
    .summary = "Nobody will pay this order; a cancelled renewal ends the account's plan with what is paid.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate order cancel 17",
    .question = "Cancel order %s, so that it can't be paid any more?",
    .render = render_order,
    .run = order_cancel,
};
