/* cmd_ip.c: tollgate ip … : addresses that may send without authentication. */
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/output.h"
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

static enum tg_code list_account(struct tg_view *view, uint64_t id, json_t *out, struct tg_error *err)
{
    struct tg_network_entry *list;
    size_t count;
    enum tg_code code = tg_network_of_account(view, id, &list, &count, err);
    for (size_t i = 0; code == TG_OK && i < count; i++) {
        list[i].account_id = id;
        json_array_append_new(out, entry_object(view, &list[i]));
    }
    return code;
}

static enum tg_code list_all(struct tg_view *view, json_t *out, struct tg_error *err)
{
    struct tg_walk *walk;
    struct tg_span key, value;
    struct tg_key all = tg_key_all();
    enum tg_code code = tg_walk_begin(view, TG_DB_NETWORKS, &all, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        struct tg_network_entry entry;
        Tg__AuthorisedIp *record;
        if (!tg_read_network(key, &entry.network, &entry.account_id) ||
            tg_unpack(view, TG_DB_NETWORKS, value, &tg__authorised_ip__descriptor, &record, err) != TG_OK) {
            code = tg_fail(err, TG_UNUSABLE, "a damaged record in networks (run tollgate store check)");
            break;
        }
        entry.note = record->note;
        entry.since = record->since;
        json_array_append_new(out, entry_object(view, &entry));
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static enum tg_code ip_list(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Account *account;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    *result = json_array();
    if (in->arg[0] == NULL)
        code = list_all(view, *result, err);
    else if ((code = tg_account_by_username(view, in->arg[0], &account, err)) == TG_OK)
        code = list_account(view, account->id, *result, err);
    tg_view_end(&view);
    return code;
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
