/* cmd_plan.c: tollgate plan … */
#include "admin/commands.h"
#include "admin/json.h"

static enum tg_code plan_list(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    struct tg_walk *walk;
    struct tg_key all = tg_key_all();
    struct tg_span key, value;
    (void)in;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    *result = json_array();
    code = tg_walk_begin(view, TG_DB_PLANS, &all, NULL, TG_FORWARD, &walk, err);
    if (code == TG_OK) {
        while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
            Tg__Offer *offer;
            if ((code = tg_unpack(view, TG_DB_PLANS, value, &tg__offer__descriptor, &offer, err)) != TG_OK)
                break;
            json_array_append_new(*result, json_offer(offer));
        }
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
