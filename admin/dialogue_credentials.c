/* dialogue_credentials.c: step 6: what the customer enters, once, and what is to be done next. */
#include <string.h>
#include "admin/account_edit.h"
#include "admin/dialogue_parts.h"
#include "admin/domain_view.h"
#include "admin/json.h"
#include "admin/panel.h"
#include "admin/value.h"
#include "schema/domain.h"

struct association {
    struct dialogue *d;
    const char *domain, *username;
    bool subdomains;
    json_t *shown;
};

/* The domain becomes the customer's, where it is not yet. */
static enum tg_code associate_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct association *a = arg;
    struct tg_view *view = tg_change_view(change);
    int64_t now = a->d->context->now;
    Tg__Account *account;
    Tg__Domain *domain;
    enum tg_code code = tg_account_by_username(view, a->username, &account, err);
    if (code == TG_OK && (code = tg_domain_get(view, a->domain, &domain, err)) == TG_NOT_FOUND)
        code = tg_domain_add(change, a->domain, account->customer_id, now, &domain, err);
    if (code == TG_OK)
        code = tg_domain_associate(change, a->domain, a->username, a->subdomains, now, err);
    if (code == TG_OK)
        code = tg_domain_get(view, a->domain, &domain, err);
    if (code != TG_OK)
        return code;
    json_decref(a->shown);
    a->shown = NULL;
    return json_domain(view, domain, &a->shown, err);
}

static void show_domain(struct dialogue *d, const json_t *domain)
{
    const struct terminal *t = dialogue_terminal(d->asker);
    fputc('\n', t->out);
    domain_render(t, domain);
    if (strcmp(json_text_of(domain, "status"), "verified") != 0)
        fprintf(t->out, "\n  Mail from it is taken once that is published, and found by\n"
                        "  tollgate domain verify %s\n", json_text_of(domain, "domain"));
}

/* true: there is one now. */
static bool ask_domain(struct dialogue *d, const char *username)
{
    struct association a = { .d = d, .username = username };
    struct tg_error why;
    char *name = "";
    for (;;) {
        bool done = false;
        if (dialogue_text(d, "domain, or later", NULL, 0, &name) != ANSWERED || *name == '\0')
            return false;
        if (dialogue_yes(d, "subdomains (y/n)", &a.subdomains) != ANSWERED)
            return false;
        a.domain = name;
        if (tg_store_change(d->context->store, associate_in, &a, &why) == TG_OK) {
            show_domain(d, a.shown);
            done = true;
        }
        json_decref(a.shown);
        a.shown = NULL;
        if (done)
            return true;
        dialogue_reason(d, &why);
    }
}

/* To be copied as it stands: never folded, never cut. */
static void whole(const struct terminal *t, const char *label, const char *text)
{
    bool fits = DIALOGUE_INDENT + DIALOGUE_LABEL + terminal_width(t, text) < t->width;
    fprintf(t->out, "%*s%s%-*s%s", DIALOGUE_INDENT, "", terminal_colour(t, BOLD), DIALOGUE_LABEL, label, terminal_plain(t));
    fprintf(t->out, "%s%s\n", fits ? "" : "\n  ", text);
}

static void show_order(struct dialogue *d, const json_t *order)
{
    char due[64];
    if (!json_is_object(order))
        return;
    value_text(json_object_get(order, "due"), due, sizeof due);
    dialogue_said(d->asker, "order", tg_arena_printf(d->arena, "number %lld: %s %s, payable until %s; the account waits for it",
                                                     json_number_of(order, "id"), json_text_of(order, "amount"),
                                                     json_text_of(order, "currency"), due));
    if (json_is_string(json_object_get(order, "payment_url")))
        whole(dialogue_terminal(d->asker), "to be paid at", json_text_of(order, "payment_url"));
}

void dialogue_credentials(struct dialogue *d, const json_t *account, const struct tg_secret *password, const json_t *order)
{
    const char *username = json_text_of(account, "username"), *server = d->context->settings->submission;
    long long customer = json_number_of(account, "customer");
    dialogue_heading(d, STEP_CREDENTIALS);
    dialogue_tell(d->asker, PLAIN, "To be entered in the sending application. The password is shown this once.");
    dialogue_said(d->asker, "server", *server != '\0' ? server : "this relay, port 587, with TLS");
    dialogue_said(d->asker, "username", username);
    const struct terminal *t = dialogue_terminal(d->asker);
    whole(t, "password", password->text);
    show_order(d, order);
    fputc('\n', t->out);
    dialogue_tell(d->asker, PLAIN, "It sends as the domains that are associated with it. Which is the first? An empty line: later.");
    if (!ask_domain(d, username))
        fprintf(t->out, "\n  Later: tollgate domain add DOMAIN --customer %lld\n         tollgate domain associate DOMAIN %s\n", customer, username);
    fprintf(t->out, "\n  Its dashboard: tollgate account show %s\n", username);
}
