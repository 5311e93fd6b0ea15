/* domain_check.c: see domain_check.h: the rules. */
#include <stdio.h>
#include <string.h>
#include "schema/domain_check.h"

enum { RECORD, DOUBLED, AT_DOMAIN }; /* of the questions */

void tg_domain_questions(const Tg__Domain *domain,
                         struct tg_dns_question questions[TG_OWNERSHIP_QUESTIONS])
{
    questions[RECORD] = tg_dns_question(TG_DNS_TXT, "_tollgate.%s", domain->domain);
    questions[DOUBLED] =
        tg_dns_question(TG_DNS_TXT, "_tollgate.%s.%s", domain->domain, domain->domain);
    questions[AT_DOMAIN] = tg_dns_question(TG_DNS_TXT, "%s", domain->domain);
}

static bool is_value(const char *text, const char *wanted)
{
    size_t len;
    text += strspn(text, " ");
    len = strlen(text);
    while (len > 0 && text[len - 1] == ' ')
        len--;
    return len == strlen(wanted) && memcmp(text, wanted, len) == 0;
}

static bool has_value(const struct tg_dns_question *question, const char *wanted)
{
    for (size_t i = 0; i < question->records.count; i++)
        if (is_value(question->records.text[i], wanted))
            return true;
    return false;
}

/* The first record that looks like one of ours, else the first. */
static const char *nearest(const struct tg_dns_question *question)
{
    for (size_t i = 0; i < question->records.count; i++)
        if (strstr(question->records.text[i], "tollgate-verify") != NULL)
            return question->records.text[i];
    return question->records.text[0];
}

void tg_domain_read_answers(const Tg__Domain *domain, const struct tg_dns_question *q, size_t count,
                            struct tg_finding *finding)
{
    char wanted[100];
    const char *name = q[RECORD].name;
    snprintf(wanted, sizeof wanted, "tollgate-verify=%s", domain->token);
    finding->text[0] = '\0';
    if (q[RECORD].state == TG_DNS_UNKNOWN) {
        finding->state = TG_FINDING_UNKNOWN;
        snprintf(finding->text, sizeof finding->text,
                 "the DNS could not tell what is at %.260s: %.100s", name, q[RECORD].why);
    } else if (has_value(&q[RECORD], wanted)) {
        finding->state = TG_FINDING_OWNED;
    } else if (q[RECORD].records.count > 0) {
        finding->state = TG_FINDING_WRONG;
        snprintf(finding->text, sizeof finding->text,
                 "the TXT record at %.200s is \"%.60s\": it must be \"%s\"", name,
                 nearest(&q[RECORD]), wanted);
    } else {
        finding->state = TG_FINDING_MISSING;
        if (count > DOUBLED && has_value(&q[DOUBLED], wanted))
            snprintf(finding->text, sizeof finding->text,
                     "the TXT record is one level too deep, with the domain named twice: "
                     "it must be at %.253s",
                     name);
        else if (count > AT_DOMAIN && has_value(&q[AT_DOMAIN], wanted))
            snprintf(finding->text, sizeof finding->text,
                     "the TXT record is at the domain itself: it must be at %.253s", name);
        else
            snprintf(finding->text, sizeof finding->text,
                     "no TXT record at %.230s: publish \"%s\" there", name, wanted);
    }
}

bool tg_domain_check_due(const Tg__Domain *d, int64_t now)
{
    int64_t since = d->checked_at, wait = TG_CHECK_DAILY_S;
    if (d->trusted)
        return false;
    switch (d->status) {
    case TG__DOMAIN_STATUS__VERIFIED:
        wait = d->failed_checks > 0 ? TG_CHECK_FAILING_S : TG_CHECK_DAILY_S;
        break;
    case TG__DOMAIN_STATUS__FAILED:
        /* One made so by an earlier version tells by its last check. */
        if (now - (d->failing_since != 0 ? d->failing_since : d->checked_at) > TG_CHECK_GIVE_UP_S)
            return false;
        /* A customer who just publishes the record for the first time waits for it. */
        wait = now - d->created_at < TG_CHECK_DAILY_S ? TG_CHECK_PENDING_S : TG_CHECK_DAILY_S;
        break;
    default:
        if (now - d->created_at > TG_CHECK_GIVE_UP_S)
            return false;
        wait = TG_CHECK_PENDING_S;
        break;
    }
    /* A check of a time that has not come is one of a clock that was set back. */
    return since > now || now - since >= wait;
}

static void become(Tg__Domain *d, Tg__DomainStatus status, const char *reason)
{
    d->status = status;
    d->status_reason = (char *)reason;
}

void tg_domain_check_apply(Tg__Domain *d, const struct tg_finding *finding, int64_t now)
{
    /* The provider's word stands until the DNS confirms it. */
    if (finding->state == TG_FINDING_UNKNOWN || (d->trusted && finding->state != TG_FINDING_OWNED))
        return;
    d->checked_at = now;
    d->trusted = false;
    if (finding->state == TG_FINDING_OWNED) {
        d->failed_checks = 0;
        d->failing_since = 0;
        become(d, TG__DOMAIN_STATUS__VERIFIED, "");
        return;
    }
    if (d->status != TG__DOMAIN_STATUS__VERIFIED) {
        if (d->status != TG__DOMAIN_STATUS__FAILED || d->failing_since == 0)
            d->failing_since = now;
        become(d, TG__DOMAIN_STATUS__FAILED, finding->text);
        return;
    }
    if (d->failed_checks == 0)
        d->failing_since = now;
    d->failed_checks++;
    if (d->failed_checks < TG_CHECK_FAILURES || now - d->failing_since < TG_CHECK_FAILING_FOR_S) {
        d->status_reason = (char *)finding->text; /* still verified, and this is what is wrong */
        return;
    }
    d->failing_since = now;
    become(d, TG__DOMAIN_STATUS__FAILED, finding->text);
}
