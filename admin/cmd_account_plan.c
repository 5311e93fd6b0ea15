/* cmd_account_plan.c: tollgate account plan, account topup: what an account has, and is to have. */
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/shop.h"
#include "admin/value.h"
#include "schema/billing.h"

struct edit {
    struct context *context;
    const struct input *input;
    struct shop shop;
    uint64_t order_id; /* 0: nothing is to be paid */
};

static enum tg_code result_of(const struct edit *e, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Account *account;
    Tg__Order *order;
    json_t *a = NULL, *o = json_null();
    const struct context *c = e->context;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_account_by_username(view, e->input->arg[0], &account, err);
    if (code == TG_OK)
        code = json_account(view, c->settings, account, c->now, &a, err);
    if (code == TG_OK && e->order_id != 0) {
        code = tg_order_get(view, e->order_id, &order, err);
        if (code == TG_OK)
            o = json_order(view, c->settings, order, c->now);
    }
    tg_view_end(&view);
    *result = code == TG_OK ? json_pack("{s:o, s:o}", "account", a, "order", o) : NULL;
    return code;
}

static void render_plan(const struct terminal *t, const json_t *result)
{
    const json_t *order = json_object_get(result, "order"), *plan = json_object_get(json_object_get(result, "account"), "plan"),
                 *next = json_object_get(plan, "next");
    char when[64];
    if (json_is_object(order)) {
        value_text(json_object_get(order, "due"), when, sizeof when);
        fprintf(t->out, "order %lld: %s, %lld messages, for %s %s, payable until %s\n",
                json_number_of(order, "id"), json_text_of(order, "plan"), json_number_of(order, "messages"),
                json_text_of(order, "amount"), json_text_of(order, "currency"), when);
        if (json_is_string(json_object_get(order, "payment_url")))
            fprintf(t->out, "to be paid at %s\n", json_text_of(order, "payment_url"));
        return;
    }
    fprintf(t->out, "plan %s, %lld messages", json_text_of(plan, "plan"), json_number_of(plan, "messages"));
    if (json_is_object(next)) {
        value_text(json_object_get(next, "at"), when, sizeof when);
        fprintf(t->out, "; %s, %lld messages, from %s on", json_text_of(next, "plan"), json_number_of(next, "messages"), when);
    }
    fputc('\n', t->out);
}

static enum tg_code plan_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    Tg__Account *account;
    Tg__Order *order;
    Tg__PlanKind plan = TG__PLAN_KIND__FREE;
    tg_plan_parse(input_text(e->input, "plan"), &plan);
    enum tg_code code = tg_billing_plan(change, &e->shop.terms, e->input->arg[0], plan,
                                        (uint64_t)input_number(e->input, "messages"), e->context->now, &account, &order, err);
    e->order_id = code == TG_OK && order != NULL ? order->id : 0;
    return code;
}

static enum tg_code account_plan(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { .context = c, .input = in };
    shop_open(c, &e.shop);
    enum tg_code code = shop_change(c, &e.shop, plan_in, &e, err);
    return code == TG_OK ? result_of(&e, result, err) : code;
}

const struct command cmd_account_plan = {
    .noun = "account", .verb = "plan", .args = "USER",
    .summary = "Another plan: up when its order is paid, down at the end of what is paid; the present plan again takes that back.",
    .options = (const struct opt[]){
        { .name = "plan", .type = OPT_CHOICE, .value = "PLAN", .choices = "free|monthly|prepaid", .help = "which one (tollgate plan list)", .required = true },
        PLAN_SIZE("size of the plan, where it comes in several"),
        { 0 } },
    .example = "tollgate account plan k3v9x0a2m7qd --plan monthly --messages 20000",
    .render = render_plan,
    .run = account_plan,
};

static enum tg_code topup_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    Tg__Account *account;
    Tg__Order *order;
    enum tg_code code = tg_billing_topup(change, &e->shop.terms, e->input->arg[0],
                                         (uint64_t)input_number(e->input, "messages"), e->context->now, &account, &order, err);
    e->order_id = code == TG_OK ? order->id : 0;
    return code;
}

static enum tg_code account_topup(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { .context = c, .input = in };
    shop_open(c, &e.shop);
    enum tg_code code = shop_change(c, &e.shop, topup_in, &e, err);
    return code == TG_OK ? result_of(&e, result, err) : code;
}

const struct command cmd_account_topup = {
    .noun = "account", .verb = "topup", .args = "USER",
    .summary = "Order a further prepaid package; from its payment on, all that is left is valid for twelve months.",
    .options = (const struct opt[]){
        PLAN_SIZE("size of the package, where it comes in several"),
        { 0 } },
    .example = "tollgate account topup k3v9x0a2m7qd --messages 50000",
    .render = render_plan,
    .run = account_topup,
};
