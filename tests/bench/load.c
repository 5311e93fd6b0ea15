/* load.c: see load.h. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "tests/bench/load.h"

enum { INPUT_MAX = 65536, SAMPLES_MAX = 1 << 22 };

struct client {
    int fd;
    void *state;
    struct load_buf in, out;
    size_t sent;
    int64_t asked_ns, stepped_ns;
};

struct run {
    const struct load_protocol *protocol;
    const struct load_options *options;
    struct sockaddr_storage address;
    socklen_t address_len;
    int epoll;
    struct client *clients;
    unsigned long number, requests, failures, lost;
    uint32_t *whole_us, *step_us; /* of each request */
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

void load_add(struct load_buf *buf, const void *data, size_t len)
{
    if (buf->len + len > buf->room) {
        buf->room = (buf->len + len) * 2;
        buf->data = realloc(buf->data, buf->room);
        if (buf->data == NULL)
            die("memory");
    }
    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
}

void load_printf(struct load_buf *buf, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof text) {
        errno = EMSGSIZE;
        die("a request");
    }
    load_add(buf, text, (size_t)len);
}

/* ---- connections ---- */

static void resolve(struct run *run)
{
    const char *text = run->options->address;
    if (strncmp(text, "unix:", 5) == 0) {
        struct sockaddr_un *un = (void *)&run->address;
        un->sun_family = AF_UNIX;
        snprintf(un->sun_path, sizeof un->sun_path, "%s", text + 5);
        run->address_len = sizeof *un;
        return;
    }
    char host[256];
    const char *colon = strrchr(text, ':');
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *found;
    snprintf(host, sizeof host, "%.*s", colon != NULL ? (int)(colon - text) : 0, text);
    if (colon == NULL || getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        fprintf(stderr, "load: %s is no address: unix:PATH or HOST:PORT\n", text);
        exit(2);
    }
    memcpy(&run->address, found->ai_addr, found->ai_addrlen);
    run->address_len = found->ai_addrlen;
    freeaddrinfo(found);
}

static void flush_out(struct run *run, struct client *c)
{
    (void)run;
    while (c->sent < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + c->sent, c->out.len - c->sent, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue; /* requests are far smaller than a socket's buffer */
        if (n < 0)
            return; /* the end shows when it is read */
        c->sent += (size_t)n;
    }
    c->out.len = c->sent = 0;
}

static void open_client(struct run *run, struct client *c)
{
    int one = 1;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = socket(run->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket");
    while (connect(c->fd, (struct sockaddr *)&run->address, run->address_len) != 0) {
        if (errno != EAGAIN && errno != EINTR)
            die(run->options->address);
        usleep(1000); /* a unix socket whose backlog is full */
    }
    if (run->address.ss_family != AF_UNIX)
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
    if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        die("epoll");
    memset(c->state, 0, run->protocol->state_size);
    c->in.len = c->out.len = c->sent = 0;
    run->protocol->start(c->state, run->number++, &c->out);
    c->asked_ns = c->stepped_ns = now_ns();
    flush_out(run, c);
}

static void answered(struct run *run, struct client *c)
{
    int64_t now = now_ns();
    size_t i = run->requests++ % SAMPLES_MAX;
    run->whole_us[i] = (uint32_t)((now - c->asked_ns) / 1000);
    run->step_us[i] = (uint32_t)((now - c->stepped_ns) / 1000);
    c->asked_ns = now;
}

/* All that the input says. */
static void digest(struct run *run, struct client *c)
{
    for (;;) {
        size_t used = 0;
        enum load_next next = run->protocol->read(c->state, c->in.data, c->in.len, &used, &c->out);
        memmove(c->in.data, c->in.data + used, c->in.len - used);
        c->in.len -= used;
        if (next == LOAD_WAIT)
            return;
        if (next == LOAD_DONE || next == LOAD_RECONNECT)
            answered(run, c);
        if (next == LOAD_ERROR)
            run->failures++;
        if (next == LOAD_RECONNECT || next == LOAD_AGAIN || next == LOAD_ERROR) {
            flush_out(run, c);
            open_client(run, c);
            return;
        }
        c->stepped_ns = now_ns();
        flush_out(run, c);
    }
}

static void readable(struct run *run, struct client *c)
{
    uint8_t bytes[INPUT_MAX];
    ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        run->lost++;
        open_client(run, c);
        return;
    }
    load_add(&c->in, bytes, (size_t)n);
    digest(run, c);
}

/* ---- figures ---- */

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t percentile(const uint32_t *sorted, size_t count, unsigned percent)
{
    return count == 0 ? 0 : sorted[(count - 1) * percent / 100];
}

static void print(struct run *run, double seconds)
{
    size_t count = run->requests < SAMPLES_MAX ? run->requests : SAMPLES_MAX;
    qsort(run->whole_us, count, sizeof *run->whole_us, by_size);
    qsort(run->step_us, count, sizeof *run->step_us, by_size);
    printf("{\"protocol\":\"%s\",\"label\":\"%s\",\"connections\":%u,\"seconds\":%.3f,\"requests\":%lu,\"failures\":%lu,\"lost\":%lu,"
           "\"rate\":%.1f,\"p50_us\":%u,\"p99_us\":%u,\"step_p50_us\":%u,\"step_p99_us\":%u}\n",
           run->protocol->name, run->options->label, run->options->connections, seconds, run->requests, run->failures,
           run->lost, (double)run->requests / seconds, percentile(run->whole_us, count, 50), percentile(run->whole_us, count, 99),
           percentile(run->step_us, count, 50), percentile(run->step_us, count, 99));
}

int load_run(const struct load_protocol *protocol, const struct load_options *options)
{
    struct run run = { .protocol = protocol, .options = options };
    struct epoll_event events[256];
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    run.clients = calloc(options->connections, sizeof *run.clients);
    run.whole_us = malloc(SAMPLES_MAX * sizeof *run.whole_us);
    run.step_us = malloc(SAMPLES_MAX * sizeof *run.step_us);
    if (run.clients == NULL || run.whole_us == NULL || run.step_us == NULL)
        die("memory");
    resolve(&run);
    for (unsigned i = 0; i < options->connections; i++) {
        run.clients[i].fd = -1;
        run.clients[i].state = calloc(1, protocol->state_size);
        open_client(&run, &run.clients[i]);
    }
    int64_t begin = now_ns(), end = begin + (int64_t)(options->seconds * 1e9), now;
    while ((now = now_ns()) < end) {
        int n = epoll_wait(run.epoll, events, 256, (int)((end - now) / 1000000) + 1);
        for (int i = 0; i < n; i++)
            readable(&run, events[i].data.ptr);
    }
    print(&run, (double)(now_ns() - begin) / 1e9);
    for (unsigned i = 0; i < options->connections; i++) {
        close(run.clients[i].fd);
        free(run.clients[i].state);
        free(run.clients[i].in.data);
        free(run.clients[i].out.data);
    }
    free(run.clients);
    free(run.whole_us);
    free(run.step_us);
    close(run.epoll);
    return run.requests == 0 || run.failures > 0;
}

void load_options_read(int argc, char **argv, struct load_options *options, const char *more, const char *usage,
                       void (*handle)(int letter, const char *value))
{
    char letters[64];
    int letter;
    *options = (struct load_options){ .connections = 1, .seconds = 2, .label = "" };
    snprintf(letters, sizeof letters, "a:c:t:L:h%s", more);
    while ((letter = getopt(argc, argv, letters)) != -1) {
        if (letter == 'a')
            options->address = optarg;
        else if (letter == 'c')
            options->connections = (unsigned)strtoul(optarg, NULL, 10);
        else if (letter == 't')
            options->seconds = strtod(optarg, NULL);
        else if (letter == 'L')
            options->label = optarg;
        else if (letter == 'h' || letter == '?') {
            fputs(usage, letter == 'h' ? stdout : stderr);
            exit(letter == 'h' ? 0 : 2);
        } else
            handle(letter, optarg);
    }
    if (options->address == NULL || options->connections == 0 || options->seconds <= 0) {
        fputs(usage, stderr);
        exit(2);
    }
}
