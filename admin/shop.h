/* shop.h: what commands about money and accounts share: templates before the change, mails after it. */
#ifndef ADMIN_SHOP_H
#define ADMIN_SHOP_H

#include "admin/command.h"
#include "schema/mail.h"

/* The option --messages of commands that name a plan, and what else an option has. */
#define PLAN_SIZE(help_text, ...) \
    { .name = "messages", .type = OPT_NUMBER, .value = "N", .help = help_text, .min = 1, .max = 1000000000, __VA_ARGS__ }

struct shop {
    struct tg_templates *templates;
    struct tg_shop terms;
};

/* Tells on standard error of templates that are not used. */
void shop_open(const struct context *context, struct shop *shop);

/* Runs the change; where it is done, sends the mails that it queued, and says on standard error where that fails: the change
 * stands all the same, and the sweep tries again. What others have queued is not waited for, and Ctrl-C ends the mailer,
 * not the command. Then gives the shop back. */
enum tg_code shop_change(struct context *context, struct shop *shop, tg_change_fn *fn, void *arg, struct tg_error *err) TG_MUST_CHECK;

#endif
