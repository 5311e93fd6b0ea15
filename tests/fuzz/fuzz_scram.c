/* fuzz_scram.c: the two messages of a SCRAM client, parted by a newline. */
#include <sodium.h>
#include "authd/scram.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t salt[TG_SALT_LEN] = { 1, 2, 3 };
    struct scram scram;
    uint8_t proof[TG_SCRAM_KEY_LEN];
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t len = newline != NULL ? (size_t)(newline - data) : size;
    if (sodium_init() < 0 || scram_client_first(&scram, tg_span_of(data, len), NULL) != TG_OK)
        return 0;
    MUST(scram.username[0] != '\0' && scram.client_first_bare[0] == 'n');
    MUST(scram.gs2_header[0] == 'n' || scram.gs2_header[0] == 'y');
    scram_server_first(&scram, "abcdefghijklmnopqrstuvwx", salt, 4096);
    MUST(strstr(scram.server_first, ",i=4096") != NULL);
    if (newline == NULL || scram_client_final(&scram, tg_span_of(newline + 1, size - len - 1), proof, NULL) != TG_OK)
        return 0;
    MUST(strstr(scram.auth_message, scram.server_first) != NULL);
    MUST(strncmp(scram.auth_message, scram.client_first_bare, strlen(scram.client_first_bare)) == 0);
    return 0;
}
