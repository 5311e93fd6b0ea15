/* domain_dns.h: what else the DNS should have for a sender domain, beside the proof of ownership:
 * SPF, DKIM, DMARC, and where reports come back to. Nothing here decides about mail; it is what an
 * administrator looks at first when mail is not accepted elsewhere. */
#ifndef TG_DOMAIN_DNS_H
#define TG_DOMAIN_DNS_H

#include "schema/dns.h"
#include "schema/records.pb-c.h"

enum tg_fact_state { TG_FACT_UNKNOWN, TG_FACT_FOUND, TG_FACT_MISSING, TG_FACT_WRONG };
const char *
tg_fact_state_name(enum tg_fact_state state); /* "unknown", "found", "missing", "wrong" */

struct tg_domain_fact {
    const char *key; /* "ownership", "spf", "dkim", "dmarc", "return_path", "return_path_spf" */
    enum tg_fact_state state;
    const char *name; /* where it was looked for, or found */
    const char *value; /* NULL: nothing there */
    const char *text; /* for people: what is missing and what to do; "" where all is well */
};

enum { TG_FACTS_MAX = 6, TG_SELECTORS_MAX = 16 };
struct tg_domain_facts {
    size_t count;
    struct tg_domain_fact fact[TG_FACTS_MAX];
};

/* Asks; everything is in the arena. SPF at the domain; DKIM at settings->dkim_selectors; DMARC at
 * the domain, else at its organisational domain (RFC 7489 6.6.3); where return_path_domain is set
 * its MX (or address) and SPF. Never in a view or change. */
enum tg_code tg_domain_facts(const struct tg_settings *settings, const Tg__Domain *domain,
                             struct tg_arena *arena, struct tg_domain_facts *facts,
                             struct tg_error *err) TG_MUST_CHECK;

#endif
