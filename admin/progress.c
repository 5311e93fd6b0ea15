/* progress.c: see progress.h. A bar that leaves room for what is said behind it: how much, how fast, how long still. */
#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "admin/progress.h"
#include "schema/now.h"

/* Nothing flashes up for what is done at once. */
enum { WAIT_MS = 500, EVERY_MS = 100, BAR_MIN = 5, BAR_MAX = 20 };

/* 1,234,567 */
static void grouped(uint64_t number, char *out, size_t size)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    size_t at = 0;
    for (int i = 0; i < len && at + 2 < size; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

static void amount(const struct progress *p, uint64_t number, char *out, size_t size)
{
    if (p->octets)
        snprintf(out, size, "%.1f", (double)number / 1048576);
    else
        grouped(number, out, size);
}

static void time_left(double seconds, char *out, size_t size)
{
    if (seconds >= 120)
        snprintf(out, size, "%.0f min left", seconds / 60);
    else
        snprintf(out, size, "%.0f s left", seconds);
}

/* With a blank behind it. */
static void draw_bar(double share, int width, char *out)
{
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    for (int i = 0; i < width; i++)
        strcat(out, i < (int)(share * width) ? (utf8 ? "█" : "#") : (utf8 ? "░" : "."));
    strcat(out, " ");
}

static void draw(const struct progress *p, uint64_t done, uint64_t all, int64_t elapsed_ms)
{
    double share = all > 0 ? (double)done / (double)all : 0, seconds = (double)elapsed_ms / 1000;
    char some[40], whole[40], rate[40], left[40], text[220], bar[BAR_MAX * 3 + 2] = "";
    struct winsize size = { .ws_col = 80 };
    share = share > 1 ? 1 : share;
    amount(p, done, some, sizeof some);
    amount(p, all, whole, sizeof whole);
    amount(p, (uint64_t)((double)done / seconds), rate, sizeof rate);
    time_left(share > 0 ? seconds * (1 - share) / share : 0, left, sizeof left);
    snprintf(text, sizeof text, "%3.0f %%  %s of %s %s, %s a second, %s", share * 100, some, whole, p->what, rate, left);
    /* 0: a terminal that does not know its size. */
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        size.ws_col = 80;
    /* A blank between them, and the last column stays free. */
    int room = size.ws_col - 2 - (int)strlen(text);
    if (room >= BAR_MIN)
        draw_bar(share, room < BAR_MAX ? room : BAR_MAX, bar);
    else if (room < 0)
        snprintf(text, sizeof text, "%3.0f %%  %s", share * 100, left);
    fprintf(stderr, "\r%s%s\033[K", bar, text);
    fflush(stderr);
}

void progress_show(void *arg, uint64_t done, uint64_t all)
{
    struct progress *p = arg;
    int64_t now = tg_ticks_ms();
    if (p->start_ms == 0)
        p->start_ms = now;
    if (!isatty(STDERR_FILENO) || now - p->start_ms < WAIT_MS || now - p->shown_ms < EVERY_MS)
        return;
    draw(p, done, all, now - p->start_ms);
    p->shown_ms = now;
    p->shown = true;
}

void progress_end(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
