/* fuzz_token.c: a token. One that is read is the very text that was made for what it says, but for the case of its
 * letters: there is no second text for a token. */
#include <ctype.h>
#include <sodium.h>
#include "schema/token.h"
#include "tests/fuzz/fuzz.h"

enum { NOW = 1800000000 };

static void check(const struct tg_seal_keys *keys, enum tg_token_kind kind, const uint8_t *data, size_t size)
{
    struct tg_token token;
    if (tg_token_read(keys, kind, tg_span_of(data, size), NOW, 0, &token, NULL) != TG_OK)
        return;
    for (size_t count = 1; count <= keys->count; count++) {
        struct tg_seal_keys some = *keys;
        char made[TG_TOKEN_SIZE];
        some.count = count;
        tg_token_make(&some, kind, &token, made);
        size_t same = 0;
        while (same < size && made[same] != '\0' && made[same] == tolower(data[same]))
            same++;
        if (same == size && made[same] == '\0')
            return;
    }
    MUST(!"a text that was never made is a token");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_seal_keys keys = { .count = 2 };
    if (sodium_init() < 0)
        return 0;
    keys.key[0].number = 1;
    keys.key[1].number = 2;
    memset(keys.key[0].secret, 7, sizeof keys.key[0].secret);
    memset(keys.key[1].secret, 8, sizeof keys.key[1].secret);
    check(&keys, TG_TOKEN_RETURN_PATH, data, size);
    check(&keys, TG_TOKEN_TRACE, data, size);
    return 0;
}
