/* door_socketmap.c: the socketmap door: tables for Postfix (socketmap:) and Sendmail (the socket map).
 *
 * A table that Postfix can't read is a 451 of its, so TEMP is said while the store is away, and PERM, which is
 * no better to its client but says so in its log, for a map that does not exist. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "authd/door.h"
#include "authd/metrics.h"
#include "authd/wire_socketmap.h"
#include "schema/log.h"
#include "schema/lookup.h"
#include "schema/now.h"

typedef enum tg_code map_fn(struct tg_view *view, struct app *app, struct tg_span key, const char **value,
                            struct tg_error *err);

static enum tg_code map_ip(struct tg_view *view, struct app *app, struct tg_span key, const char **value, struct tg_error *err)
{
    (void)app;
    *value = "OK";
    return tg_lookup_client(view, key, err);
}

static enum tg_code map_sender(struct tg_view *view, struct app *app, struct tg_span key, const char **value,
                               struct tg_error *err)
{
    (void)app;
    return tg_lookup_sender(view, key, value, err);
}

static enum tg_code map_domain(struct tg_view *view, struct app *app, struct tg_span key, const char **value,
                               struct tg_error *err)
{
    (void)app;
    *value = "OK";
    return tg_lookup_domain(view, key, err);
}

static enum tg_code map_returnpath(struct tg_view *view, struct app *app, struct tg_span key, const char **value,
                                   struct tg_error *err)
{
    *value = "OK";
    return tg_lookup_return_path(view, app->settings, key, tg_now(), err);
}

static const struct {
    const char *name;
    map_fn *look;
} maps[] = {
    { "ip", map_ip },
    { "sender", map_sender },
    { "domain", map_domain },
    { "returnpath", map_returnpath },
};

static map_fn *map_named(struct tg_span name)
{
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        if (name.len == strlen(maps[i].name) && memcmp(name.data, maps[i].name, name.len) == 0)
            return maps[i].look;
    return NULL;
}

static void answer(struct conn *conn, const char *status, const char *text)
{
    size_t len;
    char *bytes = wire_socketmap_answer(status, text, &len);
    if (bytes == NULL)
        bytes = wire_socketmap_answer("PERM", "the answer is longer than a mail server reads: ask for a domain of fewer accounts",
                                      &len);
    conn_send(conn, bytes, len);
    free(bytes);
}

static void unusable(struct conn *conn, const struct tg_error *err)
{
    metrics_answer(conn_app(conn)->metrics, door_socketmap.name, "unusable");
    tg_log(TG_ERROR, "socketmap-failed", "peer", conn_peer(conn), "error", err->text, NULL);
    answer(conn, "TEMP", "the store can't be read: see the log of tollgate-authd");
}

static void look(struct conn *conn, map_fn *map, struct tg_span key)
{
    struct app *app = conn_app(conn);
    struct tg_view *view;
    struct tg_error err;
    const char *value = "";
    if (tg_view_begin(app->store, &view, &err) != TG_OK) {
        unusable(conn, &err);
        return;
    }
    enum tg_code code = map(view, app, key, &value, &err);
    if (code == TG_OK || code == TG_NOT_FOUND) {
        metrics_answer(app->metrics, door_socketmap.name, code == TG_OK ? "ok" : "notfound");
        answer(conn, code == TG_OK ? "OK" : "NOTFOUND", code == TG_OK ? value : "");
    } else {
        unusable(conn, &err);
    }
    tg_view_end(&view);
}

static void refuse_map(struct conn *conn, struct tg_span name)
{
    char text[200];
    metrics_answer(conn_app(conn)->metrics, door_socketmap.name, "refused");
    snprintf(text, sizeof text, "there is no map named %.*s: ip, sender, domain and returnpath are", name.len < 60 ? (int)name.len : 60,
             (const char *)name.data);
    tg_log(TG_WARNING, "socketmap-refused", "peer", conn_peer(conn), "error", text, NULL);
    answer(conn, "PERM", text);
}

static ssize_t socketmap_read(struct conn *conn, void *state, const uint8_t *in, size_t len)
{
    struct socketmap_request request;
    (void)state;
    ssize_t used = wire_socketmap_read(in, len, &request);
    if (used <= 0)
        return used;
    map_fn *map = map_named(request.map);
    if (map != NULL)
        look(conn, map, request.key);
    else
        refuse_map(conn, request.map);
    return used;
}

const struct door door_socketmap = {
    .name = "socketmap",
    .request_max = SOCKETMAP_REQUEST_MAX + 1,
    .request_s = 30,
    .idle_s = 3600,
    .connections_max = 1000,
    .read = socketmap_read,
};
