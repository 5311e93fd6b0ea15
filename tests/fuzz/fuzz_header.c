/* fuzz_header.c: the header of a message, as explain reads it from a file. */
#include <gmime/gmime.h>
#include "schema/header.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tg_header header;
    static struct tg_arena *arena;
    struct tg_header_reader reader = { 0 };
    if (arena == NULL) {
        g_mime_init();
        arena = tg_arena_new();
    }
    tg_arena_reset(arena);
    tg_header_message(&reader, tg_span_of(data, size));
    tg_header_end(&reader, true, arena, &header);
    if (header.error == NULL) {
        MUST(reader.from_count == 1 && reader.sender_count <= 1 && !reader.lookalike);
        MUST(header.from.count >= 1 && header.sender.count == reader.sender_count);
    }
    tg_header_reset(&reader);
    return 0;
}
