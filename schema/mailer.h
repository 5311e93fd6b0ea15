/* mailer.h: one message to a sendmail(8)-compatible command. */
#ifndef TG_MAILER_H
#define TG_MAILER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "schema/arena.h"
#include "schema/error.h"
#include "schema/records.pb-c.h"

enum { TG_MAILER_TIMEOUT_MS = 30000 };

/* The whole message, lines ended by LF as sendmail(1) takes them: From (where `from` is not ""; else the command adds its
 * own), To, Subject (RFC 2047), Date, Message-ID, MIME, Auto-Submitted. No text of the record can begin a header line:
 * what is a control becomes a blank. In the arena; pure. */
char *tg_mailer_message(struct tg_arena *arena, const Tg__Mail *mail, const char *from, int64_t now);

/* Runs the command by sh, in a process group of its own, with the message on its standard input. TG_FAILED: it can't be
 * run, exits with anything but 0 (the sentence ends with what it said), or takes too long (it is killed); also where *stop
 * (may be NULL) becomes true. A command that does not read its input is no failure by itself: no SIGPIPE comes of it. */
enum tg_code tg_mailer_run(const char *command, const char *message, int timeout_ms, const atomic_bool *stop,
                           struct tg_error *err) TG_MUST_CHECK;

#endif
