/* mailbox.h: envelope addresses, strictly: RFC 5321 Mailbox, with RFC 6531's UTF-8. Pure. */
#ifndef TG_MAILBOX_H
#define TG_MAILBOX_H

#include "schema/arena.h"
#include "schema/domain_name.h"

struct tg_mailbox {
    bool null_sender;              /* <> */
    struct tg_span local_part;     /* points into the text, quotes included */
    char domain[TG_DOMAIN_MAX + 1]; /* canonical; "" for <> */
};

/* As libmilter gives it: "<user@dom>", or bare (Postfix's own mail): at most 64 octets of local part. TG_REFUSED: a source
 * route, an address literal, no domain, controls, NUL, unbalanced brackets or quotes, anything behind. */
enum tg_code tg_mailbox_parse(struct tg_span text, struct tg_mailbox *out, struct tg_error *err) TG_MUST_CHECK;

/* One text for what a mail server takes for one recipient: the local part as it is, the domain's ASCII letters in lower
 * case. A U-label stays one, and a last dot stays: a mail server delivers to each spelling. What does not parse stays as
 * it is. In the arena; "" for the null sender. */
const char *tg_mailbox_canonical(struct tg_arena *arena, struct tg_span text);

/* The address, without brackets, as any mail server takes it: its domain in A-labels. Where the local part is beyond ASCII
 * it stays as it is, and only mail with SMTPUTF8 (RFC 6531) can have it: *ascii is false. In the arena. */
const char *tg_mailbox_for_smtp(struct tg_arena *arena, struct tg_span text, bool *ascii);

#endif
