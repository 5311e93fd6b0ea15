/* handed_over.c: see handed_over.h. */
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>
#include "schema/handed_over.h"

enum { FIRST = 3, HANDED_MAX = 1024 };

enum tg_code tg_socket_resolve(const struct tg_listen *where, const char *text, struct tg_socket_address *out,
                               struct tg_error *err)
{
    memset(out, 0, sizeof *out);
    if (where->is_unix) {
        struct sockaddr_un *un = (struct sockaddr_un *)&out->storage;
        un->sun_family = AF_UNIX;
        snprintf(un->sun_path, sizeof un->sun_path, "%s", where->path);
        out->len = (socklen_t)sizeof *un;
        return TG_OK;
    }
    char port[8];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV }, *found = NULL;
    snprintf(port, sizeof port, "%u", where->port);
    int result = getaddrinfo(where->host, port, &hints, &found);
    if (result != 0)
        return tg_fail(err, TG_UNUSABLE, "can't listen on %s: %s", text, gai_strerror(result));
    memcpy(&out->storage, found->ai_addr, found->ai_addrlen);
    out->len = found->ai_addrlen;
    freeaddrinfo(found);
    return TG_OK;
}

static bool same_address(const struct tg_socket_address *a, const struct tg_socket_address *b)
{
    if (a->storage.ss_family != b->storage.ss_family)
        return false;
    if (a->storage.ss_family == AF_UNIX)
        return strcmp(((const struct sockaddr_un *)&a->storage)->sun_path,
                      ((const struct sockaddr_un *)&b->storage)->sun_path) == 0;
    if (a->storage.ss_family == AF_INET) {
        const struct sockaddr_in *x = (const void *)&a->storage, *y = (const void *)&b->storage;
        return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *x = (const void *)&a->storage, *y = (const void *)&b->storage;
    return x->sin6_port == y->sin6_port && memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr) == 0;
}

static bool is_listening(int fd)
{
    int listening = 0;
    socklen_t len = sizeof listening;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening != 0;
}

int tg_handed_over(const struct tg_socket_address *address)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    if (pid == NULL || count == NULL || strtol(pid, NULL, 10) != (long)getpid())
        return -1;
    long number = strtol(count, NULL, 10);
    for (int fd = FIRST; number > 0 && number < HANDED_MAX && fd < FIRST + (int)number; fd++) {
        struct tg_socket_address has = { .len = sizeof has.storage };
        if (getsockname(fd, (struct sockaddr *)&has.storage, &has.len) != 0 || !same_address(&has, address) ||
            !is_listening(fd))
            continue;
        fcntl(fd, F_SETFD, FD_CLOEXEC);
        return fd;
    }
    return -1;
}
