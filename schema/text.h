/* text.h: what text from outside must be before it is stored or shown. Pure. */
#ifndef TG_TEXT_H
#define TG_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Octets of the well-formed UTF-8 character at s (RFC 3629), which ends with a NUL; 0: ill-formed. */
size_t tg_utf8_length(const char *s);

/* Well-formed UTF-8 of at most max octets, without controls (C0, DEL, C1, line and paragraph separators). */
bool tg_text_is_clean(const char *text, size_t max);

#endif
