/* account_password.c: is this the password of the account? In the same time whatever the answer. */
#include <string.h>
#include "schema/account.h"

enum tg_code tg_account_check_password(struct tg_view *view, const char *username, const char *password, size_t len,
                                       int64_t now, Tg__Account **account, const char **why, struct tg_error *err)
{
    Tg__Account *a = NULL;
    *account = NULL;
    *why = "";
    enum tg_code code = tg_account_by_username(view, username, &a, err);
    if (code != TG_OK && code != TG_NOT_FOUND)
        return code;
    const Tg__Credential *current = a != NULL ? a->credential : NULL, *old = a != NULL ? a->old_credential : NULL;
    /* Both are always computed: neither says which one it was, nor whether there is any. */
    bool is_current = tg_credential_matches(tg_credential_live(current, now) ? current : NULL, password, len);
    bool is_old = tg_credential_matches(tg_credential_live(old, now) ? old : NULL, password, len);
    bool right = is_current | is_old;
    *account = a;
    if (a == NULL)
        *why = "unknown";
    else if (!right)
        *why = "password";
    else if (tg_account_status(a) == TG_STATUS_DISABLED)
        *why = "disabled";
    else
        return TG_OK;
    return tg_fail(err, TG_REFUSED, "%s", strcmp(*why, "disabled") == 0 ? "this account is disabled" : "wrong username or password");
}
