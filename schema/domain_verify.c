/* domain_verify.c: see domain_check.h: the rules applied, the DNS asked between a view and a
 * change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "schema/audit.h"
#include "schema/domain_check.h"
#include "schema/metrics.h"
#include "schema/now.h"

enum { AT_A_TIME = 100, RENEW_EVERY = 1000, SILENCES = AT_A_TIME, HOUR_S = 3600 };

/* What is to be checked, copied out of the view. */
struct candidate {
    char domain[TG_DOMAIN_MAX + 1];
    Tg__Domain copy; /* domain and token only */
    struct tg_finding finding;
    bool failed; /* verified before, failed now */
};

static const char *state_text(struct tg_arena *arena, const Tg__Domain *d)
{
    const char *name = tg_domain_status_name(d->status);
    return *d->status_reason == '\0' ? name
                                     : tg_arena_printf(arena, "%s: %s", name, d->status_reason);
}

/* Writes a finding. What has changed meanwhile (removed, or added anew with another token) was not
 * what was asked about. A check that confirms what is known is no news for the audit log. */
static enum tg_code write_finding(struct tg_change *change, struct candidate *c, int64_t now,
                                  Tg__Domain **domain, struct tg_error *err)
{
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    enum tg_code code = tg_domain_get(tg_change_view(change), c->domain, domain, err);
    c->failed = false;
    if (code != TG_OK)
        return code;
    if (strcmp((*domain)->token, c->copy.token) != 0)
        return tg_fail(err, TG_FAILED, "%s was changed meanwhile: verify it again", c->domain);
    const char *before = state_text(arena, *domain);
    Tg__DomainStatus status_before = (*domain)->status;
    tg_domain_check_apply(*domain, &c->finding, now);
    const char *after = state_text(arena, *domain);
    c->failed = status_before == TG__DOMAIN_STATUS__VERIFIED &&
                (*domain)->status == TG__DOMAIN_STATUS__FAILED;
    if (strcmp(before, after) != 0)
        tg_audit(change, now, "domain verify", c->domain, before, after);
    struct tg_key key = tg_key_name(c->domain);
    tg_put_record(change, TG_DB_DOMAINS, &key, &(*domain)->base);
    return tg_change_error(change, err);
}

static void take(struct candidate *c, struct tg_arena *arena, const Tg__Domain *domain)
{
    *c = (struct candidate){.copy = TG__DOMAIN__INIT};
    snprintf(c->domain, sizeof c->domain, "%s", domain->domain);
    c->copy.domain = tg_arena_strdup(arena, domain->domain);
    c->copy.token = tg_arena_strdup(arena, domain->token);
}

/* ---- one, by hand ---- */

struct verify {
    struct candidate candidate;
    int64_t now;
    Tg__DomainStatus status;
};

static enum tg_code verify_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct verify *v = arg;
    Tg__Domain *domain;
    enum tg_code code = write_finding(change, &v->candidate, v->now, &domain, err);
    if (code == TG_OK)
        v->status = domain->status;
    return code;
}

static enum tg_code read_one(struct tg_store *store, struct tg_arena *arena, const char *name,
                             struct candidate *c, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Domain *domain;
    enum tg_code code = tg_view_begin(store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_domain_get(view, name, &domain, err);
    if (code == TG_OK)
        take(c, arena, domain);
    tg_view_end(&view);
    return code;
}

enum tg_code tg_domain_verify(struct tg_store *store, const struct tg_dns_options *dns,
                              const char *name, int64_t now, struct tg_error *err)
{
    struct tg_arena *arena = tg_arena_new();
    struct tg_dns_question questions[TG_OWNERSHIP_QUESTIONS];
    struct verify v = {.now = now};
    struct tg_finding *finding = &v.candidate.finding;
    enum tg_code code = read_one(store, arena, name, &v.candidate, err);
    if (code != TG_OK)
        goto out;
    tg_domain_questions(&v.candidate.copy, questions);
    if ((code = tg_dns_ask(dns, arena, questions, TG_OWNERSHIP_QUESTIONS, err)) != TG_OK)
        goto out;
    tg_domain_read_answers(&v.candidate.copy, questions, TG_OWNERSHIP_QUESTIONS, finding);
    if (finding->state == TG_FINDING_UNKNOWN) {
        code = tg_fail(err, TG_FAILED, "%s (nothing was changed; try again later)", finding->text);
        goto out;
    }
    if ((code = tg_store_change(store, verify_in, &v, err)) != TG_OK)
        goto out;
    if (finding->state != TG_FINDING_OWNED)
        code = tg_fail(err, TG_REFUSED, "%s%s",
                       v.status == TG__DOMAIN_STATUS__VERIFIED ? "still verified, but " : "",
                       finding->text);
out:
    tg_arena_free(&arena);
    return code;
}

enum tg_code tg_domain_trust(struct tg_change *change, const char *name, int64_t now,
                             struct tg_error *err)
{
    Tg__Domain *domain;
    enum tg_code code = tg_domain_set_status(change, name, TG__DOMAIN_STATUS__VERIFIED,
                                             "trusted by the provider", now, err);
    if (code == TG_OK)
        code = tg_domain_get(tg_change_view(change), name, &domain, err);
    if (code != TG_OK)
        return code;
    domain->trusted = true;
    domain->failed_checks = 0;
    domain->failing_since = 0;
    struct tg_key key = tg_key_name(domain->domain);
    tg_put_record(change, TG_DB_DOMAINS, &key, &domain->base);
    return tg_change_error(change, err);
}

/* ---- all that are due ---- */

struct group {
    struct candidate candidate[AT_A_TIME];
    size_t count;
    struct tg_key next; /* where the walk goes on */
    char start[2];      /* where it began: all before it come last */
    bool wrapped, end;
    int64_t now;
};

/* Each hour begins at another letter: where only some can be asked, it is each one's turn some day. */
static void begin_group(struct group *g, int64_t now)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    *g = (struct group){.now = now, .start = {letters[now / HOUR_S % (int64_t)(sizeof letters - 1)]}};
    g->next = tg_key_name(g->start);
}

/* The next ones that are due. In a dry run all of them are counted, and none is taken. */
static enum tg_code read_group(struct tg_store *store, struct tg_arena *arena, struct group *g,
                               bool dry_run, struct tg_domain_sweep *result, struct tg_error *err)
{
    struct tg_key all = tg_key_all();
    struct tg_view *view;
    struct tg_walk *walk;
    Tg__Domain *domain;
    size_t seen = 0;
    g->count = 0;
    enum tg_code code = tg_view_begin(store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_walk_begin(view, TG_DB_DOMAINS, &all, g->next.len > 0 ? &g->next : NULL, TG_FORWARD,
                         &walk, err);
    if (code != TG_OK) {
        tg_view_end(&view);
        return code;
    }
    while ((code = tg_domain_next(view, walk, &domain, err)) == TG_OK) {
        g->next = tg_key_name(domain->domain);
        if (g->wrapped && strcmp(domain->domain, g->start) >= 0) {
            code = TG_NOT_FOUND;
            break;
        }
        /* The arena of a view grows with what is read: a long walk is cut in pieces. */
        if (g->count == AT_A_TIME || ++seen > RENEW_EVERY)
            break;
        if (!tg_domain_check_due(domain, g->now))
            continue;
        result->due++;
        if (!dry_run)
            take(&g->candidate[g->count++], arena, domain);
    }
    tg_walk_end(&walk);
    tg_view_end(&view);
    if (code != TG_NOT_FOUND)
        return code;
    g->end = g->wrapped;
    g->wrapped = true;
    g->next.len = 0;
    return TG_OK;
}

static enum tg_code write_group(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct group *g = arg;
    Tg__Domain *domain;
    for (size_t i = 0; i < g->count; i++) {
        if (g->candidate[i].finding.state == TG_FINDING_UNKNOWN)
            continue;
        enum tg_code code = write_finding(change, &g->candidate[i], g->now, &domain, err);
        if (code != TG_OK && code != TG_NOT_FOUND && code != TG_FAILED)
            return code;
    }
    return tg_change_error(change, err);
}

static enum tg_code ask_group(struct group *g, const struct tg_dns_options *dns,
                              struct tg_arena *arena, struct tg_error *err)
{
    struct tg_dns_question *questions = tg_arena_calloc(arena, g->count, sizeof *questions);
    struct tg_dns_question three[TG_OWNERSHIP_QUESTIONS];
    for (size_t i = 0; i < g->count; i++) {
        tg_domain_questions(&g->candidate[i].copy, three);
        questions[i] = three[0];
    }
    enum tg_code code = tg_dns_ask(dns, arena, questions, g->count, err);
    for (size_t i = 0; code == TG_OK && i < g->count; i++)
        tg_domain_read_answers(&g->candidate[i].copy, &questions[i], 1, &g->candidate[i].finding);
    return code;
}

static void count_group(const struct group *g, struct tg_domain_sweep *result, size_t *silences)
{
    for (size_t i = 0; i < g->count; i++) {
        enum tg_finding_state state = g->candidate[i].finding.state;
        *silences = state == TG_FINDING_UNKNOWN ? *silences + 1 : 0;
        result->unknown += state == TG_FINDING_UNKNOWN;
        result->owned += state == TG_FINDING_OWNED;
        result->not_owned += state == TG_FINDING_MISSING || state == TG_FINDING_WRONG;
        result->failed += g->candidate[i].failed;
        if (state == TG_FINDING_UNKNOWN)
            snprintf(result->why, sizeof result->why, "%s", g->candidate[i].finding.text);
        if (g->candidate[i].failed && result->failed_fn != NULL)
            result->failed_fn(result->arg, g->candidate[i].domain, g->candidate[i].finding.text);
    }
}

static enum tg_code check_group(struct tg_store *store, const struct tg_dns_options *dns, struct group *g,
                                struct tg_arena *arena, struct tg_domain_sweep *result, size_t *silences,
                                struct tg_error *err)
{
    enum tg_code code = ask_group(g, dns, arena, err);
    if (code == TG_OK)
        code = tg_store_change(store, write_group, g, err);
    if (code == TG_OK)
        count_group(g, result, silences);
    return code;
}

enum tg_code tg_domain_check_all(struct tg_store *store, const struct tg_dns_options *dns,
                                 int64_t now, bool dry_run, struct tg_domain_sweep *result,
                                 struct tg_error *err)
{
    const int64_t began = tg_ticks_ms();
    struct tg_arena *arena = tg_arena_new();
    struct group *g = tg_xcalloc(1, sizeof *g);
    size_t silences = 0;
    enum tg_code code = TG_OK;
    *result = (struct tg_domain_sweep){
        .stop = result->stop, .most_ms = result->most_ms, .failed_fn = result->failed_fn, .arg = result->arg};
    begin_group(g, now);
    while (code == TG_OK && !g->end && !(result->stop != NULL && *result->stop)) {
        tg_arena_reset(arena);
        code = read_group(store, arena, g, dry_run, result, err);
        if (code != TG_OK || g->count == 0)
            continue;
        result->gave_up = silences >= SILENCES ||
                          (result->most_ms > 0 && tg_ticks_ms() - began > result->most_ms);
        if (result->gave_up)
            break;
        code = check_group(store, dns, g, arena, result, &silences, err);
    }
    free(g);
    tg_arena_free(&arena);
    return code;
}
