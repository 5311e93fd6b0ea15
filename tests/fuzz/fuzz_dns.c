/* fuzz_dns.c: an answer of the DNS, from a resolver that may be anybody. */
#include <string.h>
#include "schema/dns_message.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum tg_dns_type types[] = { TG_DNS_TXT, TG_DNS_MX, TG_DNS_A, TG_DNS_AAAA };
    static struct tg_arena *arena;
    struct tg_dns_records records;
    const char *end;
    if (arena == NULL)
        arena = tg_arena_new();
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        tg_arena_reset(arena);
        if (!tg_dns_read(data, size, "a.test", types[t], arena, &records, &end))
            continue;
        MUST(records.count <= TG_DNS_RECORDS);
        MUST(end != NULL || records.count == 0);
        for (size_t i = 0; i < records.count; i++) {
            MUST(strlen(records.text[i]) <= TG_DNS_TEXT);
            for (const char *c = records.text[i]; types[t] == TG_DNS_TXT && *c != '\0'; c++)
                MUST(*c >= ' ' && *c <= '~');
        }
    }
    return 0;
}
