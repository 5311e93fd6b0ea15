/* handed_over.h: listening sockets that a supervisor made and hands over (sd_listen_fds(3): LISTEN_FDS, LISTEN_PID),
 * so that a restart leaves no gap: clients wait in the socket's queue meanwhile. */
#ifndef TG_HANDED_OVER_H
#define TG_HANDED_OVER_H

#include <sys/socket.h>
#include "schema/error.h"
#include "schema/listen_address.h"

struct tg_socket_address {
    struct sockaddr_storage storage;
    socklen_t len;
};

/* TG_UNUSABLE: no such host. text: as in the configuration, for the error. */
enum tg_code tg_socket_resolve(const struct tg_listen *where, const char *text, struct tg_socket_address *out,
                               struct tg_error *err) TG_MUST_CHECK;

/* The listening socket with this address among those that were handed over to this process, from now on closed on
 * exec; -1: none. It is not ours to bind, to chmod or to unlink. */
int tg_handed_over(const struct tg_socket_address *address);

#endif
