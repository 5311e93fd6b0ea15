/* doctor_doors.c: a real question for each open door. The names asked for are nobody's: ".invalid" domains can't be
 * anyone's (RFC 2606), and no username has a dot. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "admin/doctor.h"

#define AUTHD "tollgate-authd"
#define MILTER "tollgate-milter"
#define NOBODY "tollgate.doctor"

/* true: there is none to ask. */
static bool closed(struct doctor *d, const struct tg_list *addresses)
{
    if (addresses->count == 0)
        doctor_ok(d, "the door is closed in the configuration");
    return addresses->count == 0;
}

static bool begins(const char *reply, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(reply, with, strlen(with)) == 0;
}

/* ---- auth ---- */

static enum doctor_reply judge_auth(const struct tg_settings *settings, const char *reply, size_t len)
{
    static const char first[] = "VERSION\t1\t";
    char line[64];
    if (strncmp(reply, first, len < sizeof first - 1 ? len : sizeof first - 1) != 0)
        return REPLY_WRONG;
    if (strstr(reply, "\nDONE\n") == NULL)
        return REPLY_MORE;
    for (size_t i = 0; i < settings->mechanisms.count; i++) {
        snprintf(line, sizeof line, "\nMECH\t%s", settings->mechanisms.item[i]);
        if (strstr(reply, line) == NULL)
            return REPLY_WRONG;
    }
    return REPLY_RIGHT;
}

void doctor_auth_door(struct doctor *d)
{
    if (!closed(d, &d->settings->auth_listen))
        doctor_question(d, &d->settings->auth_listen, AUTHD, "", 0, judge_auth);
}

/* ---- policy ---- */

static enum doctor_reply judge_policy(const struct tg_settings *settings, const char *reply, size_t len)
{
    (void)settings;
    if (len < 2 || strcmp(reply + len - 2, "\n\n") != 0)
        return REPLY_MORE;
    return strcmp(reply, "action=DUNNO\n\n") == 0 ? REPLY_RIGHT : REPLY_WRONG;
}

void doctor_policy_door(struct doctor *d)
{
    /* Of a block that is for documentation (RFC 5737). */
    static const char request[] = "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\n"
                                  "client_address=203.0.113.253\nclient_name=unknown\nsender=x@doctor.invalid\n"
                                  "recipient=x@doctor.invalid\nsasl_username=\n\n";
    if (!closed(d, &d->settings->policy_listen))
        doctor_question(d, &d->settings->policy_listen, AUTHD, request, sizeof request - 1, judge_policy);
}

/* ---- socketmap, dict, saslauthd ---- */

static enum doctor_reply judge_socketmap(const struct tg_settings *settings, const char *reply, size_t len)
{
    (void)settings;
    if (len == 0 || reply[len - 1] != ',')
        return REPLY_MORE;
    const char *colon = strchr(reply, ':');
    return colon != NULL && strncmp(colon + 1, "NOTFOUND ", 9) == 0 ? REPLY_RIGHT : REPLY_WRONG;
}

void doctor_socketmap_door(struct doctor *d)
{
    static const char question[] = "domain doctor.invalid";
    char request[64];
    int len = snprintf(request, sizeof request, "%zu:%s,", sizeof question - 1, question);
    if (!closed(d, &d->settings->socketmap_listen))
        doctor_question(d, &d->settings->socketmap_listen, AUTHD, request, (size_t)len, judge_socketmap);
}

static enum doctor_reply judge_dict(const struct tg_settings *settings, const char *reply, size_t len)
{
    (void)settings;
    if (len == 0 || reply[len - 1] != '\n')
        return REPLY_MORE;
    return *reply == 'N' ? REPLY_RIGHT : REPLY_WRONG;
}

void doctor_dict_door(struct doctor *d)
{
    static const char request[] = "H3\t2\t0\t\ttollgate\nLshared/passdb/" NOBODY "\t" NOBODY "\n";
    if (!closed(d, &d->settings->dict_listen))
        doctor_question(d, &d->settings->dict_listen, AUTHD, request, sizeof request - 1, judge_dict);
}

static enum doctor_reply judge_saslauthd(const struct tg_settings *settings, const char *reply, size_t len)
{
    (void)settings;
    if (len < 2 || len < 2u + ((size_t)(uint8_t)reply[0] << 8) + (uint8_t)reply[1])
        return REPLY_MORE;
    return begins(reply + 2, len - 2, "NO") ? REPLY_RIGHT : REPLY_WRONG;
}

void doctor_saslauthd_door(struct doctor *d)
{
    static const char *const words[] = {NOBODY, "wrong", "smtp", ""};
    char request[100];
    size_t len = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t word = strlen(words[i]);
        request[len++] = (char)(word >> 8);
        request[len++] = (char)word;
        memcpy(request + len, words[i], word);
        len += word;
    }
    if (!closed(d, &d->settings->saslauthd_listen))
        doctor_question(d, &d->settings->saslauthd_listen, AUTHD, request, len, judge_saslauthd);
}

/* ---- milter ---- */

/* length 4, 'O', version 4, actions 4, steps 4; the filter's answer has the same form. */
static enum doctor_reply judge_milter(const struct tg_settings *settings, const char *reply, size_t len)
{
    (void)settings;
    if (len < 5)
        return REPLY_MORE;
    return reply[4] == 'O' ? REPLY_RIGHT : REPLY_WRONG;
}

void doctor_milter_door(struct doctor *d)
{
    /* What Postfix 3.7 offers. */
    static const uint8_t request[] = {0, 0, 0, 13, 'O', 0, 0, 0, 6, 0, 0, 1, 0xff, 0, 0x1f, 0xff, 0xff};
    doctor_question(d, &d->settings->milter_listen, MILTER, request, sizeof request, judge_milter);
}

/* ---- http ---- */

static enum doctor_reply judge_http(const struct tg_settings *settings, const char *reply, size_t len)
{
    (void)settings;
    const char *body = strstr(reply, "\r\n\r\n");
    if (len > 5 && !begins(reply, len, "HTTP/"))
        return REPLY_WRONG;
    if (body == NULL || strchr(body + 4, '\n') == NULL || reply[len - 1] != '\n')
        return REPLY_MORE;
    return begins(reply, len, "HTTP/1.1 200 ") ? REPLY_RIGHT : REPLY_WRONG;
}

static void ask_ready(struct doctor *d, const char *address, const char *program)
{
    static const char request[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    enum doctor_reply judged;
    struct tg_error err;
    char *reply = NULL;
    size_t len;
    enum tg_code code =
        doctor_exchange(d->settings, address, request, sizeof request - 1, judge_http, &judged, &reply, &len, &err);
    const char *body = reply != NULL ? strstr(reply, "\r\n\r\n") : NULL;
    if (code != TG_OK) {
        doctor_error(d, "%s", err.text);
        doctor_remedy(d, "systemctl start %s", program);
    } else if (judged != REPLY_RIGHT && body != NULL) {
        doctor_error(d, "%s is not ready: %.*s", program, (int)strcspn(body + 4, "\n"), body + 4);
        doctor_remedy(d, "look into the log of %s", program);
    } else if (judged != REPLY_RIGHT) {
        doctor_error(d, "%s takes connections at %s, but gives no answer to /readyz", program, address);
        doctor_remedy(d, "see who listens: ss -lxtp");
    }
    free(reply);
}

void doctor_http_doors(struct doctor *d)
{
    const struct tg_list *authd = &d->settings->http_listen, *milter = &d->settings->milter_http_listen;
    for (size_t i = 0; i < authd->count; i++)
        ask_ready(d, authd->item[i], AUTHD);
    for (size_t i = 0; i < milter->count; i++)
        ask_ready(d, milter->item[i], MILTER);
    if (authd->count + milter->count == 0)
        doctor_ok(d, "both http doors are closed in the configuration");
}

static void ask_version(struct doctor *d, const char *address)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    enum doctor_reply judged;
    struct tg_error err;
    char *reply = NULL, program[40], version[40];
    size_t len;
    enum tg_code code =
        doctor_exchange(d->settings, address, request, sizeof request - 1, judge_http, &judged, &reply, &len, &err);
    const char *line = code == TG_OK ? strstr(reply, "\ntollgate_build_info{") : NULL;
    if (line != NULL &&
        sscanf(line, "\ntollgate_build_info{program=\"%39[^\"]\",version=\"%39[^\"]\"}", program, version) == 2 &&
        strcmp(version, PACKAGE_VERSION) != 0) {
        doctor_error(d, "the running %s is version %s, this command %s", program, version, PACKAGE_VERSION);
        doctor_remedy(d, "systemctl restart %s", program);
    }
    free(reply);
}

void doctor_version(struct doctor *d)
{
    const struct tg_list *authd = &d->settings->http_listen, *milter = &d->settings->milter_http_listen;
    if (authd->count > 0)
        ask_version(d, authd->item[0]);
    if (milter->count > 0)
        ask_version(d, milter->item[0]);
    if (authd->count == 0 || milter->count == 0)
        doctor_ok(d, "the daemons' version is only told by their http doors; this command is " PACKAGE_VERSION);
}
