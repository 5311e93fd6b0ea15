/* fuzz_author.c: the body of a From field. What is accepted must stand on firm ground: every address is in the
 * text as it came, its domain is canonical, and reading the addresses alone finds the very same ones. */
#include <gmime/gmime.h>
#include "schema/author.h"
#include "tests/fuzz/fuzz.h"

/* Without folds' newlines. */
static char *unfolded(struct tg_arena *arena, const uint8_t *data, size_t size)
{
    char *text = tg_arena_strndup(arena, (const char *)data, size), *to = text;
    for (const char *from = text; *from != '\0'; from++)
        if (*from != '\r' && *from != '\n')
            *to++ = *from;
    *to = '\0';
    return text;
}

static void check(struct tg_arena *arena, const char *text, const struct tg_authors *authors)
{
    char all[TG_AUTHORS_MAX * 600] = "";
    struct tg_authors again;
    MUST(authors->count >= 1 && authors->count <= TG_AUTHORS_MAX);
    for (size_t i = 0; i < authors->count; i++) {
        const char *address = authors->mailbox[i].address, *at = strrchr(address, '@');
        char canonical[TG_DOMAIN_MAX + 1];
        MUST(at != NULL && at > address && strpbrk(address, "\r\n<>") == NULL);
        MUST(strstr(text, address) != NULL);
        MUST(tg_domain_name(tg_span_str(at + 1), canonical, NULL) == TG_OK);
        MUST(strcmp(canonical, authors->mailbox[i].domain) == 0);
        if (strlen(all) + strlen(address) + 3 < sizeof all) {
            strcat(all, i > 0 ? ", " : "");
            strcat(all, address);
        } else {
            return;
        }
    }
    if (strlen(all) > 900)
        return; /* a line of its own would be too long */
    MUST(tg_authors_read(arena, tg_span_str(all), false, &again, NULL) == TG_OK);
    MUST(again.count == authors->count);
    for (size_t i = 0; i < again.count; i++)
        MUST(strcmp(again.mailbox[i].address, authors->mailbox[i].address) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tg_authors authors;
    static struct tg_arena *arena;
    if (arena == NULL) {
        g_mime_init();
        arena = tg_arena_new();
    }
    tg_arena_reset(arena);
    if (tg_authors_read(arena, tg_span_of(data, size), false, &authors, NULL) == TG_OK)
        check(arena, unfolded(arena, data, size), &authors);
    return 0;
}
