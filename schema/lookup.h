/* lookup.h: single questions that mail servers ask by tables, answered by the rules of policy.h where those need
 * no message: who may relay, who may send as a domain, which return path is genuine.
 *
 * TG_OK: yes; TG_NOT_FOUND: no, also where the key is nothing that could be known; TG_UNUSABLE: can't tell. */
#ifndef TG_LOOKUP_H
#define TG_LOOKUP_H

#include "schema/settings.h"
#include "schema/store.h"

/* May a client at this address relay without a login? It is an authorised IP (the longest network that holds it)
 * of an account that is enabled and does not ask for a login beside (--ip-lock). */
enum tg_code tg_lookup_client(struct tg_view *view, struct tg_span address, struct tg_error *err) TG_MUST_CHECK;

/* The usernames of the accounts that may send as this address's domain, by commas, each once: it, or a parent with
 * subdomains, is verified and associated with them. Also "@DOMAIN". In the view's arena. Accounts that may send as
 * anybody (--any-sender) are not among them. */
enum tg_code tg_lookup_sender(struct tg_view *view, struct tg_span address, const char **usernames,
                              struct tg_error *err) TG_MUST_CHECK;

/* Is there an account that may send as this domain? */
enum tg_code tg_lookup_domain(struct tg_view *view, struct tg_span domain, struct tg_error *err) TG_MUST_CHECK;

/* Is this address a genuine, unexpired return path of ours? */
enum tg_code tg_lookup_return_path(struct tg_view *view, const struct tg_settings *settings, struct tg_span address,
                                   int64_t now, struct tg_error *err) TG_MUST_CHECK;

#endif
