/* mail.c: see mail.h. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include "schema/base32.h"
#include "schema/mail.h"
#include "schema/mailer.h"
#include "schema/now.h"

enum { CLAIM_S = 300, SLACK_S = 60, IN_A_ROW = 3, RANDOM = 15 };

struct tg_shop tg_shop_of(const struct tg_settings *s, const struct tg_templates *templates)
{
    return (struct tg_shop){
        .grace_s = (int64_t)s->grace_days * 86400,
        .payment_url = s->payment_url,
        .provider_mail = *s->provider_mail != '\0' ? s->provider_mail : s->mail_from,
        .templates = templates,
    };
}

static void put(struct tg_change *change, const Tg__Mail *mail, bool done)
{
    struct tg_key key = tg_key_mail(done, mail->id);
    tg_put_record(change, TG_DB_MAILS, &key, &mail->base);
}

enum tg_code tg_mail_queue(struct tg_change *change, const struct tg_shop *shop, enum tg_mail_kind kind,
                           const struct tg_mail_to *to, const struct tg_fill *fill, int64_t now, uint64_t *id,
                           struct tg_error *err)
{
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    Tg__Mail mail = TG__MAIL__INIT;
    uint8_t bytes[RANDOM];
    char unique[TG_BASE32_LEN(RANDOM) + 1];
    if (id != NULL)
        *id = 0;
    if (*to->address == '\0')
        return TG_OK;
    enum tg_code code = tg_next_id(change, TG_SEQUENCE_MAIL, &mail.id, err);
    if (code != TG_OK)
        return code;
    randombytes_buf(bytes, sizeof bytes);
    tg_base32_encode(bytes, sizeof bytes, unique);
    mail.kind = (char *)tg_mail_kind_name(kind);
    mail.to = (char *)to->address;
    mail.to_name = (char *)to->name;
    mail.account_id = to->account_id;
    mail.order_id = to->order_id;
    mail.created_at = now;
    mail.message_id = unique;
    tg_template_fill(arena, shop->templates, kind, fill, &mail.subject, &mail.body);
    put(change, &mail, false);
    if (id != NULL)
        *id = mail.id;
    return tg_change_error(change, err);
}

enum tg_code tg_mail_next(struct tg_view *view, uint64_t *id, struct tg_error *err)
{
    return tg_peek_id(view, TG_SEQUENCE_MAIL, id, err);
}

enum tg_code tg_mail_get(struct tg_view *view, uint64_t id, Tg__Mail **mail, struct tg_error *err)
{
    struct tg_key key = tg_key_mail(false, id);
    enum tg_code code = tg_get_record(view, TG_DB_MAILS, &key, &tg__mail__descriptor, mail, err);
    if (code != TG_NOT_FOUND)
        return code;
    key = tg_key_mail(true, id);
    code = tg_get_record(view, TG_DB_MAILS, &key, &tg__mail__descriptor, mail, err);
    return code == TG_NOT_FOUND ? tg_fail(err, TG_NOT_FOUND, "no mail %llu", (unsigned long long)id) : code;
}

static bool is_too_old(const Tg__Mail *mail, int64_t now)
{
    return now - mail->created_at > (int64_t)TG_MAIL_DAYS * 86400;
}

const char *tg_mail_state(const Tg__Mail *mail, int64_t now)
{
    if (mail->sent_at != 0)
        return "sent";
    if (mail->attempts == 0)
        return "queued";
    return is_too_old(mail, now) ? "given-up" : "failed";
}

/* ---- sending ---- */

/* By the clock, whatever time a sweep is told: others who send go by the same, and a sweep may take longer than a claim. */
struct claim {
    uint64_t id;
    bool mine;
};

static enum tg_code read_queued(struct tg_change *change, uint64_t id, Tg__Mail **mail, struct tg_error *err)
{
    struct tg_key key = tg_key_mail(false, id);
    return tg_get_record(tg_change_view(change), TG_DB_MAILS, &key, &tg__mail__descriptor, mail, err);
}

static enum tg_code claim_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct claim *c = arg;
    const int64_t clock = tg_now(); /* here, not before the wait for the store, in which others claim */
    Tg__Mail *mail;
    c->mine = false;
    enum tg_code code = read_queued(change, c->id, &mail, err);
    if (code != TG_OK)
        return code == TG_NOT_FOUND ? TG_OK : code;
    /* A claim from the future is a clock that was set back, by more than it is by itself. */
    if (mail->claimed_until > clock && mail->claimed_until <= clock + CLAIM_S + SLACK_S)
        return TG_OK;
    mail->claimed_until = clock + CLAIM_S;
    put(change, mail, false);
    c->mine = true;
    return tg_change_error(change, err);
}

struct outcome {
    uint64_t id;
    int64_t now;
    const char *error; /* NULL: sent */
    bool given_up;
};

static enum tg_code outcome_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct outcome *o = arg;
    Tg__Mail *mail;
    enum tg_code code = read_queued(change, o->id, &mail, err);
    if (code != TG_OK)
        return code == TG_NOT_FOUND ? TG_OK : code;
    mail->claimed_until = 0;
    mail->attempts++;
    mail->tried_at = o->now;
    mail->error = (char *)(o->error != NULL ? o->error : "");
    mail->sent_at = o->error != NULL ? 0 : o->now;
    o->given_up = o->error != NULL && is_too_old(mail, o->now);
    bool done = o->error == NULL || o->given_up;
    if (done) {
        struct tg_key key = tg_key_mail(false, o->id);
        tg_delete(change, TG_DB_MAILS, &key);
    }
    put(change, mail, done);
    return tg_change_error(change, err);
}

/* The next one in the queue that has an id >= *id. */
static enum tg_code next_queued(struct tg_view *view, uint64_t *id, Tg__Mail **mail, struct tg_error *err)
{
    struct tg_key prefix = tg_key_mail_prefix(false), from = tg_key_mail(false, *id);
    struct tg_walk *walk;
    struct tg_span key, value;
    bool done;
    enum tg_code code = tg_walk_begin(view, TG_DB_MAILS, &prefix, &from, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    code = tg_walk_next(walk, &key, &value, err);
    if (code == TG_OK && !tg_read_mail(key, &done, id))
        code = tg_fail(err, TG_UNUSABLE, "a damaged key in mails (run tollgate store check)");
    if (code == TG_OK)
        code = tg_unpack(view, TG_DB_MAILS, value, &tg__mail__descriptor, mail, err);
    tg_walk_end(&walk);
    return code;
}

static enum tg_code send_one(struct tg_store *store, const struct tg_settings *settings, struct tg_courier *courier,
                             struct tg_arena *arena, const Tg__Mail *mail, int64_t now, const atomic_bool *stop, struct tg_mail_result *result,
                             bool *failed, struct tg_error *err)
{
    struct claim claim = { .id = mail->id };
    struct tg_error why;
    *failed = false;
    enum tg_code code = tg_store_change(store, claim_in, &claim, err);
    if (code != TG_OK || !claim.mine)
        return code;
    const char *message = tg_mailer_message(arena, mail, settings->mail_from, now);
    code = courier != NULL ? tg_courier_run(courier, message, TG_MAILER_TIMEOUT_MS, stop, &why)
                           : tg_mailer_run(settings->mailer, message, TG_MAILER_TIMEOUT_MS, stop, &why);
    *failed = code != TG_OK;
    struct outcome outcome = { .id = mail->id, .now = now, .error = *failed ? why.text : NULL };
    if ((code = tg_store_change(store, outcome_in, &outcome, err)) != TG_OK)
        return code;
    if (*failed)
        snprintf(result->error, sizeof result->error, "%.190s", why.text);
    result->sent += !*failed;
    result->given_up += outcome.given_up;
    result->failed += *failed && !outcome.given_up;
    return TG_OK;
}

enum tg_code tg_mail_send(struct tg_store *store, const struct tg_settings *settings, struct tg_courier *courier,
                          const struct tg_mail_range *own, int64_t now, const atomic_bool *stop, struct tg_mail_result *result,
                          struct tg_error *err)
{
    int in_a_row = 0;
    uint64_t at = own != NULL ? own->first : 0;
    for (;;) {
        struct tg_view *view;
        Tg__Mail *mail;
        bool failed;
        enum tg_code code = tg_view_begin(store, &view, err);
        if (code != TG_OK)
            return code;
        code = next_queued(view, &at, &mail, err);
        if (code != TG_OK || (own != NULL && at >= own->end) || in_a_row == IN_A_ROW || (stop != NULL && *stop)) {
            tg_view_end(&view);
            return code == TG_NOT_FOUND ? TG_OK : code;
        }
        if (own != NULL && mail->attempts > 0) {
            tg_view_end(&view);
            at++;
            continue;
        }
        /* A view waits for nobody: what is sent is a copy. */
        struct tg_arena *arena = tg_arena_new();
        Tg__Mail copy = *mail;
        copy.to = tg_arena_strdup(arena, mail->to);
        copy.to_name = tg_arena_strdup(arena, mail->to_name);
        copy.subject = tg_arena_strdup(arena, mail->subject);
        copy.body = tg_arena_strdup(arena, mail->body);
        copy.message_id = tg_arena_strdup(arena, mail->message_id);
        tg_view_end(&view);
        code = send_one(store, settings, courier, arena, &copy, now, stop, result, &failed, err);
        tg_arena_free(&arena);
        if (code != TG_OK)
            return code;
        in_a_row = failed ? in_a_row + 1 : 0;
        at++;
    }
}
