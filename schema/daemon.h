/* daemon.h: what both daemons do around their work: look after their unix sockets, their log file and their limits. */
#ifndef TG_DAEMON_H
#define TG_DAEMON_H

#include "schema/error.h"
#include "schema/settings.h"

/* While root: where the log is a file, makes sure that it is there and the user's, who will open it after a
 * reload too. Not root, or no file: nothing. */
enum tg_code tg_daemon_own_log(const struct tg_settings *settings, struct tg_error *err) TG_MUST_CHECK;

/* Before anything else: a SIGHUP that comes before there is a handler would end the daemon. It waits until it is let in. */
void tg_daemon_hold_reloads(bool hold);

/* As many descriptors as the hard limit allows, at most TG_FILES_MAX: the soft one is often 1024. */
enum { TG_FILES_MAX = 32768 };
void tg_daemon_raise_files(void);

/* At the end, where all that is left is to wait for what runs: the end comes, whatever holds it up. After so many seconds it
 * is logged and the process is gone; what was counted is on disk. */
void tg_daemon_end_within(int seconds);

/* Makes room for a unix socket: a file that nobody answers on is removed. TG_REFUSED: another program listens
 * there, or something that is no socket stands there. */
enum tg_code tg_socket_make_room(const char *path, struct tg_error *err) TG_MUST_CHECK;

/* Gives a new unix socket the group and mode of the settings, and to the user that the daemon will become. */
enum tg_code tg_socket_permissions(const char *path, const struct tg_settings *settings, struct tg_error *err) TG_MUST_CHECK;

#endif
