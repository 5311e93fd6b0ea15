/* dns.h: questions to the DNS, asked and waited for (c-ares). It knows nothing of domains and their
 * rules.
 *
 * It blocks for up to `total_ms`: never ask inside a view, a change or an event loop's turn. A new
 * channel is made for each resolver that is asked, so source ports differ and resolv.conf is read
 * afresh. */
#ifndef TG_DNS_H
#define TG_DNS_H

#include "schema/arena.h"
#include "schema/dns_message.h"
#include "schema/settings.h"

/* NO_NAME and NO_RECORD are answers; UNKNOWN is none: every resolver failed, and `why` tells how
 * the last of them did. */
enum tg_dns_state { TG_DNS_UNKNOWN, TG_DNS_FOUND, TG_DNS_NO_RECORD, TG_DNS_NO_NAME };

enum { TG_DNS_NAME = 320, TG_DNS_WHY = 160 };

struct tg_dns_question {
    /* in */
    enum tg_dns_type type;
    char name[TG_DNS_NAME];
    /* out */
    enum tg_dns_state state;
    struct tg_dns_records records; /* FOUND; in the arena */
    char why[TG_DNS_WHY]; /* UNKNOWN: "127.0.0.1:53 did not answer in time" */
};

struct tg_dns_options {
    const struct tg_list *resolvers; /* as tollgate.conf has them; empty: the system's */
    int total_ms; /* for all questions together */
};
struct tg_dns_options tg_dns_options(const struct tg_settings *settings);

/* The question of this type; the name is printed into it, cut where it is too long (and then has no
 * answer). */
struct tg_dns_question tg_dns_question(enum tg_dns_type type, const char *format, ...)
    TG_PRINTF(2, 3);

/* Asks all at the same time. The resolvers take turns, twice: whatever one of them can't tell
 * (SERVFAIL, REFUSED, silence) is asked of the next. Aliases (CNAME) are followed, TCP takes over
 * where an answer is too long for UDP. TG_OK: each question has its state. TG_UNUSABLE: no resolver
 * can be asked at all. */
enum tg_code tg_dns_ask(const struct tg_dns_options *options, struct tg_arena *arena,
                        struct tg_dns_question *questions, size_t count,
                        struct tg_error *err) TG_MUST_CHECK;

#endif
