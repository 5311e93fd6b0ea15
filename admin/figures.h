/* figures.h: 30 days of an account, or of the whole relay: what was sent, refused and bounced. */
#ifndef ADMIN_FIGURES_H
#define ADMIN_FIGURES_H

#include <jansson.h>
#include "admin/terminal.h"
#include "schema/store.h"

enum { FIGURES_DAYS = 30 };

/* Adds "days" (oldest first), "refusals" by rule, "bounces" and "auth_failed". 30 reads. */
enum tg_code figures_add(struct tg_view *view, uint64_t account_id, int64_t now, json_t *object,
                         struct tg_error *err) TG_MUST_CHECK;

/* The chart, refusals and bounces; nothing where figures_add was not there. */
void figures_render(const struct terminal *terminal, const json_t *object);

#endif
