/* dns.c: see dns.h. Failing over is done here and not by c-ares, which would report a SERVFAIL of
 * the last resolver as a refused connection: a person must be told them apart. */
#include <ares.h>
#include <arpa/inet.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include "schema/dns.h"
#include "schema/now.h"

enum {
    ROUNDS = 2,
    RESOLVERS_MAX = 8,
    TRY_LEAST_MS = 250,
    TRY_MOST_MS = 5000,
    UDP_SIZE = 1232,
    TYPES_IN = 1
};

struct tg_dns_options tg_dns_options(const struct tg_settings *settings)
{
    return (struct tg_dns_options){&settings->resolvers, (int)settings->dns_timeout * 1000};
}

struct tg_dns_question tg_dns_question(enum tg_dns_type type, const char *format, ...)
{
    struct tg_dns_question q = {.type = type};
    va_list args;
    va_start(args, format);
    vsnprintf(q.name, sizeof q.name, format, args);
    va_end(args);
    return q;
}

/* ---- one question at one resolver ---- */

struct asking {
    struct tg_dns_question *question;
    ares_channel channel;
    struct tg_arena *arena;
    const char *resolver;
    const char *name; /* asked at present: the question's, then its aliases' */
    int aliases;
};

static void unknown(struct asking *a, const char *why)
{
    a->question->state = TG_DNS_UNKNOWN;
    snprintf(a->question->why, sizeof a->question->why, "%s %s", a->resolver, why);
}

static void answered(void *arg, int status, int timeouts, unsigned char *message, int len);

static void ask(struct asking *a)
{
    ares_query(a->channel, a->name, TYPES_IN, (int)a->question->type, answered, a);
}

static void read_answer(struct asking *a, const unsigned char *message, size_t len)
{
    struct tg_dns_question *q = a->question;
    const char *end;
    if (!tg_dns_read(message, len, a->name, q->type, a->arena, &q->records, &end)) {
        unknown(a, "sent an answer that can't be read");
    } else if (q->records.count > 0) {
        q->state = TG_DNS_FOUND;
    } else if (end == NULL || (end != a->name && ++a->aliases > TG_DNS_ALIASES)) {
        q->state = TG_DNS_NO_RECORD; /* a circle of aliases */
    } else if (end != a->name) {
        /* The resolver stopped at an alias. */
        a->name = end;
        ask(a);
    } else {
        q->state = TG_DNS_NO_RECORD;
    }
}

static void answered(void *arg, int status, int timeouts, unsigned char *message, int len)
{
    struct asking *a = arg;
    (void)timeouts;
    switch (status) {
    case ARES_SUCCESS:
        read_answer(a, message, (size_t)len);
        break;
    case ARES_ENODATA:
        a->question->state = TG_DNS_NO_RECORD;
        break;
    case ARES_ENOTFOUND:
        a->question->state = TG_DNS_NO_NAME;
        break;
    /* Longer than the DNS allows: nobody can have published it. */
    case ARES_EBADNAME:
        a->question->state = TG_DNS_NO_NAME;
        break;
    case ARES_ESERVFAIL:
        unknown(a, "could not find out (SERVFAIL)");
        break;
    case ARES_EREFUSED:
        unknown(a, "refused the question");
        break;
    case ARES_ENOTIMP:
        unknown(a, "does not know such questions");
        break;
    case ARES_EFORMERR:
        unknown(a, "did not understand the question");
        break;
    case ARES_ECONNREFUSED:
        unknown(a, "does not answer: nothing listens there");
        break;
    case ARES_ETIMEOUT:
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
        unknown(a, "did not answer in time");
        break;
    default:
        unknown(a, ares_strerror(status));
        break;
    }
}

/* ---- one resolver ---- */

/* Until every answer is there or the time is over. */
static void wait_for(ares_channel channel, int64_t deadline)
{
    for (int64_t now; (now = tg_ticks_ms()) < deadline;) {
        ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
        struct pollfd polled[ARES_GETSOCK_MAXNUM];
        struct timeval most = {(deadline - now) / 1000, (deadline - now) % 1000 * 1000}, wait;
        unsigned bits = (unsigned)ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
        nfds_t count = 0;
        for (int i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
            /* As ARES_GETSOCK_READABLE and _WRITABLE, which shift a signed 1 into the sign. */
            short events = (short)((bits >> i & 1 ? POLLIN : 0) |
                                   (bits >> (i + ARES_GETSOCK_MAXNUM) & 1 ? POLLOUT : 0));
            if (events != 0)
                polled[count++] = (struct pollfd){.fd = sockets[i], .events = events};
        }
        if (count == 0)
            return;
        const struct timeval *next = ares_timeout(channel, &most, &wait);
        poll(polled, count, (int)(next->tv_sec * 1000 + next->tv_usec / 1000 + 1));
        for (nfds_t i = 0; i < count; i++) {
            bool in = (polled[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0,
                 out = (polled[i].revents & POLLOUT) != 0;
            ares_process_fd(channel, in ? polled[i].fd : ARES_SOCKET_BAD,
                            out ? polled[i].fd : ARES_SOCKET_BAD);
        }
        ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* timers */
    }
    ares_cancel(channel);
}

static enum tg_code open_channel(const char *resolver, int try_ms, ares_channel *channel,
                                 struct tg_error *err)
{
    struct ares_options options = {
        .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP | ARES_FLAG_EDNS,
        .timeout = try_ms,
        .tries = 1,
        .ednspsz = UDP_SIZE,
    };
    int status = ares_init_options(
        channel, &options, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ);
    if (status != ARES_SUCCESS)
        return tg_fail(err, TG_UNUSABLE, "the DNS can't be asked: %s", ares_strerror(status));
    if (resolver == NULL ||
        (status = ares_set_servers_ports_csv(*channel, resolver)) == ARES_SUCCESS)
        return TG_OK;
    ares_destroy(*channel);
    return tg_fail(err, TG_UNUSABLE,
                   "the resolver %.100s can't be asked: %s (resolvers in tollgate.conf: address or "
                   "address:port)",
                   resolver, ares_strerror(status));
}

/* Asks what is unknown yet. */
static enum tg_code ask_one(const char *resolver, struct tg_arena *arena,
                            struct tg_dns_question *questions, size_t count, int try_ms,
                            int64_t deadline, struct tg_error *err)
{
    ares_channel channel;
    struct asking *asking = tg_arena_calloc(arena, count, sizeof *asking);
    enum tg_code code = open_channel(resolver, try_ms, &channel, err);
    if (code != TG_OK)
        return code;
    for (size_t i = 0; i < count; i++) {
        if (questions[i].state != TG_DNS_UNKNOWN)
            continue;
        asking[i] = (struct asking){&questions[i], channel, arena, resolver, questions[i].name, 0};
        ask(&asking[i]);
    }
    wait_for(channel, deadline);
    ares_destroy(channel);
    return TG_OK;
}

/* ---- all of them ---- */

/* The system's, as c-ares reads /etc/resolv.conf. */
static enum tg_code system_resolvers(struct tg_arena *arena, const char **list, size_t *count,
                                     struct tg_error *err)
{
    struct ares_addr_port_node *servers = NULL;
    char address[INET6_ADDRSTRLEN];
    ares_channel channel;
    *count = 0;
    enum tg_code code = open_channel(NULL, TRY_MOST_MS, &channel, err);
    if (code != TG_OK)
        return code;
    if (ares_get_servers_ports(channel, &servers) == ARES_SUCCESS) {
        for (struct ares_addr_port_node *s = servers; s != NULL && *count < RESOLVERS_MAX;
             s = s->next) {
            int port = s->udp_port != 0 ? s->udp_port : 53;
            if (inet_ntop(s->family, &s->addr, address, sizeof address) != NULL)
                list[(*count)++] = tg_arena_printf(
                    arena, s->family == AF_INET6 ? "[%s]:%d" : "%s:%d", address, port);
        }
        ares_free_data(servers);
    }
    ares_destroy(channel);
    return *count > 0 ? TG_OK
                      : tg_fail(err, TG_UNUSABLE,
                                "the system names no resolver: set resolvers in tollgate.conf");
}

static bool all_known(const struct tg_dns_question *questions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (questions[i].state == TG_DNS_UNKNOWN)
            return false;
    return true;
}

enum tg_code tg_dns_ask(const struct tg_dns_options *options, struct tg_arena *arena,
                        struct tg_dns_question *questions, size_t count, struct tg_error *err)
{
    const char *resolvers[RESOLVERS_MAX];
    size_t resolver_count = 0;
    int64_t deadline = tg_ticks_ms() + options->total_ms;
    enum tg_code code = TG_OK;
    for (size_t i = 0; i < options->resolvers->count && resolver_count < RESOLVERS_MAX; i++)
        resolvers[resolver_count++] = options->resolvers->item[i];
    if (resolver_count == 0)
        code = system_resolvers(arena, resolvers, &resolver_count, err);
    for (size_t i = 0; i < count; i++) {
        questions[i].state = TG_DNS_UNKNOWN;
        questions[i].records.count = 0;
    }
    int try_ms = options->total_ms / (int)(resolver_count > 0 ? resolver_count * ROUNDS : 1);
    try_ms = try_ms < TRY_LEAST_MS ? TRY_LEAST_MS : try_ms > TRY_MOST_MS ? TRY_MOST_MS : try_ms;
    for (size_t turn = 0; code == TG_OK && turn < ROUNDS * resolver_count &&
                          !all_known(questions, count) && (turn == 0 || tg_ticks_ms() < deadline);
         turn++)
        code = ask_one(resolvers[turn % resolver_count], arena, questions, count, try_ms, deadline,
                       err);
    return code;
}
