/* cmd_account.c: tollgate account … ; the ledger is in cmd_ledger.c, the dashboard in dashboard.c. */
#include <stdlib.h>
#include <string.h>
#include "admin/commands.h"
#include "admin/dashboard.h"
#include "admin/json.h"
#include "admin/output.h"
#include "admin/shop.h"
#include "schema/account.h"
#include "schema/billing.h"
#include "schema/notice.h"

#define LIMITS \
    { .name = "max-domains", .type = OPT_NUMBER, .value = "N", .help = "sender domains that it may have", .min = 1, .max = 10000 }, \
    { .name = "max-recipients", .type = OPT_NUMBER, .value = "N", .help = "recipients of one message; 0: the service's", .min = 0, .max = 100000 }, \
    { .name = "max-per-hour", .type = OPT_NUMBER, .value = "N", .help = "units in an hour; 0: the service's", .min = 0, .max = 1000000000 }, \
    { .name = "max-per-day", .type = OPT_NUMBER, .value = "N", .help = "units in a day; 0: the service's", .min = 0, .max = 1000000000 }, \
    { .name = "ip-lock", .type = OPT_SWITCH, .value = "[on|off]", .help = "needs a login and an authorised IP, both" }, \
    { .name = "any-sender", .type = OPT_SWITCH, .value = "[on|off]", .help = "sender domains are not compared" }, \
    { .name = "notices", .type = OPT_SWITCH, .value = "[on|off]", .help = "mails about it, to the customer and to you (orders are mailed always)" }

struct edit {
    struct context *context;
    const struct input *input;
    json_t **result;
    struct tg_secret *password;
    int64_t old_valid_until;
    struct shop shop;
    uint64_t order_id;
};

static enum tg_code show(struct tg_view *view, const struct edit *e, const Tg__Account *account, struct tg_error *err)
{
    json_decref(*e->result);
    *e->result = NULL;
    return json_account(view, e->context->settings, account, e->context->now, e->result, err);
}

static enum tg_code show_by_name(struct tg_change *change, const struct edit *e, struct tg_error *err)
{
    Tg__Account *account;
    enum tg_code code = tg_account_by_username(tg_change_view(change), e->input->arg[0], &account, err);
    return code == TG_OK ? show(tg_change_view(change), e, account, err) : code;
}

/* What was given on the command line, over what the account has. */
static void apply(const struct input *in, Tg__Account *a)
{
    const struct value *v;
    if ((v = input_value(in, "description"))->given)
        a->description = (char *)v->text;
    if ((v = input_value(in, "type"))->given)
        tg_account_type_parse(v->text, &a->type);
    if ((v = input_value(in, "notify"))->given)
        a->notify = (char *)v->text;
    if ((v = input_value(in, "max-domains"))->given)
        a->max_domains = (uint32_t)v->number;
    if ((v = input_value(in, "max-recipients"))->given)
        a->max_recipients = (uint32_t)v->number;
    if ((v = input_value(in, "max-per-hour"))->given)
        a->max_per_hour = (uint64_t)v->number;
    if ((v = input_value(in, "max-per-day"))->given)
        a->max_per_day = (uint64_t)v->number;
    if ((v = input_value(in, "ip-lock"))->given)
        a->ip_lock = v->number != 0;
    if ((v = input_value(in, "any-sender"))->given)
        a->any_sender = v->number != 0;
    if ((v = input_value(in, "notices"))->given)
        a->no_notices = v->number == 0;
}

/* The account with a new password, which is shown this once. */
static void add_password(const struct edit *e, const char *last_key, json_t *last)
{
    json_t *account = *e->result;
    *e->result = json_pack("{s:o, s:s, s:o}", "account", account, "password", e->password->text, last_key, last);
}

static void render_order(const struct terminal *terminal, const json_t *order)
{
    char due[64];
    if (!json_is_object(order))
        return;
    output_value(json_object_get(order, "due"), due, sizeof due);
    fprintf(terminal->out, "The account waits for order %lld: %s %s, payable until %s.\n",
            (long long)json_integer_value(json_object_get(order, "id")), json_string_value(json_object_get(order, "amount")),
            json_string_value(json_object_get(order, "currency")), due);
    if (json_is_string(json_object_get(order, "payment_url")))
        fprintf(terminal->out, "It is paid at %s\n", json_string_value(json_object_get(order, "payment_url")));
}

static void render_password(const struct terminal *terminal, const json_t *result)
{
    const json_t *account = json_object_get(result, "account"), *until = json_object_get(result, "old_valid_until");
    char valid[64];
    fprintf(terminal->out, "username  %s%s%s\n", terminal_colour(terminal, BOLD),
            json_string_value(json_object_get(account, "username")), terminal_plain(terminal));
    fprintf(terminal->out, "password  %s%s%s\n", terminal_colour(terminal, BOLD),
            json_string_value(json_object_get(result, "password")), terminal_plain(terminal));
    fputs("\nThis is the only time that the password is shown.\n", terminal->out);
    if (json_is_string(until)) {
        output_value(until, valid, sizeof valid);
        fprintf(terminal->out, "The old one stays valid until %s.\n", valid);
    } else if (until != NULL) {
        fputs("The old one is void from now on.\n", terminal->out);
    } else {
        render_order(terminal, json_object_get(result, "order"));
        fprintf(terminal->out, "Next: tollgate domain add DOMAIN --customer %lld; tollgate domain associate DOMAIN %s\n",
                (long long)json_integer_value(json_object_get(account, "customer")),
                json_string_value(json_object_get(account, "username")));
    }
}

/* ---- add ---- */

static enum tg_code add_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    const struct input *in = e->input;
    Tg__Account wish = TG__ACCOUNT__INIT, *account;
    apply(in, &wish);
    wish.customer_id = (uint64_t)input_value(in, "customer")->number;
    wish.plan_messages = (uint64_t)input_value(in, "messages")->number;
    tg_plan_parse(input_text(in, "plan"), &wish.plan);
    Tg__Order *order;
    enum tg_code code = tg_billing_add(change, &e->shop.terms, &wish, e->context->now, &account, e->password, &order, err);
    if (code != TG_OK)
        return code;
    e->order_id = order != NULL ? order->id : 0;
    return show(tg_change_view(change), e, account, err);
}

/* After its mail was sent, or not. */
static enum tg_code read_order(const struct edit *e, json_t **out, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Order *order;
    *out = json_null();
    if (e->order_id == 0)
        return TG_OK;
    enum tg_code code = tg_view_begin(e->context->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_order_get(view, e->order_id, &order, err);
    if (code == TG_OK)
        *out = json_order(view, e->context->settings, order, e->context->now);
    tg_view_end(&view);
    return code;
}

static enum tg_code account_add(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_secret password;
    struct edit e = { .context = c, .input = in, .result = result, .password = &password };
    json_t *order = NULL;
    shop_open(c, &e.shop);
    enum tg_code code = shop_change(c, &e.shop, add_in, &e, err);
    if (code == TG_OK) {
        /* The account and its password are there: an order that can't be read does not hide them. */
        struct tg_error unread;
        if (read_order(&e, &order, &unread) != TG_OK)
            order = json_null();
        add_password(&e, "order", order);
    }
    tg_secret_wipe(&password);
    return code;
}

const struct command cmd_account_add = {
    .noun = "account", .verb = "add",
    .summary = "Make an account with generated credentials; the password is shown once.",
    .options = (const struct opt[]){
        { .name = "customer", .type = OPT_NUMBER, .value = "ID", .help = "whose account it is", .min = 1, .max = INT64_MAX, .required = true },
        { .name = "description", .type = OPT_TEXT, .value = "TEXT", .help = "what it is for", .required = true },
        { .name = "type", .type = OPT_CHOICE, .value = "TYPE", .choices = "transactional|promotional", .help = "what it sends", .required = true },
        { .name = "plan", .type = OPT_CHOICE, .value = "PLAN", .choices = "free|monthly|prepaid", .help = "how it is paid (tollgate plan list)", .required = true },
        { .name = "messages", .type = OPT_NUMBER, .value = "N", .help = "size of the plan, where it comes in several", .min = 1, .max = 1000000000 },
        { .name = "notify", .type = OPT_TEXT, .value = "ADDR", .help = "where its bounces go; none: each message's own sender" },
        LIMITS,
        { 0 } },
    .example = "tollgate account add --customer 1 --description 'web shop' --type transactional --plan free",
    .render = render_password,
    .run = account_add,
};

/* ---- list, show ---- */

static enum tg_code list_walk(struct context *c, const struct input *in, struct tg_view *view, json_t *out, struct tg_error *err)
{
    const struct value *customer = input_value(in, "customer");
    const char *status = input_text(in, "status");
    enum tg_db db = customer->given ? TG_DB_CUSTOMER_ACCOUNTS : TG_DB_ACCOUNTS;
    struct tg_key prefix = customer->given ? tg_key_id((uint64_t)customer->number) : tg_key_all();
    struct tg_walk *walk;
    Tg__Account *account;
    enum tg_code code = tg_walk_begin(view, db, &prefix, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_account_next(view, walk, db, &account, err)) == TG_OK) {
        json_t *object;
        if (status != NULL && strcmp(status, tg_status_name(tg_account_status(account))) != 0)
            continue;
        if ((code = json_account(view, c->settings, account, c->now, &object, err)) != TG_OK)
            break;
        json_array_append_new(out, object);
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static enum tg_code account_list(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    *result = json_array();
    code = list_walk(c, in, view, *result, err);
    tg_view_end(&view);
    return code;
}

/* The plan's figures and the reputation's level beside the account's own, for one row. */
static json_t *row_of(const json_t *account)
{
    static const char *const from_plan[] = { "plan", "used", "left" };
    const json_t *last = json_object_get(account, "last_used");
    json_t *row = json_copy((json_t *)account);
    char when[64] = "never";
    for (size_t f = 0; f < sizeof from_plan / sizeof *from_plan; f++)
        json_object_set(row, from_plan[f], json_object_get(json_object_get(account, "plan"), from_plan[f]));
    json_object_set(row, "reputation", json_object_get(json_object_get(account, "reputation"), "level"));
    if (json_is_string(last))
        output_value(last, when, sizeof when);
    when[10] = '\0'; /* the day */
    json_object_set_new(row, "last_used", json_string(when));
    return row;
}

static void render_list(const struct terminal *terminal, const json_t *result)
{
    bool wide = !terminal->is_tty || terminal->width >= 110;
    json_t *rows = json_array();
    size_t i;
    const json_t *account;
    json_array_foreach(result, i, account)
        json_array_append_new(rows, row_of(account));
    output_table(terminal, rows, wide ? "username status customer plan used left reputation last_used type description"
                                      : "username status plan left reputation last_used description");
    json_decref(rows);
}

const struct command cmd_account_list = {
    .noun = "account", .verb = "list",
    .summary = "List accounts: status, plan, reputation, when each was last used.",
    .options = (const struct opt[]){
        { .name = "customer", .type = OPT_NUMBER, .value = "ID", .help = "of this customer", .min = 1, .max = INT64_MAX },
        { .name = "status", .type = OPT_CHOICE, .value = "STATUS", .choices = "enabled|waiting|error|disabled", .help = "of this status" },
        { 0 } },
    .example = "tollgate account list --status disabled",
    .render = render_list,
    .run = account_list,
};

static enum tg_code account_show(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Account *account;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_account_by_username(view, in->arg[0], &account, err);
    if (code == TG_OK)
        code = json_account(view, c->settings, account, c->now, result, err);
    if (code == TG_OK)
        code = dashboard_add(view, c->settings, account, c->now, *result, err);
    tg_view_end(&view);
    return code;
}

const struct command cmd_account_show = {
    .noun = "account", .verb = "show", .args = "USER",
    .summary = "The account's dashboard: plan, domains, addresses, what it did.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate account show k3v9x0a2m7qd",
    .render = dashboard_render,
    .run = account_show,
};

/* ---- set ---- */

static enum tg_code set_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    Tg__Account *account;
    enum tg_code code = tg_account_by_username(tg_change_view(change), e->input->arg[0], &account, err);
    if (code != TG_OK)
        return code;
    apply(e->input, account);
    code = tg_account_update(change, account, e->context->now, err);
    return code == TG_OK ? show(tg_change_view(change), e, account, err) : code;
}

static enum tg_code account_set(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { .context = c, .input = in, .result = result };
    return tg_store_change(c->store, set_in, &e, err);
}

const struct command cmd_account_set = {
    .noun = "account", .verb = "set", .args = "USER",
    .summary = "Change what an account may do, from its next command on.",
    .options = (const struct opt[]){
        { .name = "description", .type = OPT_TEXT, .value = "TEXT", .help = "what it is for" },
        { .name = "type", .type = OPT_CHOICE, .value = "TYPE", .choices = "transactional|promotional", .help = "what it sends" },
        { .name = "notify", .type = OPT_TEXT, .value = "ADDR", .help = "where its bounces go; \"\": each message's own sender" },
        LIMITS,
        { 0 } },
    .example = "tollgate account set k3v9x0a2m7qd --max-per-hour 500 --ip-lock on",
    .render = dashboard_render,
    .run = account_set,
};

/* ---- enable, disable ---- */

/* What the customer is told of this change. */
static enum tg_code notify(struct tg_change *change, const struct edit *e, struct tg_error *err)
{
    Tg__Account *account;
    size_t count;
    enum tg_code code = tg_account_by_username(tg_change_view(change), e->input->arg[0], &account, err);
    return code == TG_OK ? tg_notice_account(change, &e->shop.terms, account->id, e->context->now, &count, err) : code;
}

static enum tg_code enable_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    enum tg_code code = tg_account_enable(change, e->input->arg[0], e->context->now, err);
    if (code == TG_OK)
        code = notify(change, e, err);
    return code == TG_OK ? show_by_name(change, e, err) : code;
}

static enum tg_code account_enable(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { .context = c, .input = in, .result = result };
    shop_open(c, &e.shop);
    return shop_change(c, &e.shop, enable_in, &e, err);
}

static void render_status(const struct terminal *terminal, const json_t *result)
{
    const char *status = json_string_value(json_object_get(result, "status"));
    const json_t *reason = json_object_get(result, "status_reason");
    fprintf(terminal->out, "%s is %s%s%s", json_string_value(json_object_get(result, "username")),
            terminal_colour(terminal, output_colour(status)), status, terminal_plain(terminal));
    if (json_is_string(reason)) {
        fputs(": ", terminal->out);
        terminal_text(terminal, json_string_value(reason), 0, 0);
    }
    fputc('\n', terminal->out);
}

const struct command cmd_account_enable = {
    .noun = "account", .verb = "enable", .args = "USER",
    .summary = "Take back a disable.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate account enable k3v9x0a2m7qd",
    .render = render_status,
    .run = account_enable,
};

static enum tg_code disable_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    enum tg_code code = tg_account_disable(change, e->input->arg[0], input_text(e->input, "reason"), e->context->now, err);
    if (code == TG_OK)
        code = notify(change, e, err);
    return code == TG_OK ? show_by_name(change, e, err) : code;
}

static enum tg_code account_disable(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { .context = c, .input = in, .result = result };
    shop_open(c, &e.shop);
    return shop_change(c, &e.shop, disable_in, &e, err);
}

const struct command cmd_account_disable = {
    .noun = "account", .verb = "disable", .args = "USER",
    .summary = "Refuse this account's mail and its logins, from its next command on.",
    .options = (const struct opt[]){
        { .name = "reason", .type = OPT_TEXT, .value = "TEXT", .help = "why; the sender reads it in the reply" },
        { 0 } },
    .example = "tollgate account disable k3v9x0a2m7qd --reason 'spam run, ticket 812'",
    .render = render_status,
    .run = account_disable,
};

/* ---- password ---- */

static enum tg_code password_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    Tg__Account *account;
    enum tg_code code = tg_account_password(change, e->input->arg[0], input_value(e->input, "overlap")->number, e->context->now,
                                            &account, e->password, &e->old_valid_until, err);
    if (code == TG_OK)
        code = notify(change, e, err);
    return code == TG_OK ? show(tg_change_view(change), e, account, err) : code;
}

static enum tg_code account_password(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_secret password;
    struct edit e = { .context = c, .input = in, .result = result, .password = &password };
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

/* ---- credit, remove ---- */

static enum tg_code credit_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    const char *text = e->input->arg[1];
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0')
        return tg_fail(err, TG_USAGE, "'%.60s' is not a number of messages", text);
    enum tg_code code = tg_account_credit(change, e->input->arg[0], n, input_text(e->input, "reason"), e->context->now, err);
    return code == TG_OK ? show_by_name(change, e, err) : code;
}

static enum tg_code account_credit(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { .context = c, .input = in, .result = result };
    return tg_store_change(c->store, credit_in, &e, err);
}

const struct command cmd_account_credit = {
    .noun = "account", .verb = "credit", .args = "USER N",
    .summary = "Give messages back by hand, to the running period or the prepaid balance.",
    .options = (const struct opt[]){
        { .name = "reason", .type = OPT_TEXT, .value = "TEXT", .help = "why; kept in the ledger", .required = true },
        { 0 } },
    .example = "tollgate account credit k3v9x0a2m7qd 500 --reason 'lost by the MTA, ticket 99'",
    .render = dashboard_render,
    .run = account_credit,
};

static enum tg_code remove_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    return tg_account_remove(change, e->input->arg[0], e->context->now, err);
}

static enum tg_code account_remove(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { .context = c, .input = in, .result = result };
    enum tg_code code = tg_store_change(c->store, remove_in, &e, err);
    if (code == TG_OK)
        *result = json_pack("{s:s, s:b}", "username", in->arg[0], "removed", 1);
    return code;
}

const struct command cmd_account_remove = {
    .noun = "account", .verb = "remove", .args = "USER",
    .summary = "Remove an account and all that is its own: addresses, associations, activity, ledger.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate account remove k3v9x0a2m7qd --yes",
    .question = "Remove the account %s and all that is its own?",
    .run = account_remove,
};
