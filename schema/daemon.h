/* daemon.h: what both daemons do around their work: detach, look after their unix sockets. */
#ifndef TG_DAEMON_H
#define TG_DAEMON_H

#include "schema/error.h"
#include "schema/settings.h"

/* Leaves the terminal (-d): fork, new session, standard files on /dev/null. Before any socket, thread or store. */
enum tg_code tg_daemon_detach(struct tg_error *err) TG_MUST_CHECK;

/* Makes room for a unix socket: a file that nobody answers on is removed. TG_REFUSED: another program listens
 * there, or something that is no socket stands there. */
enum tg_code tg_socket_make_room(const char *path, struct tg_error *err) TG_MUST_CHECK;

/* Gives a new unix socket the group and mode of the settings, and to the user that the daemon will become. */
enum tg_code tg_socket_permissions(const char *path, const struct tg_settings *settings, struct tg_error *err) TG_MUST_CHECK;

#endif
