/* doctor_config.c: the configuration itself; and is there a Postfix to ask? */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include "admin/doctor.h"

void doctor_configuration(struct doctor *d)
{
    const struct tg_settings *s = d->settings;
    struct stat st;
    if (stat(s->path, &st) == 0 && (st.st_mode & 022) != 0) {
        doctor_error(d, "%s can be written by others than its owner, and it names commands that are run", s->path);
        doctor_remedy(d, "chmod go-w %s", s->path);
    }
    if (*s->user != '\0' && getpwnam(s->user) == NULL) {
        doctor_error(d, "there is no user %s, which the daemons become", s->user);
        doctor_remedy(d, "adduser --system --group --no-create-home %s", s->user);
    }
    if (*s->socket_group != '\0' && getgrnam(s->socket_group) == NULL) {
        doctor_error(d, "there is no group %s, which the unix sockets get", s->socket_group);
        doctor_remedy(d, "%s: socket_group = \"postfix\"", s->path);
    }
    if (s->sync == TG_SYNC_NONE) {
        doctor_error(d, "sync is \"none\": a power cut loses what was counted");
        doctor_remedy(d, "%s: sync = \"full\"", s->path);
    }
    if (s->unknown_clients == TG_UNKNOWN_IGNORE)
        doctor_warn(d, "unknown_clients is \"ignore\": mail of clients that are neither authenticated nor authorised passes "
                       "unchecked and uncounted, if Postfix lets it in");
    if (s->unknown_logins == TG_UNKNOWN_IGNORE)
        doctor_warn(d, "unknown_logins is \"ignore\": mail of logins that are no account passes unchecked and uncounted");
}

void doctor_ask_postfix(struct doctor *d)
{
    struct tg_error err;
    const char *command = d->postconf != NULL ? d->postconf : "postconf";
    enum tg_code code = postfix_ask(command, &d->postfix, &err);
    if (code == TG_OK && postfix_next(d->postfix, "smtpd", NULL) == NULL) {
        doctor_warn(d, "this Postfix has no smtpd in its master.cf");
    } else if (code == TG_NOT_FOUND && d->postconf == NULL) {
        doctor_warn(d, "postconf was not found: Postfix's settings were not looked at");
        doctor_remedy(d, "tollgate doctor --postconf '/path/to/postconf -c DIR'");
    } else if (code != TG_OK) {
        doctor_error(d, "%s", err.text);
        doctor_remedy(d, "tollgate doctor --postconf '/path/to/postconf -c DIR'");
    }
}
