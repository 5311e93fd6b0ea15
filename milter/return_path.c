/* return_path.c: see return_path.h. */
#include <stdio.h>
#include <string.h>
#include "milter/reply.h"
#include "milter/report.h"
#include "milter/metrics.h"
#include "milter/reported.h"
#include "milter/return_path.h"
#include "schema/log.h"
#include "schema/mailbox.h"
#include "schema/now.h"

/* ---- out ---- */

static enum tg_code seal(struct session *session, const struct tg_event_id *event, char path[TG_TOKEN_SIZE],
                         char trace[TG_TOKEN_SIZE], struct tg_error *err)
{
    struct tg_token token = { event->account_id, event->time_us / 1000000, event->sequence };
    struct tg_seal_keys keys;
    struct tg_view *view;
    enum tg_code code = tg_view_begin(session->filter->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_seal_keys_get(view, &keys, err);
    tg_view_end(&view);
    if (code != TG_OK)
        return code;
    tg_token_make(&keys, TG_TOKEN_RETURN_PATH, &token, path);
    tg_token_make(&keys, TG_TOKEN_TRACE, &token, trace);
    return TG_OK;
}

static bool is_null_sender(const struct message *m)
{
    return *m->reverse_path == '\0' || strcmp(m->reverse_path, "<>") == 0;
}

/* "<address>"; "": none, or one that this message can't have. */
static const char *notification_path(const struct message *m, const char *notify)
{
    bool ascii;
    const char *address = tg_mailbox_for_smtp(m->arena, tg_span_str(notify), &ascii);
    return *address == '\0' || (!ascii && !m->utf8) ? "" : tg_arena_printf(m->arena, "<%s>", address);
}

enum tg_code return_path_set(SMFICTX *ctx, struct session *session, const struct decision *decision,
                             const struct tg_event_id *event, struct tg_error *err)
{
    const struct message *m = &session->message;
    const char *domain = m->shared->settings->return_path_canonical;
    char token[TG_TOKEN_SIZE], trace[TG_TOKEN_SIZE], value[TG_TOKEN_SIZE + 1];
    const char *path = "";
    enum tg_code code = seal(session, event, token, trace, err);
    if (code != TG_OK)
        return code;
    /* A null sender stays: nobody wants a report on a report. */
    if (!is_null_sender(m))
        path = *domain != '\0' ? tg_arena_printf(m->arena, "<%s@%s>", token, domain) : notification_path(m, decision->notify);
    if (*path != '\0' && smfi_chgfrom(ctx, (char *)path, NULL) != MI_SUCCESS)
        return tg_fail(err, TG_FAILED, "the MTA did not take the new reverse-path");
    /* A trace that the client brought could only mislead. From the last, for the numbers of the others then stay. */
    for (unsigned i = m->reader.trace_count; i > 0; i--)
        if (smfi_chgheader(ctx, (char *)TG_TRACE_FIELD, (int)i, NULL) != MI_SUCCESS)
            return tg_fail(err, TG_FAILED, "the MTA did not remove a trace header");
    /* Whoever has asked for the white space behind the colon has to write it, too. */
    snprintf(value, sizeof value, "%s%s", (session->steps & SMFIP_HDR_LEADSPC) != 0 ? " " : "", trace);
    if (smfi_addheader(ctx, (char *)TG_TRACE_FIELD, value) != MI_SUCCESS)
        return tg_fail(err, TG_FAILED, "the MTA did not take the trace header");
    return TG_OK;
}

/* ---- back ---- */

static void record(struct session *session, const struct recipient *to, const struct report *report)
{
    struct message *m = &session->message;
    for (size_t i = 0; i < report->count; i++) {
        enum report_kind kind = report->entry[i].kind;
        Tg__Activity activity;
        char ref[TG_REF_SIZE];
        metrics_report(session->filter->metrics, kind);
        /* A report of success is sent on, but it is no bounce. */
        if (kind == REPORT_DELIVERED)
            continue;
        if (!reported_take(session->filter->reported, &to->token, kind, to->original)) {
            tg_log(TG_INFO, "report-repeated", "kind", report_kind_name(kind), "recipient", report->entry[i].recipient, "client",
                   session->client_text, "queue_id", m->queue_id, NULL);
            continue;
        }
        reply_activity(session, &activity);
        activity.kind = kind == REPORT_COMPLAINT ? TG__ACTIVITY_KIND__COMPLAINT : TG__ACTIVITY_KIND__BOUNCE;
        activity.result = (char *)report_kind_name(kind);
        activity.recipient = (char *)report->entry[i].recipient;
        activity.recipients = 1;
        activity.text = tg_arena_printf(m->arena, "%s%s%s", report->entry[i].status, *report->entry[i].status != '\0' ? " " : "",
                                        report->entry[i].diagnostic);
        struct tg_event_id id = tg_event_new(to->token.account_id, tg_now_us());
        tg_committer_note(session->filter->committer, &id, &activity);
        tg_log(TG_INFO, "report", "kind", report_kind_name(kind), "recipient", activity.recipient, "status",
               report->entry[i].status, "client", session->client_text, "queue_id", m->queue_id, "ref",
               tg_ref_text(&id, ref), NULL);
    }
}

/* Swaps one return path for where its reports go; *sent: it had somewhere to go. */
static enum tg_code forward(SMFICTX *ctx, struct session *session, struct recipient *to, bool *sent, struct tg_error *err)
{
    struct message *m = &session->message;
    struct tg_view *view;
    const char *address = "";
    bool ascii;
    *sent = false;
    enum tg_code code = tg_view_begin(session->filter->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_report_address(view, &to->token, &address, &to->original, err);
    if (code == TG_OK)
        address = tg_arena_printf(m->arena, "<%s>", tg_mailbox_for_smtp(m->arena, tg_span_str(address), &ascii));
    tg_view_end(&view);
    if (code != TG_OK && code != TG_NOT_FOUND)
        return code;
    if (smfi_delrcpt(ctx, (char *)to->text) != MI_SUCCESS)
        return tg_fail(err, TG_FAILED, "the MTA did not remove a return path");
    if (code == TG_NOT_FOUND || strcmp(address, "<>") == 0)
        return TG_OK;
    if (smfi_addrcpt(ctx, (char *)address) != MI_SUCCESS)
        return tg_fail(err, TG_FAILED, "the MTA did not take a notification address");
    *sent = true;
    return TG_OK;
}

sfsistat return_path_report(SMFICTX *ctx, struct session *session)
{
    struct message *m = &session->message;
    struct tg_error err;
    struct report *report = tg_arena_alloc(m->arena, sizeof *report);
    bool any = false;
    for (size_t i = 0; i < m->recipient_count; i++) {
        bool sent;
        if (forward(ctx, session, &m->recipients[i], &sent, &err) != TG_OK) {
            tg_log_error(TG_ERROR, "report-failed", &err);
            return SMFIS_TEMPFAIL;
        }
        any = any || sent;
    }
    report_read(m->arena, tg_span_of(m->report_text, m->report_len), report);
    for (size_t i = 0; i < m->recipient_count; i++)
        if (!m->recipients[i].again)
            record(session, &m->recipients[i], report);
    metrics_message(session->filter->metrics, MESSAGE_REPORT, m->recipient_count);
    /* Recorded, and nobody to tell: the original message had a null sender. */
    return any ? SMFIS_CONTINUE : SMFIS_DISCARD;
}
