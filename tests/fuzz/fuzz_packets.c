/* fuzz_packets.c: what stands on a connection to the milter: each whole packet is handed over once, in order, but for macros that
 * nobody can ask for; the first that can't be one ends it. */
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <sys/socket.h>
#include <unistd.h>
#include "milter/packets.h"
#include "schema/log.h"
#include "tests/fuzz/fuzz.h"

enum { LONGEST = 60000 };

static bool may_be_left_out(const uint8_t *packet, size_t len)
{
    return len >= 2 && packet[0] == SMFIC_MACRO && (len == 2 || packet[1] == SMFIC_HEADER || packet[1] == SMFIC_BODY);
}

/* The one at data + *at, its command included; NULL where there is none. */
static const uint8_t *next(const uint8_t *data, size_t size, size_t *at, size_t *len)
{
    if (size - *at < MILTER_LEN_BYTES + 1)
        return NULL;
    const uint8_t *head = data + *at;
    *len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (*len == 0 || *len > size - *at - MILTER_LEN_BYTES)
        return NULL;
    *at += MILTER_LEN_BYTES + *len;
    return head + MILTER_LEN_BYTES;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int ends[2];
    struct timeval none = { 0 };
    struct tg_error err;
    size_t at = 0;
    if (size > LONGEST || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return 0;
    MUST(tg_log_open("fuzz", "/dev/null", "error", &err) == TG_OK);
    MUST(write(ends[0], data, size) == (ssize_t)size);
    shutdown(ends[0], SHUT_WR);
    for (;;) {
        char command;
        size_t len, packet_len = 0;
        char *rest = mi_rd_cmd(ends[1], &none, &command, &len, (char *)"fuzz");
        if (rest == NULL && command < ' ')
            break; /* an end; or a command that libmilter takes for one */
        const uint8_t *packet;
        do
            packet = next(data, size, &at, &packet_len);
        while (packet != NULL && may_be_left_out(packet, packet_len) &&
               (packet_len != len + 1 || (char)packet[0] != command || memcmp(packet + 1, rest, len) != 0));
        MUST(packet != NULL && packet_len == len + 1 && (char)packet[0] == command);
        MUST((rest == NULL) == (len == 0));
        MUST(len == 0 || memcmp(rest, packet + 1, len) == 0);
        free(rest);
    }
    packets_read_end();
    close(ends[0]);
    close(ends[1]);
    return 0;
}
