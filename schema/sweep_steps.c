/* sweep_steps.c: what the sweep does, one row a step, in this order: what changes a status comes before the notices, and
 * the mails come behind the notices, so that they leave in the same hour. */
#include <stdio.h>
#include "schema/account.h"
#include "schema/activity.h"
#include "schema/billing.h"
#include "schema/calendar.h"
#include "schema/domain_check.h"
#include "schema/notice.h"
#include "schema/reputation.h"
#include "schema/sweep_parts.h"
#include "schema/token.h"

enum { DAY_S = 86400, DOMAINS_MS = 120000 };

/* ---- plans and orders ---- */

static enum tg_code plans_due(struct sweep *s, struct tg_view *view, const Tg__Account *account, bool *due, struct tg_error *err)
{
    return tg_billing_is_due(view, account, s->now, due, err);
}

static enum tg_code plans_apply(struct sweep *s, struct tg_change *change, uint64_t id, struct tg_error *err)
{
    struct tg_billing_done done;
    Tg__Account *account;
    enum tg_code code = tg_billing_due(change, &s->shop, id, s->now, &done, err);
    if (code != TG_OK || (code = tg_account_get(tg_change_view(change), id, &account, err)) != TG_OK)
        return code == TG_NOT_FOUND ? TG_OK : code;
    if (done.plan_changed)
        sweep_note(s, TG_SWEPT_PLANS, 1, account->username, tg_plan_name(account->plan));
    if (done.expired)
        sweep_note(s, TG_SWEPT_EXPIRED, 1, account->username, "what was left of its package");
    if (done.renewal_made)
        sweep_note(s, TG_SWEPT_RENEWALS, 1, account->username, "an order for its next period");
    if (done.overdue)
        sweep_note(s, TG_SWEPT_OVERDUE, 1, account->username, "an order was not paid in time");
    if (done.error)
        sweep_note(s, TG_SWEPT_ERRORS, 1, account->username, tg_account_status_reason(account));
    return TG_OK;
}

/* ---- reputation ---- */

static enum tg_code reputation_due(struct sweep *s, struct tg_view *view, const Tg__Account *account, bool *due, struct tg_error *err)
{
    return tg_reputation_disable_due(view, account, (int)s->settings->auto_disable_below, s->now, due, err);
}

/* The customer is told by the notices, as of every disabling. */
static enum tg_code reputation_apply(struct sweep *s, struct tg_change *change, uint64_t id, struct tg_error *err)
{
    const char *reason;
    Tg__Account *account;
    enum tg_code code = tg_reputation_disable(change, id, (int)s->settings->auto_disable_below, s->now, &reason, err);
    if (code != TG_OK || reason == NULL || (code = tg_account_get(tg_change_view(change), id, &account, err)) != TG_OK)
        return code;
    sweep_note(s, TG_SWEPT_DISABLED, 1, account->username, reason);
    return tg_notice_reputation(change, &s->shop, account, reason, s->now, err);
}

/* ---- domains ---- */

static void domain_failed(void *arg, const char *domain, const char *reason)
{
    sweep_tell(arg, TG_SWEPT_DOMAINS_FAILED, 1, domain, reason);
}

/* Waits for the DNS, between views and changes of its own. */
static enum tg_code check_domains(struct sweep *s, struct tg_error *err)
{
    struct tg_dns_options dns = tg_dns_options(s->settings);
    struct tg_domain_sweep result = { .stop = s->options->stop, .most_ms = DOMAINS_MS, .failed_fn = domain_failed, .arg = s };
    struct tg_error why;
    enum tg_code code = tg_domain_check_all(s->store, &dns, s->now, s->options->dry_run, &result, &why);
    s->result->count[TG_SWEPT_DOMAINS] += s->options->dry_run ? result.due : result.owned + result.not_owned;
    if (code == TG_OK && result.unknown > 0)
        code = tg_fail(&why, TG_FAILED, "%llu domain%s could not be checked%s, nothing was changed: %.300s",
                       (unsigned long long)result.unknown, result.unknown == 1 ? "" : "s",
                       result.gave_up ? ", and no more were asked about in this sweep" : "", result.why);
    else if (code == TG_OK && result.gave_up)
        code = tg_fail(&why, TG_FAILED, "the DNS is slow: of the domains %llu could be checked in %d seconds, the next sweep goes on",
                       (unsigned long long)(result.owned + result.not_owned), DOMAINS_MS / 1000);
    /* Without a resolver all else is done all the same. */
    if (code != TG_OK)
        sweep_problem(s, "domains", &why);
    (void)err;
    return TG_OK;
}

/* ---- notices ---- */

static enum tg_code notices_due(struct sweep *s, struct tg_view *view, const Tg__Account *account, bool *due, struct tg_error *err)
{
    return tg_notice_is_due(view, account, s->now, due, err);
}

static enum tg_code notices_apply(struct sweep *s, struct tg_change *change, uint64_t id, struct tg_error *err)
{
    Tg__Account *account;
    size_t count;
    char detail[40];
    enum tg_code code = tg_notice_account(change, &s->shop, id, s->now, &count, err);
    if (code != TG_OK || count == 0)
        return code;
    if ((code = tg_account_get(tg_change_view(change), id, &account, err)) != TG_OK)
        return code;
    snprintf(detail, sizeof detail, "%zu mail%s", count, count == 1 ? "" : "s");
    sweep_note(s, TG_SWEPT_NOTICES, count, account->username, detail);
    return TG_OK;
}

/* ---- retention, by whole days, so that a day's events and its counters agree while there are any ---- */

static int64_t cutoff(const struct sweep *s)
{
    return (tg_day_of(s->now) - s->settings->activity_days) * DAY_S;
}

/* As long as a report may come back, its message's event says to whom it goes. */
static int64_t activity_cutoff(const struct sweep *s)
{
    const struct tg_settings *settings = s->settings;
    int64_t returns = *settings->return_path_canonical != '\0' ? settings->return_path_days + 1 : 0;
    return (tg_day_of(s->now) - (settings->activity_days > returns ? settings->activity_days : returns)) * DAY_S;
}

static enum tg_code next_activity(struct sweep *s, struct tg_walk *walk, struct tg_key *from, struct tg_error *err)
{
    struct tg_span key, value;
    struct tg_event_id id;
    enum tg_code code = tg_walk_next(walk, &key, &value, err);
    if (code != TG_OK)
        return code;
    if (!tg_read_event(key, &id))
        return tg_fail(err, TG_UNUSABLE, "damaged key in the activity log (see tollgate store check)");
    *from = tg_key_event(&id);
    if (id.time_us < activity_cutoff(s) * 1000000)
        return TG_OK;
    if (id.account_id == UINT64_MAX)
        return TG_NOT_FOUND;
    *from = tg_key_id(id.account_id + 1); /* the rest of this account is younger */
    tg_walk_seek(walk, from);
    return TG_REFUSED;
}

static enum tg_code note_removal(struct tg_change *change, const struct tg_key *key, struct tg_error *err)
{
    struct tg_event_id id;
    return tg_read_event(tg_span_of(key->data, key->len), &id) ? tg_activity_note_removal(change, &id, err) : TG_REFUSED;
}

static enum tg_code remove_activity(struct sweep *s, struct tg_error *err)
{
    return sweep_delete(s, TG_DB_ACTIVITY, tg_key_all(), next_activity, note_removal, TG_SWEPT_ACTIVITY, err);
}

/* A day's counters live as long as its events, if not longer. */
static enum tg_code next_day(struct sweep *s, struct tg_walk *walk, struct tg_key *from, struct tg_error *err)
{
    const int64_t oldest = tg_day_of(s->now) - s->settings->daily_days, oldest_events = activity_cutoff(s) / DAY_S;
    struct tg_span key, value;
    uint64_t account_id, day;
    enum tg_code code = tg_walk_next(walk, &key, &value, err);
    if (code != TG_OK)
        return code;
    if (!tg_read_id_pair(key, &account_id, &day))
        return tg_fail(err, TG_UNUSABLE, "a damaged key in daily (run tollgate store check)");
    *from = tg_key_id_pair(account_id, day);
    if (day == TG_DAY_BEFORE) {
        *from = tg_key_id_pair(account_id, TG_DAY_BEFORE + 1);
        return TG_REFUSED;
    }
    if ((int64_t)day < (oldest < oldest_events ? oldest : oldest_events))
        return TG_OK;
    if (account_id == UINT64_MAX)
        return TG_NOT_FOUND;
    *from = tg_key_id(account_id + 1);
    tg_walk_seek(walk, from);
    return TG_REFUSED;
}

/* A damaged one stays, for whoever looks after what store check says. */
static enum tg_code sum_up_day(struct tg_change *change, const struct tg_key *key, struct tg_error *err)
{
    uint64_t account_id, day;
    if (!tg_read_id_pair(tg_span_of(key->data, key->len), &account_id, &day))
        return TG_REFUSED;
    enum tg_code code = tg_daily_sum_up(change, account_id, (int64_t)day, err);
    return code == TG_OK || code == TG_FAILED ? code : TG_REFUSED;
}

static enum tg_code sum_up_days(struct sweep *s, struct tg_error *err)
{
    return sweep_delete(s, TG_DB_DAILY, tg_key_all(), next_day, sum_up_day, TG_SWEPT_DAYS, err);
}

/* In the order of their numbers, which is that of their making. */
static enum tg_code next_mail(struct sweep *s, struct tg_walk *walk, struct tg_key *from, struct tg_error *err)
{
    struct tg_span key, value;
    bool done;
    uint64_t id;
    enum tg_code code = tg_walk_next(walk, &key, &value, err);
    if (code != TG_OK)
        return code;
    if (!tg_read_mail(key, &done, &id))
        return tg_fail(err, TG_UNUSABLE, "a damaged key in mails (run tollgate store check)");
    Tg__Mail *mail = tg__mail__unpack(NULL, value.len, value.data);
    if (mail == NULL)
        return tg_fail(err, TG_UNUSABLE, "a damaged record in mails (run tollgate store check)");
    bool old = mail->created_at < cutoff(s);
    tg__mail__free_unpacked(mail, NULL);
    *from = tg_key_mail(done, id);
    return old ? TG_OK : TG_NOT_FOUND;
}

static enum tg_code remove_mails(struct sweep *s, struct tg_error *err)
{
    return sweep_delete(s, TG_DB_MAILS, tg_key_mail_prefix(true), next_mail, NULL, TG_SWEPT_MAILS_REMOVED, err);
}

/* ---- keys ---- */

/* Sixteen keys open: a reverse-path (a year at most) and a trace of the last fifteen months can be read. */
enum { KEY_DAYS = 30 };

static enum tg_code keys_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct sweep *s = arg;
    uint32_t number;
    int64_t created_at;
    enum tg_code code = tg_seal_keys_newest(tg_change_view(change), &number, &created_at, err);
    if (code != TG_OK || s->now - created_at < KEY_DAYS * (int64_t)DAY_S)
        return code;
    if ((code = tg_seal_keys_rotate(change, s->now, err)) == TG_OK)
        sweep_note(s, TG_SWEPT_KEYS, 1, "return-path", "a new key seals reverse-paths and traces");
    return code;
}

static enum tg_code rotate_keys(struct sweep *s, struct tg_error *err)
{
    struct tg_view *view;
    uint32_t number;
    int64_t created_at;
    enum tg_code code = tg_view_begin(s->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_seal_keys_newest(view, &number, &created_at, err);
    tg_view_end(&view);
    /* Looked at first, so that an hour's sweep writes nothing for it. */
    return code != TG_OK || s->now - created_at < KEY_DAYS * (int64_t)DAY_S ? code : sweep_change(s, keys_in, s, err);
}

/* ---- mails ---- */

static enum tg_code send_mails(struct sweep *s, struct tg_error *err)
{
    struct tg_mail_result mails = { .sent = 0 };
    if (s->options->dry_run)
        return TG_OK;
    enum tg_code code = tg_mail_send(s->store, s->settings, s->options->courier, NULL, s->now, s->options->stop, &mails, err);
    s->result->count[TG_SWEPT_MAILS_SENT] += mails.sent;
    s->result->count[TG_SWEPT_MAILS_FAILED] += mails.failed + mails.given_up;
    if (mails.failed + mails.given_up > 0) {
        struct tg_error why;
        unsigned long long unsent = mails.failed + mails.given_up;
        tg_fail(&why, TG_FAILED, "%llu mail%s could not be sent%s: %s", unsent, unsent == 1 ? "" : "s",
                mails.given_up == 0 ? "" : mails.failed == 0 ? ", and will not be tried again" : ", some of them for good", mails.error);
        sweep_problem(s, "mails", &why);
    }
    return code;
}

/* A new step is a row. What waits for the network is last, and never inside a change: a DNS that does not answer may take
 * minutes, and holds up no renewal, notice or mail. */
const struct sweep_step sweep_steps[] = {
    { .name = "plans", .is_due = plans_due, .apply = plans_apply },
    { .name = "reputation", .is_due = reputation_due, .apply = reputation_apply },
    { .name = "notices", .is_due = notices_due, .apply = notices_apply },
    { .name = "activity", .run = remove_activity },
    { .name = "days", .run = sum_up_days },
    { .name = "old mails", .run = remove_mails },
    { .name = "keys", .run = rotate_keys },
    { .name = "mails", .run = send_mails },
    { .name = "domains", .run = check_domains },
    { .name = NULL },
};
