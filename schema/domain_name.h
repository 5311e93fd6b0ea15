/* domain_name.h: domain names as the store keeps them: lower-case A-labels (libidn2, UTS 46
 * non-transitional), no trailing dot. Pure; safe in any thread. */
#ifndef TG_DOMAIN_NAME_H
#define TG_DOMAIN_NAME_H

#include "schema/keys.h"
#include "schema/span.h"
#include "schema/error.h"

/* U-labels or A-labels, any case, one trailing dot allowed → canonical. TG_USAGE: not a domain name (empty
 * label, over 63 or 253 octets, not letter-digit-hyphen after mapping, A-label that does not decode, an address literal, a
 * single label, NUL, not UTF-8); the error says which. */
enum tg_code tg_domain_name(struct tg_span text, char out[TG_DOMAIN_MAX + 1], struct tg_error *err) TG_MUST_CHECK;

/* Would IDNA 2003 (or UTS 46's transitional processing) make another name of this one, as of "faß.example"? Two
 * programs may then mean two domains. False for what is no domain name. */
bool tg_domain_name_is_ambiguous(struct tg_span text);

/* Canonical → U-labels in UTF-8 for people; out is the A-label form where it can't be shown. */
void tg_domain_name_display(const char *canonical, char *out, size_t size);

/* com, co.uk, github.io: nobody's (libpsl's built-in list). */
bool tg_domain_is_public_suffix(const char *canonical);
/* The organisational domain: one label more than the public suffix. Points into canonical; NULL: a public suffix itself. */
const char *tg_domain_registrable(const char *canonical);

#endif
