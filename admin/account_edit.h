/* account_edit.h: what the commands that make or change an account share. */
#ifndef ADMIN_ACCOUNT_EDIT_H
#define ADMIN_ACCOUNT_EDIT_H

#include "admin/shop.h"
#include "schema/account.h"

/* Options of account add and account set. */
#define ACCOUNT_LIMITS \
    { .name = "max-domains", .type = OPT_NUMBER, .value = "N", .help = "sender domains that it may have", .min = 1, .max = 10000 }, \
    { .name = "max-recipients", .type = OPT_NUMBER, .value = "N", .help = "recipients of one message; 0: the service's", .min = 0, .max = 100000 }, \
    { .name = "max-per-hour", .type = OPT_NUMBER, .value = "N", .help = "units in an hour; 0: the service's", .min = 0, .max = 1000000000 }, \
    { .name = "max-per-day", .type = OPT_NUMBER, .value = "N", .help = "units in a day; 0: the service's", .min = 0, .max = 1000000000 }, \
    { .name = "ip-lock", .type = OPT_SWITCH, .value = "[on|off]", .help = "needs a login and an authorised IP, both" }, \
    { .name = "any-sender", .type = OPT_SWITCH, .value = "[on|off]", .help = "sender domains are not compared" }, \
    { .name = "notices", .type = OPT_SWITCH, .value = "[on|off]", .help = "mails about it, to the customer and to you (orders are mailed always)" }

struct account_edit {
    struct context *context;
    const struct input *input;
    json_t **result;
    struct tg_secret *password;
    int64_t old_valid_until;
    struct shop shop;
    uint64_t order_id;
};

/* The account becomes *edit->result, in place of what an earlier run of the change left there. */
enum tg_code account_edit_show(struct tg_view *view, const struct account_edit *edit, const Tg__Account *account,
                               struct tg_error *err) TG_MUST_CHECK;
/* The one that the first argument names. */
enum tg_code account_edit_show_by_name(struct tg_change *change, const struct account_edit *edit, struct tg_error *err) TG_MUST_CHECK;
/* What was given on the command line, over what the account has. */
void account_edit_apply(const struct input *in, Tg__Account *account);
/* Queues what its customer is told of this change. */
enum tg_code account_edit_notify(struct tg_change *change, const struct account_edit *edit, struct tg_error *err) TG_MUST_CHECK;

/* An order after its mail was sent, or not; null for 0. */
enum tg_code account_edit_order(const struct context *context, uint64_t order_id, json_t **order, struct tg_error *err) TG_MUST_CHECK;

#endif
