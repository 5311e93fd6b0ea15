/* dialogue.h: the six steps in which an account is added on a terminal. */
#ifndef ADMIN_DIALOGUE_H
#define ADMIN_DIALOGUE_H

#include "admin/command.h"

/* Asks, and in the end makes customer, account and order in one change of the store. TG_FAILED: it was broken off, and
 * nothing was done. */
enum tg_code dialogue_account_add(struct context *context, struct tg_error *err) TG_MUST_CHECK;

#endif
