/* cmd_account_add.c: tollgate account add, account password: where a password is shown, once. */
#include "admin/account_edit.h"
#include "admin/commands.h"
#include "admin/dialogue.h"
#include "admin/json.h"
#include "admin/value.h"
#include "schema/billing.h"

/* The account with a new password, which is shown this once. */
static void add_password(const struct account_edit *e, const char *last_key, json_t *last)
{
    json_t *account = *e->result;
    *e->result = json_pack("{s:o, s:s, s:o, s:o}", "account", account, "password", e->password->text, last_key, last,
                           "server", json_text_or_null(e->context->settings->submission));
}

static void render_order(const struct terminal *terminal, const json_t *order)
{
    char due[64];
    if (!json_is_object(order))
        return;
    value_text(json_object_get(order, "due"), due, sizeof due);
    fprintf(terminal->out, "The account waits for order %lld: %s %s, payable until %s.\n",
            json_number_of(order, "id"), json_text_of(order, "amount"), json_text_of(order, "currency"), due);
    if (json_is_string(json_object_get(order, "payment_url")))
        fprintf(terminal->out, "It is paid at %s\n", json_text_of(order, "payment_url"));
}

static void render_password(const struct terminal *terminal, const json_t *result)
{
    const json_t *account = json_object_get(result, "account"), *until = json_object_get(result, "old_valid_until");
    char valid[64];
    if (json_is_string(json_object_get(result, "server")))
        fprintf(terminal->out, "server    %s\n", json_text_of(result, "server"));
    fprintf(terminal->out, "username  %s%s%s\n", terminal_colour(terminal, BOLD),
            json_text_of(account, "username"), terminal_plain(terminal));
    fprintf(terminal->out, "password  %s%s%s\n", terminal_colour(terminal, BOLD),
            json_text_of(result, "password"), terminal_plain(terminal));
    fputs("\nThis is the only time that the password is shown.\n", terminal->out);
    if (json_is_string(until)) {
        value_text(until, valid, sizeof valid);
        fprintf(terminal->out, "The old one stays valid until %s.\n", valid);
    } else if (until != NULL) {
        fputs("The old one is void from now on.\n", terminal->out);
    } else {
        render_order(terminal, json_object_get(result, "order"));
        fprintf(terminal->out, "Next: tollgate domain add DOMAIN --customer %lld; tollgate domain associate DOMAIN %s\n",
                json_number_of(account, "customer"), json_text_of(account, "username"));
    }
}

/* ---- add ---- */

static enum tg_code add_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct account_edit *e = arg;
    const struct input *in = e->input;
    Tg__Account wish = TG__ACCOUNT__INIT, *account;
    account_edit_apply(in, &wish);
    wish.customer_id = (uint64_t)input_number(in, "customer");
    wish.plan_messages = (uint64_t)input_number(in, "messages");
    tg_plan_parse(input_text(in, "plan"), &wish.plan);
    Tg__Order *order;
    enum tg_code code = tg_billing_add(change, &e->shop.terms, &wish, e->context->now, &account, e->password, &order, err);
    if (code != TG_OK)
        return code;
    e->order_id = order != NULL ? order->id : 0;
    return account_edit_show(tg_change_view(change), e, account, err);
}

static enum tg_code account_add(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_secret password;
    struct account_edit e = { .context = c, .input = in, .result = result, .password = &password };
    json_t *order = NULL;
    shop_open(c, &e.shop);
    enum tg_code code = shop_change(c, &e.shop, add_in, &e, err);
    if (code == TG_OK) {
        /* The account and its password are there: an order that can't be read does not hide them. */
        struct tg_error unread;
        if (account_edit_order(c, e.order_id, &order, &unread) != TG_OK)
            order = json_null();
        add_password(&e, "order", order);
    }
    tg_secret_wipe(&password);
    return code;
}

const struct command cmd_account_add = {
    .noun = "account", .verb = "add",
    .summary = "Make an account with generated credentials; the password is shown once. Without options, on a terminal, it asks for "
               "everything, a new customer and the billing data too.",
    .options = (const struct opt[]){
        { .name = "customer", .type = OPT_NUMBER, .value = "ID", .help = "whose account it is", .min = 1, .max = INT64_MAX, .required = true },
        { .name = "description", .type = OPT_TEXT, .value = "TEXT", .help = "what it is for", .required = true },
        { .name = "type", .type = OPT_CHOICE, .value = "TYPE", .choices = "transactional|promotional", .help = "what it sends", .required = true },
        { .name = "plan", .type = OPT_CHOICE, .value = "PLAN", .choices = "free|monthly|prepaid", .help = "how it is paid (tollgate plan list)", .required = true },
        PLAN_SIZE("size of the plan, where it comes in several"),
        { .name = "notify", .type = OPT_TEXT, .value = "ADDR", .help = "where its bounces go; none: each message's own sender" },
        ACCOUNT_LIMITS,
        { 0 } },
    .example = "tollgate account add --customer 1 --description 'web shop' --type transactional --plan free",
    .render = render_password,
    .run = account_add,
    .dialogue = dialogue_account_add,
};

/* ---- password ---- */

static enum tg_code password_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct account_edit *e = arg;
    Tg__Account *account;
    enum tg_code code = tg_account_password(change, e->input->arg[0], input_number(e->input, "overlap"), e->context->now,
                                            &account, e->password, &e->old_valid_until, err);
    if (code == TG_OK)
        code = account_edit_notify(change, e, err);
    return code == TG_OK ? account_edit_show(tg_change_view(change), e, account, err) : code;
}

static enum tg_code account_password(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_secret password;
    struct account_edit e = { .context = c, .input = in, .result = result, .password = &password };
    shop_open(c, &e.shop);
    enum tg_code code = shop_change(c, &e.shop, password_in, &e, err);
    if (code == TG_OK)
        add_password(&e, "old_valid_until", json_time(e.old_valid_until));
    tg_secret_wipe(&password);
    return code;
}

const struct command cmd_account_password = {
    .noun = "account", .verb = "password", .args = "USER",
    .summary = "Make a new password, which is shown once; the old one is void at once, or after an overlap.",
    .options = (const struct opt[]){
        { .name = "overlap", .type = OPT_DURATION, .value = "TIME", .help = "how long the old one stays valid too: 30m, 12h, 7d" },
        { 0 } },
    .example = "tollgate account password k3v9x0a2m7qd --overlap 7d",
    .render = render_password,
    .run = account_password,
};
