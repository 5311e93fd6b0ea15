/* cmd_auth.c: tollgate auth test: would this password be taken? */
#include <sodium.h>
#include <string.h>
#include "admin/commands.h"
#include "admin/terminal.h"
#include "schema/account.h"

static enum tg_code auth_test(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    char password[256];
    struct tg_view *view;
    Tg__Account *account;
    const char *why;
    if (!terminal_password("password: ", password, sizeof password))
        return tg_fail(err, TG_USAGE, "no password came: type it, or give it as a line of standard input");
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code == TG_OK) {
        code = tg_account_check_password(view, in->arg[0], password, strlen(password), c->now, &account, &why, err);
        if (code == TG_OK || code == TG_REFUSED)
            *result = json_pack("{s:b, s:s}", "ok", code == TG_OK, "reason", code == TG_OK ? "" : why);
        tg_view_end(&view);
    }
    sodium_memzero(password, sizeof password);
    return code;
}

const struct command cmd_auth_test = {
    .noun = "auth", .verb = "test", .args = "USER",
    .summary = "Would this password be taken? It is read from the terminal, or from standard input; exit status 4: no.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate auth test k3v9x0a2m7qd",
    .run = auth_test,
};
