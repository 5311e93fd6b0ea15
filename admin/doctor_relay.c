/* doctor_relay.c: who may relay, in which order restrictions stand, chroots, and the way back of reports. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "admin/doctor.h"
#include "schema/listen_address.h"

static const char *value_of(const struct doctor *d, const struct postfix_service *service, const char *name)
{
    const char *value = postfix_service_setting(d->postfix, service, name);
    return value != NULL ? value : "";
}

/* ---- who may relay ---- */

/* Where things stand in a list of restrictions; -1: not in it. */
struct chain {
    int policy; /* our policy door */
    int end; /* the first that refuses relaying to whoever comes to it */
    int permit; /* the first that lets everybody */
    int permit_networks, permit_logins;
};

static void read_chain(const struct doctor *d, const char *list, struct chain *chain)
{
    static const char *const ends[] = {"reject_unauth_destination", "defer_unauth_destination", "reject", "defer"};
    char word[400], before[400] = "";
    *chain = (struct chain){-1, -1, -1, -1, -1};
    for (int i = 0; postfix_word(&list, word, sizeof word); i++) {
        if (strcasecmp(before, "check_policy_service") == 0 && doctor_is_ours(d, &d->settings->policy_listen, word) &&
            chain->policy < 0)
            chain->policy = i;
        for (size_t e = 0; e < sizeof ends / sizeof *ends; e++)
            if (strcasecmp(word, ends[e]) == 0 && chain->end < 0)
                chain->end = i;
        if (strcasecmp(word, "permit") == 0 && chain->permit < 0)
            chain->permit = i;
        if (strcasecmp(word, "permit_mynetworks") == 0 && chain->permit_networks < 0)
            chain->permit_networks = i;
        if (strcasecmp(word, "permit_sasl_authenticated") == 0 && chain->permit_logins < 0)
            chain->permit_logins = i;
        memcpy(before, word, sizeof before);
    }
}

static void remedy_relay(struct doctor *d)
{
    if (d->settings->policy_listen.count > 0)
        doctor_remedy(
            d,
            "smtpd_relay_restrictions = permit_sasl_authenticated, check_policy_service %s, reject_unauth_destination",
            d->settings->policy_listen.item[0]);
    else
        doctor_remedy(d, "smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination");
}

/* true: this smtpd asks the policy door, where it can make a difference. */
static bool look_at_relay(struct doctor *d, const struct postfix_service *service)
{
    const char *name = *value_of(d, service, "smtpd_relay_restrictions") != '\0' ? "smtpd_relay_restrictions"
                                                                                 : "smtpd_recipient_restrictions";
    const char *list = value_of(d, service, name), *networks = value_of(d, service, "mynetworks");
    struct chain chain;
    char where[200];
    read_chain(d, list, &chain);
    doctor_where(d, service, name, where);
    if (chain.permit >= 0 && (chain.end < 0 || chain.permit < chain.end)) {
        doctor_error(d, "%s lets everybody relay%s: \"permit\" stands before reject_unauth_destination", name, where);
        remedy_relay(d);
    } else if (chain.policy >= 0 && chain.end >= 0 && chain.end < chain.policy) {
        doctor_error(d, "the policy door stands behind what refuses, in %s%s: it is never asked", name, where);
        remedy_relay(d);
        return true; /* told */
    }
    if (chain.permit_networks >= 0 && *networks != '\0' && (chain.policy < 0 || chain.permit_networks < chain.policy)) {
        const char *text = "%s lets mynetworks (%s) relay%s without asking the policy door: %s";
        if (d->settings->unknown_clients == TG_UNKNOWN_IGNORE)
            doctor_error(d, text, name, networks, where,
                         "their mail goes out unchecked and uncounted (unknown_clients is \"ignore\")");
        else
            doctor_warn(d, text, name, networks, where, "the milter refuses those of them that are not authorised");
        doctor_remedy(d, "mynetworks =");
    }
    return chain.policy >= 0;
}

void doctor_relay(struct doctor *d)
{
    bool asked = false;
    size_t gates = 0;
    for
        DOCTOR_EACH(d, "smtpd", s)
        {
            if (doctor_is_return_path(d, s))
                continue;
            gates++;
            asked = look_at_relay(d, s) || asked;
        }
    if (asked || gates == 0 || d->settings->policy_listen.count == 0)
        return;
    doctor_error(
        d, "no smtpd asks the policy door: clients on authorised IPs can't relay (or close it: policy_listen = {})");
    remedy_relay(d);
}

/* ---- order ---- */

/* Is this restriction, with its argument, meant to see clients of this kind? */
static bool meant_for(const struct doctor *d, const char *word, const char *argument, bool logins)
{
    static const char *const of_logins[] = {"reject_authenticated_sender_login_mismatch",
                                            "reject_sender_login_mismatch", "reject_known_sender_login_mismatch"};
    static const char socketmap[] = "socketmap:";
    for (size_t i = 0; logins && i < sizeof of_logins / sizeof *of_logins; i++)
        if (strcasecmp(word, of_logins[i]) == 0)
            return true;
    if (strncasecmp(word, "check_", 6) != 0)
        return false;
    if (strcasecmp(word, "check_policy_service") == 0)
        return !logins && doctor_is_ours(d, &d->settings->policy_listen, argument);
    if (strncmp(argument, socketmap, strlen(socketmap)) != 0)
        return false;
    /* "socketmap:unix:/path:map" */
    char address[400];
    snprintf(address, sizeof address, "%s", argument + strlen(socketmap));
    char *map = strrchr(address, ':');
    if (map == NULL)
        return false;
    *map++ = '\0';
    return doctor_is_ours(d, &d->settings->socketmap_listen, address) && !(logins && strcmp(map, "ip") == 0);
}

static void look_at_order(struct doctor *d, const struct postfix_service *service, const char *name)
{
    const char *list = value_of(d, service, name);
    bool networks = *value_of(d, service, "mynetworks") != '\0', past_networks = false, past_logins = false;
    char word[400], next[400], where[200];
    bool more = postfix_word(&list, word, sizeof word);
    while (more) {
        more = postfix_word(&list, next, sizeof next);
        const char *argument = more ? next : "";
        const char *culprit = past_logins && meant_for(d, word, argument, true)      ? "permit_sasl_authenticated"
                              : past_networks && meant_for(d, word, argument, false) ? "permit_mynetworks"
                                                                                     : NULL;
        /* (That of the relay restrictions is doctor_relay's.) */
        if (culprit != NULL &&
            !(strcmp(name, "smtpd_relay_restrictions") == 0 && strcasecmp(word, "check_policy_service") == 0)) {
            doctor_error(d, "%s stands in front of %s in %s%s: the clients that it is meant for never come to it",
                         culprit, word, name, doctor_where(d, service, name, where));
            doctor_remedy(d, "put %s before %s in %s", word, culprit, name);
        }
        past_networks = past_networks || (networks && strcasecmp(word, "permit_mynetworks") == 0);
        past_logins = past_logins || strcasecmp(word, "permit_sasl_authenticated") == 0;
        memcpy(word, next, sizeof word);
    }
}

void doctor_order(struct doctor *d)
{
    static const char *const lists[] = {"smtpd_client_restrictions",     "smtpd_helo_restrictions",
                                        "smtpd_sender_restrictions",     "smtpd_relay_restrictions",
                                        "smtpd_recipient_restrictions",  "smtpd_data_restrictions",
                                        "smtpd_end_of_data_restrictions"};
    for
        DOCTOR_EACH(d, "smtpd", s)
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        look_at_order(d, s, lists[i]);
}

/* ---- chroot ---- */

void doctor_chroot(struct doctor *d)
{
    const struct tg_settings *settings = d->settings;
    const struct tg_list *lists[] = {&settings->milter_listen, &settings->auth_listen, &settings->policy_listen,
                                     &settings->socketmap_listen};
    const char *queue = postfix_setting(d->postfix, "queue_directory");
    size_t queue_len = queue != NULL ? strlen(queue) : 0;
    for
        DOCTOR_EACH(d, "smtpd", s)
    for (size_t i = 0; s->chroot && i < sizeof lists / sizeof *lists; i++)
        for (size_t k = 0; k < lists[i]->count; k++) {
            struct tg_listen where;
            if (!tg_listen_parse(lists[i]->item[k], &where) || !where.is_unix ||
                (queue_len > 0 && strncmp(where.path, queue, queue_len) == 0 && where.path[queue_len] == '/'))
                continue;
            doctor_error(d, "the smtpd %s runs in a chroot (%s), where %s is not", s->name, queue != NULL ? queue : "?",
                         where.path);
            doctor_remedy(d, "postconf -F %s/%s/chroot=n", s->name, s->type);
            k = lists[i]->count; /* one is enough */
            i = sizeof lists / sizeof *lists - 1;
        }
}

/* ---- return path ---- */

/* A list may name lookup tables, whose contents are not ours to read. */
static bool may_have(const char *list, const char *domain)
{
    return postfix_has(list, domain) || strchr(list, ':') != NULL || strchr(list, '/') != NULL;
}

static bool has_listener(const struct doctor *d, const char *port)
{
    for
        DOCTOR_EACH(d, "smtpd", s)
        {
            const char *colon = strrchr(s->name, ':');
            if (doctor_is_return_path(d, s) && (port == NULL || strcmp(colon != NULL ? colon + 1 : s->name, port) == 0))
                return true;
        }
    return false;
}

/* The port of "…DOMAIN=smtp:[127.0.0.1]:PORT…" in an inline map; false: can't tell. */
static bool port_of_route(const char *maps, const char *domain, char port[16])
{
    const char *at = strcasestr(maps, domain);
    if (at == NULL)
        return false;
    at = strstr(at, "]:");
    return at != NULL && sscanf(at, "]:%15[0-9]", port) == 1;
}

void doctor_return_path(struct doctor *d)
{
    const char *domain = d->settings->return_path_canonical;
    const char *relay = postfix_setting(d->postfix, "relay_domains"),
               *aliases = postfix_setting(d->postfix, "virtual_alias_domains");
    const char *transports = postfix_setting(d->postfix, "transport_maps");
    char port[16];
    if (*domain == '\0') {
        doctor_ok(d, "bounces go straight to the notification addresses (return_path_domain is not set)");
        return;
    }
    if (aliases != NULL && postfix_has(aliases, domain))
        return; /* answered by a map, no route is needed */
    if (relay == NULL || !may_have(relay, domain)) {
        doctor_error(d, "%s is not in relay_domains (\"%s\"): delivery reports to it are refused", domain,
                     relay != NULL ? relay : "");
        doctor_remedy(d, "relay_domains = %s%s%s", relay != NULL ? relay : "",
                      relay != NULL && *relay != '\0' ? ", " : "", domain);
    }
    if (transports == NULL || *transports == '\0' ||
        (strncmp(transports, "inline:", 7) == 0 && strcasestr(transports, domain) == NULL)) {
        doctor_error(d,
                     "transport_maps (\"%s\") has no route for %s: Postfix's own reports would go where the DNS says",
                     transports != NULL ? transports : "", domain);
        doctor_remedy(
            d, "transport_maps = inline:{%s=smtp:[127.0.0.1]:PORT}, PORT being the return-path listener's in master.cf",
            domain);
    } else if (port_of_route(transports, domain, port) && has_listener(d, NULL) && !has_listener(d, port)) {
        doctor_error(d, "transport_maps sends %s to port %s, where no return-path listener is", domain, port);
        doctor_remedy(d, "the port in transport_maps and that of the listener in master.cf must be the same");
    }
    if (has_listener(d, NULL))
        return;
    doctor_error(d,
                 "no smtpd in master.cf has milter_macro_daemon_name = %s: delivery reports would be taken for mail of "
                 "127.0.0.1",
                 d->settings->return_path_listeners.count > 0 ? d->settings->return_path_listeners.item[0]
                                                              : "returnpath");
    doctor_remedy(d, "add the listener of conf/postfix/master.cf to master.cf");
}
