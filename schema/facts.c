/* facts.c: see facts.h. */
#include <sodium.h>
#include <string.h>
#include "schema/account.h"
#include "schema/activity.h"
#include "schema/facts.h"
#include "schema/mailbox.h"
#include "schema/network.h"

/* What is gathered with, and the first thing that could not be read. */
struct gathering {
    struct tg_view *view;
    struct tg_arena *arena;
    const struct tg_settings *settings;
    const struct tg_message *message;
    int64_t now;
    struct tg_facts *facts;
};

static bool unreadable(struct gathering *g, enum tg_code code, const struct tg_error *err)
{
    if (code == TG_OK || code == TG_NOT_FOUND)
        return false;
    if (g->facts->store_error == NULL)
        g->facts->store_error = tg_arena_strdup(g->arena, err->text);
    return true;
}

static enum tg_domain_match match_of(struct gathering *g, uint64_t account_id, const char *domain)
{
    struct tg_error err;
    enum tg_domain_match match = TG_DOMAIN_FOREIGN;
    enum tg_code code = tg_domain_match(g->view, account_id, domain, &match, &err);
    return unreadable(g, code, &err) ? TG_DOMAIN_FOREIGN : match;
}

static void gather_sender(struct gathering *g)
{
    struct tg_facts *f = g->facts;
    struct tg_span path = g->message->reverse_path;
    struct tg_mailbox mailbox;
    struct tg_error err;
    if (path.len >= 2 && path.data[0] == '<' && path.data[path.len - 1] == '>')
        f->sender = tg_arena_strndup(g->arena, (const char *)path.data + 1, path.len - 2);
    else
        f->sender = tg_arena_strndup(g->arena, (const char *)path.data, path.len);
    if (tg_mailbox_parse(path, &mailbox, &err) != TG_OK) {
        f->sender_error = tg_arena_strdup(g->arena, err.text);
        return;
    }
    f->null_sender = mailbox.null_sender;
    if (!mailbox.null_sender)
        f->sender_domain = tg_arena_strdup(g->arena, mailbox.domain);
}

static void gather_login(struct gathering *g)
{
    struct tg_error err;
    Tg__Account *account = NULL;
    enum tg_code code = tg_account_by_username(g->view, g->facts->login, &account, &err);
    if (!unreadable(g, code, &err) && code == TG_OK)
        g->facts->account = account;
}

/* An address may be authorised for several accounts: the one whose associated domain is the sender's is meant. */
static void gather_by_address(struct gathering *g)
{
    struct tg_facts *f = g->facts;
    struct tg_network_entry *entries;
    struct tg_error err;
    size_t count = 0, fitting = 0;
    if (unreadable(g, tg_network_lookup(g->view, g->message->client, &entries, &count, &err), &err) || count == 0)
        return;
    uint64_t meant = entries[0].account_id;
    f->ip_accounts = count;
    if (count > 1) {
        for (size_t i = 0; i < count && f->sender_domain != NULL; i++) {
            if (match_of(g, entries[i].account_id, f->sender_domain) == TG_DOMAIN_FOREIGN)
                continue;
            meant = entries[i].account_id;
            fitting++;
        }
        if (fitting != 1)
            return;
        f->ip_accounts = 1;
    }
    Tg__Account *account = NULL;
    enum tg_code code = tg_account_get(g->view, meant, &account, &err);
    /* A network of an account that is gone is a damaged store, not an unknown client. */
    if (code == TG_NOT_FOUND)
        code = tg_fail(&err, TG_UNUSABLE, "an authorised address names account %llu, which is gone: run tollgate store check",
                       (unsigned long long)meant);
    if (!unreadable(g, code, &err))
        f->account = account;
}

static void gather_account(struct gathering *g)
{
    struct tg_facts *f = g->facts;
    struct tg_error err;
    struct tg_usage usage;
    if (f->login != NULL)
        gather_login(g);
    else if (g->message->client != NULL)
        gather_by_address(g);
    if (f->account == NULL || f->store_error != NULL)
        return;
    if (g->message->client != NULL && f->account->ip_lock &&
        unreadable(g, tg_network_has(g->view, f->account->id, g->message->client, &f->ip_authorised, &err), &err))
        return;
    enum tg_code code = tg_usage_get(g->view, f->account->id, &usage, &err);
    if (code != TG_OK) {
        unreadable(g, TG_UNUSABLE, &err);
        return;
    }
    struct tg_plan plan = tg_account_plan(f->account, (uint64_t)g->settings->max_per_hour,
                                          (uint64_t)g->settings->max_per_day);
    tg_plan_balance(&plan, &usage, g->now, &f->balance);
    if (f->sender_domain != NULL && !f->account->any_sender)
        f->sender_match = match_of(g, f->account->id, f->sender_domain);
}

/* Is it mail to this domain? Also where the address is malformed: a mail server may read it all the same, and nothing
 * but a token may get there. */
static bool is_at_domain(struct tg_span recipient, const char *domain)
{
    char canonical[TG_DOMAIN_MAX + 1];
    const uint8_t *at = recipient.len > 0 ? memrchr(recipient.data, '@', recipient.len) : NULL;
    if (at == NULL)
        return false;
    struct tg_span name = tg_span_of(at + 1, recipient.len - (size_t)(at + 1 - recipient.data));
    if (name.len > 0 && name.data[name.len - 1] == '>')
        name.len--;
    return tg_domain_name(name, canonical, NULL) == TG_OK && strcmp(canonical, domain) == 0;
}

static void gather_recipient(struct gathering *g)
{
    struct tg_facts *f = g->facts;
    const struct tg_message *m = g->message;
    f->recipients = m->recipients;
    f->units = g->settings->count == TG_COUNT_MESSAGES ? 1 : m->recipients;
    f->report = m->has_report && !m->has_ordinary;
    if (m->recipient.len == 0)
        return;

    const char *domain = g->settings->return_path_canonical;
    f->recipient_kind = TG_RCPT_ORDINARY;
    if (*domain != '\0' && is_at_domain(m->recipient, domain)) {
        struct tg_token token;
        struct tg_error err;
        enum tg_code code = tg_facts_token(g->view, g->settings, m->recipient, g->now, &token, &err);
        if (code == TG_OK && f->null_sender) {
            f->recipient_kind = TG_RCPT_REPORT;
        } else if (code == TG_OK || code == TG_REFUSED || code == TG_NOT_FOUND) {
            f->recipient_kind = TG_RCPT_BAD_TOKEN;
            f->token_error = code == TG_OK ? "only delivery reports, with a null sender, are taken here"
                                           : "bad or expired return path";
        } else {
            unreadable(g, code, &err);
        }
    }
    f->mixed = f->recipient_kind == TG_RCPT_REPORT ? m->has_ordinary : m->has_report;
}

static bool foreign_author(struct gathering *g, const struct tg_authors *authors, const char *field)
{
    struct tg_facts *f = g->facts;
    for (size_t i = 0; i < authors->count; i++) {
        enum tg_domain_match match = match_of(g, f->account->id, authors->mailbox[i].domain);
        if (match == TG_DOMAIN_ASSOCIATED)
            continue;
        f->author_field = field;
        f->author_domain = authors->mailbox[i].domain;
        f->author_match = match;
        return true;
    }
    return false;
}

static void gather_header(struct gathering *g)
{
    struct tg_facts *f = g->facts;
    const struct tg_header *header = g->message->header;
    f->no_header = header == NULL;
    if (header == NULL)
        return;
    f->list_unsubscribe = header->list_unsubscribe;
    f->from_error = header->error;
    if (f->account == NULL || f->account->any_sender || header->error != NULL)
        return;
    if (!foreign_author(g, &header->from, "From") && g->settings->check_sender_header)
        foreign_author(g, &header->sender, "Sender");
}

/* What needs no store. */
static void gather_client(struct gathering *g)
{
    struct tg_facts *f = g->facts;
    const struct tg_message *m = g->message;
    f->settings = g->settings;
    f->return_path_listener = m->listener != NULL && tg_list_has(&g->settings->return_path_listeners, m->listener);
    if (m->client != NULL) {
        f->client = g->arena != NULL
                        ? tg_network_text(m->client, tg_arena_alloc(g->arena, TG_NETWORK_TEXT))
                        : NULL;
        f->trusted = !f->return_path_listener && tg_settings_trusts(g->settings, m->client);
    }
    /* A session on a return-path listener can do nothing else, whoever it is. */
    if (!f->return_path_listener && m->login != NULL && *m->login != '\0')
        f->login = m->login;
}

void tg_facts_gather(struct tg_view *view, const struct tg_settings *settings, const struct tg_message *message,
                     int64_t now, struct tg_facts *facts)
{
    memset(facts, 0, sizeof *facts);
    struct gathering g = { view, tg_view_arena(view), settings, message, now, facts };
    gather_client(&g);
    gather_sender(&g);
    if (facts->trusted)
        return;
    if (!facts->return_path_listener)
        gather_account(&g);
    gather_recipient(&g);
    gather_header(&g);
}

void tg_facts_without_store(const struct tg_settings *settings, const struct tg_message *message,
                            const struct tg_error *why, struct tg_facts *facts)
{
    memset(facts, 0, sizeof *facts);
    struct gathering g = { NULL, NULL, settings, message, 0, facts };
    gather_client(&g);
    facts->store_error = why->text;
}

enum tg_code tg_facts_token(struct tg_view *view, const struct tg_settings *settings, struct tg_span recipient,
                            int64_t now, struct tg_token *token, struct tg_error *err)
{
    struct tg_mailbox mailbox;
    struct tg_seal_keys keys;
    Tg__Account *account;
    enum tg_code code = tg_mailbox_parse(recipient, &mailbox, err);
    if (code != TG_OK)
        return code;
    if ((code = tg_seal_keys_get(view, &keys, err)) != TG_OK)
        return code == TG_NOT_FOUND ? TG_UNUSABLE : code;
    code = tg_token_read(&keys, TG_TOKEN_RETURN_PATH, mailbox.local_part, now,
                         (int64_t)settings->return_path_days * 86400, token, err);
    sodium_memzero(&keys, sizeof keys);
    if (code != TG_OK)
        return code;
    return tg_account_of_event(view, token->account_id, token->time, &account, err);
}

enum tg_code tg_report_address(struct tg_view *view, const struct tg_token *token, const char **address,
                               uint32_t *recipients, struct tg_error *err)
{
    Tg__Account *account;
    enum tg_code code = tg_account_of_event(view, token->account_id, token->time, &account, err);
    if (code != TG_OK)
        return code;
    *address = account->notify;
    *recipients = 0;
    /* The token has whole seconds, the event microseconds: the sequence tells it among that second's. */
    struct tg_event_id first = { token->account_id, token->time * 1000000, 0 };
    struct tg_event_id last = { token->account_id, token->time * 1000000 + 999999, 0xffffff };
    struct tg_key prefix = tg_key_id(token->account_id), from = tg_key_event(&first);
    struct tg_walk *walk;
    if ((code = tg_walk_begin(view, TG_DB_ACTIVITY, &prefix, &from, TG_FORWARD, &walk, err)) != TG_OK)
        return code;
    struct tg_event_id id;
    Tg__Activity *activity;
    while ((code = tg_activity_next(view, walk, &id, &activity, err)) == TG_OK && id.time_us <= last.time_us) {
        if (id.sequence == token->sequence) {
            *recipients = activity->recipients;
            if (*account->notify == '\0')
                *address = tg_arena_strdup(tg_view_arena(view), activity->sender);
            break;
        }
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}
