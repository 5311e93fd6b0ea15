/* domain_dns.c: see domain_dns.h. One question for each thing, all asked together, then one reader
 * a fact. */
#include <string.h>
#include <strings.h>
#include "schema/domain_check.h"
#include "schema/domain_dns.h"
#include "schema/domain_name.h"

/* The questions, in this order; the selectors' follow. */
enum {
    OWN,
    AT_DOMAIN = 2,
    DMARC = 3,
    DMARC_PARENT,
    KEYS,
    PATH_MX,
    PATH_A,
    PATH_AAAA,
    PATH_TXT,
    SELECTORS,
    ALL = SELECTORS + TG_SELECTORS_MAX
};

struct looking {
    const struct tg_settings *settings;
    const Tg__Domain *domain;
    struct tg_arena *arena;
    struct tg_dns_question q[ALL];
    size_t selectors;
    struct tg_domain_facts *facts;
};

const char *tg_fact_state_name(enum tg_fact_state state)
{
    static const char *const names[] = {"unknown", "found", "missing", "wrong"};
    return names[state];
}

static void add(struct looking *l, const char *key, enum tg_fact_state state, const char *name,
                const char *value, const char *text)
{
    l->facts->fact[l->facts->count++] =
        (struct tg_domain_fact){key, state, tg_arena_strdup(l->arena, name), value, text};
}

static void add_unknown(struct looking *l, const char *key, const struct tg_dns_question *q)
{
    add(l, key, TG_FACT_UNKNOWN, q->name, NULL,
        tg_arena_printf(l->arena, "the DNS could not tell: %s", q->why));
}

/* The records that begin with this tag ("v=spf1"), as a whole word. */
static size_t tagged(const struct tg_dns_question *q, const char *tag, const char **first)
{
    size_t count = 0, len = strlen(tag);
    *first = NULL;
    for (size_t i = 0; i < q->records.count; i++) {
        const char *text = q->records.text[i];
        if (strncasecmp(text, tag, len) != 0 ||
            (text[len] != '\0' && strchr(" ;\t", text[len]) == NULL))
            continue;
        *first = *first != NULL ? *first : text;
        count++;
    }
    return count;
}

/* ---- a reader a fact ---- */

static void read_ownership(struct looking *l)
{
    static const enum tg_fact_state states[] = {
        [TG_FINDING_UNKNOWN] = TG_FACT_UNKNOWN,
        [TG_FINDING_OWNED] = TG_FACT_FOUND,
        [TG_FINDING_MISSING] = TG_FACT_MISSING,
        [TG_FINDING_WRONG] = TG_FACT_WRONG,
    };
    struct tg_finding finding;
    tg_domain_read_answers(l->domain, &l->q[OWN], TG_OWNERSHIP_QUESTIONS, &finding);
    const char *value = l->q[OWN].records.count > 0 ? l->q[OWN].records.text[0] : NULL;
    add(l, "ownership", states[finding.state], l->q[OWN].name,
        finding.state == TG_FINDING_OWNED
            ? tg_arena_printf(l->arena, "tollgate-verify=%s", l->domain->token)
            : value,
        tg_arena_strdup(l->arena, finding.text));
}

static void read_spf(struct looking *l, const char *key, const struct tg_dns_question *q)
{
    const char *first;
    size_t count = tagged(q, "v=spf1", &first);
    if (q->state == TG_DNS_UNKNOWN)
        add_unknown(l, key, q);
    else if (count == 0)
        add(l, key, TG_FACT_MISSING, q->name, NULL,
            "no TXT record \"v=spf1 …\": publish one that names this relay");
    else if (count > 1)
        add(l, key, TG_FACT_WRONG, q->name, first,
            tg_arena_printf(
                l->arena,
                "%zu records \"v=spf1 …\", and receivers take that for none: make them one",
                count));
    else
        add(l, key, TG_FACT_FOUND, q->name, first, "");
}

static void read_dkim(struct looking *l)
{
    const struct tg_dns_question *unknown = NULL;
    char list[400] = "";
    for (size_t i = 0; i < l->selectors; i++) {
        const struct tg_dns_question *q = &l->q[SELECTORS + i];
        const char *key;
        if (tagged(q, "v=DKIM1", &key) > 0 ||
            (q->records.count > 0 && strstr(key = q->records.text[0], "p=") != NULL)) {
            add(l, "dkim", TG_FACT_FOUND, q->name, key, "");
            return;
        }
        unknown = q->state == TG_DNS_UNKNOWN ? q : unknown;
        size_t len = strlen(list);
        snprintf(list + len, sizeof list - len, "%s%s", i > 0 ? ", " : "",
                 l->settings->dkim_selectors.item[i]);
    }
    if (unknown != NULL)
        add_unknown(l, "dkim", unknown);
    else if (l->selectors == 0)
        add(l, "dkim", TG_FACT_UNKNOWN, l->q[KEYS].name, NULL,
            "not looked for: dkim_selectors is empty");
    /* RFC 8020: a name that does not exist has nothing below it. */
    else if (l->q[KEYS].state == TG_DNS_NO_NAME)
        add(l, "dkim", TG_FACT_MISSING, l->q[KEYS].name, NULL,
            "there is no DKIM key at any selector");
    else
        add(l, "dkim", TG_FACT_MISSING, l->q[KEYS].name, NULL,
            tg_arena_printf(l->arena, "none at the selectors %s; others may exist (dkim_selectors)",
                            list));
}

static void read_dmarc(struct looking *l)
{
    const struct tg_dns_question *q = &l->q[DMARC];
    const char *first;
    size_t count = tagged(q, "v=DMARC1", &first);
    if (count == 0 && q->state != TG_DNS_UNKNOWN && *l->q[DMARC_PARENT].name != '\0') {
        q = &l->q[DMARC_PARENT];
        count = tagged(q, "v=DMARC1", &first);
    }
    if (q->state == TG_DNS_UNKNOWN)
        add_unknown(l, "dmarc", q);
    else if (count == 1)
        add(l, "dmarc", TG_FACT_FOUND, q->name, first, "");
    else if (count > 1)
        add(l, "dmarc", TG_FACT_WRONG, q->name, first,
            "more than one record \"v=DMARC1 …\", and receivers take that for none");
    else
        add(l, "dmarc", TG_FACT_MISSING, l->q[DMARC].name, NULL,
            "no TXT record: publish \"v=DMARC1; p=none; rua=mailto:…\" to begin with");
}

static void read_return_path(struct looking *l)
{
    const struct tg_dns_question *mx = &l->q[PATH_MX], *a = &l->q[PATH_A], *aaaa = &l->q[PATH_AAAA];
    if (*mx->name == '\0')
        return;
    const struct tg_dns_question *found = mx->records.count > 0     ? mx
                                          : a->records.count > 0    ? a
                                          : aaaa->records.count > 0 ? aaaa
                                                                    : NULL;
    if (found == mx && strcmp(mx->records.text[0], "0 .") == 0)
        add(l, "return_path", TG_FACT_WRONG, mx->name, mx->records.text[0],
            "the MX says that it takes no mail (RFC 7505): reports get lost");
    else if (found != NULL)
        add(l, "return_path", TG_FACT_FOUND, mx->name,
            tg_arena_printf(l->arena, found == mx ? "MX %s" : "address %s", found->records.text[0]),
            "");
    else if (mx->state == TG_DNS_UNKNOWN || a->state == TG_DNS_UNKNOWN ||
             aaaa->state == TG_DNS_UNKNOWN)
        add_unknown(l, "return_path",
                    mx->state == TG_DNS_UNKNOWN  ? mx
                    : a->state == TG_DNS_UNKNOWN ? a
                                                 : aaaa);
    else
        add(l, "return_path", TG_FACT_MISSING, mx->name, NULL,
            "no MX and no address: reports can't come back; publish an MX that names this relay");
    read_spf(l, "return_path_spf", &l->q[PATH_TXT]);
}

/* ---- asking ---- */

static void prepare(struct looking *l)
{
    const char *domain = l->domain->domain, *parent = tg_domain_registrable(domain),
               *path = l->settings->return_path_canonical;
    tg_domain_questions(l->domain, &l->q[OWN]);
    l->q[DMARC] = tg_dns_question(TG_DNS_TXT, "_dmarc.%s", domain);
    if (parent != NULL && strcmp(parent, domain) != 0)
        l->q[DMARC_PARENT] = tg_dns_question(TG_DNS_TXT, "_dmarc.%s", parent);
    l->q[KEYS] = tg_dns_question(TG_DNS_TXT, "_domainkey.%s", domain);
    if (*path != '\0') {
        l->q[PATH_MX] = tg_dns_question(TG_DNS_MX, "%s", path);
        l->q[PATH_A] = tg_dns_question(TG_DNS_A, "%s", path);
        l->q[PATH_AAAA] = tg_dns_question(TG_DNS_AAAA, "%s", path);
        l->q[PATH_TXT] = tg_dns_question(TG_DNS_TXT, "%s", path);
    }
    const struct tg_list *selectors = &l->settings->dkim_selectors;
    for (; l->selectors < selectors->count && l->selectors < TG_SELECTORS_MAX; l->selectors++)
        l->q[SELECTORS + l->selectors] =
            tg_dns_question(TG_DNS_TXT, "%s._domainkey.%s", selectors->item[l->selectors], domain);
}

/* The questions that have a name, in one go. */
static enum tg_code ask(struct looking *l, struct tg_error *err)
{
    struct tg_dns_options options = tg_dns_options(l->settings);
    struct tg_dns_question *list = tg_arena_calloc(l->arena, ALL, sizeof *list);
    size_t at[ALL] = { 0 }, count = 0;
    for (size_t i = 0; i < ALL; i++)
        if (*l->q[i].name != '\0') {
            list[count] = l->q[i];
            at[count++] = i;
        }
    enum tg_code code = tg_dns_ask(&options, l->arena, list, count, err);
    for (size_t i = 0; i < count; i++)
        l->q[at[i]] = list[i];
    return code;
}

enum tg_code tg_domain_facts(const struct tg_settings *settings, const Tg__Domain *domain,
                             struct tg_arena *arena, struct tg_domain_facts *facts,
                             struct tg_error *err)
{
    struct looking *l = tg_arena_calloc(arena, 1, sizeof *l);
    *l = (struct looking){.settings = settings, .domain = domain, .arena = arena, .facts = facts};
    facts->count = 0;
    prepare(l);
    enum tg_code code = ask(l, err);
    if (code != TG_OK)
        return code;
    read_ownership(l);
    read_spf(l, "spf", &l->q[AT_DOMAIN]);
    read_dkim(l);
    read_dmarc(l);
    read_return_path(l);
    return TG_OK;
}
