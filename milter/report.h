/* report.h: a delivery report → what happened to whom. Pure (GMime underneath, bounded depth, parts and size).
 * RFC 3464 delivery-status, RFC 5965 feedback-report; anything else is one `unknown`. */
#ifndef MILTER_REPORT_H
#define MILTER_REPORT_H

#include <stdbool.h>
#include "schema/arena.h"
#include "schema/span.h"

enum report_kind { REPORT_HARD, REPORT_SOFT, REPORT_DELAYED, REPORT_COMPLAINT, REPORT_DELIVERED, REPORT_UNKNOWN };
const char *report_kind_name(enum report_kind kind); /* "hard", "soft", "delayed", "complaint", "delivered", "unknown" */

enum { REPORT_RECIPIENTS = 100, REPORT_MAX_BYTES = 1 << 20 };

struct report {
    size_t count; /* at least 1 */
    struct {
        enum report_kind kind;
        const char *recipient;  /* Final-Recipient or Original-Recipient's address, xtext decoded; "" unknown */
        const char *status;     /* "5.1.1" or "" */
        const char *diagnostic; /* one line, printable, at most 200 octets; or "" */
    } entry[REPORT_RECIPIENTS];
};

/* `message`: header and body, as much as was kept (at most REPORT_MAX_BYTES; the rest is not looked at). */
void report_read(struct tg_arena *arena, struct tg_span message, struct report *out);

#endif
