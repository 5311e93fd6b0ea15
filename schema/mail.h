/* mail.h: mails that are to be sent: queued in the change that causes them, sent after its commit by whoever made it,
 * and again by the sweep where that failed. */
#ifndef TG_MAIL_H
#define TG_MAIL_H

#include <stdatomic.h>
#include "schema/courier.h"
#include "schema/settings.h"
#include "schema/store.h"
#include "schema/template.h"
#include "schema/records.pb-c.h"

/* What a change of money or of an account needs to know of the configuration. Never changed while it is used. */
struct tg_shop {
    int64_t grace_s;               /* how long an order may stay unpaid */
    const char *payment_url;       /* with %s, or "" */
    const char *provider_mail;     /* "": nobody */
    const struct tg_templates *templates; /* NULL: built-in */
};
/* Points into both. */
struct tg_shop tg_shop_of(const struct tg_settings *settings, const struct tg_templates *templates);

struct tg_mail_to {
    const char *address, *name;    /* name "": none */
    uint64_t account_id, order_id; /* whom and what it is about; 0: none */
};

/* Queues one mail. *id may be NULL. An empty address: nothing is queued, and *id is 0. */
enum tg_code tg_mail_queue(struct tg_change *change, const struct tg_shop *shop, enum tg_mail_kind kind,
                           const struct tg_mail_to *to, const struct tg_fill *fill, int64_t now, uint64_t *id,
                           struct tg_error *err) TG_MUST_CHECK;

/* The number that the next mail will have. */
enum tg_code tg_mail_next(struct tg_view *view, uint64_t *id, struct tg_error *err) TG_MUST_CHECK;

/* Sent or not. TG_NOT_FOUND: never was, or its time is over. */
enum tg_code tg_mail_get(struct tg_view *view, uint64_t id, Tg__Mail **mail, struct tg_error *err) TG_MUST_CHECK;

/* "queued" (never tried), "failed" (tried, and will be again), "sent", "given-up". */
const char *tg_mail_state(const Tg__Mail *mail, int64_t now);

enum { TG_MAIL_DAYS = 7 }; /* after which a mail that can't be sent is given up */

struct tg_mail_result {
    uint64_t sent, failed, given_up;
    char error[200];               /* of the last failure */
};

/* Mails from `first` on, to before `end`. */
struct tg_mail_range {
    uint64_t first, end;
};

/* Sends what is queued, one after the other, each claimed in the store first, so that two processes never send the same.
 * courier: who runs the mailer (courier.h); NULL: this process. own: only these, and of them what was never tried, as a
 * command does that does not wait for what others have queued; NULL, as the sweep has it: all. Stops early where *stop
 * becomes true (NULL: never). A failing mailer is no failure of this function: *result tells. After three failures in a row
 * the rest waits for the next time. */
enum tg_code tg_mail_send(struct tg_store *store, const struct tg_settings *settings, struct tg_courier *courier,
                          const struct tg_mail_range *own, int64_t now, const atomic_bool *stop, struct tg_mail_result *result,
                          struct tg_error *err) TG_MUST_CHECK;

#endif
