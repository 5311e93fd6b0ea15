/* packets_read.c: see packets.h. Source of the protocol: libmilter's mfdef.h, comm.c and engine.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "milter/packets.h"
#include "schema/log.h"

enum {
    LENGTH = MILTER_LEN_BYTES,
    HEAD = LENGTH + 1, /* the length, which counts the command, and the command */
    AHEAD = 16 * 1024, /* a message's header and the first piece of a small body */
};

/* Of this thread's connection. libmilter makes the threads, and gives its functions nothing of ours: so by thread. */
static _Thread_local struct ahead {
    int fd;
    size_t at, end; /* handed over up to here; whole packets up to here */
    uint8_t data[AHEAD]; /* what was looked at */
} thread_ahead;
enum packets_wrong packets_wait(int fd, short event, const struct timeval *timeout)
{
    struct pollfd poll_fd = { .fd = fd, .events = event };
    int rc;
    do
        rc = poll(&poll_fd, 1, (int)(timeout->tv_sec * 1000 + timeout->tv_usec / 1000));
    while (rc < 0 && errno == EINTR);
    return rc > 0 ? PACKETS_RIGHT : rc == 0 ? PACKETS_SILENT : PACKETS_BROKEN;
}

/* At least one octet. */
static enum packets_wrong receive(int fd, void *into, size_t size, int flags, const struct timeval *timeout, size_t *got)
{
    for (;;) {
        ssize_t n = recv(fd, into, size, flags | MSG_DONTWAIT);
        if (n > 0) {
            *got = (size_t)n;
            return PACKETS_RIGHT;
        }
        if (n == 0)
            return PACKETS_ENDED;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return PACKETS_BROKEN;
        enum packets_wrong wrong = packets_wait(fd, POLLIN, timeout);
        if (wrong != PACKETS_RIGHT)
            return wrong;
    }
}

static enum packets_wrong receive_all(int fd, void *into, size_t size, const struct timeval *timeout)
{
    uint8_t *at = into;
    for (size_t got; size > 0; at += got, size -= got) {
        enum packets_wrong wrong = receive(fd, at, size, 0, timeout, &got);
        if (wrong != PACKETS_RIGHT)
            return wrong;
    }
    return PACKETS_RIGHT;
}

/* What a packet's length says, the command included. */
static size_t packet_len(const uint8_t *head)
{
    uint32_t len;
    memcpy(&len, head, LENGTH);
    return ntohl(len);
}

/* How much of this is whole packets. One that can't be ends them, and is met by read_one. */
static size_t whole_packets(const uint8_t *data, size_t len)
{
    size_t at = 0;
    while (len - at >= HEAD) {
        size_t size = packet_len(data + at);
        if (size == 0 || size > len - at - LENGTH)
            break;
        at += LENGTH + size;
    }
    return at;
}

static enum packets_wrong look(struct ahead *ahead, int fd, const struct timeval *timeout)
{
    size_t got = 0;
    ahead->fd = fd;
    ahead->at = ahead->end = 0;
    enum packets_wrong wrong = receive(fd, ahead->data, sizeof ahead->data, MSG_PEEK, timeout, &got);
    ahead->end = whole_packets(ahead->data, got);
    return wrong;
}

/* What was handed over leaves the kernel: it is the same as in the front of data. */
static enum packets_wrong settle(struct ahead *ahead)
{
    const struct timeval none = { 0 };
    size_t handed_over = ahead->at;
    ahead->at = ahead->end = 0;
    return receive_all(ahead->fd, ahead->data, handed_over, &none);
}

static bool in_pairs(const char *text, size_t len)
{
    size_t strings = 0;
    for (size_t i = 0; i < len; i++)
        strings += text[i] == '\0';
    return len == 0 || (text[len - 1] == '\0' && strings % 2 == 0);
}

/* Macros that are for no callback, or none at all. */
static bool is_unused(char command, const char *rest, size_t len)
{
    return command == SMFIC_MACRO && len > 0 && (len == 1 || *rest == SMFIC_HEADER || *rest == SMFIC_BODY);
}

static char *refuse(char *packet, char *command, size_t *len, enum packets_wrong wrong)
{
    free(packet);
    *command = (char)wrong;
    *len = 0;
    return NULL;
}

static char *checked(char *packet, char *command, size_t *len)
{
    if (*command != SMFIC_MACRO || *len == 0 || in_pairs(packet + 1, *len - 1))
        return packet;
    tg_log(TG_WARNING, "packet-refused", "why", "macros without values", NULL);
    return refuse(packet, command, len, PACKETS_BROKEN);
}

/* One packet, straight from the kernel: it is not whole yet, or larger than what is looked at. */
static char *read_one(int fd, const struct timeval *timeout, char *command, size_t *len)
{
    uint8_t head[HEAD];
    enum packets_wrong wrong = receive_all(fd, head, sizeof head, timeout);
    if (wrong != PACKETS_RIGHT)
        return refuse(NULL, command, len, wrong);
    size_t size = packet_len(head);
    if (size == 0 || size - 1 > MILTER_MAX_DATA_SIZE)
        return refuse(NULL, command, len, size == 0 ? PACKETS_BROKEN : PACKETS_TOO_LARGE);
    *command = (char)head[LENGTH];
    *len = size - 1;
    if (*len == 0)
        return NULL;
    char *packet = malloc(*len);
    if (packet == NULL)
        return refuse(NULL, command, len, PACKETS_NO_MEMORY);
    wrong = receive_all(fd, packet, *len, timeout);
    return wrong != PACKETS_RIGHT ? refuse(packet, command, len, wrong) : checked(packet, command, len);
}

/* The next of those that were looked at. */
static char *hand_over(struct ahead *ahead, char *command, size_t *len)
{
    const uint8_t *head;
    do {
        head = ahead->data + ahead->at;
        *command = (char)head[LENGTH];
        *len = packet_len(head) - 1;
        ahead->at += HEAD + *len;
    } while (ahead->at < ahead->end && is_unused(*command, (const char *)head + HEAD, *len));
    char *packet = *len > 0 ? malloc(*len) : NULL;
    if (*len > 0 && packet == NULL)
        return refuse(NULL, command, len, PACKETS_NO_MEMORY);
    if (packet != NULL)
        memcpy(packet, head + HEAD, *len);
    if (ahead->at == ahead->end && settle(ahead) != PACKETS_RIGHT)
        return refuse(packet, command, len, PACKETS_BROKEN);
    return checked(packet, command, len);
}

char *mi_rd_cmd(int fd, struct timeval *timeout, char *command, size_t *len, char *filter)
{
    struct ahead *ahead = &thread_ahead;
    (void)filter;
    *command = PACKETS_RIGHT;
    *len = 0;
    if (ahead->at == ahead->end || ahead->fd != fd)
        *command = (char)look(ahead, fd, timeout);
    if (*command != PACKETS_RIGHT)
        return NULL;
    return ahead->end > 0 ? hand_over(ahead, command, len) : read_one(fd, timeout, command, len);
}

void packets_read_end(void)
{
    settle(&thread_ahead);
}
