/* facts.h: a store view and what the MTA said → facts for the policy. The only reader of the store for a
 * decision: the milter, `tollgate explain` and the policy door all come through here. */
#ifndef TG_FACTS_H
#define TG_FACTS_H

#include "schema/author.h"
#include "schema/policy.h"
#include "schema/token.h"

/* What a header says, read once at its end; independent of the store. */
struct tg_header {
    const char *error;          /* NULL, or why From or Sender is refused */
    struct tg_authors from, sender;
    bool list_unsubscribe;
};

/* What is known of a client and its message so far. Everything stays the caller's. */
struct tg_message {
    const struct tg_network *client; /* NULL: not an IP socket */
    const char *listener;            /* {daemon_name}; may be NULL */
    const char *login;               /* {auth_authen}; NULL or "": not authenticated */
    struct tg_span reverse_path;     /* MAIL's argument, brackets or not */
    struct tg_span recipient;        /* this RCPT's argument; len 0: none */
    uint64_t recipients;             /* distinct ordinary recipients, this one included */
    bool has_report;                 /* a recipient before this one was a report address */
    bool has_ordinary;
    const struct tg_header *header;  /* NULL before the end of the header */
};

/* Gathers afresh; *facts points into the view's arena and *message. Never fails: where the store can't be
 * read, facts->store_error says so and the policy defers. The account is the login's, else the one that the
 * client's address and the sender's domain name. */
void tg_facts_gather(struct tg_view *view, const struct tg_settings *settings, const struct tg_message *message,
                     int64_t now, struct tg_facts *facts);
/* Facts where not even a view could be had. */
void tg_facts_without_store(const struct tg_settings *settings, const struct tg_message *message,
                            const struct tg_error *why, struct tg_facts *facts);

/* The token of a return-path recipient that the facts called TG_RCPT_REPORT. */
enum tg_code tg_facts_token(struct tg_view *view, const struct tg_settings *settings, struct tg_span recipient,
                            int64_t now, struct tg_token *token, struct tg_error *err) TG_MUST_CHECK;

/* Where do reports for this token go: the account's notification address, else the original message's
 * reverse-path (from its activity). "" : nowhere (it was a null sender and there is no notification address).
 * *recipients: the original's; 0: its activity is gone. */
enum tg_code tg_report_address(struct tg_view *view, const struct tg_token *token, const char **address,
                               uint32_t *recipients, struct tg_error *err) TG_MUST_CHECK;

#endif
