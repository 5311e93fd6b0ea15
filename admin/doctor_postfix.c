/* doctor_postfix.c: Postfix's milters, logins and how it hands a message over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "admin/doctor.h"
#include "schema/listen_address.h"

/* ---- what other checks use too ---- */

bool doctor_is_ours(const struct doctor *d, const struct tg_list *addresses, const char *postfix_address_text)
{
    const char *queue = postfix_setting(d->postfix, "queue_directory");
    char theirs[400], below[800];
    postfix_address(d->postfix, postfix_address_text, theirs, sizeof theirs);
    for (size_t i = 0; i < addresses->count; i++) {
        const char *ours = addresses->item[i];
        if (strcasecmp(ours, theirs) == 0)
            return true;
        if (strncmp(ours, "inet:localhost:", 15) == 0 && strncmp(theirs, "inet:127.0.0.1:", 15) == 0 &&
            strcmp(ours + 15, theirs + 15) == 0)
            return true;
        snprintf(below, sizeof below, "unix:%s%s", queue != NULL ? queue : "",
                 strncmp(theirs, "unix:", 5) == 0 ? theirs + 5 : "");
        if (strcmp(ours, below) == 0)
            return true;
    }
    return false;
}

bool doctor_is_return_path(const struct doctor *d, const struct postfix_service *service)
{
    const char *name = postfix_service_setting(d->postfix, service, "milter_macro_daemon_name");
    return name != NULL && tg_list_has(&d->settings->return_path_listeners, name);
}

const char *doctor_where(const struct doctor *d, const struct postfix_service *service, const char *name, char buf[200])
{
    *buf = '\0';
    if (postfix_overrides(d->postfix, service, name))
        snprintf(buf, 200, ", in the service %s of master.cf", service->name);
    return buf;
}

static const char *value_of(const struct doctor *d, const struct postfix_service *service, const char *name)
{
    const char *value = postfix_service_setting(d->postfix, service, name);
    return value != NULL ? value : "";
}

/* ---- milters ---- */

/* One more word of a list, in its braces again where it needs them; what does not fit is left out. */
static void append(char *list, size_t size, const char *word)
{
    size_t len = strlen(list);
    bool braces = strpbrk(word, ", \t") != NULL;
    if (snprintf(list + len, size - len, "%s%s%s, ", braces ? "{ " : "", word, braces ? " }" : "") >= (int)(size - len))
        list[len] = '\0';
}

static void look_at_milters(struct doctor *d, const struct postfix_service *service)
{
    const char *list = value_of(d, service, "smtpd_milters"), *rest = list, *ours = d->settings->milter_listen.item[0];
    char word[400], where[200], others[400] = "";
    bool found = false, last = false;
    doctor_where(d, service, "smtpd_milters", where);
    while (postfix_word(&rest, word, sizeof word)) {
        last = doctor_is_ours(d, &d->settings->milter_listen, word);
        found = found || last;
        if (!last)
            append(others, sizeof others, word);
        if (last && strstr(word, "default_action") != NULL && strstr(word, "tempfail") == NULL) {
            doctor_error(d,
                         "smtpd_milters gives Tollgate's milter an action of its own%s: while it is away, mail does "
                         "not wait",
                         where);
            doctor_remedy(d, "smtpd_milters = %s%s", others, ours);
        }
    }
    const char *maps = value_of(d, service, "smtpd_milter_maps");
    if (*maps != '\0') {
        doctor_warn(d, "smtpd_milter_maps (\"%s\") can take clients past Tollgate's milter", maps);
        doctor_remedy(d, "smtpd_milter_maps =");
    }
    if (!found)
        doctor_error(d,
                     "smtpd_milters is \"%s\"%s: Tollgate's milter %s is not in it, so nothing is checked or counted",
                     list, where, ours);
    else if (!last)
        doctor_error(
            d,
            "smtpd_milters is \"%s\"%s: Tollgate's milter is not last, so what a filter behind it refuses has been "
            "counted",
            list, where);
    else
        return;
    doctor_remedy(d, "smtpd_milters = %s%s", others, ours);
}

void doctor_milters(struct doctor *d)
{
    for
        DOCTOR_EACH(d, "smtpd", s)
    look_at_milters(d, s);
}

void doctor_milter_action(struct doctor *d)
{
    char where[200];
    for
        DOCTOR_EACH(d, "smtpd", s)
        {
            const char *action = value_of(d, s, "milter_default_action");
            if (strcasecmp(action, "tempfail") == 0)
                continue;
            doctor_error(d, "milter_default_action is \"%s\"%s: while the milter is away, %s", action,
                         doctor_where(d, s, "milter_default_action", where),
                         strcasecmp(action, "accept") == 0 ? "mail goes out unchecked and uncounted"
                                                           : "mail is lost or refused for good");
            doctor_remedy(d, "milter_default_action = tempfail");
        }
}

/* ---- logins ---- */

/* As main.cf writes it. */
static const char *auth_address(const struct doctor *d)
{
    return d->settings->auth_listen.count > 0 ? d->settings->auth_listen.item[0] : "";
}

static void look_at_sasl(struct doctor *d, const struct postfix_service *service)
{
    const char *type = value_of(d, service, "smtpd_sasl_type"), *path = value_of(d, service, "smtpd_sasl_path");
    const struct tg_settings *settings = d->settings;
    char where[200];
    if (strcmp(type, "cyrus") == 0 && settings->saslauthd_listen.count > 0)
        return; /* where libsasl2's own configuration points, Postfix does not know */
    if (strcmp(type, "dovecot") != 0) {
        doctor_error(d, "smtpd_sasl_type is \"%s\"%s: logins are not checked by Tollgate", type,
                     doctor_where(d, service, "smtpd_sasl_type", where));
        doctor_remedy(d, "smtpd_sasl_type = dovecot");
    } else if (!doctor_is_ours(d, &settings->auth_listen, path)) {
        doctor_error(d, "smtpd_sasl_path is \"%s\"%s, where Tollgate's auth door is not", path,
                     doctor_where(d, service, "smtpd_sasl_path", where));
        doctor_remedy(d, "smtpd_sasl_path = %s", auth_address(d));
    }
}

void doctor_sasl(struct doctor *d)
{
    bool any = false;
    for
        DOCTOR_EACH(d, "smtpd", s)
        {
            bool on = strcasecmp(value_of(d, s, "smtpd_sasl_auth_enable"), "yes") == 0;
            any = any || on;
            if (on)
                look_at_sasl(d, s);
        }
    if (any || d->settings->auth_listen.count == 0)
        return;
    doctor_error(
        d, "smtpd_sasl_auth_enable is \"no\" in every smtpd, but auth_listen opens the auth door: nobody can log in");
    doctor_remedy(d, "smtpd_sasl_auth_enable = yes");
}

/* ---- the message ---- */

static bool is_no(const char *value)
{
    return strcasecmp(value, "no") == 0;
}

static bool is_empty(const char *value)
{
    return *value == '\0';
}

static bool rejects_cr_and_nul(const char *value)
{
    return strstr(value, "\\0") != NULL && strstr(value, "\\r") != NULL;
}

static bool closes_bare_newline(const char *value)
{
    return strcasecmp(value, "normalize") == 0 || strcasecmp(value, "yes") == 0 || strcasecmp(value, "reject") == 0;
}

/* The milter relies on as many as Postfix's default. */
static bool remembers_a_thousand(const char *value)
{
    return strtol(value, NULL, 10) >= 1000;
}

static const struct {
    const char *name, *program; /* program: of the service that reads it */
    bool (*good)(const char *value);
    const char *wanted, *why;
} settings_of_messages[] = {
    {"cleanup_replace_stray_cr_lf", "cleanup", is_no, "no",
     "a stray CR becomes a space, which can hide a header field from the milter"},
    {"message_reject_characters", "cleanup", rejects_cr_and_nul, "\\0\\r",
     "a CR or NUL in a message can end or hide a header field, so that the milter reads another From than the "
     "recipient"},
    {"local_header_rewrite_clients", "smtpd", is_empty, "",
     "Postfix completes and rewrites From of these clients before the milter reads it"},
    {"smtpd_forbid_bare_newline", "smtpd", closes_bare_newline, "normalize",
     "a line end of LF alone can smuggle in a second message"},
    {"smtpd_forbid_bare_newline_exclusions", "smtpd", is_empty, "", "these clients can smuggle in a second message"},
    {"duplicate_filter_limit", "cleanup", remembers_a_thousand, "1000",
     "an address that a client gives again is delivered again, and not counted"},
};

static void look_at_setting(struct doctor *d, const struct postfix_service *service, size_t i)
{
    const char *name = settings_of_messages[i].name;
    const char *value = postfix_service_setting(d->postfix, service, name);
    char where[200];
    if (value == NULL) {
        doctor_warn(d, "this Postfix has no %s: %s", name, settings_of_messages[i].why);
        doctor_remedy(d, "upgrade Postfix");
    } else if (!settings_of_messages[i].good(value)) {
        doctor_error(d, "%s is \"%s\"%s: %s", name, value, doctor_where(d, service, name, where),
                     settings_of_messages[i].why);
        doctor_remedy(d, "%s = %s", name, settings_of_messages[i].wanted);
    }
}

void doctor_message_settings(struct doctor *d)
{
    for (size_t i = 0; i < sizeof settings_of_messages / sizeof *settings_of_messages; i++) {
        const char *program = settings_of_messages[i].program;
        for
            DOCTOR_EACH(d, program, s)
        look_at_setting(d, s, i);
    }
}
