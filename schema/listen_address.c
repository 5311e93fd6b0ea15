/* listen_address.c: see listen_address.h. */
#include <stdlib.h>
#include <string.h>
#include "schema/listen_address.h"

static bool parse_port(const char *text, unsigned *port)
{
    size_t len = strlen(text);
    if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
        return false;
    *port = (unsigned)strtoul(text, NULL, 10);
    return *port >= 1 && *port <= 65535;
}

static bool parse_inet(const char *text, struct tg_listen *out)
{
    const char *host = text, *end, *colon;
    if (*text == '[') {
        host++;
        end = strchr(host, ']');
        if (end == NULL || end[1] != ':')
            return false;
        colon = end + 1;
    } else {
        colon = end = strrchr(text, ':');
        if (end == NULL || memchr(text, ':', (size_t)(end - text)) != NULL)
            return false;
    }
    size_t len = (size_t)(end - host);
    if (len == 0 || len >= sizeof out->host)
        return false;
    memcpy(out->host, host, len);
    return parse_port(colon + 1, &out->port);
}

bool tg_listen_parse(const char *text, struct tg_listen *out)
{
    memset(out, 0, sizeof *out);
    if (strncmp(text, "unix:", 5) == 0) {
        out->is_unix = true;
        if (text[5] != '/' || strlen(text + 5) >= sizeof out->path)
            return false;
        strcpy(out->path, text + 5);
        return true;
    }
    return strncmp(text, "inet:", 5) == 0 && parse_inet(text + 5, out);
}
