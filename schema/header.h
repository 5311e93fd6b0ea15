/* header.h: collects, field by field, what the policy asks of a message's header. The milter feeds it as the MTA
 * hands fields over, `tollgate explain` from a file: one reading for both.
 *
 * Bounded: of From and Sender the first is kept, up to TG_FIELD_MAX octets; the others are only counted. */
#ifndef TG_HEADER_H
#define TG_HEADER_H

#include "schema/facts.h"

enum { TG_FIELD_MAX = 64 * 1024 };

/* What the filter puts into each message. The fields of that name that a client brought are removed one by one, which
 * costs Postfix a reading of the header each: more of them than any number of relays would leave are refused. */
#define TG_TRACE_FIELD "X-Tollgate-Trace"
enum { TG_TRACE_FIELDS_MAX = 100 };

struct tg_header_reader {
    unsigned from_count, sender_count, trace_count;
    char *from, *sender; /* bodies as they came, NUL-terminated; owned by the reader */
    bool lookalike, too_long, nul, list_unsubscribe;
};

/* Ready for a new message; the reader starts zeroed. */
void tg_header_reset(struct tg_header_reader *reader);

/* One field: its name without the colon, its body as it came behind the colon. */
void tg_header_field(struct tg_header_reader *reader, struct tg_span name, struct tg_span body);

/* The end of the header: reads the authors into the arena. Where something is wrong, header->error says what. */
void tg_header_end(const struct tg_header_reader *reader, bool check_sender, struct tg_arena *arena,
                   struct tg_header *header);

/* Feeds the whole header of a message (RFC 5322 with LF or CRLF) up to its first empty line. A line that is
 * no field ends the header, as it does for Postfix. */
void tg_header_message(struct tg_header_reader *reader, struct tg_span message);

#endif
