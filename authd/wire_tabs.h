/* wire_tabs.h: fields parted by tabs, with Dovecot's escapes: octet 1, then '1' (itself), 't', 'r', 'n', or '0'
 * (NUL). Shared by its authentication and dict protocols. Pure. */
#ifndef AUTHD_WIRE_TABS_H
#define AUTHD_WIRE_TABS_H

#include <stdbool.h>
#include "authd/wire_text.h"
#include "schema/span.h"

/* The next field of the line, which loses it; false at the line's end. */
bool wire_tabs_next(struct tg_span *line, struct tg_span *field);
/* Copies without its escapes; what does not fit or holds a NUL becomes "", for nothing of ours looks like it. */
void wire_tabs_copy(struct tg_span field, char *out, size_t size);
/* Decimal, 32 bits; false: anything else. */
bool wire_tabs_number(struct tg_span field, uint32_t *number);

/* With escapes. */
void wire_tabs_add(struct wire_text *out, const char *value);

#endif
