/* callbacks.c: see callbacks.h. */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "milter/callbacks.h"
#include "milter/metrics.h"
#include "milter/packets.h"
#include "milter/reply.h"
#include "milter/report.h"
#include "milter/return_path.h"
#include "milter/session.h"
#include "schema/log.h"
#include "schema/now.h"

/* Set once, before smfi_main; libmilter's callbacks have no other way to it. */
static struct filter *the_filter;

static struct session *session_of(SMFICTX *ctx)
{
    return smfi_getpriv(ctx);
}

/* libmilter checks little of the order in which commands come: NULL where no message is under way. */
static struct session *session_in_mail(SMFICTX *ctx)
{
    struct session *s = session_of(ctx);
    return s != NULL && s->message.active ? s : NULL;
}

/* Where the MTA does not wait for an answer, there must be none. */
static sfsistat go_on(const struct session *s, unsigned long no_reply)
{
    return (s->steps & no_reply) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static void learn_queue_id(SMFICTX *ctx, struct message *m)
{
    const char *id = smfi_getsymval(ctx, (char *)"i");
    if (m->queue_id == NULL && id != NULL && *id != '\0')
        m->queue_id = tg_arena_strdup(m->arena, id);
}

/* ---- negotiation ---- */

/* What each stage needs; where the MTA can't be asked, its own defaults have all but {client_addr}. MAIL's j is there always:
 * libmilter goes on with the macros of the MAIL before where a list is empty, as it is of a client that is logged in no more. */
static void ask_for_macros(SMFICTX *ctx)
{
    smfi_setsymlist(ctx, SMFIM_CONNECT, (char *)"j _ v {daemon_name} {daemon_addr} {daemon_port} {client_addr}");
    smfi_setsymlist(ctx, SMFIM_ENVFROM, (char *)"i j {auth_authen} {auth_type}");
    smfi_setsymlist(ctx, SMFIM_ENVRCPT, (char *)"i");
    smfi_setsymlist(ctx, SMFIM_EOM, (char *)"i");
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2, unsigned long f3,
                             unsigned long *my_actions, unsigned long *my_steps, unsigned long *my_f2, unsigned long *my_f3)
{
    const unsigned long needed = SMFIF_CHGFROM | SMFIF_ADDRCPT | SMFIF_DELRCPT | SMFIF_ADDHDRS | SMFIF_CHGHDRS;
    (void)f2;
    (void)f3;
    if ((actions & needed) != needed) {
        tg_log(TG_ERROR, "negotiation-failed", "error", "the MTA does not offer what is needed: change sender, recipients, headers",
               NULL);
        return SMFIS_REJECT;
    }
    *my_actions = needed | (actions & SMFIF_SETSYMLIST);
    /* Steps that nobody needs, and answers that the MTA need not wait for, are most of a filter's cost. */
    *my_steps = steps & (SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NR_CONN | SMFIP_NR_HDR | SMFIP_HDR_LEADSPC |
                         SMFIP_SKIP);
    *my_f2 = *my_f3 = 0;
    struct session *s = session_of(ctx);
    if (s == NULL)
        smfi_setpriv(ctx, s = session_new(the_filter));
    s->steps = *my_steps;
    if ((actions & SMFIF_SETSYMLIST) != 0)
        ask_for_macros(ctx);
    return SMFIS_CONTINUE;
}

/* ---- a connection ---- */

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
    (void)host;
    struct session *s = session_of(ctx);
    if (s == NULL) /* a second connection over this one */
        smfi_setpriv(ctx, s = session_new(the_filter));
    session_connected(s, (const struct sockaddr *)address, smfi_getsymval(ctx, (char *)"{daemon_name}"));
    return go_on(s, SMFIP_NR_CONN);
}

/* Also once the filter is closed: what a session holds is its own, or counted (filter_settings_give). */
static sfsistat on_close(SMFICTX *ctx)
{
    struct session *s = session_of(ctx);
    packets_read_end();
    packets_write_end();
    smfi_setpriv(ctx, NULL);
    session_free(&s);
    return SMFIS_CONTINUE;
}

/* ---- a message ---- */

/* The MTA is to come back, and will find the next milter. */
static sfsistat put_off(SMFICTX *ctx)
{
    smfi_setreply(ctx, (char *)"451", (char *)"4.3.2", (char *)"the mail filter is being restarted: try again");
    return SMFIS_TEMPFAIL;
}

static bool asks_for(char *const parameters[], const char *keyword)
{
    while (*parameters != NULL && strcasecmp(*parameters, keyword) != 0)
        parameters++;
    return *parameters != NULL;
}

static sfsistat begin_message(SMFICTX *ctx, struct session *s, char **argv)
{
    struct decision d;
    message_begin(s, argv[0], smfi_getsymval(ctx, (char *)"{auth_authen}"));
    s->message.utf8 = asks_for(argv + 1, "SMTPUTF8");
    learn_queue_id(ctx, &s->message);
    session_decide(s, TG_AT_MAIL, NULL, &d);
    if (d.verdict.kind != TG_ACCEPT) {
        sfsistat status = reply_refuse(ctx, s, &d, NULL);
        message_end(s);
        return status;
    }
    s->message.untouched = d.verdict.untouched;
    return SMFIS_CONTINUE;
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
    struct session *s = session_of(ctx);
    if (!drain_enter(&the_filter->drain))
        return SMFIS_TEMPFAIL;
    sfsistat status = s == NULL || drain_begun(&the_filter->drain) ? put_off(ctx) : begin_message(ctx, s, argv);
    drain_leave(&the_filter->drain);
    return status;
}

static sfsistat add_recipient(SMFICTX *ctx, struct session *s, char **argv)
{
    struct message *m = &s->message;
    struct decision d;
    learn_queue_id(ctx, m);
    const char *key = message_recipient_key(m, argv);
    if (message_has_recipient(m, key))
        return SMFIS_CONTINUE;
    session_decide(s, TG_AT_RCPT, argv[0], &d);
    if (d.verdict.kind != TG_ACCEPT)
        return reply_refuse(ctx, s, &d, argv[0]);
    m->untouched = d.verdict.untouched && !d.report;
    message_add_recipient(m, argv[0], key, &d);
    return SMFIS_CONTINUE;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
    struct session *s = session_in_mail(ctx);
    if (!drain_enter(&the_filter->drain))
        return SMFIS_TEMPFAIL;
    sfsistat status = s == NULL ? SMFIS_TEMPFAIL : add_recipient(ctx, s, argv);
    drain_leave(&the_filter->drain);
    return status;
}

/* A report is read whole, as far as is looked at. */
static void keep_report(struct message *m, const char *bytes, size_t len)
{
    if (m->reports == 0 || m->report_len >= REPORT_MAX_BYTES)
        return;
    if (m->report_text == NULL)
        m->report_text = tg_xmalloc(REPORT_MAX_BYTES);
    if (len > REPORT_MAX_BYTES - m->report_len)
        len = REPORT_MAX_BYTES - m->report_len;
    memcpy(m->report_text + m->report_len, bytes, len);
    m->report_len += len;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    struct session *s = session_in_mail(ctx);
    if (s == NULL)
        return SMFIS_TEMPFAIL;
    struct message *m = &s->message;
    if (m->untouched)
        return go_on(s, SMFIP_NR_HDR);
    tg_header_field(&m->reader, tg_span_str(name), tg_span_str(value));
    keep_report(m, name, strlen(name));
    keep_report(m, ":", 1);
    keep_report(m, value, strlen(value));
    keep_report(m, "\n", 1);
    return go_on(s, SMFIP_NR_HDR);
}

static sfsistat end_header(SMFICTX *ctx, struct session *s)
{
    struct message *m = &s->message;
    struct decision d;
    learn_queue_id(ctx, m);
    if (m->untouched)
        return SMFIS_CONTINUE;
    keep_report(m, "\n", 1);
    tg_header_end(&m->reader, m->shared->settings->check_sender_header, m->arena, &m->header);
    m->header_read = true;
    session_decide(s, TG_AT_HEADERS, NULL, &d);
    if (d.verdict.kind != TG_ACCEPT) {
        sfsistat status = reply_refuse(ctx, s, &d, NULL);
        message_end(s); /* libmilter takes it for ended, too, and tells of no abort that follows */
        return status;
    }
    snprintf(m->warning, sizeof m->warning, "%s", d.verdict.warning);
    return SMFIS_CONTINUE;
}

static sfsistat on_end_of_header(SMFICTX *ctx)
{
    struct session *s = session_in_mail(ctx);
    if (!drain_enter(&the_filter->drain))
        return SMFIS_TEMPFAIL;
    sfsistat status = s == NULL ? SMFIS_TEMPFAIL : end_header(ctx, s);
    drain_leave(&the_filter->drain);
    return status;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *bytes, size_t len)
{
    struct session *s = session_in_mail(ctx);
    if (s == NULL)
        return SMFIS_TEMPFAIL;
    struct message *m = &s->message;
    keep_report(m, (const char *)bytes, len);
    bool enough = m->reports == 0 || m->report_len >= REPORT_MAX_BYTES;
    return enough && (s->steps & SMFIP_SKIP) != 0 ? SMFIS_SKIP : SMFIS_CONTINUE;
}

static void note_warning(struct session *s, const struct decision *d)
{
    Tg__Activity activity;
    char ref[TG_REF_SIZE];
    struct tg_event_id id = tg_event_new(d->account_id, tg_now_us());
    reply_activity(s, &activity);
    activity.kind = TG__ACTIVITY_KIND__WARNING;
    activity.rule = (char *)"unsubscribe";
    activity.text = s->message.warning;
    activity.login = (char *)"";
    tg_committer_note(s->filter->committer, &id, &activity);
    metrics_warning(s->filter->metrics);
    tg_log(TG_INFO, "warning", "account", d->username, "text", s->message.warning, "queue_id", s->message.queue_id, "ref",
           tg_ref_text(&id, ref), NULL);
}

/* Takes the message from the plan, durably; only then is anything told to the MTA. */
static sfsistat charge_and_accept(SMFICTX *ctx, struct session *s, struct decision *d)
{
    struct message *m = &s->message;
    const struct tg_settings *settings = m->shared->settings;
    Tg__Activity activity;
    struct tg_error err;
    char ref[TG_REF_SIZE], count[24];
    reply_activity(s, &activity);
    activity.kind = TG__ACTIVITY_KIND__ACCEPTED;
    activity.login = (char *)"";
    struct tg_charge charge = {
        .id = tg_event_new(d->account_id, tg_now_us()),
        .units = settings->count == TG_COUNT_MESSAGES ? 1 : m->ordinary,
        .service_per_hour = (uint64_t)settings->max_per_hour,
        .service_per_day = (uint64_t)settings->max_per_day,
        .activity = &activity,
        .under_way = drain_messages(&s->filter->drain),
    };
    enum tg_code code = tg_committer_charge(s->filter->committer, &charge, &err);
    if (code == TG_OK)
        code = return_path_set(ctx, s, d, &charge.id, &err);
    if (code != TG_OK) {
        if (code != TG_REFUSED && code != TG_NOT_FOUND)
            tg_log_error(TG_ERROR, "store-failed", &err);
        session_decide_charge(s, code, &charge, d);
        return reply_refuse(ctx, s, d, NULL);
    }
    metrics_message(s->filter->metrics, MESSAGE_ACCEPTED, m->ordinary);
    snprintf(count, sizeof count, "%zu", m->ordinary);
    tg_log(TG_INFO, "accepted", "account", d->username, "queue_id", m->queue_id, "client", s->client_text, "sender",
           activity.sender, "recipients", count, "ref", tg_ref_text(&charge.id, ref), NULL);
    if (*m->warning != '\0')
        note_warning(s, d);
    return SMFIS_CONTINUE;
}

static sfsistat let_through(const struct session *s)
{
    metrics_message(s->filter->metrics, MESSAGE_UNTOUCHED, s->message.recipient_count);
    return SMFIS_CONTINUE;
}

static sfsistat end_of_message(SMFICTX *ctx, struct session *s)
{
    struct message *m = &s->message;
    struct decision d;
    if (m->recipient_count == 0) /* no MTA does that */
        return SMFIS_TEMPFAIL;
    if (m->untouched)
        return let_through(s);
    if (!m->header_read) /* nor that: nobody knows whose it is */
        return SMFIS_TEMPFAIL;
    session_decide(s, TG_AT_END, NULL, &d);
    if (d.verdict.kind != TG_ACCEPT)
        return reply_refuse(ctx, s, &d, NULL);
    if (m->reports > 0 && m->ordinary == 0)
        return return_path_report(ctx, s);
    return d.verdict.untouched ? let_through(s) : charge_and_accept(ctx, s, &d);
}

static sfsistat on_end_of_message(SMFICTX *ctx)
{
    struct session *s = session_in_mail(ctx);
    sfsistat status = SMFIS_TEMPFAIL;
    if (!drain_enter(&the_filter->drain))
        return status;
    if (s != NULL) {
        uint64_t began = tg_ticks_ns();
        learn_queue_id(ctx, &s->message);
        status = end_of_message(ctx, s);
        metrics_end_of_message(s->filter->metrics, tg_ticks_ns() - began);
        message_end(s);
    }
    drain_leave(&the_filter->drain);
    return status;
}

static sfsistat on_abort(SMFICTX *ctx)
{
    struct session *s = session_of(ctx);
    if (s != NULL)
        message_end(s);
    return SMFIS_CONTINUE;
}

enum tg_code callbacks_register(struct filter *filter, struct tg_error *err)
{
    struct smfiDesc table = {
        .xxfi_name = (char *)"tollgate",
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_CHGFROM | SMFIF_ADDRCPT | SMFIF_DELRCPT | SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_SETSYMLIST,
        .xxfi_connect = on_connect,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_header = on_header,
        .xxfi_eoh = on_end_of_header,
        .xxfi_body = on_body,
        .xxfi_eom = on_end_of_message,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };
    the_filter = filter;
    if (smfi_register(table) != MI_SUCCESS)
        return tg_fail(err, TG_FAILED, "libmilter did not take the filter");
    return TG_OK;
}
