/* reply.c: see reply.h. */
#include <stdio.h>
#include <string.h>
#include "milter/metrics.h"
#include "milter/reply.h"
#include "schema/log.h"
#include "schema/now.h"

void reply_text(const struct tg_verdict *verdict, const char *ref, char out[REPLY_SIZE])
{
    size_t len = 0;
    /* A percent sign begins an escape in Sendmail's reply text; nothing here needs one. */
    for (const char *c = verdict->text; *c != '\0' && len < REPLY_SIZE - 40; c++)
        out[len++] = *c >= ' ' && *c < 0x7f && *c != '%' ? *c : '?';
    snprintf(out + len, REPLY_SIZE - len, " [ref %s]", ref);
}

/* A reverse-path without its brackets. */
static char *bare(struct tg_arena *arena, const char *path)
{
    size_t len = strlen(path);
    if (len >= 2 && path[0] == '<' && path[len - 1] == '>')
        return tg_arena_strndup(arena, path + 1, len - 2);
    return tg_arena_strdup(arena, path);
}

void reply_activity(const struct session *session, Tg__Activity *activity)
{
    const struct message *m = &session->message;
    tg__activity__init(activity);
    activity->client = (char *)session->client_text;
    if (!m->active)
        return;
    activity->sender = bare(m->arena, m->reverse_path);
    if (m->reader.from != NULL)
        activity->header_from = m->reader.from + strspn(m->reader.from, " \t");
    if (m->queue_id != NULL)
        activity->queue_id = (char *)m->queue_id;
    activity->recipients = (uint32_t)m->recipient_count;
    if (m->login != NULL)
        activity->login = (char *)m->login;
}

sfsistat reply_refuse(SMFICTX *ctx, struct session *session, const struct decision *decision, const char *recipient)
{
    const struct tg_verdict *v = &decision->verdict;
    struct tg_event_id id = tg_event_new(decision->account_id, tg_now_us());
    char ref[TG_REF_SIZE], text[REPLY_SIZE], whole[REPLY_SIZE + 16];
    tg_ref_text(&id, ref);
    reply_text(v, ref, text);
    snprintf(whole, sizeof whole, "%s %s %s", v->code, v->enhanced, text);

    Tg__Activity activity;
    reply_activity(session, &activity);
    activity.kind = TG__ACTIVITY_KIND__REFUSED;
    activity.result = (char *)(v->kind == TG_DEFER ? "deferred" : "rejected");
    activity.rule = (char *)v->rule;
    activity.reply = whole;
    if (recipient != NULL)
        activity.recipient = (char *)recipient;
    if (decision->account_id != 0)
        activity.login = "";
    /* Where the store fails, so would this; the log has it. */
    if (strcmp(v->rule, "store") != 0)
        tg_committer_note(session->filter->committer, &id, &activity);
    tg_log(TG_INFO, "refused", "account", decision->username, "login", session->message.login, "rule", v->rule, "reply", whole,
           "client", session->client_text, "sender", activity.sender, "recipient", recipient, "queue_id",
           session->message.queue_id, "ref", ref, NULL);

    metrics_refused(session->filter->metrics, v, recipient != NULL);
    if (smfi_setreply(ctx, (char *)v->code, (char *)v->enhanced, text) != MI_SUCCESS)
        tg_log(TG_WARNING, "reply-failed", "reply", whole, NULL);
    return v->kind == TG_DEFER ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}
