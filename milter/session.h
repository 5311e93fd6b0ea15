/* session.h: a connection of the MTA, and the one message that is under way on it.
 *
 * State is per message: it begins at MAIL and ends with the end of the message, RSET or the next MAIL, so the
 * tail of a smuggled message is judged and counted on its own. One thread at a time uses a session. */
#ifndef MILTER_SESSION_H
#define MILTER_SESSION_H

#include <sys/socket.h>
#include "milter/filter.h"
#include "schema/facts.h"
#include "schema/header.h"
#include "schema/network.h"

struct recipient {
    const char *text;      /* as RCPT gave it, brackets and all */
    const char *key;       /* message_recipient_key */
    bool report;           /* a genuine return path … */
    struct tg_token token;
    uint32_t original;     /* recipients of the message that it is of */
    bool again;            /* … that is among the recipients already, in another spelling */
};

struct message {
    bool active;
    struct shared_settings *shared;
    struct tg_arena *arena;
    const char *reverse_path; /* as MAIL gave it */
    bool utf8;                /* with SMTPUTF8 */
    const char *login;        /* NULL: not authenticated */
    const char *queue_id;     /* once known */
    bool untouched;           /* no rule looks at it */
    struct recipient *recipients; /* accepted, distinct */
    size_t recipient_count, recipient_room, ordinary, reports;
    struct tg_header_reader reader;
    struct tg_header header;
    bool header_read;
    char *report_text;        /* of a report: header and body, as much as is looked at */
    size_t report_len;
    char warning[200];
};

struct session {
    struct filter *filter;
    unsigned long steps;      /* negotiated: which callbacks the MTA does not wait for */
    struct tg_network client;
    bool has_client;
    char client_text[TG_NETWORK_TEXT];
    char *listener;           /* {daemon_name} */
    struct message message;
};

/* What the store and the policy said at one stage. */
struct decision {
    struct tg_verdict verdict;
    uint64_t account_id;      /* 0: nobody's */
    const char *username, *notify; /* in the message's arena */
    bool report;              /* this recipient is a genuine return path … */
    struct tg_token token;    /* … of this message */
};

struct session *session_new(struct filter *filter);
void session_connected(struct session *session, const struct sockaddr *address, const char *listener);
void session_free(struct session **session);

void message_begin(struct session *session, const char *reverse_path, const char *login);
void message_end(struct session *session);

/* Gathers afresh and decides. `recipient`: of this RCPT, else NULL. */
void session_decide(struct session *session, enum tg_stage stage, const char *recipient, struct decision *decision);

/* The same after a charge that did not go through (code, balance). */
void session_decide_charge(struct session *session, enum tg_code code, const struct tg_charge *charge,
                           struct decision *decision);

/* One text for what is delivered once: the mailbox, and the parameters that RCPT gave it (argv as libmilter has it), for
 * mail that asks for other reports (ORCPT, NOTIFY) is delivered on its own. In the message's arena. */
const char *message_recipient_key(const struct message *message, char *const argv[]);
/* Is it among the accepted recipients? (It will be delivered once, so it counts once.) Only the first are looked at: Postfix
 * remembers no more than a thousand addresses of a message (duplicate_filter_limit), and delivers again to the others. */
enum { RECIPIENTS_REMEMBERED = 1000 };
bool message_has_recipient(const struct message *message, const char *key);
void message_add_recipient(struct message *message, const char *recipient, const char *key, const struct decision *decision);

#endif
