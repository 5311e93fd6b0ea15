/* attempt.h: what follows a decided login, the same for every door that decides one: throttle, log, metrics and
 * the account's activity. */
#ifndef AUTHD_ATTEMPT_H
#define AUTHD_ATTEMPT_H

#include "authd/app.h"
#include "authd/login.h"

struct attempt {
    const char *door;
    const char *mechanism; /* NULL: not told */
    const char *login;     /* the name as it came */
    const char *client;    /* its address; "" where not told */
};

void attempt_ok(struct app *app, const struct attempt *attempt, const char *username);
/* For how long the answer must be held back, in ms. */
unsigned attempt_refused(struct app *app, const struct attempt *attempt, const struct login_result *result);
/* A refusal that asked no store, as of malformed data: nobody's password was tried, so nothing is held back. */
void attempt_rejected(struct app *app, const struct attempt *attempt, const char *reason);
/* The store can't be read: the door must make a temporary failure of it. */
void attempt_unusable(struct app *app, const struct attempt *attempt, const struct tg_error *err);

#endif
