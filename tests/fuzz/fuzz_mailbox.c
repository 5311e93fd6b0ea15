/* fuzz_mailbox.c: an envelope address. One that is read has a canonical text, which is read as the same. */
#include "schema/mailbox.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tg_arena *arena;
    struct tg_mailbox m, again;
    arena = arena != NULL ? arena : tg_arena_new();
    tg_arena_reset(arena);
    struct tg_span text = tg_span_of(data, size);
    const char *canonical = tg_mailbox_canonical(arena, text);
    if (tg_mailbox_parse(text, &m, NULL) != TG_OK) {
        MUST(memcmp(canonical, data, size) == 0);
        return 0;
    }
    MUST(m.null_sender == (m.domain[0] == '\0') && m.null_sender == (m.local_part.len == 0));
    MUST(tg_mailbox_parse(tg_span_str(canonical), &again, NULL) == TG_OK);
    MUST(strcmp(again.domain, m.domain) == 0 && again.local_part.len == m.local_part.len);
    MUST(m.local_part.len == 0 || memcmp(again.local_part.data, m.local_part.data, m.local_part.len) == 0);
    MUST(strcmp(tg_mailbox_canonical(arena, tg_span_str(canonical)), canonical) == 0);
    /* It goes into replies, logs and SMTP commands. */
    for (const char *c = canonical; *c != '\0'; c++)
        MUST((unsigned char)*c >= ' ' && *c != 0x7f);
    return 0;
}
