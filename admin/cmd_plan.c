/* cmd_plan.c: tollgate plan …, the catalogue. */
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/shop.h"
#include "schema/offer.h"

#define PLAN_CHOICES "free|monthly|prepaid"

static enum tg_code read_plan(const char *text, Tg__PlanKind *plan, struct tg_error *err)
{
    return tg_plan_parse(text, plan) ? TG_OK : tg_fail(err, TG_USAGE, "'%.60s' is no plan: free, monthly or prepaid", text);
}

static enum tg_code plan_list(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    struct tg_walk *walk;
    struct tg_key all = tg_key_all();
    Tg__Offer *offer;
    (void)in;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    *result = json_array();
    code = tg_walk_begin(view, TG_DB_PLANS, &all, NULL, TG_FORWARD, &walk, err);
    if (code == TG_OK) {
        while ((code = tg_offer_next(view, walk, &offer, err)) == TG_OK)
            json_array_append_new(*result, json_offer(offer));
        tg_walk_end(&walk);
    }
    tg_view_end(&view);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

const struct command cmd_plan_list = {
    .noun = "plan", .verb = "list",
    .summary = "List the plans, and which of them are on sale.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate plan list",
    .columns = "plan messages price currency on_sale",
    .run = plan_list,
};

struct edit {
    struct context *context;
    const struct input *input;
    json_t **result;
    Tg__PlanKind plan;
};

static enum tg_code set_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct edit *e = arg;
    const struct input *in = e->input;
    Tg__Offer *offer;
    enum tg_on_sale sale = input_flag(in, "on-sale") ? TG_ON_SALE : input_flag(in, "off-sale") ? TG_OFF_SALE : TG_SALE_AS_IS;
    enum tg_code code = tg_offer_set(change, e->plan, (uint64_t)input_number(in, "messages"), input_text(in, "price"),
                                     input_text(in, "currency"), sale, e->context->now, &offer, err);
    if (code != TG_OK)
        return code;
    json_decref(*e->result);
    *e->result = json_offer(offer);
    return TG_OK;
}

static enum tg_code plan_set(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { c, in, result, TG__PLAN_KIND__FREE };
    enum tg_code code = read_plan(in->arg[0], &e.plan, err);
    if (code == TG_OK && input_flag(in, "on-sale") && input_flag(in, "off-sale"))
        code = tg_fail(err, TG_USAGE, "--on-sale and --off-sale: choose one");
    return code == TG_OK ? tg_store_change(c->store, set_in, &e, err) : code;
}

const struct command cmd_plan_set = {
    .noun = "plan", .verb = "set", .args = "PLAN",
    .summary = "Make or change an offer: a plan (" PLAN_CHOICES ") in one size, its price, and whether it is on sale.",
    .options = (const struct opt[]){
        PLAN_SIZE("a month (free, monthly) or in the package (prepaid)", .required = true),
        { .name = "price", .type = OPT_TEXT, .value = "9.90", .help = "of a month or of the package; a new offer needs one" },
        { .name = "currency", .type = OPT_TEXT, .value = "EUR", .help = "ISO 4217 code; EUR for a new offer where none is given" },
        { .name = "on-sale", .type = OPT_FLAG, .help = "customers can choose it" },
        { .name = "off-sale", .type = OPT_FLAG, .help = "nobody can choose it any more; who has it keeps it" },
        { 0 } },
    .example = "tollgate plan set monthly --messages 20000 --price 9.90 --currency EUR --on-sale",
    .run = plan_set,
};

static enum tg_code plan_quote(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Offer *offer;
    Tg__PlanKind plan;
    enum tg_code code = read_plan(in->arg[0], &plan, err);
    if (code != TG_OK || (code = tg_view_begin(c->store, &view, err)) != TG_OK)
        return code;
    code = tg_offer_find(view, plan, (uint64_t)input_number(in, "messages"), &offer, err);
    if (code == TG_OK)
        *result = json_offer(offer);
    tg_view_end(&view);
    return code;
}

const struct command cmd_plan_quote = {
    .noun = "plan", .verb = "quote", .args = "PLAN",
    .summary = "The price of a plan in this size.",
    .options = (const struct opt[]){
        PLAN_SIZE("size of the plan, where it comes in several"),
        { 0 } },
    .example = "tollgate plan quote monthly --messages 20000",
    .run = plan_quote,
};
