/* door_saslauthd.c: the saslauthd door: passwords that libsasl2 asks of for Sendmail, Postfix (smtpd_sasl_type =
 * cyrus) and others. One request a connection, as saslauthd itself has it.
 *
 * The protocol tells neither the client's address nor the mechanism, so failures are counted by username only.
 * Where the store can't be read the connection is closed without an answer: libsasl2 makes SASL_FAIL of that, an
 * error of the server's; of "NO" it makes SASL_BADAUTH, a wrong password. */
#include <stdio.h>
#include "authd/attempt.h"
#include "authd/door.h"
#include "authd/wire_saslauthd.h"
#include "schema/now.h"

/* The names under which the account may be known, as C strings; too long is nobody's. */
struct names {
    char login[CLIENT_NAME_MAX], joined[CLIENT_NAME_MAX];
};

static void make_names(const struct saslauthd_request *request, struct names *names)
{
    snprintf(names->login, sizeof names->login, "%.*s", (int)request->login.len, (const char *)request->login.data);
    names->joined[0] = '\0';
    if (request->realm.len > 0)
        snprintf(names->joined, sizeof names->joined, "%.*s@%.*s", (int)request->login.len, (const char *)request->login.data,
                 (int)request->realm.len, (const char *)request->realm.data);
}

/* libsasl2 has split the client's login at its "@", or made the realm up from the host's name: so it is the login
 * alone, else both. Both are always tried, so that a login that exists costs what another does. *login: which of
 * the two it was. */
static enum tg_code check(struct app *app, const struct saslauthd_request *request, const struct names *names,
                          const char **login, struct login_result *result, struct tg_error *err)
{
    const char *password = (const char *)request->password.data;
    int64_t now = tg_now();
    struct login_result both = { 0 };
    *login = names->login;
    enum tg_code code = login_password(app->store, names->login, password, request->password.len, now, result, err);
    if (code == TG_UNUSABLE || names->joined[0] == '\0')
        return code;
    enum tg_code joined = login_password(app->store, names->joined, password, request->password.len, now, &both, err);
    if (joined != TG_UNUSABLE && result->account_id != 0)
        return code;
    *login = names->joined;
    *result = both;
    return joined;
}

static ssize_t saslauthd_read(struct conn *conn, void *state, const uint8_t *in, size_t len)
{
    struct app *app = conn_app(conn);
    struct saslauthd_request request;
    struct names names = { "", "" };
    struct login_result result = { 0 };
    struct attempt attempt = { .door = door_saslauthd.name, .client = "" };
    struct tg_error err;
    struct wire_text out;
    unsigned delay_ms = 0;
    (void)state;
    ssize_t used = wire_saslauthd_read(in, len, &request);
    if (used <= 0)
        return used;
    make_names(&request, &names);
    enum tg_code code = check(app, &request, &names, &attempt.login, &result, &err);
    wire_text_clear(&out);
    if (code == TG_OK) {
        attempt_ok(app, &attempt, result.username);
        wire_saslauthd_answer(&out, true, NULL);
    } else if (code == TG_REFUSED) {
        delay_ms = attempt_refused(app, &attempt, &result);
        wire_saslauthd_answer(&out, false, result.reason[0] != '\0' ? result.reason : "wrong username or password");
    } else {
        attempt_unusable(app, &attempt, &err);
        conn_close(conn, CONN_UNUSABLE);
        return used;
    }
    conn_send_later(conn, out.data, out.len, delay_ms);
    conn_finish(conn);
    return used;
}

const struct door door_saslauthd = {
    .name = "saslauthd",
    .request_max = SASLAUTHD_REQUEST_MAX + 1,
    .request_s = 10,
    .idle_s = 30,
    .connections_max = 1000,
    .secret = true,
    .read = saslauthd_read,
};
