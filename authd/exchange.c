/* exchange.c: one SASL exchange: libsasl2's connection, its callbacks, and the result. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "authd/exchange.h"

bool exchange_judged(struct exchange *exchange, enum tg_code code)
{
    exchange->verdict = code == TG_OK        ? VERDICT_OK
                        : code == TG_REFUSED ? VERDICT_REFUSED
                                             : VERDICT_UNUSABLE;
    return code == TG_OK;
}

bool exchange_name_is_plain(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (name[i] <= 0x20 || name[i] >= 0x7f)
            return false;
    return len > 0 && len <= TG_USERNAME_MAX;
}

void exchange_set_login(struct exchange *exchange, const char *name, size_t len)
{
    if (len >= sizeof exchange->login)
        len = sizeof exchange->login - 1;
    memcpy(exchange->login, name, len);
    exchange->login[len] = '\0';
}

/* ---- callbacks ---- */

static int canon_user(sasl_conn_t *conn, void *context, const char *in, unsigned in_len, unsigned flags,
                      const char *realm, char *out, unsigned out_max, unsigned *out_len)
{
    (void)conn;
    (void)realm;
    /* Not what libsasl2 would do with it (trim white space): a name that is not plain is nobody's. */
    const char *name = exchange_name_is_plain(in, in_len) ? in : "?";
    unsigned len = name == in ? in_len : 1;
    if (len >= out_max)
        return SASL_BUFOVER;
    if ((flags & SASL_CU_AUTHID) != 0)
        exchange_set_login(context, in, in_len);
    memmove(out, name, len);
    out[len] = '\0';
    *out_len = len;
    return SASL_OK;
}

static int check_password(sasl_conn_t *conn, void *context, const char *user, const char *password, unsigned len,
                          struct propctx *properties)
{
    struct exchange *exchange = context;
    (void)conn;
    (void)properties;
    enum tg_code code = login_password(exchange->store, user, password, len, exchange->now, &exchange->result,
                                       &exchange->err);
    return exchange_judged(exchange, code) ? SASL_OK : SASL_BADAUTH;
}

/* Nobody acts for somebody else. */
static int proxy_policy(sasl_conn_t *conn, void *context, const char *requested, unsigned requested_len,
                        const char *identity, unsigned identity_len, const char *realm, unsigned realm_len,
                        struct propctx *properties)
{
    struct exchange *exchange = context;
    (void)conn;
    (void)realm;
    (void)realm_len;
    (void)properties;
    if (requested_len == identity_len && memcmp(requested, identity, identity_len) == 0)
        return SASL_OK;
    exchange->verdict = VERDICT_REFUSED;
    exchange->result.why = "authzid";
    snprintf(exchange->result.reason, sizeof exchange->result.reason, "nobody may act for another account");
    return SASL_NOAUTHZ;
}

/* ---- its life ---- */

struct exchange *exchange_new(struct tg_store *store, const char *mechanism)
{
    struct exchange *exchange = tg_xcalloc(1, sizeof *exchange);
    exchange->store = store;
    exchange->result.why = "";
    snprintf(exchange->mechanism, sizeof exchange->mechanism, "%s", mechanism);
    exchange->callbacks[0] = (sasl_callback_t){ SASL_CB_CANON_USER, EXCHANGE_CALLBACK(canon_user), exchange };
    exchange->callbacks[1] =
        (sasl_callback_t){ SASL_CB_SERVER_USERDB_CHECKPASS, EXCHANGE_CALLBACK(check_password), exchange };
    exchange->callbacks[2] = (sasl_callback_t){ SASL_CB_PROXY_POLICY, EXCHANGE_CALLBACK(proxy_policy), exchange };
    exchange->callbacks[3] = (sasl_callback_t){ SASL_CB_LIST_END, NULL, NULL };
    return exchange;
}

void exchange_free(struct exchange **exchange)
{
    if (*exchange == NULL)
        return;
    if ((*exchange)->conn != NULL)
        sasl_dispose(&(*exchange)->conn);
    free(*exchange);
    *exchange = NULL;
}

/* libsasl2's result and the store's verdict together. */
static enum exchange_step outcome(struct exchange *exchange, int result)
{
    struct login_result *login = &exchange->result;
    if (exchange->verdict == VERDICT_UNUSABLE)
        return EXCHANGE_UNUSABLE;
    if (result == SASL_CONTINUE && exchange->verdict != VERDICT_REFUSED)
        return EXCHANGE_MORE;
    if (result == SASL_NOMEM) {
        tg_fail(&exchange->err, TG_UNUSABLE, "libsasl2 is out of memory");
        return EXCHANGE_UNUSABLE;
    }
    if (result == SASL_OK && exchange->verdict == VERDICT_OK && login->username[0] != '\0')
        return EXCHANGE_OK;
    /* The password was right: all that libsasl2 still minds is who is to be acted for. */
    if (*login->why == '\0')
        login->why = exchange->verdict == VERDICT_OK ? "authzid" : "malformed";
    login->username[0] = '\0';
    return EXCHANGE_REFUSED;
}

enum exchange_step exchange_start(struct exchange *exchange, const struct tg_span *response, int64_t now,
                                  struct tg_span *challenge)
{
    const char *out = NULL;
    unsigned out_len = 0;
    exchange->now = now;
    /* A name for this host, so that libsasl2 does not ask the resolver for one. */
    int result = sasl_server_new("smtp", "tollgate", NULL, NULL, NULL, exchange->callbacks, 0, &exchange->conn);
    if (result == SASL_OK) {
        const char *in = response == NULL ? NULL : response->len > 0 ? (const char *)response->data : "";
        result = sasl_server_start(exchange->conn, exchange->mechanism, in,
                                   response == NULL ? 0 : (unsigned)response->len, &out, &out_len);
    } else {
        exchange->conn = NULL;
        result = SASL_NOMEM;
    }
    *challenge = tg_span_of(out, out != NULL ? out_len : 0);
    return outcome(exchange, result);
}

enum exchange_step exchange_continue(struct exchange *exchange, struct tg_span response, int64_t now,
                                     struct tg_span *challenge)
{
    const char *out = NULL;
    unsigned out_len = 0;
    exchange->now = now;
    const char *in = response.len > 0 ? (const char *)response.data : "";
    int result = sasl_server_step(exchange->conn, in, (unsigned)response.len, &out, &out_len);
    *challenge = tg_span_of(out, out != NULL ? out_len : 0);
    return outcome(exchange, result);
}

const char *exchange_mechanism(const struct exchange *exchange)
{
    return exchange->mechanism;
}

const char *exchange_login(const struct exchange *exchange)
{
    return exchange->login;
}

const struct login_result *exchange_result(const struct exchange *exchange)
{
    return &exchange->result;
}

const struct tg_error *exchange_error(const struct exchange *exchange)
{
    return &exchange->err;
}
