/* log.h: events, not prose: one line of key=value an event, to syslog, standard error or a file.
 *
 * Values are escaped, so that no client writes a line of our log; a NULL value leaves its field out.
 * Never given a secret. The log is the process's own (opened once by main) and safe in any thread. */
#ifndef TG_LOG_H
#define TG_LOG_H

#include <stdbool.h>
#include "schema/error.h"

enum tg_level { TG_ERROR, TG_WARNING, TG_INFO, TG_DEBUG };

/* target: "syslog", "stderr" or the absolute path of a file (appended to, mode 0640). level: "error",
 * "warning", "info" or "debug". program is kept, not copied. Called again: closes and opens anew
 * (log rotation). Before the first call events go to standard error. */
enum tg_code tg_log_open(const char *program, const char *target, const char *level,
                         struct tg_error *err) TG_MUST_CHECK;
void tg_log_close(void);
bool tg_log_enabled(enum tg_level level);
/* Whether events go anywhere but to standard error, where a daemon tells of a failed start already. */
bool tg_log_is_elsewhere(void);

/* tg_log(TG_INFO, "refused", "account", user, "rule", rule, NULL): pairs of strings, ended by one NULL key.
 * Line: `2026-11-24T10:00:00.123Z tollgate-milter[812] info refused account=k3v9x0a2m7qd rule=plan`
 * (no time, name or pid where syslog adds them). A value with space, quote, backslash, control or
 * non-UTF-8 octets is written in double quotes with \" \\ \n \t \xHH. */
void tg_log(enum tg_level level, const char *event, ...) __attribute__((sentinel));

/* tg_log with key "error" (text) and "code". */
void tg_log_error(enum tg_level level, const char *event, const struct tg_error *err);

#endif
