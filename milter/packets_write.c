/* packets_write.c: see packets.h. Source of the protocol: libmilter's mfdef.h, comm.c and engine.c. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include "milter/packets.h"

enum {
    LENGTH = MILTER_LEN_BYTES,
    HEAD = LENGTH + 1, /* the length, which counts the command, and the command */
    CHANGES = 2 * 1024, /* a return path and the trace of it */
};

/* Of this thread's connection, as in packets_read.c. */
static _Thread_local struct changes {
    int fd;
    size_t len;
    uint8_t data[CHANGES]; /* packets that wait for the answer */
} thread_changes;

static bool is_change(int command)
{
    return command == SMFIR_CHGFROM || command == SMFIR_ADDRCPT || command == SMFIR_DELRCPT || command == SMFIR_ADDHEADER ||
           command == SMFIR_CHGHEADER;
}

static void append(struct changes *changes, const void *data, size_t len)
{
    if (len > 0)
        memcpy(changes->data + changes->len, data, len);
    changes->len += len;
}

/* What was sent leaves the parts' front. */
static void advance(struct msghdr *message, size_t sent)
{
    while (message->msg_iovlen > 0 && sent >= message->msg_iov->iov_len) {
        sent -= message->msg_iov->iov_len;
        message->msg_iov++;
        message->msg_iovlen--;
    }
    if (message->msg_iovlen > 0) {
        message->msg_iov->iov_base = (uint8_t *)message->msg_iov->iov_base + sent;
        message->msg_iov->iov_len -= sent;
    }
}

static bool send_all(int fd, struct msghdr *message, const struct timeval *timeout)
{
    while (message->msg_iovlen > 0) {
        ssize_t n = sendmsg(fd, message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0)
            advance(message, (size_t)n);
        else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (packets_wait(fd, POLLOUT, timeout) != PACKETS_RIGHT)
                return false;
        } else if (errno != EINTR)
            return false;
    }
    return true;
}

int mi_wr_cmd(int fd, struct timeval *timeout, int command, char *rest, size_t len)
{
    struct changes *changes = &thread_changes;
    uint8_t head[HEAD];
    if (len > MILTER_MAX_DATA_SIZE || (len > 0 && rest == NULL))
        return MI_FAILURE;
    uint32_t size = htonl((uint32_t)len + 1);
    memcpy(head, &size, LENGTH);
    head[LENGTH] = (uint8_t)command;
    if (changes->fd != fd)
        changes->len = 0;
    changes->fd = fd;
    if (is_change(command) && sizeof head + len <= sizeof changes->data - changes->len) {
        append(changes, head, sizeof head);
        append(changes, rest, len);
        return MI_SUCCESS;
    }
    struct iovec parts[] = { { changes->data, changes->len }, { head, sizeof head }, { rest, len } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = sizeof parts / sizeof *parts };
    advance(&message, 0);
    bool sent = send_all(fd, &message, timeout);
    changes->len = 0;
    return sent ? MI_SUCCESS : MI_FAILURE;
}

void packets_write_end(void)
{
    thread_changes.len = 0;
}
