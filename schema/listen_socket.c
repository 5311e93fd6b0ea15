/* listen_socket.c: see listen_socket.h. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "schema/daemon.h"
#include "schema/listen_socket.h"

static enum tg_code bind_unix(int fd, const char *text, const char *path, const struct tg_settings *settings,
                              struct tg_error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    enum tg_code code = tg_socket_make_room(path, err);
    if (code != TG_OK)
        return code;
    memcpy(address.sun_path, path, strlen(path) + 1); /* tg_listen_parse has seen that it fits */
    /* Nobody gets in before it has its group and mode. */
    mode_t old = umask(0777);
    int result = bind(fd, (const struct sockaddr *)&address, sizeof address);
    umask(old);
    if (result != 0)
        return tg_fail(err, TG_UNUSABLE, "can't listen on %s: %s%s", text, strerror(errno),
                       errno == ENOENT ? " (make its directory, which user and mail server must be able to enter)" : "");
    return tg_socket_permissions(path, settings, err);
}

static enum tg_code bind_inet(int fd, const char *text, const struct addrinfo *address, struct tg_error *err)
{
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0)
        return TG_OK;
    return tg_fail(err, TG_UNUSABLE, "can't listen on %s: %s%s", text, strerror(errno),
                   errno == EADDRINUSE ? " (another process listens there; stop it first)" : "");
}

enum tg_code tg_listen_socket(const char *text, int backlog, const struct tg_settings *settings, int *fd, struct tg_error *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *found = NULL; /* stays NULL for a unix socket */
    struct tg_listen where;
    char port[8];
    enum tg_code code = TG_OK;
    if (!tg_listen_parse(text, &where))
        return tg_fail(err, TG_UNUSABLE, "%s is no address to listen on", text);
    snprintf(port, sizeof port, "%u", where.port);
    int result = where.is_unix ? 0 : getaddrinfo(where.host, port, &hints, &found);
    if (result != 0)
        return tg_fail(err, TG_UNUSABLE, "can't listen on %s: %s", text, gai_strerror(result));
    *fd = socket(found == NULL ? AF_UNIX : found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        code = tg_fail(err, TG_UNUSABLE, "can't listen on %s: %s", text, strerror(errno));
    else
        code = found == NULL ? bind_unix(*fd, text, where.path, settings, err) : bind_inet(*fd, text, found, err);
    if (code == TG_OK && listen(*fd, backlog) != 0)
        code = tg_fail(err, TG_UNUSABLE, "can't listen on %s: %s", text, strerror(errno));
    if (code != TG_OK && *fd >= 0)
        close(*fd);
    if (found != NULL)
        freeaddrinfo(found);
    return code;
}
