/* dashboard.h: what `account show` tells beyond the account itself, and how it looks in 80 columns.
 */
#ifndef ADMIN_DASHBOARD_H
#define ADMIN_DASHBOARD_H

#include <jansson.h>
#include "admin/terminal.h"
#include "schema/settings.h"
#include "schema/store.h"
#include "schema/records.pb-c.h"

/* Adds the figures of 30 days (figures.h), "forecast" and "activity" (the last fifty, newest
 * first); `object` is the account's JSON. */
enum tg_code dashboard_add(struct tg_view *view, const struct tg_settings *settings,
                           const Tg__Account *account, int64_t now, json_t *object,
                           struct tg_error *err) TG_MUST_CHECK;

/* Works with and without what dashboard_add added, and shows "orders" where they are there. */
void dashboard_render(const struct terminal *terminal, const json_t *account);

#endif
