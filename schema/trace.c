/* trace.c: see trace.h. */
#include <string.h>
#include <strings.h>
#include "schema/account.h"
#include "schema/header.h"
#include "schema/trace.h"

#define FIELD TG_TRACE_FIELD ":"
#define BLANKS " \t\r\n<>"

/* The token in what a report or a complaint quotes. */
static struct tg_span token_in(const char *text)
{
    text += strspn(text, BLANKS);
    if (strncasecmp(text, FIELD, sizeof FIELD - 1) == 0)
        text += sizeof FIELD - 1;
    text += strspn(text, BLANKS);
    return tg_span_of(text, strcspn(text, BLANKS "@"));
}

/* A token has the second, the log the microsecond: the sequence decides within that second. */
static enum tg_code find_activity(struct tg_view *view, struct tg_trace *trace, struct tg_error *err)
{
    struct tg_event_id from = { trace->token.account_id, trace->token.time * 1000000, 0 };
    struct tg_key prefix = tg_key_id(from.account_id), at = tg_key_event(&from);
    struct tg_walk *walk;
    struct tg_event_id id;
    Tg__Activity *activity;
    trace->event = from;
    trace->event.sequence = trace->token.sequence;
    enum tg_code code = tg_walk_begin(view, TG_DB_ACTIVITY, &prefix, &at, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_activity_next(view, walk, &id, &activity, err)) == TG_OK && id.time_us < from.time_us + 1000000)
        if (id.sequence == trace->token.sequence) {
            trace->event = id;
            trace->activity = activity;
            break;
        }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

enum tg_code tg_trace_read(struct tg_view *view, const char *text, int64_t now, struct tg_trace *trace, struct tg_error *err)
{
    struct tg_span token = token_in(text);
    struct tg_seal_keys keys;
    struct tg_error why;
    Tg__Account *account;
    memset(trace, 0, sizeof *trace);
    enum tg_code code = tg_seal_keys_get(view, &keys, err);
    if (code != TG_OK)
        return code;
    trace->kind = TG_TOKEN_TRACE;
    if (tg_token_read(&keys, TG_TOKEN_TRACE, token, now, 0, &trace->token, NULL) != TG_OK) {
        trace->kind = TG_TOKEN_RETURN_PATH;
        code = tg_token_read(&keys, TG_TOKEN_RETURN_PATH, token, now, 0, &trace->token, &why);
        if (code != TG_OK)
            code = tg_fail(err, TG_REFUSED, "this did not come from this relay: %s (what is meant is the text of an X-Tollgate-Trace "
                           "header, or a return-path address)", why.text);
    }
    if (code != TG_OK)
        return code;
    code = tg_account_of_event(view, trace->token.account_id, trace->token.time, &account, err);
    if (code == TG_OK)
        trace->account = account;
    return code == TG_OK || code == TG_NOT_FOUND ? find_activity(view, trace, err) : code;
}
