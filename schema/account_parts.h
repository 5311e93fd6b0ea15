/* account_parts.h: what the files of accounts share. Nobody else includes it. */
#ifndef TG_ACCOUNT_PARTS_H
#define TG_ACCOUNT_PARTS_H

#include "schema/account.h"

/* TG_USAGE: a field that a caller may set is not as it must be. */
enum tg_code tg_account_check(const Tg__Account *account, struct tg_error *err) TG_MUST_CHECK;
/* Free once per customer at a time; account_id: one that does not count, 0 for none. */
enum tg_code tg_account_check_free(struct tg_view *view, uint64_t customer_id, uint64_t account_id, struct tg_error *err) TG_MUST_CHECK;
/* Makes the account, all checks being done. Awaited: its plan begins without messages. */
enum tg_code tg_account_open(struct tg_change *change, const Tg__Account *wish, Tg__Payment payment, int64_t now,
                             Tg__Account **account, struct tg_secret *password, struct tg_error *err) TG_MUST_CHECK;
void tg_account_put(struct tg_change *change, const Tg__Account *account);
/* For the user, who sees it among the account's activity. */
enum tg_code tg_account_note(struct tg_change *change, const Tg__Account *account, Tg__ActivityKind kind, const char *result,
                             const char *text, int64_t now, struct tg_error *err) TG_MUST_CHECK;

#endif
