/* exchange.h: one SASL exchange, as sasl.c and the SCRAM mechanism see it; doors see sasl.h. */
#ifndef AUTHD_EXCHANGE_H
#define AUTHD_EXCHANGE_H

#include <sasl/sasl.h>
#include "authd/sasl.h"

/* libsasl2 keeps every callback as an int (*)(void). */
#define EXCHANGE_CALLBACK(function) ((int (*)(void))(void (*)(void))(function))

/* What the store has said so far. libsasl2's own result must agree with it before anybody is let in. */
enum exchange_verdict { VERDICT_NONE, VERDICT_OK, VERDICT_REFUSED, VERDICT_UNUSABLE };

struct exchange {
    struct tg_store *store;
    sasl_conn_t *conn;
    char mechanism[24];
    int64_t now; /* of the step that is running */
    char login[CLIENT_NAME_MAX];
    enum exchange_verdict verdict;
    struct login_result result;
    struct tg_error err;
    sasl_callback_t callbacks[4];
};

/* Files what the store has answered; true: accepted. */
bool exchange_judged(struct exchange *exchange, enum tg_code code);

/* The name is kept for the log; what libsasl2 is told in its place can't be an account where it holds
 * anything but printable ASCII, so that nothing is trimmed or folded. */
void exchange_set_login(struct exchange *exchange, const char *name, size_t len);
bool exchange_name_is_plain(const char *name, size_t len);

#endif
