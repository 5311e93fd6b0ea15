/* cmd_domain.c: tollgate domain … */
#include <string.h>
#include "admin/commands.h"
#include "admin/domain_view.h"
#include "admin/json.h"
#include "admin/rows.h"
#include "schema/domain_check.h"
#include "schema/domain_dns.h"

/* What a change of one domain works with; `act` is the change, after which the domain is shown. */
struct edit {
    struct context *context;
    const struct input *input;
    uint64_t customer_id;
    json_t **result;
    enum tg_code (*act)(struct tg_change *change, const struct edit *edit, struct tg_error *err);
};

static enum tg_code edit_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct edit *e = arg;
    Tg__Domain *domain;
    enum tg_code code = e->act(change, e, err);
    if (code != TG_OK)
        return code;
    code = tg_domain_get(tg_change_view(change), e->input->arg[0], &domain, err);
    /* Removed: nothing to show. */
    if (code != TG_OK)
        return code == TG_NOT_FOUND ? TG_OK : code;
    json_decref(*e->result);
    *e->result = NULL;
    return json_domain(tg_change_view(change), domain, e->result, err);
}

static enum tg_code edit(struct context *c, const struct input *in, json_t **result, struct tg_error *err,
                         enum tg_code (*act)(struct tg_change *, const struct edit *, struct tg_error *))
{
    struct edit e = { c, in, 0, result, act };
    return tg_store_change(c->store, edit_in, &e, err);
}

/* ---- add, list, show ---- */

static enum tg_code do_add(struct tg_change *change, const struct edit *e, struct tg_error *err)
{
    Tg__Domain *domain;
    return tg_domain_add(change, e->input->arg[0], (uint64_t)input_number(e->input, "customer"), e->context->now,
                         &domain, err);
}

static enum tg_code domain_add(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    return edit(c, in, result, err, do_add);
}

const struct command cmd_domain_add = {
    .noun = "domain", .verb = "add", .args = "DOMAIN",
    .summary = "Record a customer's sender domain; it starts as pending, until its owner is verified.",
    .options = (const struct opt[]){
        { .name = "customer", .type = OPT_NUMBER, .value = "ID", .help = "whose domain it is", .min = 1, .max = INT64_MAX,
          .required = true },
        { 0 } },
    .example = "tollgate domain add example.com --customer 1",
    .run = domain_add,
};

struct wanted {
    int64_t customer;   /* 0: of all */
    const char *status; /* NULL: all */
};

static enum tg_code next_domain(const struct row_place *place, const void *arg, json_t **row, struct tg_error *err)
{
    const struct wanted *w = arg;
    Tg__Domain *domain;
    enum tg_code code = tg_domain_next(place->view, place->walk, &domain, err);
    if (code != TG_OK || (w->customer != 0 && domain->customer_id != (uint64_t)w->customer) ||
        (w->status != NULL && strcmp(w->status, tg_domain_status_name(domain->status)) != 0))
        return code;
    return json_domain(place->view, domain, row, err);
}

static enum tg_code domain_list(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct wanted wanted = { .customer = input_number(in, "customer"), .status = input_text(in, "status") };
    struct rows rows = { .db = TG_DB_DOMAINS, .prefix = tg_key_all(), .customer = wanted.customer, .next = next_domain,
                         .arg = &wanted };
    (void)result;
    return rows_print(c, in, &rows, err);
}

const struct command cmd_domain_list = {
    .noun = "domain", .verb = "list",
    .summary = "List domains: whose each is, whether it is verified, which accounts send as it.",
    .options = (const struct opt[]){
        { .name = "customer", .type = OPT_NUMBER, .value = "ID", .help = "of this customer", .min = 1, .max = INT64_MAX },
        { .name = "status", .type = OPT_CHOICE, .value = "STATUS", .help = "of this status", .choices = "pending|verified|failed" },
        { 0 } },
    .example = "tollgate domain list --customer 1 --status pending",
    .columns = "domain customer status created accounts",
    .run = domain_list,
};

/* What the DNS has for it, asked after the view: the DNS takes its time. */
static enum tg_code add_dns(struct context *c, const char *name, json_t *result, struct tg_error *err)
{
    struct tg_arena *arena = tg_arena_new();
    struct tg_domain_facts facts;
    struct tg_view *view;
    Tg__Domain *stored, domain = TG__DOMAIN__INIT;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        goto out;
    code = tg_domain_get(view, name, &stored, err);
    if (code == TG_OK) {
        domain.domain = tg_arena_strdup(arena, stored->domain);
        domain.token = tg_arena_strdup(arena, stored->token);
    }
    tg_view_end(&view);
    if (code == TG_OK)
        code = tg_domain_facts(c->settings, &domain, arena, &facts, err);
    if (code == TG_OK)
        json_object_set_new(result, "dns", json_domain_facts(&facts));
out:
    tg_arena_free(&arena);
    return code;
}

static enum tg_code domain_show(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Domain *domain;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_domain_get(view, in->arg[0], &domain, err);
    if (code == TG_OK)
        code = json_domain(view, domain, result, err);
    tg_view_end(&view);
    if (code == TG_OK && !input_flag(in, "no-dns"))
        code = add_dns(c, in->arg[0], *result, err);
    return code;
}

const struct command cmd_domain_show = {
    .noun = "domain", .verb = "show", .args = "DOMAIN",
    .summary = "Show a domain, its accounts, the TXT record that proves its ownership, and what the DNS has: that record, SPF, "
               "DKIM (at dkim_selectors), DMARC, and where reports come back to.",
    .options = (const struct opt[]){
        { .name = "no-dns", .type = OPT_FLAG, .help = "do not ask the DNS" },
        { 0 } },
    .example = "tollgate domain show example.com",
    .render = domain_render,
    .run = domain_show,
};

/* ---- verify ---- */

static enum tg_code do_trust(struct tg_change *change, const struct edit *e, struct tg_error *err)
{
    return tg_domain_trust(change, e->input->arg[0], e->context->now, err);
}

static enum tg_code domain_verify(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_dns_options dns = tg_dns_options(c->settings);
    struct tg_view *view;
    struct tg_error unseen;
    Tg__Domain *domain;
    if (input_flag(in, "trust"))
        return edit(c, in, result, err, do_trust);
    enum tg_code code = tg_domain_verify(c->store, &dns, in->arg[0], c->now, err);
    if (code != TG_OK && code != TG_REFUSED)
        return code;
    /* As it is now, also where it is not verified. */
    if (tg_view_begin(c->store, &view, &unseen) != TG_OK)
        return code;
    if (tg_domain_get(view, in->arg[0], &domain, &unseen) == TG_OK && json_domain(view, domain, result, &unseen) == TG_OK)
        json_object_set_new(*result, "ok", json_boolean(code == TG_OK));
    tg_view_end(&view);
    return code;
}

const struct command cmd_domain_verify = {
    .noun = "domain", .verb = "verify", .args = "DOMAIN",
    .summary = "Look in the DNS for the TXT record that proves who owns a domain: it becomes verified, or failed with what is wrong. "
               "Where the DNS can't tell, nothing changes.",
    .options = (const struct opt[]){
        { .name = "trust", .type = OPT_FLAG, .help = "take the provider's word for it: no DNS is asked, now or later" },
        { 0 } },
    .example = "tollgate domain verify example.com",
    .render = domain_render_status,
    .run = domain_verify,
};

/* ---- associate, dissociate, remove ---- */

static enum tg_code do_associate(struct tg_change *change, const struct edit *e, struct tg_error *err)
{
    return tg_domain_associate(change, e->input->arg[0], e->input->arg[1], input_flag(e->input, "subdomains"), e->context->now, err);
}

static enum tg_code domain_associate(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    return edit(c, in, result, err, do_associate);
}

const struct command cmd_domain_associate = {
    .noun = "domain", .verb = "associate", .args = "DOMAIN USER",
    .summary = "Let an account send as this domain.",
    .options = (const struct opt[]){
        { .name = "subdomains", .type = OPT_FLAG, .help = "and as every name below it" },
        { 0 } },
    .example = "tollgate domain associate example.com k3v9x0a2m7qd --subdomains",
    .run = domain_associate,
};

static enum tg_code do_dissociate(struct tg_change *change, const struct edit *e, struct tg_error *err)
{
    return tg_domain_dissociate(change, e->input->arg[0], e->input->arg[1], e->context->now, err);
}

static enum tg_code domain_dissociate(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    return edit(c, in, result, err, do_dissociate);
}

const struct command cmd_domain_dissociate = {
    .noun = "domain", .verb = "dissociate", .args = "DOMAIN USER",
    .summary = "An account may send as this domain no longer, from its next command on.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate domain dissociate example.com k3v9x0a2m7qd",
    .run = domain_dissociate,
};

static enum tg_code do_remove(struct tg_change *change, const struct edit *e, struct tg_error *err)
{
    return tg_domain_remove(change, e->input->arg[0], e->input->yes, e->context->now, err);
}

static enum tg_code domain_remove(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    enum tg_code code = edit(c, in, result, err, do_remove);
    if (code == TG_OK)
        *result = json_pack("{s:s, s:b}", "domain", in->arg[0], "removed", 1);
    return code;
}

const struct command cmd_domain_remove = {
    .noun = "domain", .verb = "remove", .args = "DOMAIN",
    .summary = "Remove a domain. One that accounts send as is refused with their names; --yes dissociates it from them first.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate domain remove example.com --yes",
    .question = "Remove the domain %s?",
    .run = domain_remove,
};
