/* trace.h: whose message was that? What a token in a header or a return-path tells the provider (DESIGN 8). */
#ifndef TG_TRACE_H
#define TG_TRACE_H

#include "schema/activity.h"
#include "schema/token.h"

struct tg_trace {
    enum tg_token_kind kind;
    struct tg_token token;
    const Tg__Account *account;   /* NULL: it is gone */
    struct tg_event_id event;     /* of the activity; its time_us is the token's second where there is none */
    const Tg__Activity *activity; /* NULL: not kept any more, or the message was not accepted in the end */
};

/* text: a token, a whole X-Tollgate-Trace header line, or a return-path address, with or without angle brackets. Tokens of any
 * age are read, as long as their key is among the 16 newest. TG_REFUSED: not a token of this store. In the view's arena. */
enum tg_code tg_trace_read(struct tg_view *view, const char *text, int64_t now, struct tg_trace *trace, struct tg_error *err) TG_MUST_CHECK;

#endif
