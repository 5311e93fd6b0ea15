/* listen_socket.h: a socket that listens where the configuration says. */
#ifndef TG_LISTEN_SOCKET_H
#define TG_LISTEN_SOCKET_H

#include "schema/error.h"
#include "schema/listen_address.h"
#include "schema/settings.h"

/* *fd: bound and listening (at once, so that a second daemon started meanwhile sees that somebody is there),
 * close-on-exec, blocking; a unix socket has its owner, group and mode. To be called while root, where the daemon was
 * started as root. TG_UNUSABLE or TG_REFUSED: the address is in use, not allowed, its directory missing, or there is
 * no such group. */
enum tg_code tg_listen_socket(const char *text, int backlog, const struct tg_settings *settings, int *fd,
                              struct tg_error *err) TG_MUST_CHECK;

#endif
