/* cmd_ip.c: tollgate ip … : addresses that may send without authentication. */
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/output.h"
#include "admin/rows.h"
#include "schema/account.h"
#include "schema/network.h"

struct edit {
    struct context *context;
    const struct input *input;
    struct tg_network network;
};

static json_t *entry_object(struct tg_view *view, const struct tg_network_entry *entry)
{
    char text[TG_NETWORK_TEXT];
    return json_pack("{s:s, s:o, s:o, s:o}", "network", tg_network_text(&entry->network, text), "username",
                     json_text(json_username(view, entry->account_id)), "note", json_text_or_null(entry->note), "since",
                     json_time(entry->since));
}

static json_t *edited(const struct edit *e, const char *what)
{
    char text[TG_NETWORK_TEXT];
    return json_pack("{s:s, s:s, s:b}", "network", tg_network_text(&e->network, text), "username", e->input->arg[1], what, 1);
}

/* ---- add, remove ---- */

static enum tg_code add_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    struct tg_network_limits limits = { (unsigned)e->context->settings->min_prefix4, (unsigned)e->context->settings->min_prefix6 };
    return tg_network_add(change, &e->network, e->input->arg[1], input_text(e->input, "note"), &limits, e->context->now, err);
}

static enum tg_code ip_add(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { .context = c, .input = in };
    enum tg_code code = tg_network_parse(in->arg[0], input_flag(in, "fix"), &e.network, err);
    if (code != TG_OK || (code = tg_store_change(c->store, add_in, &e, err)) != TG_OK)
        return code;
    *result = edited(&e, "added");
    return TG_OK;
}

const struct command cmd_ip_add = {
    .noun = "ip", .verb = "add", .args = "ADDR[/LEN] USER",
    .summary = "Authorise an address or network to send for an account without authentication.",
    .options = (const struct opt[]){
        { .name = "note", .type = OPT_TEXT, .value = "TEXT", .help = "what it is" },
        { .name = "fix", .type = OPT_FLAG, .help = "clear the bits behind the prefix" },
        { 0 } },
    .example = "tollgate ip add 192.0.2.0/28 k3v9x0a2m7qd --note 'office'",
    .run = ip_add,
};

static enum tg_code remove_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct edit *e = arg;
    return tg_network_remove(change, &e->network, e->input->arg[1], e->context->now, err);
}

static enum tg_code ip_remove(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct edit e = { .context = c, .input = in };
    enum tg_code code = tg_network_parse(in->arg[0], false, &e.network, err);
    if (code != TG_OK || (code = tg_store_change(c->store, remove_in, &e, err)) != TG_OK)
        return code;
    *result = edited(&e, "removed");
    return TG_OK;
}

const struct command cmd_ip_remove = {
    .noun = "ip", .verb = "remove", .args = "ADDR[/LEN] USER",
    .summary = "An address is authorised for an account no longer, from its next command on.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate ip remove 192.0.2.0/28 k3v9x0a2m7qd",
    .run = ip_remove,
};

/* ---- list, lookup ---- */

/* An account's own are few. */
static enum tg_code list_account(struct context *c, const char *username, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    struct tg_network_entry *list;
    Tg__Account *account;
    size_t count = 0;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    *result = json_array();
    code = tg_account_by_username(view, username, &account, err);
    if (code == TG_OK)
        code = tg_network_of_account(view, account->id, &list, &count, err);
    for (size_t i = 0; code == TG_OK && i < count; i++) {
        list[i].account_id = account->id;
        json_array_append_new(*result, entry_object(view, &list[i]));
    }
    tg_view_end(&view);
    return code;
}

static enum tg_code next_ip(const struct row_place *place, const void *arg, json_t **row, struct tg_error *err)
{
    struct tg_span key, value;
    struct tg_network_entry entry;
    Tg__AuthorisedIp *record;
    (void)arg;
    enum tg_code code = tg_walk_next(place->walk, &key, &value, err);
    if (code != TG_OK)
        return code;
    if (!tg_read_network(key, &entry.network, &entry.account_id) ||
        tg_unpack(place->view, TG_DB_NETWORKS, value, &tg__authorised_ip__descriptor, &record, err) != TG_OK)
        return tg_fail(err, TG_UNUSABLE, "a damaged record in networks (run tollgate store check)");
    entry.note = record->note;
    entry.since = record->since;
    *row = entry_object(place->view, &entry);
    return TG_OK;
}

static enum tg_code ip_list(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct rows rows = { .db = TG_DB_NETWORKS, .prefix = tg_key_all(), .next = next_ip };
    return in->arg[0] != NULL ? list_account(c, in->arg[0], result, err) : rows_print(c, in, &rows, err);
}

const struct command cmd_ip_list = {
    .noun = "ip", .verb = "list", .args = "[USER]",
    .summary = "List authorised addresses, of one account or of all.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate ip list k3v9x0a2m7qd",
    .columns = "network username note since",
    .run = ip_list,
};

static enum tg_code ip_lookup(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    struct tg_network address;
    struct tg_network_entry *list;
    size_t count;
    enum tg_code code = tg_network_parse(in->arg[0], false, &address, err);
    if (code != TG_OK || (code = tg_view_begin(c->store, &view, err)) != TG_OK)
        return code;
    code = tg_network_lookup(view, &address, &list, &count, err);
    json_t *matches = json_array();
    for (size_t i = 0; code == TG_OK && i < count; i++)
        json_array_append_new(matches, entry_object(view, &list[i]));
    tg_view_end(&view);
    if (code == TG_OK && count == 0)
        code = tg_fail(err, TG_NOT_FOUND, "%s is authorised for no account", in->arg[0]);
    *result = json_pack("{s:s, s:o}", "address", in->arg[0], "matches", matches);
    return code;
}

static void render_lookup(const struct terminal *terminal, const json_t *result)
{
    output_table(terminal, json_object_get(result, "matches"), "network username note since");
}

const struct command cmd_ip_lookup = {
    .noun = "ip", .verb = "lookup", .args = "ADDR",
    .summary = "For which accounts is an address authorised? (The longest network wins.)",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate ip lookup 192.0.2.7",
    .render = render_lookup,
    .run = ip_lookup,
};
