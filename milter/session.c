/* session.c: see session.h. */
#include <stdlib.h>
#include <string.h>
#include "milter/metrics.h"
#include "milter/session.h"
#include "schema/log.h"
#include "schema/mailbox.h"
#include "schema/network.h"
#include "schema/now.h"

struct session *session_new(struct filter *filter)
{
    struct session *s = tg_xcalloc(1, sizeof *s);
    s->filter = filter;
    metrics_session(filter->metrics, true);
    s->listener = tg_xstrdup("");
    return s;
}

void session_connected(struct session *session, const struct sockaddr *address, const char *listener)
{
    session->has_client = tg_network_of_sockaddr(address, &session->client);
    if (session->has_client)
        tg_network_text(&session->client, session->client_text);
    free(session->listener);
    session->listener = tg_xstrdup(listener != NULL ? listener : "");
}

void session_free(struct session **session)
{
    if (*session == NULL)
        return;
    metrics_session((*session)->filter->metrics, false);
    message_end(*session);
    tg_arena_free(&(*session)->message.arena);
    free((*session)->listener);
    free(*session);
    *session = NULL;
}

void message_begin(struct session *session, const char *reverse_path, const char *login)
{
    struct message *m = &session->message;
    message_end(session);
    if (m->arena == NULL)
        m->arena = tg_arena_new();
    m->active = true;
    drain_message_begins(&session->filter->drain);
    m->shared = filter_settings_take(session->filter);
    m->reverse_path = tg_arena_strdup(m->arena, reverse_path);
    m->login = login != NULL && *login != '\0' ? tg_arena_strdup(m->arena, login) : NULL;
}

void message_end(struct session *session)
{
    struct message *m = &session->message;
    struct tg_arena *arena = m->arena;
    if (m->active)
        drain_message_ends(&session->filter->drain);
    if (arena != NULL)
        tg_arena_reset(arena);
    filter_settings_give(session->filter, &m->shared);
    tg_header_reset(&m->reader);
    free(m->recipients);
    free(m->report_text);
    memset(m, 0, sizeof *m);
    m->arena = arena;
}

/* ---- deciding ---- */

static struct tg_message said(const struct session *session, const char *recipient)
{
    const struct message *m = &session->message;
    return (struct tg_message){
        .client = session->has_client ? &session->client : NULL,
        .listener = session->listener,
        .login = m->login,
        .reverse_path = tg_span_str(m->reverse_path),
        .recipient = recipient != NULL ? tg_span_str(recipient) : tg_span_of(NULL, 0),
        .recipients = m->ordinary + (recipient != NULL),
        .has_report = m->reports > 0,
        .has_ordinary = m->ordinary > 0,
        .header = m->header_read ? &m->header : NULL,
    };
}

/* What outlives the view. */
static void keep(struct session *session, const struct tg_facts *facts, struct decision *decision)
{
    struct tg_arena *arena = session->message.arena;
    if (facts->account == NULL)
        return;
    decision->account_id = facts->account->id;
    decision->username = tg_arena_strdup(arena, facts->account->username);
    decision->notify = tg_arena_strdup(arena, facts->account->notify);
}

static void keep_token(struct session *session, struct tg_view *view, const char *recipient, int64_t now,
                       const struct tg_facts *facts, struct decision *decision)
{
    struct tg_error err;
    if (recipient == NULL || facts->recipient_kind != TG_RCPT_REPORT)
        return;
    decision->report = tg_facts_token(view, session->message.shared->settings, tg_span_str(recipient), now, &decision->token,
                                      &err) == TG_OK;
}

static void decide(struct session *session, enum tg_stage stage, const char *recipient, enum tg_code code,
                   const struct tg_charge *charge, struct decision *decision)
{
    const struct tg_settings *settings = session->message.shared->settings;
    struct tg_message message = said(session, recipient);
    struct tg_facts facts;
    struct tg_view *view;
    struct tg_error err;
    int64_t now = tg_now();
    memset(decision, 0, sizeof *decision);
    enum tg_code begun = tg_view_begin(session->filter->store, &view, &err);
    if (begun == TG_OK)
        tg_facts_gather(view, settings, &message, now, &facts);
    else
        tg_facts_without_store(settings, &message, &err, &facts);
    if (charge != NULL) {
        facts.balance = charge->balance;
        tg_verdict_of_charge(&facts, code, &decision->verdict);
    } else {
        tg_decide(&facts, stage, &decision->verdict);
    }
    if (begun == TG_OK) {
        keep(session, &facts, decision);
        keep_token(session, view, recipient, now, &facts, decision);
    }
    if (facts.store_error != NULL && !facts.trusted)
        tg_log(TG_ERROR, "store-failed", "error", facts.store_error, NULL);
    if (begun == TG_OK)
        tg_view_end(&view);
}

void session_decide(struct session *session, enum tg_stage stage, const char *recipient, struct decision *decision)
{
    decide(session, stage, recipient, TG_OK, NULL, decision);
}

void session_decide_charge(struct session *session, enum tg_code code, const struct tg_charge *charge,
                           struct decision *decision)
{
    decide(session, TG_AT_END, NULL, code, charge, decision);
}

/* ---- recipients ---- */

const char *message_recipient_key(const struct message *message, char *const argv[])
{
    const char *key = tg_mailbox_canonical(message->arena, tg_span_str(argv[0]));
    for (argv++; *argv != NULL; argv++)
        key = tg_arena_printf(message->arena, "%s %s", key, *argv);
    return key;
}

bool message_has_recipient(const struct message *message, const char *key)
{
    for (size_t i = 0; i < message->recipient_count && i < RECIPIENTS_REMEMBERED; i++)
        if (strcmp(message->recipients[i].key, key) == 0)
            return true;
    return false;
}

/* Tokens are read in either case: who received one could else report 2^44 times with one message. */
static bool has_report(const struct message *message, const struct tg_token *token)
{
    for (size_t i = 0; i < message->recipient_count; i++) {
        const struct tg_token *there = &message->recipients[i].token;
        if (message->recipients[i].report && there->account_id == token->account_id && there->time == token->time &&
            there->sequence == token->sequence)
            return true;
    }
    return false;
}

void message_add_recipient(struct message *message, const char *recipient, const char *key, const struct decision *decision)
{
    bool again = decision->report && has_report(message, &decision->token);
    if (message->recipient_count == message->recipient_room) {
        message->recipient_room = message->recipient_room == 0 ? 8 : message->recipient_room * 2;
        message->recipients =
            tg_xrealloc(message->recipients, message->recipient_room * sizeof *message->recipients);
    }
    message->recipients[message->recipient_count++] = (struct recipient){
        .text = tg_arena_strdup(message->arena, recipient),
        .key = key,
        .report = decision->report,
        .token = decision->token,
        .again = again,
    };
    if (decision->report)
        message->reports++;
    else
        message->ordinary++;
}
