/* policy.c: every rule, in the order of DESIGN 6. A new rule is a function, its row in `rules` and a file
 * in tests/policy.
 *
 * A rule may be asked at several stages, so that an administrator's change counts for the very next
 * command of a session that is already open. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "schema/calendar.h"
#include "schema/policy.h"

typedef enum tg_outcome rule_fn(const struct tg_facts *f, enum tg_stage stage, struct tg_verdict *v);

static enum tg_outcome refuse(struct tg_verdict *v, const char *code, const char *enhanced, const char *format, ...)
    TG_PRINTF(4, 5);
static enum tg_outcome refuse(struct tg_verdict *v, const char *code, const char *enhanced, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(v->text, sizeof v->text, format, args);
    va_end(args);
    v->kind = *code == '4' ? TG_DEFER : TG_REJECT;
    snprintf(v->code, sizeof v->code, "%s", code);
    snprintf(v->enhanced, sizeof v->enhanced, "%s", enhanced);
    return TG_REFUSE;
}

/* ---- what several rules ask ---- */

static bool has_return_path(const struct tg_facts *f)
{
    return *f->settings->return_path_canonical != '\0';
}

/* A report to a genuine token is accepted from anyone, so the account's own rules wait until it is known
 * that this is none. */
static bool may_be_report(const struct tg_facts *f, enum tg_stage stage)
{
    if (!f->null_sender || !has_return_path(f))
        return false;
    if (stage == TG_AT_MAIL)
        return true;
    if (stage == TG_AT_RCPT)
        return f->recipient_kind == TG_RCPT_REPORT || f->recipient_kind == TG_RCPT_BAD_TOKEN;
    return f->report;
}

static bool unknown_client(const struct tg_facts *f)
{
    return f->login == NULL && f->account == NULL && f->ip_accounts == 0;
}

/* Mail that no rule but return-path looks at. */
static bool untouched(const struct tg_facts *f)
{
    if (f->trusted)
        return true;
    if (f->return_path_listener || f->account != NULL || f->store_error != NULL)
        return false;
    if (f->login != NULL)
        return f->settings->unknown_logins == TG_UNKNOWN_IGNORE;
    return unknown_client(f) && f->settings->unknown_clients == TG_UNKNOWN_IGNORE;
}

/* Do the account's rules apply to this message, as far as it is known at this stage? */
static bool account_pays(const struct tg_facts *f, enum tg_stage stage)
{
    return f->account != NULL && !f->trusted && !f->return_path_listener && !may_be_report(f, stage);
}

/* Units that would have been taken if this stage's command were accepted. */
static uint64_t units_at(const struct tg_facts *f, enum tg_stage stage)
{
    return stage == TG_AT_MAIL || f->units == 0 ? 1 : f->units;
}

/* ---- the rules ---- */

static enum tg_outcome rule_client(const struct tg_facts *f, enum tg_stage stage, struct tg_verdict *v)
{
    if (untouched(f))
        return TG_SKIP;
    if (may_be_report(f, stage))
        return TG_PASS;
    if (f->return_path_listener)
        return refuse(v, "530", "5.7.0", "only delivery reports are taken here");
    if (f->account != NULL && f->account->ip_lock && !f->ip_authorised)
        return refuse(v, "530", "5.7.0", "this account sends from its authorised addresses only, and %s is none of them",
                      f->client != NULL ? f->client : "this client");
    if (f->login != NULL)
        return TG_PASS;
    if (f->account != NULL && f->account->ip_lock)
        return refuse(v, "530", "5.7.0", "this account needs authentication as well as an authorised address");
    if (f->account != NULL)
        return TG_PASS;
    if (f->ip_accounts > 1)
        return refuse(v, "530", "5.7.0", "%s is authorised for several accounts, and the sender's domain does not say "
                      "which is meant: authenticate", f->client != NULL ? f->client : "this client");
    return refuse(v, "530", "5.7.0", "authentication required");
}

static enum tg_outcome rule_login(const struct tg_facts *f, enum tg_stage stage, struct tg_verdict *v)
{
    if (untouched(f) || f->return_path_listener || may_be_report(f, stage) || f->login == NULL)
        return TG_SKIP;
    if (f->account != NULL)
        return TG_PASS;
    return refuse(v, "550", "5.7.1", "this login is not that of a sending account");
}

static enum tg_outcome rule_status(const struct tg_facts *f, enum tg_stage stage, struct tg_verdict *v)
{
    static const char *const remedy[] = {
        [TG_STATUS_ENABLED] = "",
        [TG_STATUS_WAITING] = "it starts when its order is paid",
        [TG_STATUS_ERROR] = "pay the open order to go on sending",
        [TG_STATUS_DISABLED] = "ask your provider",
    };
    if (!account_pays(f, stage))
        return TG_SKIP;
    enum tg_status status = tg_account_status(f->account);
    if (status == TG_STATUS_ENABLED)
        return TG_PASS;
    const char *reason = status == TG_STATUS_DISABLED ? f->account->disabled_reason : "";
    return refuse(v, "550", "5.7.1", "this account is %s%s%.150s: %s",
                  status == TG_STATUS_WAITING ? "waiting for payment" : status == TG_STATUS_ERROR ? "in error" : "disabled",
                  *reason != '\0' ? ", " : "", reason, remedy[status]);
}

static enum tg_outcome rule_plan(const struct tg_facts *f, enum tg_stage stage, struct tg_verdict *v)
{
    if (!account_pays(f, stage))
        return TG_SKIP;
    const struct tg_balance *b = &f->balance;
    const char *code = f->settings->exhausted == TG_EXHAUSTED_REJECT ? "550" : "452";
    const char *enhanced = *code == '5' ? "5.7.1" : "4.7.1";
    char date[TG_RFC3339_SIZE];
    uint64_t units = units_at(f, stage);

    if (b->outcome == TG_PLAN_NONE)
        return refuse(v, code, enhanced, "this account has no active plan");
    if (b->outcome == TG_PLAN_EXPIRED)
        return refuse(v, code, enhanced, "the prepaid package expired on %.10s", tg_rfc3339(b->expires, date));
    if (b->left >= units)
        return TG_PASS;
    const char *much = b->left == 0 ? "" : " this message would pass the limit;";
    if (f->account->plan == TG__PLAN_KIND__PREPAID)
        return refuse(v, code, enhanced, "the prepaid package is used up:%s %llu left", much, (unsigned long long)b->left);
    return refuse(v, code, enhanced, "the plan is used up:%s %llu of %llu used, renewed on %.10s", much,
                  (unsigned long long)b->used, (unsigned long long)b->limit, tg_rfc3339(b->period_end, date));
}

static enum tg_outcome rule_rate(const struct tg_facts *f, enum tg_stage stage, struct tg_verdict *v)
{
    if (!account_pays(f, stage))
        return TG_SKIP;
    const struct tg_balance *b = &f->balance;
    if (b->hour_left == UINT64_MAX && b->day_left == UINT64_MAX)
        return TG_SKIP;
    uint64_t units = units_at(f, stage);
    if (b->hour_left < units)
        return refuse(v, "450", "4.7.1", "too much in the last hour: %llu sent; try again later",
                      (unsigned long long)b->last_hour);
    if (b->day_left < units)
        return refuse(v, "450", "4.7.1", "too much in the last day: %llu sent; try again later",
                      (unsigned long long)b->last_day);
    return TG_PASS;
}

static enum tg_outcome rule_sender(const struct tg_facts *f, enum tg_stage stage, struct tg_verdict *v)
{
    if (!account_pays(f, stage) || f->null_sender)
        return TG_SKIP;
    if (f->sender_error != NULL)
        return refuse(v, "553", "5.7.1", "the sender address is refused: %s", f->sender_error);
    if (f->account->any_sender)
        return TG_SKIP;
    if (f->sender_match == TG_DOMAIN_ASSOCIATED)
        return TG_PASS;
    return refuse(v, "553", "5.7.1", "the sender's domain %.200s is not %s", f->sender_domain,
                  f->sender_match == TG_DOMAIN_UNVERIFIED ? "verified yet" : "associated with this account");
}

static enum tg_outcome rule_from(const struct tg_facts *f, enum tg_stage stage, struct tg_verdict *v)
{
    if (!account_pays(f, stage) || f->no_header)
        return TG_SKIP;
    if (f->from_error != NULL)
        return refuse(v, "550", "5.7.1", "%s", f->from_error);
    if (f->account->any_sender)
        return TG_SKIP;
    if (f->author_domain == NULL)
        return TG_PASS;
    return refuse(v, "550", "5.7.1", "the domain %.200s in %s is not %s", f->author_domain, f->author_field,
                  f->author_match == TG_DOMAIN_UNVERIFIED ? "verified yet" : "associated with this account");
}

static enum tg_outcome rule_unsubscribe(const struct tg_facts *f, enum tg_stage stage, struct tg_verdict *v)
{
    if (!account_pays(f, stage) || f->account->type != TG__ACCOUNT_TYPE__PROMOTIONAL ||
        f->settings->unsubscribe == TG_UNSUBSCRIBE_OFF)
        return TG_SKIP;
    if (f->list_unsubscribe)
        return TG_PASS;
    static const char missing[] = "promotional mail needs a List-Unsubscribe field";
    if (f->settings->unsubscribe == TG_UNSUBSCRIBE_REQUIRE)
        return refuse(v, "550", "5.7.1", "%s", missing);
    snprintf(v->warning, sizeof v->warning, "%s", missing);
    return TG_PASS;
}

static enum tg_outcome rule_recipients(const struct tg_facts *f, enum tg_stage stage, struct tg_verdict *v)
{
    if (!account_pays(f, stage))
        return TG_SKIP;
    uint64_t limit = f->account->max_recipients != 0 ? f->account->max_recipients : (uint64_t)f->settings->max_recipients;
    if (f->recipients <= limit)
        return TG_PASS;
    return refuse(v, "452", "4.5.3", "a message may have %llu recipient%s", (unsigned long long)limit, limit == 1 ? "" : "s");
}

static enum tg_outcome rule_return_path(const struct tg_facts *f, enum tg_stage stage, struct tg_verdict *v)
{
    (void)stage;
    if (f->trusted || !has_return_path(f))
        return TG_SKIP;
    if (f->recipient_kind == TG_RCPT_BAD_TOKEN)
        return refuse(v, "550", "5.7.1", "%s", f->token_error != NULL ? f->token_error : "no such return path");
    if (f->mixed)
        return refuse(v, "550", "5.7.1", "a delivery report can't go to other recipients as well");
    return f->recipient_kind == TG_RCPT_REPORT ? TG_PASS : TG_SKIP;
}

static enum tg_outcome rule_store(const struct tg_facts *f, enum tg_stage stage, struct tg_verdict *v)
{
    (void)stage;
    if (f->trusted)
        return TG_SKIP;
    if (f->store_error == NULL)
        return TG_PASS;
    /* What is wrong is for our log, not for the client. */
    return refuse(v, "451", "4.3.0", "temporary failure, try again later");
}

enum { AT_ALL = TG_AT_MAIL | TG_AT_RCPT | TG_AT_HEADERS | TG_AT_END };

static const struct rule {
    const char *name;
    unsigned stages;
    rule_fn *decide;
} rules[] = {
    { "client", AT_ALL, rule_client },
    { "login", AT_ALL, rule_login },
    { "status", AT_ALL, rule_status },
    { "plan", TG_AT_MAIL | TG_AT_RCPT | TG_AT_END, rule_plan },
    { "rate", TG_AT_MAIL | TG_AT_RCPT | TG_AT_END, rule_rate },
    /* At the end too: it must be in order for the very account that will pay. */
    { "sender", AT_ALL, rule_sender },
    { "from", TG_AT_HEADERS | TG_AT_END, rule_from },
    { "unsubscribe", TG_AT_HEADERS, rule_unsubscribe },
    { "recipients", TG_AT_RCPT, rule_recipients },
    { "return-path", TG_AT_RCPT, rule_return_path },
    { "store", AT_ALL, rule_store },
};
#define RULES (sizeof rules / sizeof *rules)
_Static_assert(RULES <= TG_RULES_MAX, "a trace has room for every rule");

const char *tg_rule_name(size_t index)
{
    return index < RULES ? rules[index].name : NULL;
}

/* ---- asking them ---- */

/* Where the store was not read nothing is known that another rule could go by. */
static enum tg_outcome ask(const struct rule *rule, const struct tg_facts *f, enum tg_stage stage, struct tg_verdict *v)
{
    if (f->store_error != NULL && rule->decide != rule_store)
        return TG_SKIP;
    enum tg_outcome outcome = rule->decide(f, stage, v);
    if (outcome == TG_REFUSE)
        v->rule = rule->name;
    return outcome;
}

static void accepted(const struct tg_facts *f, struct tg_verdict *v)
{
    memset(v, 0, sizeof *v);
    v->kind = TG_ACCEPT;
    v->rule = "";
    v->untouched = untouched(f);
}

void tg_decide(const struct tg_facts *facts, enum tg_stage stage, struct tg_verdict *verdict)
{
    accepted(facts, verdict);
    for (size_t i = 0; i < RULES; i++)
        if ((rules[i].stages & stage) != 0 && ask(&rules[i], facts, stage, verdict) == TG_REFUSE)
            return;
}

size_t tg_explain(const struct tg_facts *facts, unsigned stages, struct tg_verdict *verdict,
                  struct tg_rule_trace trace[TG_RULES_MAX])
{
    struct tg_verdict v;
    accepted(facts, verdict);
    accepted(facts, &v);
    for (size_t i = 0; i < RULES; i++) {
        trace[i].rule = rules[i].name;
        trace[i].outcome = TG_SKIP;
        *trace[i].text = '\0';
    }
    for (unsigned stage = TG_AT_MAIL; stage <= TG_AT_END; stage <<= 1) {
        for (size_t i = 0; i < RULES; i++) {
            if ((rules[i].stages & stages & stage) == 0 || trace[i].outcome == TG_REFUSE)
                continue;
            enum tg_outcome outcome = ask(&rules[i], facts, (enum tg_stage)stage, &v);
            if (outcome == TG_SKIP)
                continue;
            trace[i].outcome = outcome;
            if (outcome == TG_PASS && *v.warning == '\0')
                continue;
            snprintf(trace[i].text, sizeof trace[i].text, "%s", outcome == TG_REFUSE ? v.text : v.warning);
            if (outcome == TG_REFUSE && verdict->kind == TG_ACCEPT)
                *verdict = v;
            else if (verdict->kind == TG_ACCEPT && *v.warning != '\0')
                memcpy(verdict->warning, v.warning, sizeof verdict->warning);
            accepted(facts, &v);
        }
    }
    return RULES;
}

void tg_verdict_of_charge(const struct tg_facts *facts, enum tg_code code, struct tg_verdict *verdict)
{
    accepted(facts, verdict);
    if (code == TG_OK)
        return;
    if (code == TG_NOT_FOUND) {
        verdict->rule = "status";
        refuse(verdict, "550", "5.7.1", "this account is no longer enabled: ask your provider");
    } else if (code == TG_REFUSED) {
        verdict->rule = "plan";
        if (rule_plan(facts, TG_AT_END, verdict) == TG_REFUSE)
            return;
        verdict->rule = "rate";
        if (rule_rate(facts, TG_AT_END, verdict) == TG_REFUSE)
            return;
        /* Another session gave back what it had taken since: the client may try again. */
        verdict->rule = "plan";
        refuse(verdict, "452", "4.7.1", "another message took what was left of the plan; try again");
    } else {
        verdict->rule = "store";
        refuse(verdict, "451", "4.3.0", "temporary failure, try again later");
    }
}
