/* listen.h: unix and inet sockets that doors listen on. Bound before privileges are dropped, served once the
 * store is open. A socket that systemd hands over (LISTEN_FDS) is taken where its address is the same, so that a
 * restart leaves no gap. */
#ifndef AUTHD_LISTEN_H
#define AUTHD_LISTEN_H

#include "authd/conn.h"
#include "authd/door.h"

struct listeners;

struct listeners *listeners_new(void);
/* Closes them; removes the unix sockets that were made here, where that is still allowed. */
void listeners_free(struct listeners **listeners);

/* TG_UNUSABLE: the address is bad, in use, not allowed, its directory missing, or there is no such group. */
enum tg_code listeners_bind(struct listeners *listeners, const struct door *door, const char *address,
                            const struct tg_settings *settings, struct tg_error *err) TG_MUST_CHECK;
size_t listeners_count(const struct listeners *listeners);

/* From now on clients are taken. */
enum tg_code listeners_serve(struct listeners *listeners, struct conns *conns, struct tg_error *err) TG_MUST_CHECK;
/* Takes no more, and leaves the sockets to be closed. */
void listeners_stop(struct listeners *listeners);

#endif
