/* postconf.h: the settings of a Postfix, as postconf(1) tells them. */
#ifndef ADMIN_POSTCONF_H
#define ADMIN_POSTCONF_H

#include <stdbool.h>
#include "schema/error.h"

struct postfix;

/* A service of master.cf. */
struct postfix_service {
    char name[128], type[16], program[64];
    bool chroot;
};

/* Asks `command` ("postconf", "postconf -c DIR"), run by sh. TG_NOT_FOUND: there is no such command; TG_FAILED: it
 * failed, and what it said. */
enum tg_code postfix_ask(const char *command, struct postfix **postfix, struct tg_error *err) TG_MUST_CHECK;
/* From the output of `postconf -x`, `postconf -M` and `postconf -P`. */
struct postfix *postfix_read(const char *settings, const char *services, const char *overrides);
void postfix_free(struct postfix **postfix);

/* NULL: this Postfix has no such setting. Else "" or its value, `$name` expanded. */
const char *postfix_setting(const struct postfix *postfix, const char *name);
/* The same as this service has it: what -o says in master.cf, else main.cf. */
const char *postfix_service_setting(const struct postfix *postfix, const struct postfix_service *service, const char *name);
/* Does -o set it? */
bool postfix_overrides(const struct postfix *postfix, const struct postfix_service *service, const char *name);

/* The next service that is this program ("smtpd"), after `last` (NULL: the first); NULL at the end. */
const struct postfix_service *postfix_next(const struct postfix *postfix, const char *program,
                                           const struct postfix_service *last);

/* The next word of a list (commas and white space between; what stands in braces is one word, without them); false
 * at the end. A word that does not fit is cut. */
bool postfix_word(const char **list, char *word, size_t size);
/* How many words, and is this one of them? (Letters of either case.) */
size_t postfix_count(const char *list);
bool postfix_has(const char *list, const char *word);

/* An address of Postfix ("unix:private/auth", "inet:localhost:9", "/run/x", with or without more in the braces) in
 * the form of tollgate.conf: "unix:/…" or "inet:HOST:PORT". Relative paths are below queue_directory. */
void postfix_address(const struct postfix *postfix, const char *text, char *out, size_t size);

#endif
