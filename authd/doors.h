/* doors.h: which option of the configuration opens which door. */
#ifndef AUTHD_DOORS_H
#define AUTHD_DOORS_H

#include "authd/listen.h"

/* Binds the sockets of all that are configured. */
enum tg_code doors_bind(const struct tg_settings *settings, struct listeners *listeners, struct tg_error *err) TG_MUST_CHECK;
/* The name of an option that a running daemon can't take over; NULL where there is none. */
const char *doors_restart_needed(const struct tg_settings *old, const struct tg_settings *wanted);

#endif
