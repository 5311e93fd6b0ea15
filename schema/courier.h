/* courier.h: a process of its own that runs the mailer for a confined daemon.
 *
 * sendmail(1) hands a message to a program that is set-group-ID (Postfix's postdrop) or set-user-ID (Exim), so it can't be
 * run under no_new_privs, and a daemon whose system calls are filtered runs no program at all. The courier is forked off
 * before the daemon confines itself, as the same user, and knows one thing to do: take a message, run the configuration's
 * `mailer` on it, tell how that ended. The command is not the daemon's to choose: the courier reads the configuration's
 * file itself for every message (a file with a fault leaves it with the command it had). So who takes over the daemon can
 * send mail, which he could anyway, and no more.
 *
 * It lives as long as the daemon holds its end of a pair of sockets. No signal but SIGKILL ends it before. */
#ifndef TG_COURIER_H
#define TG_COURIER_H

#include <stdatomic.h>
#include <stdbool.h>
#include "schema/error.h"

struct tg_courier;

/* Forks: before there is a thread, an open store or a secret in memory; after the change of user. config as for
 * tg_settings_read, mailer as it was read. Nothing of the daemon's stays open in the courier but its socket, and
 * standard error where the daemon is not `detached`: who starts one waits for the end of what it says. */
enum tg_code tg_courier_start(const char *config, const char *mailer, bool detached, struct tg_courier **courier,
                              struct tg_error *err) TG_MUST_CHECK;
/* As tg_mailer_run, with the configuration's mailer; by one thread at a time. */
enum tg_code tg_courier_run(struct tg_courier *courier, const char *message, int timeout_ms, const atomic_bool *stop,
                            struct tg_error *err) TG_MUST_CHECK;
/* Waits for its end. A mailer that runs is killed. */
void tg_courier_end(struct tg_courier **courier);

#endif
