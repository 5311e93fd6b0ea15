/* listen.h: the socket that the MTA connects to: libmilter makes it, or takes what a supervisor hands over. */
#ifndef MILTER_LISTEN_H
#define MILTER_LISTEN_H

#include <pthread.h>
#include "schema/error.h"
#include "schema/settings.h"

struct listener {
    int fd;         /* libmilter's descriptor; -1: closed */
    bool made_here; /* not handed over */
    char path[108]; /* of a unix socket that was made here */
};

/* After smfi_register, before smfi_main. TG_UNUSABLE, TG_REFUSED: bad address, in use, not allowed. */
enum tg_code listen_open(const struct tg_settings *settings, struct listener *listener, struct tg_error *err) TG_MUST_CHECK;

/* Once, when listen_thread runs smfi_main: for listen_stop. */
void listen_prepare_stop(void);

/* Takes no more connections: those who come wait for the next milter where the socket was handed over, and find
 * nobody, at once, where it was made here. Connections that are there live on. */
void listen_stop(struct listener *listener, pthread_t listen_thread);

#endif
