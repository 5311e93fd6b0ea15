/* cmd_customer.c: tollgate customer … */
#include <errno.h>
#include <stdlib.h>
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/rows.h"
#include "schema/customer.h"

static enum tg_code read_id(const char *text, uint64_t *id, struct tg_error *err)
{
    char *end;
    errno = 0;
    *id = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0)
        return tg_fail(err, TG_USAGE, "'%.60s' is not a customer's number (tollgate customer list shows them)", text);
    return TG_OK;
}

/* What a change of one customer works with. */
struct edit {
    struct context *context;
    const struct input *input;
    uint64_t id;
    json_t **result;
};

static char *text_or(const struct input *input, const char *option, const char *otherwise)
{
    const char *text = input_text(input, option);
    return (char *)(text != NULL ? text : otherwise);
}

/* ---- add ---- */

static enum tg_code add_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    Tg__Customer customer = TG__CUSTOMER__INIT;
    customer.name = text_or(e->input, "name", "");
    customer.email = text_or(e->input, "email", "");
    customer.phone = text_or(e->input, "phone", "");
    customer.address = text_or(e->input, "address", "");
    customer.terms_version = input_flag(e->input, "accept-terms") ? e->context->settings->terms_version : (char *)"";
    enum tg_code code = tg_customer_add(change, &customer, e->context->now, err);
    if (code != TG_OK)
        return code;
    json_decref(*e->result);
    *e->result = json_customer(&customer);
    return TG_OK;
}

static enum tg_code customer_add(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { c, in, 0, result };
    return tg_store_change(c->store, add_in, &e, err);
}

const struct command cmd_customer_add = {
    .noun = "customer", .verb = "add",
    .summary = "Record a new customer, who accepts the terms.",
    .options = (const struct opt[]){
        { .name = "name", .type = OPT_TEXT, .value = "NAME", .help = "of the person or company", .required = true },
        { .name = "email", .type = OPT_TEXT, .value = "ADDR", .help = "where orders and notices go", .required = true },
        { .name = "accept-terms", .type = OPT_FLAG, .help = "the customer accepts the terms (their version is recorded)" },
        { .name = "phone", .type = OPT_TEXT, .value = "TEXT", .help = "telephone number" },
        { .name = "address", .type = OPT_TEXT, .value = "TEXT", .help = "postal address" },
        { 0 } },
    .example = "tollgate customer add --name 'Example Ltd' --email ops@example.com --accept-terms",
    .run = customer_add,
};

/* ---- list, show ---- */

static enum tg_code next_customer(const struct row_place *place, const void *arg, json_t **row, struct tg_error *err)
{
    Tg__Customer *customer;
    (void)arg;
    enum tg_code code = tg_customer_next(place->view, place->walk, &customer, err);
    if (code == TG_OK)
        *row = json_customer(customer);
    return code;
}

static enum tg_code customer_list(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct rows rows = { .db = TG_DB_CUSTOMERS, .prefix = tg_key_all(), .next = next_customer };
    (void)result;
    return rows_print(c, in, &rows, err);
}

const struct command cmd_customer_list = {
    .noun = "customer", .verb = "list",
    .summary = "List all customers.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate customer list",
    .columns = "id name email created",
    .run = customer_list,
};

static enum tg_code customer_show(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Customer *customer;
    uint64_t id;
    enum tg_code code = read_id(in->arg[0], &id, err);
    if (code != TG_OK || (code = tg_view_begin(c->store, &view, err)) != TG_OK)
        return code;
    code = tg_customer_get(view, id, &customer, err);
    if (code == TG_OK)
        *result = json_customer(customer);
    tg_view_end(&view);
    return code;
}

const struct command cmd_customer_show = {
    .noun = "customer", .verb = "show", .args = "ID",
    .summary = "Show one customer.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate customer show 1",
    .run = customer_show,
};

/* ---- set, billing, remove ---- */

static enum tg_code set_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    Tg__Customer *customer;
    enum tg_code code = tg_customer_get(tg_change_view(change), e->id, &customer, err);
    if (code != TG_OK)
        return code;
    customer->name = text_or(e->input, "name", customer->name);
    customer->email = text_or(e->input, "email", customer->email);
    customer->phone = text_or(e->input, "phone", customer->phone);
    customer->address = text_or(e->input, "address", customer->address);
    if ((code = tg_customer_update(change, customer, "customer set", e->context->now, err)) != TG_OK)
        return code;
    json_decref(*e->result);
    *e->result = json_customer(customer);
    return TG_OK;
}

static enum tg_code customer_set(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { c, in, 0, result };
    enum tg_code code = read_id(in->arg[0], &e.id, err);
    return code == TG_OK ? tg_store_change(c->store, set_in, &e, err) : code;
}

const struct command cmd_customer_set = {
    .noun = "customer", .verb = "set", .args = "ID",
    .summary = "Change a customer's personal data.",
    .options = (const struct opt[]){
        { .name = "name", .type = OPT_TEXT, .value = "NAME", .help = "of the person or company" },
        { .name = "email", .type = OPT_TEXT, .value = "ADDR", .help = "where orders and notices go" },
        { .name = "phone", .type = OPT_TEXT, .value = "TEXT", .help = "telephone number" },
        { .name = "address", .type = OPT_TEXT, .value = "TEXT", .help = "postal address" },
        { 0 } },
    .example = "tollgate customer set 1 --email new@example.com",
    .any_option = true,
    .run = customer_set,
};

static enum tg_code billing_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    Tg__Customer *customer;
    Tg__Billing billing = TG__BILLING__INIT;
    enum tg_code code = tg_customer_get(tg_change_view(change), e->id, &customer, err);
    if (code != TG_OK)
        return code;
    const Tg__Billing *old = customer->billing;
    billing.company = text_or(e->input, "company", old != NULL ? old->company : "");
    billing.vat = text_or(e->input, "vat", old != NULL ? old->vat : "");
    billing.address = text_or(e->input, "address", old != NULL ? old->address : "");
    billing.entered_at = e->context->now;
    customer->billing = &billing;
    if ((code = tg_customer_update(change, customer, "customer billing", e->context->now, err)) != TG_OK)
        return code;
    json_decref(*e->result);
    *e->result = json_customer(customer);
    return TG_OK;
}

static enum tg_code customer_billing(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { c, in, 0, result };
    enum tg_code code = read_id(in->arg[0], &e.id, err);
    return code == TG_OK ? tg_store_change(c->store, billing_in, &e, err) : code;
}

const struct command cmd_customer_billing = {
    .noun = "customer", .verb = "billing", .args = "ID",
    .summary = "Enter a customer's billing data, which paid plans need.",
    .options = (const struct opt[]){
        { .name = "company", .type = OPT_TEXT, .value = "NAME", .help = "name on the invoice" },
        { .name = "vat", .type = OPT_TEXT, .value = "ID", .help = "VAT identification number" },
        { .name = "address", .type = OPT_TEXT, .value = "TEXT", .help = "address on the invoice" },
        { 0 } },
    .example = "tollgate customer billing 1 --company 'Example Ltd' --vat GB999999973 --address '1 High St, London'",
    .any_option = true,
    .run = customer_billing,
};

static enum tg_code remove_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    return tg_customer_remove(change, e->id, e->context->now, err);
}

static enum tg_code customer_remove(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { c, in, 0, result };
    enum tg_code code = read_id(in->arg[0], &e.id, err);
    if (code != TG_OK || (code = tg_store_change(c->store, remove_in, &e, err)) != TG_OK)
        return code;
    *result = json_pack("{s:I, s:b}", "id", (json_int_t)e.id, "removed", 1);
    return TG_OK;
}

const struct command cmd_customer_remove = {
    .noun = "customer", .verb = "remove", .args = "ID",
    .summary = "Remove a customer who has no accounts and no domains any more.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate customer remove 1 --yes",
    .question = "Remove customer %s for good?",
    .run = customer_remove,
};
