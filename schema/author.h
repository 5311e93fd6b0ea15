/* author.h: who a message says it is from: the strict reading of From and Sender (DESIGN 6).
 *
 * What two programs could read as two different authors is refused: a strict grammar of our own (RFC 5322
 * without obs-, RFC 6532) decides, and GMime must then read the very same mailboxes. Pure; safe in any thread
 * after g_mime_init. */
#ifndef TG_AUTHOR_H
#define TG_AUTHOR_H

#include "schema/arena.h"
#include "schema/domain_name.h"

enum { TG_AUTHORS_MAX = 50 };

struct tg_authors {
    size_t count;
    struct {
        const char *address; /* addr-spec, in the arena */
        const char *domain;  /* canonical, in the arena */
    } mailbox[TG_AUTHORS_MAX];
};

/* One field's body as it came (after the colon; leading space and folds kept, a fold being "\n" or "\r\n" and white space).
 * TG_REFUSED: err->text says what is wrong ("two addresses may be read from it: …"). `one` : exactly one mailbox
 * (Sender). */
enum tg_code tg_authors_read(struct tg_arena *arena, struct tg_span body, bool one, struct tg_authors *out,
                             struct tg_error *err) TG_MUST_CHECK;

/* Is this header field one that a lenient reader could take for From or Sender, though its name is not exactly
 * that ("From ", "from\t", "Fr\0om")? The message is refused then. */
bool tg_author_lookalike(struct tg_span field_name);

#endif
