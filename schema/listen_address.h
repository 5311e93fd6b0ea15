/* listen_address.h: where a socket listens, as the configuration writes it. Pure. */
#ifndef TG_LISTEN_ADDRESS_H
#define TG_LISTEN_ADDRESS_H

#include <stdbool.h>

/* "unix:/path" or "inet:HOST:PORT", "inet:[V6]:PORT". */
struct tg_listen {
    bool is_unix;
    char path[108]; /* sockaddr_un's size */
    char host[64];  /* without brackets */
    unsigned port;
};

/* false: not such an address, an empty host, a relative path, a path that does not fit, port 0 or above 65535. */
bool tg_listen_parse(const char *text, struct tg_listen *out);

#endif
