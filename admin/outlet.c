/* outlet.c: see outlet.h. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "admin/outlet.h"
#include "schema/now.h"

enum { WRITE_AT = 1 << 16, WRITE_EVERY_MS = 200, PATIENCE_MS = 2000 };

/* Not open_memstream, which leaves out what it finds no room for, and does not tell. */
static ssize_t keep(void *outlet, const char *text, size_t len)
{
    struct outlet *o = outlet;
    if (o->size - o->len < len) {
        o->size = 2 * (o->len + len);
        o->text = tg_xrealloc(o->text, o->size);
    }
    memcpy(o->text + o->len, text, len);
    o->len += len;
    return (ssize_t)len;
}

void outlet_open(struct outlet *o, const struct terminal *terminal)
{
    fflush(terminal->out); /* nothing of before comes after */
    *o = (struct outlet){ .terminal = *terminal, .fd = fileno(terminal->out), .patience_ms = PATIENCE_MS, .written_ms = tg_ticks_ms() };
    o->terminal.out = fopencookie(o, "w", (cookie_io_functions_t){ .write = keep });
    if (o->terminal.out == NULL)
        abort(); /* as tg_xmalloc does */
    o->old_pipe = signal(SIGPIPE, SIG_IGN);
}

bool outlet_due(const struct outlet *o)
{
    size_t printed = o->len + __fpending(o->terminal.out);
    return printed >= WRITE_AT || (printed > 0 && tg_ticks_ms() - o->written_ms >= WRITE_EVERY_MS);
}

/* Would a write of PIPE_BUF octets be done at once? Waits for that as long as there is patience. */
static bool is_ready(struct outlet *o)
{
    struct pollfd out = { .fd = o->fd, .events = POLLOUT };
    if (o->terminal.is_tty)
        return false;
    int64_t before = tg_ticks_ms();
    bool ready = poll(&out, 1, o->patience_ms) > 0;
    int64_t waited = tg_ticks_ms() - before;
    o->patience_ms -= waited < o->patience_ms ? (int)waited : o->patience_ms;
    return ready;
}

/* As much as is_ready answers for. A reader's descriptor may be set to O_NONBLOCK by others: then we wait here. */
static ssize_t write_some(struct outlet *o, const char *text, size_t len)
{
    struct pollfd out = { .fd = o->fd, .events = POLLOUT };
    ssize_t put = write(o->fd, text, len < PIPE_BUF ? len : PIPE_BUF);
    if (put >= 0 || (errno != EINTR && errno != EAGAIN))
        return put;
    if (errno == EAGAIN)
        poll(&out, 1, -1);
    return 0;
}

enum tg_code outlet_write(struct outlet *o, struct tg_view *view, struct tg_error *err)
{
    bool paused = false;
    fflush(o->terminal.out);
    for (size_t at = 0; at < o->len;) {
        if (view != NULL && !paused && !is_ready(o)) {
            tg_view_pause(view);
            paused = true;
        }
        ssize_t put = write_some(o, o->text + at, o->len - at);
        if (put < 0) {
            o->broken = errno == EPIPE;
            return tg_fail(err, TG_FAILED, "the result could not be written: %s", strerror(errno));
        }
        at += (size_t)put;
    }
    o->len = 0;
    o->written_ms = tg_ticks_ms();
    if (!paused)
        return TG_OK;
    o->patience_ms = PATIENCE_MS;
    return tg_view_renew(view, err);
}

void outlet_close(struct outlet *o)
{
    fclose(o->terminal.out);
    free(o->text);
    signal(SIGPIPE, o->old_pipe);
    if (o->broken)
        raise(SIGPIPE);
}
