/* sasl.h: libsasl2's server, with Tollgate's checks behind it and nothing else.
 *
 * PLAIN and LOGIN are libsasl2's plug-ins with a checkpass callback; SCRAM-SHA-256 is a server mechanism of our
 * own (scram_mechanism.c), for libsasl2's checks one verifier an exchange and so can't serve an overlap of two
 * passwords. No other plug-in file is loaded and no configuration file of libsasl2 is read. One thread. */
#ifndef AUTHD_SASL_H
#define AUTHD_SASL_H

#include "authd/login.h"
#include "schema/settings.h"

/* Once a process. TG_UNUSABLE where a configured mechanism can't be had: names what to install. */
enum tg_code sasl_begin(const struct tg_list *mechanisms, struct tg_error *err) TG_MUST_CHECK;
void sasl_end(void);

/* Can every one of them be offered? The same error as sasl_begin, for a reload. */
enum tg_code sasl_offers(const struct tg_list *mechanisms, struct tg_error *err) TG_MUST_CHECK;

/* Does the mechanism show the password to who reads along? */
bool sasl_is_plaintext(const char *mechanism);

enum exchange_step {
    EXCHANGE_MORE,     /* send the challenge, wait for the answer */
    EXCHANGE_OK,       /* result->username is who it is */
    EXCHANGE_REFUSED,  /* result->why, reason */
    EXCHANGE_UNUSABLE, /* can't tell: result's error */
};

struct exchange;

struct exchange *exchange_new(struct tg_store *store, const char *mechanism);
void exchange_free(struct exchange **exchange);

/* The first step: response NULL where the client sent no initial response. challenge lives until the next
 * step. */
enum exchange_step exchange_start(struct exchange *exchange, const struct tg_span *response, int64_t now,
                                  struct tg_span *challenge);
enum exchange_step exchange_continue(struct exchange *exchange, struct tg_span response, int64_t now,
                                     struct tg_span *challenge);

const char *exchange_mechanism(const struct exchange *exchange);
/* The name that the client used, as it came; "" before it is known. */
const char *exchange_login(const struct exchange *exchange);
const struct login_result *exchange_result(const struct exchange *exchange);
const struct tg_error *exchange_error(const struct exchange *exchange);

#endif
