/* encoded_word.h: RFC 2047's encoded words in a phrase of From or Sender, strictly. Pure; safe in any thread after
 * g_mime_init. */
#ifndef TG_ENCODED_WORD_H
#define TG_ENCODED_WORD_H

#include <stdbool.h>
#include "schema/error.h"
#include "schema/span.h"

/* Is there something in it that a reader could take for an encoded word? */
bool tg_has_encoded_word(struct tg_span text);

/* Every encoded word in the phrase (quoted strings included, as mailers write them there) stands alone, is well
 * formed, decodes, and has neither controls nor what could be read as an @, a bracket or another encoded word.
 * *specials is set where one holds a character that has a meaning in an address field, as " or ( (never cleared).
 * TG_REFUSED: err says what is wrong. */
enum tg_code tg_encoded_words_check(struct tg_span phrase, bool *specials, struct tg_error *err) TG_MUST_CHECK;

/* What the character at s becomes by Unicode's normal forms, which a lenient reader may apply first: an @ or an angle
 * bracket; what begins or ends quotes and comments; or nothing of the kind. An ASCII character is no disguise. */
enum tg_disguise { TG_DISGUISE_NONE, TG_DISGUISE_QUOTE, TG_DISGUISE_ADDRESS };
enum tg_disguise tg_disguise(const char *s);

#endif
