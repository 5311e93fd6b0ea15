/* fuzz_network.c: an IP address or network, and the address of a socket to listen on. */
#include "schema/listen_address.h"
#include "schema/network.h"
#include "tests/fuzz/fuzz.h"

static void check_network(const char *text, bool fix)
{
    struct tg_network network, again;
    char out[TG_NETWORK_TEXT];
    if (tg_network_parse(text, fix, &network, NULL) != TG_OK)
        return;
    MUST(network.family == 4 || network.family == 6);
    MUST(network.prefix_len <= (network.family == 4 ? 32 : 128));
    MUST(tg_network_parse(tg_network_text(&network, out), false, &again, NULL) == TG_OK);
    MUST(again.family == network.family && again.prefix_len == network.prefix_len);
    MUST(memcmp(again.address, network.address, network.family == 4 ? 4 : 16) == 0);
    MUST(tg_network_contains(&network, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tg_listen listen;
    char *text = tg_xstrndup(size > 0 ? (const char *)data : "", size);
    check_network(text, false);
    check_network(text, true);
    if (tg_listen_parse(text, &listen)) {
        MUST(listen.is_unix ? listen.path[0] == '/' : listen.host[0] != '\0');
        MUST(listen.is_unix || (listen.port >= 1 && listen.port <= 65535));
    }
    free(text);
    return 0;
}
