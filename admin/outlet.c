/* outlet.c: see outlet.h. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "admin/outlet.h"

enum { WRITE_AT = 1 << 16, WRITE_EVERY_MS = 200, PATIENCE_MS = 2000 };

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void outlet_open(struct outlet *o, const struct terminal *terminal)
{
    fflush(terminal->out); /* nothing of before comes after */
    *o = (struct outlet){ .terminal = *terminal, .fd = fileno(terminal->out), .patience_ms = PATIENCE_MS, .written_ms = now_ms() };
    o->terminal.out = open_memstream(&o->text, &o->size);
    if (o->terminal.out == NULL)
        abort(); /* as tg_xmalloc does */
    o->old_pipe = signal(SIGPIPE, SIG_IGN);
}

bool outlet_due(const struct outlet *o)
{
    off_t printed = ftello(o->terminal.out);
    return printed >= WRITE_AT || (printed > 0 && now_ms() - o->written_ms >= WRITE_EVERY_MS);
}

/* Would a write of PIPE_BUF octets be done at once? Waits for that as long as there is patience. */
static bool is_ready(struct outlet *o)
{
    struct pollfd out = { .fd = o->fd, .events = POLLOUT };
    if (o->terminal.is_tty)
        return false;
    int64_t before = now_ms();
    bool ready = poll(&out, 1, o->patience_ms) > 0;
    int64_t waited = now_ms() - before;
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
    off_t len = ftello(o->terminal.out);
    for (off_t at = 0; at < len;) {
        if (view != NULL && !paused && !is_ready(o)) {
            tg_view_pause(view);
            paused = true;
        }
        ssize_t put = write_some(o, o->text + at, (size_t)(len - at));
        if (put < 0) {
            o->broken = errno == EPIPE;
            return tg_fail(err, TG_FAILED, "the result could not be written: %s", strerror(errno));
        }
        at += put;
    }
    fseeko(o->terminal.out, 0, SEEK_SET);
    o->written_ms = now_ms();
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
