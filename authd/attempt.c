/* attempt.c: see attempt.h. */
#include <stdio.h>
#include "authd/attempt.h"
#include "authd/metrics.h"
#include "schema/log.h"
#include "schema/now.h"

/* Left out of the log where it was not told. */
static const char *told(const char *client)
{
    return *client != '\0' ? client : NULL;
}

static void count(struct app *app, const struct attempt *attempt, const char *result)
{
    metrics_login(app->metrics, attempt->door, attempt->mechanism != NULL ? attempt->mechanism : "other", result);
}

void attempt_ok(struct app *app, const struct attempt *attempt, const char *username)
{
    throttle_success(app->throttle, attempt->client, attempt->login, tg_ticks_ms());
    count(app, attempt, "ok");
    tg_log(TG_INFO, "auth-ok", "login", username, "client", told(attempt->client), "mechanism", attempt->mechanism, "door",
           attempt->door, NULL);
}

static void note(struct app *app, const struct attempt *attempt, const struct login_result *result, unsigned delay_ms)
{
    struct tg_event_id id = tg_event_new(result->account_id, tg_now_us());
    Tg__Activity activity = TG__ACTIVITY__INIT;
    char text[64];
    snprintf(text, sizeof text, "throttled: the answer was held back for %u.%u s", delay_ms / 1000, delay_ms % 1000 / 100);
    activity.kind = TG__ACTIVITY_KIND__AUTH_FAILED;
    activity.result = (char *)result->why;
    activity.client = (char *)attempt->client;
    if (delay_ms > 0)
        activity.text = text;
    if (result->account_id == 0)
        activity.login = (char *)attempt->login;
    tg_committer_note(app->committer, &id, &activity);
}

unsigned attempt_refused(struct app *app, const struct attempt *attempt, const struct login_result *result)
{
    char held_ms[16];
    unsigned delay_ms = throttle_failure(app->throttle, attempt->client, attempt->login, tg_ticks_ms());
    snprintf(held_ms, sizeof held_ms, "%u", delay_ms);
    note(app, attempt, result, delay_ms);
    count(app, attempt, result->why);
    tg_log(TG_INFO, "auth-failed", "login", attempt->login, "client", told(attempt->client), "mechanism", attempt->mechanism,
           "door", attempt->door, "result", result->why, "held-ms", delay_ms > 0 ? held_ms : NULL, NULL);
    return delay_ms;
}

void attempt_rejected(struct app *app, const struct attempt *attempt, const char *reason)
{
    count(app, attempt, "refused");
    tg_log(TG_INFO, "auth-failed", "login", attempt->login, "client", told(attempt->client), "mechanism", attempt->mechanism,
           "door", attempt->door, "result", reason, NULL);
}

void attempt_unusable(struct app *app, const struct attempt *attempt, const struct tg_error *err)
{
    count(app, attempt, "unusable");
    tg_log(TG_ERROR, "auth-unusable", "login", attempt->login, "client", told(attempt->client), "door", attempt->door, "error",
           err->text, NULL);
}
