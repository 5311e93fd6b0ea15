/* fuzz_domain.c: a domain name. What is one has a canonical form that stays, and that is plain. */
#include <ctype.h>
#include "schema/domain_name.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char canonical[TG_DOMAIN_MAX + 1], again[TG_DOMAIN_MAX + 1], shown[4 * TG_DOMAIN_MAX], little[7];
    struct tg_span text = tg_span_of(data, size);
    if (tg_domain_name(text, canonical, NULL) != TG_OK) {
        MUST(canonical[0] == '\0');
        MUST(!tg_domain_name_is_ambiguous(text));
        return 0;
    }
    MUST(strlen(canonical) <= TG_DOMAIN_MAX && strchr(canonical, '.') != NULL);
    for (const char *c = canonical; *c != '\0'; c++)
        MUST(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '-' || *c == '.');
    MUST(tg_domain_name(tg_span_str(canonical), again, NULL) == TG_OK && strcmp(again, canonical) == 0);
    MUST(!tg_domain_name_is_ambiguous(tg_span_str(canonical)));
    tg_domain_name_display(canonical, shown, sizeof shown);
    /* What is shown is read as the same domain. */
    MUST(tg_domain_name(tg_span_str(shown), again, NULL) == TG_OK && strcmp(again, canonical) == 0);
    tg_domain_name_display(canonical, little, sizeof little);
    MUST(strlen(little) < sizeof little);
    (void)tg_domain_is_public_suffix(canonical);
    return 0;
}
