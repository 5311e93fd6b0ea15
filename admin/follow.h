/* follow.h: activity --follow. */
#ifndef ADMIN_FOLLOW_H
#define ADMIN_FOLLOW_H

#include "admin/command.h"

/* Prints what happens until Ctrl-C or SIGTERM: of one account, or of all where username is NULL; of
 * one kind where that is not NULL; from since_us on. Each poll is a view of its own; it looks at
 * the newest keys of each account, so following all costs a seek an account: a pause is at least as
 * long as the poll before it. */
enum tg_code follow_activity(struct context *context, const struct input *input,
                             const char *username, const char *kind, int64_t since_us,
                             struct tg_error *err) TG_MUST_CHECK;

#endif
