/* policy.h: the decision: facts in, verdict out (DESIGN 6). No I/O, no clock, no memory.
 *
 * The milter asks at each stage and stops at the first refusal; `tollgate explain` asks every rule; the
 * policy door asks the rules of MAIL. facts.h gathers the facts. The rules stand in policy.c, in the order of
 * DESIGN 6. */
#ifndef TG_POLICY_H
#define TG_POLICY_H

#include "schema/account.h"
#include "schema/domain.h"
#include "schema/plan.h"
#include "schema/settings.h"

/* Bits, for a rule may be asked at several. */
enum tg_stage { TG_AT_MAIL = 1, TG_AT_RCPT = 2, TG_AT_HEADERS = 4, TG_AT_END = 8 };

enum tg_recipient_kind {
    TG_RCPT_NONE,
    TG_RCPT_ORDINARY,
    TG_RCPT_REPORT,   /* genuine, unexpired token at the return-path domain */
    TG_RCPT_BAD_TOKEN /* anything else at the return-path domain */
};

struct tg_facts {
    const struct tg_settings *settings;
    const char *store_error;   /* NULL: the store was read */

    /* the client */
    bool trusted;              /* in trusted_networks, and not on a return-path listener */
    bool return_path_listener; /* this session can do nothing but bring reports */
    const char *login;         /* sasl_username; NULL: not authenticated */
    const char *client;        /* address, for the text; NULL: no IP socket */
    size_t ip_accounts;        /* accounts for which this address is authorised; >1: the sender's domain left
                                  not exactly one */
    bool ip_authorised;        /* the address is authorised for `account` */

    /* the account meant; NULL: none */
    const Tg__Account *account;
    struct tg_balance balance; /* of its plan */

    /* the message */
    bool null_sender;
    const char *sender;        /* reverse-path as given, without brackets */
    const char *sender_error;  /* it does not parse: why */
    const char *sender_domain; /* canonical */
    enum tg_domain_match sender_match;

    /* this RCPT, and what would then be in the message */
    enum tg_recipient_kind recipient_kind;
    const char *token_error;
    bool mixed;                /* reports and ordinary recipients in one message */
    uint64_t recipients;       /* distinct ordinary ones, this one included */
    uint64_t units;            /* that the plan would pay */

    /* the header; from_error NULL and author_domain NULL: From is in order */
    bool no_header;            /* it is not read yet, or not asked about */
    bool report;               /* all recipients are report addresses: the message's header is not ours to judge */
    const char *from_error;
    const char *author_field;  /* "From" or "Sender": where author_domain stands */
    const char *author_domain; /* the first foreign or unverified one */
    enum tg_domain_match author_match;
    bool list_unsubscribe;
};

enum tg_verdict_kind { TG_ACCEPT, TG_REJECT, TG_DEFER };

struct tg_verdict {
    enum tg_verdict_kind kind;
    bool untouched;        /* accepted without any rule: trusted, or unknown and ignored */
    const char *rule;      /* that decided; "" where accepted. Static. */
    char code[4];          /* "550"; "" where accepted */
    char enhanced[8];      /* "5.7.1" */
    char text[300];        /* a sentence for people, printable ASCII or UTF-8 without controls */
    char warning[200];     /* accepted, but (unsubscribe = warn); or "" */
};

enum tg_outcome { TG_PASS, TG_REFUSE, TG_SKIP };

struct tg_rule_trace {
    const char *rule;
    enum tg_outcome outcome;
    char text[300];
};
enum { TG_RULES_MAX = 16 };

/* What the MTA is to be told at this stage. */
void tg_decide(const struct tg_facts *facts, enum tg_stage stage, struct tg_verdict *verdict);

/* All rules at all stages given (bits): trace gets one entry a rule, in order; the verdict is the first
 * refusal's, in the order in which the milter would meet it (stage, then rule). Returns the number of entries. */
size_t tg_explain(const struct tg_facts *facts, unsigned stages, struct tg_verdict *verdict,
                  struct tg_rule_trace trace[TG_RULES_MAX]);

/* The verdict of a charge that did not go through at end of message: TG_NOT_FOUND and TG_UNUSABLE included. */
void tg_verdict_of_charge(const struct tg_facts *facts, enum tg_code code, struct tg_verdict *verdict);

/* The rule whose refusal this is; "client" … "store", in the order of DESIGN 6; NULL past the end. */
const char *tg_rule_name(size_t index);

#endif
