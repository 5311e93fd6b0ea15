/* domain_check.h: who owns a domain, as the DNS tells, and what that changes.
 *
 * Pending and failed domains: a check decides at once. Verified ones are looked at again by the
 * sweep: every day, and every six hours while the record is not as it should be; only three such
 * checks over three days make one failed, for a name server that is broken for a night must not
 * stop a customer's mail. A DNS that can't tell changes nothing, ever. A domain that the provider
 * trusts (domain verify --trust) is never checked. */
#ifndef TG_DOMAIN_CHECK_H
#define TG_DOMAIN_CHECK_H

#include <stdatomic.h>
#include "schema/dns.h"
#include "schema/domain.h"

enum {
    TG_CHECK_DAILY_S = 86400, /* verified; failed */
    TG_CHECK_FAILING_S = 6 * 3600, /* verified, and the last check found no record */
    TG_CHECK_PENDING_S = 3600,
    TG_CHECK_FAILURES = 3,
    TG_CHECK_FAILING_FOR_S = 3 * 86400,
    TG_CHECK_GIVE_UP_S = 30 * 86400, /* pending since; failed since: from then on by hand only */
};

enum tg_finding_state {
    TG_FINDING_UNKNOWN,
    TG_FINDING_OWNED,
    TG_FINDING_MISSING,
    TG_FINDING_WRONG
};
struct tg_finding {
    enum tg_finding_state state;
    char text[400]; /* for people: what was found and what to do; "" where owned */
};

/* ---- the rules; pure ---- */

/* What to ask: the record itself, then two places where it is put by mistake. */
enum { TG_OWNERSHIP_QUESTIONS = 3 };
void tg_domain_questions(const Tg__Domain *domain,
                         struct tg_dns_question questions[TG_OWNERSHIP_QUESTIONS]);
/* What the answers mean. The first count of them were asked; only the first is needed. */
void tg_domain_read_answers(const Tg__Domain *domain, const struct tg_dns_question *questions,
                            size_t count, struct tg_finding *finding);
bool tg_domain_check_due(const Tg__Domain *domain, int64_t now);
/* Puts a finding into the record. UNKNOWN changes nothing. */
void tg_domain_check_apply(Tg__Domain *domain, const struct tg_finding *finding, int64_t now);

/* ---- with store and DNS; never call these in a view or change ---- */

/* Asks, and writes what follows. TG_OK: it is verified. TG_REFUSED: it is not, or a verified one's
 * record is not as it should be; err has what to do. TG_FAILED: the DNS could not tell, nothing was
 * changed. */
enum tg_code tg_domain_verify(struct tg_store *store, const struct tg_dns_options *dns,
                              const char *name, int64_t now, struct tg_error *err) TG_MUST_CHECK;
/* Verified by the provider's word. */
enum tg_code tg_domain_trust(struct tg_change *change, const char *name, int64_t now,
                             struct tg_error *err) TG_MUST_CHECK;

/* The sweep's step: checks all domains that are due, some at a time, until none is left. `dry_run`
 * asks nobody and only counts. Where a hundred questions in a row found no answer, or the time is
 * over, it gives up, with TG_OK: the next sweep goes on, from another letter. */
struct tg_domain_sweep {
    /* in */
    const atomic_bool *stop; /* where it becomes true it ends after its group; NULL: never */
    int most_ms;             /* no more is asked after this time; 0: no limit */
    void (*failed_fn)(void *arg, const char *domain,
                      const char *reason); /* told of each verified one that failed; may be NULL */
    void *arg;
    /* out */
    uint64_t due, owned, not_owned, unknown;
    uint64_t failed; /* verified ones that became failed */
    bool gave_up;    /* others were due, and were not asked about */
    char why[400]; /* of the last that is unknown */
};
enum tg_code tg_domain_check_all(struct tg_store *store, const struct tg_dns_options *dns,
                                 int64_t now, bool dry_run, struct tg_domain_sweep *result,
                                 struct tg_error *err) TG_MUST_CHECK;

#endif
