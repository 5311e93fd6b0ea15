/* cmd_account.c: tollgate account … ; what shows a password is in cmd_account_add.c, plans in cmd_account_plan.c, the ledger in
 * cmd_ledger.c, the dashboard in dashboard.c. */
#include <stdlib.h>
#include <string.h>
#include "admin/account_edit.h"
#include "admin/commands.h"
#include "admin/dashboard.h"
#include "admin/json.h"
#include "admin/rows.h"
#include "admin/value.h"

/* ---- list, show ---- */

struct wanted {
    const struct context *context;
    enum tg_db db;
    const char *status; /* NULL: all */
};

static enum tg_code next_account(const struct row_place *place, const void *arg, json_t **row, struct tg_error *err)
{
    const struct wanted *w = arg;
    Tg__Account *account;
    enum tg_code code = tg_account_next(place->view, place->walk, w->db, &account, err);
    if (code != TG_OK || (w->status != NULL && strcmp(w->status, tg_status_name(tg_account_status(account))) != 0))
        return code;
    return json_account(place->view, w->context->settings, account, w->context->now, row, err);
}

/* The plan's figures and the reputation's level beside the account's own, for one row. */
static json_t *cells_of(const json_t *account)
{
    static const char *const from_plan[] = { "plan", "used", "left" };
    const json_t *last = json_object_get(account, "last_used");
    json_t *row = json_copy((json_t *)account);
    char when[64] = "never";
    for (size_t f = 0; f < sizeof from_plan / sizeof *from_plan; f++)
        json_object_set(row, from_plan[f], json_object_get(json_object_get(account, "plan"), from_plan[f]));
    json_object_set(row, "reputation", json_object_get(json_object_get(account, "reputation"), "level"));
    if (json_is_string(last))
        value_text(last, when, sizeof when);
    when[10] = '\0'; /* the day */
    json_object_set_new(row, "last_used", json_string(when));
    return row;
}

static enum tg_code account_list(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    const struct value *customer = input_value(in, "customer");
    bool wide = !c->terminal->is_tty || c->terminal->width >= 110;
    struct wanted wanted = { .context = c, .db = customer->given ? TG_DB_CUSTOMER_ACCOUNTS : TG_DB_ACCOUNTS, .status = input_text(in, "status") };
    struct rows rows = {
        .db = wanted.db, .prefix = customer->given ? tg_key_id((uint64_t)customer->number) : tg_key_all(),
        .customer = customer->number, .next = next_account, .arg = &wanted, .cells = cells_of,
        .columns = wide ? "username status customer plan used left reputation last_used type description"
                        : "username status plan left reputation last_used description",
    };
    (void)result;
    return rows_print(c, in, &rows, err);
}

const struct command cmd_account_list = {
    .noun = "account", .verb = "list",
    .summary = "List accounts: status, plan, reputation, when each was last used.",
    .options = (const struct opt[]){
        { .name = "customer", .type = OPT_NUMBER, .value = "ID", .help = "of this customer", .min = 1, .max = INT64_MAX },
        { .name = "status", .type = OPT_CHOICE, .value = "STATUS", .choices = "enabled|waiting|error|disabled", .help = "of this status" },
        { 0 } },
    .example = "tollgate account list --status disabled",
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
    struct account_edit *e = arg;
    Tg__Account *account;
    enum tg_code code = tg_account_by_username(tg_change_view(change), e->input->arg[0], &account, err);
    if (code != TG_OK)
        return code;
    account_edit_apply(e->input, account);
    code = tg_account_update(change, account, e->context->now, err);
    return code == TG_OK ? account_edit_show(tg_change_view(change), e, account, err) : code;
}

static enum tg_code account_set(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct account_edit e = { .context = c, .input = in, .result = result };
    return tg_store_change(c->store, set_in, &e, err);
}

const struct command cmd_account_set = {
    .noun = "account", .verb = "set", .args = "USER",
    .summary = "Change what an account may do, from its next command on.",
    .options = (const struct opt[]){
        { .name = "description", .type = OPT_TEXT, .value = "TEXT", .help = "what it is for" },
        { .name = "type", .type = OPT_CHOICE, .value = "TYPE", .choices = "transactional|promotional", .help = "what it sends" },
        { .name = "notify", .type = OPT_TEXT, .value = "ADDR", .help = "where its bounces go; \"\": each message's own sender" },
        ACCOUNT_LIMITS,
        { 0 } },
    .example = "tollgate account set k3v9x0a2m7qd --max-per-hour 500 --ip-lock on",
    .render = dashboard_render,
    .any_option = true,
    .run = account_set,
};

/* ---- enable, disable ---- */

static enum tg_code enable_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct account_edit *e = arg;
    enum tg_code code = tg_account_enable(change, e->input->arg[0], e->context->now, err);
    if (code == TG_OK)
        code = account_edit_notify(change, e, err);
    return code == TG_OK ? account_edit_show_by_name(change, e, err) : code;
}

static enum tg_code account_enable(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct account_edit e = { .context = c, .input = in, .result = result };
    shop_open(c, &e.shop);
    return shop_change(c, &e.shop, enable_in, &e, err);
}

static void render_status(const struct terminal *terminal, const json_t *result)
{
    const char *status = json_text_of(result, "status");
    const json_t *reason = json_object_get(result, "status_reason");
    fprintf(terminal->out, "%s is %s%s%s", json_text_of(result, "username"),
            terminal_colour(terminal, value_colour(status)), status, terminal_plain(terminal));
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
    struct account_edit *e = arg;
    enum tg_code code = tg_account_disable(change, e->input->arg[0], input_text(e->input, "reason"), e->context->now, err);
    if (code == TG_OK)
        code = account_edit_notify(change, e, err);
    return code == TG_OK ? account_edit_show_by_name(change, e, err) : code;
}

static enum tg_code account_disable(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct account_edit e = { .context = c, .input = in, .result = result };
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

/* ---- credit, remove ---- */

static enum tg_code credit_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct account_edit *e = arg;
    const char *text = e->input->arg[1];
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0')
        return tg_fail(err, TG_USAGE, "'%.60s' is not a number of messages", text);
    enum tg_code code = tg_account_credit(change, e->input->arg[0], n, input_text(e->input, "reason"), e->context->now, err);
    return code == TG_OK ? account_edit_show_by_name(change, e, err) : code;
}

static enum tg_code account_credit(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct account_edit e = { .context = c, .input = in, .result = result };
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
    struct account_edit *e = arg;
    return tg_account_remove(change, e->input->arg[0], e->context->now, err);
}

static enum tg_code account_remove(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct account_edit e = { .context = c, .input = in, .result = result };
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
