/* milter_load.c: an MTA's side of the milter protocol, as Postfix speaks it: macros before each command, no reply awaited
 * where the filter negotiated that, what needs no reply sent together with what does.
 *
 * Source: libmilter's mfdef.h (names and numbers), seen on the wire between Postfix 3.7 and libmilter 8.17. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include "tests/bench/load.h"

static const char usage[] =
    "usage: milter_load -a ADDRESS [-c CONNECTIONS] [-t SECONDS] [-r RECIPIENTS] [-b BODY-OCTETS] [-m MESSAGES-A-CONNECTION]\n"
    "                   -u FILE   (one \"username domain\" a line: who sends; used in turn)\n";

enum { ACTIONS = 0x1ff, STEPS = 0x1fffff, USERS_MAX = 1 << 20 };

static unsigned recipients = 1, body_len = 4096, messages_max = 100;
static struct user { char name[68], domain[256]; } *users;
static size_t user_count;
static char *body;

enum phase { NEGOTIATING, CONNECTING, GREETING, AT_MAIL, AT_RCPT, AT_DATA, IN_HEADERS, AT_EOH, IN_BODY, AT_END };

struct session {
    enum phase phase;
    unsigned long number;
    uint32_t steps;
    unsigned messages, rcpt, header;
};

static const char *const headers[][2] = {
    { "Received", "from app.example (app.example [192.0.2.7])\n\tby relay.example (Postfix) with ESMTPSA id 4F1D2A6C01\n\tfor <x@dest.test>" },
    { "Date", "Wed, 25 Nov 2026 10:00:00 +0000" }, { "To", "<x@dest.test>" }, { "Subject", "Your order 8124" },
    { "MIME-Version", "1.0" }, { "Content-Type", "text/plain; charset=utf-8" }, { "Content-Transfer-Encoding", "8bit" },
    { "X-Mailer", "shop 4.2" }, { "Reply-To", "<help@shop.example>" }, { "List-Unsubscribe", "<https://shop.example/u/1>" },
    { "Message-ID", "<20261125100000.8124@shop.example>" },
};
enum { HEADERS = sizeof headers / sizeof *headers + 1 }; /* and From */

static void packet_begin(struct load_buf *out, char command, size_t *at)
{
    *at = out->len;
    load_add(out, "\0\0\0\0", 4);
    load_add(out, &command, 1);
}

static void packet_end(struct load_buf *out, size_t at)
{
    uint32_t len = htonl((uint32_t)(out->len - at - 4));
    memcpy(out->data + at, &len, 4);
}

static void text(struct load_buf *out, const char *s)
{
    load_add(out, s, strlen(s) + 1);
}

static void macros(struct load_buf *out, char command, const char *const *pairs)
{
    size_t at;
    packet_begin(out, SMFIC_MACRO, &at);
    load_add(out, &command, 1);
    for (; *pairs != NULL; pairs++)
        text(out, *pairs);
    packet_end(out, at);
}

static void one(struct load_buf *out, char command, const char *argument)
{
    size_t at;
    packet_begin(out, command, &at);
    if (argument != NULL)
        text(out, argument);
    packet_end(out, at);
}

static const struct user *user_of(const struct session *s)
{
    return &users[(s->number + s->messages) % user_count];
}

static void put_connect(struct load_buf *out)
{
    size_t at;
    uint16_t port = htons(52000);
    macros(out, SMFIC_CONNECT, (const char *const[]){ "j", "relay.example", "_", "app.example [192.0.2.7]", "v", "Postfix 3.7",
                                                      "{daemon_name}", "relay.example", "{client_addr}", "192.0.2.7", NULL });
    packet_begin(out, SMFIC_CONNECT, &at);
    text(out, "app.example");
    load_add(out, "4", 1);
    load_add(out, &port, 2);
    text(out, "192.0.2.7");
    packet_end(out, at);
}

static void put_mail(const struct session *s, struct load_buf *out)
{
    char sender[340];
    size_t at;
    const struct user *u = user_of(s);
    macros(out, SMFIC_MAIL, (const char *const[]){ "{auth_authen}", u->name, "{auth_type}", "PLAIN", NULL });
    snprintf(sender, sizeof sender, "<shop@%s>", u->domain);
    packet_begin(out, SMFIC_MAIL, &at);
    text(out, sender);
    text(out, "BODY=8BITMIME");
    packet_end(out, at);
}

static void put_rcpt(const struct session *s, struct load_buf *out)
{
    char recipient[64];
    macros(out, SMFIC_RCPT, s->rcpt == 0 ? (const char *const[]){ NULL } : (const char *const[]){ "i", "4F1D2A6C01", NULL });
    snprintf(recipient, sizeof recipient, "<r%u@dest.test>", s->rcpt);
    one(out, SMFIC_RCPT, recipient);
}

static void put_header(const struct session *s, struct load_buf *out)
{
    char from[340];
    const char *space = (s->steps & SMFIP_HDR_LEADSPC) != 0 ? " " : "", *name = "From", *value = from;
    size_t at;
    snprintf(from, sizeof from, "Web shop <shop@%s>", user_of(s)->domain);
    if (s->header > 0) {
        name = headers[s->header - 1][0];
        value = headers[s->header - 1][1];
    }
    macros(out, SMFIC_HEADER, (const char *const[]){ "i", "4F1D2A6C01", NULL });
    packet_begin(out, SMFIC_HEADER, &at);
    text(out, name);
    load_add(out, space, strlen(space));
    text(out, value);
    packet_end(out, at);
}

static void put_body(struct load_buf *out)
{
    size_t at;
    packet_begin(out, SMFIC_BODY, &at);
    load_add(out, body, body_len);
    packet_end(out, at);
}

/* Sends from this phase on until something needs an answer. */
static void go(struct session *s, struct load_buf *out)
{
    static const struct { uint32_t left_out, no_reply; } bits[] = {
        [CONNECTING] = { SMFIP_NOCONNECT, SMFIP_NR_CONN }, [GREETING] = { SMFIP_NOHELO, SMFIP_NR_HELO },
        [AT_MAIL] = { SMFIP_NOMAIL, SMFIP_NR_MAIL }, [AT_RCPT] = { SMFIP_NORCPT, SMFIP_NR_RCPT },
        [AT_DATA] = { SMFIP_NODATA, SMFIP_NR_DATA }, [IN_HEADERS] = { SMFIP_NOHDRS, SMFIP_NR_HDR },
        [AT_EOH] = { SMFIP_NOEOH, SMFIP_NR_EOH }, [IN_BODY] = { SMFIP_NOBODY, SMFIP_NR_BODY }, [AT_END] = { 0, 0 },
    };
    for (;;) {
        if ((s->steps & bits[s->phase].left_out) == 0) {
            switch (s->phase) {
            case CONNECTING: put_connect(out); break;
            case GREETING: one(out, SMFIC_HELO, "app.example"); break;
            case AT_MAIL: put_mail(s, out); break;
            case AT_RCPT: put_rcpt(s, out); break;
            case AT_DATA: one(out, SMFIC_DATA, NULL); break;
            case IN_HEADERS: put_header(s, out); break;
            case AT_EOH: one(out, SMFIC_EOH, NULL); break;
            case IN_BODY: put_body(out); break;
            case AT_END:
                macros(out, SMFIC_BODYEOB, (const char *const[]){ "i", "4F1D2A6C01", NULL });
                one(out, SMFIC_BODYEOB, NULL);
                break;
            case NEGOTIATING: break;
            }
            if ((s->steps & bits[s->phase].no_reply) == 0)
                return;
        }
        if (s->phase == AT_RCPT && ++s->rcpt < recipients)
            continue;
        if (s->phase == IN_HEADERS && ++s->header < HEADERS)
            continue;
        s->phase++;
    }
}

static void start(void *state, unsigned long number, struct load_buf *out)
{
    struct session *s = state;
    uint32_t offer[3] = { htonl(6), htonl(ACTIONS), htonl(STEPS) };
    size_t at;
    s->number = number;
    packet_begin(out, SMFIC_OPTNEG, &at);
    load_add(out, offer, sizeof offer);
    packet_end(out, at);
}

/* A command was answered: on to what comes behind it. */
static enum load_next advance(struct session *s, struct load_buf *out)
{
    if (s->phase == AT_END) {
        s->messages++;
        s->rcpt = s->header = 0;
        s->phase = AT_MAIL;
        if (s->messages == messages_max) {
            one(out, SMFIC_QUIT, NULL);
            return LOAD_RECONNECT;
        }
        go(s, out);
        return LOAD_DONE;
    }
    if (s->phase == AT_RCPT && ++s->rcpt < recipients)
        ;
    else if (s->phase == IN_HEADERS && ++s->header < HEADERS)
        ;
    else
        s->phase++;
    go(s, out);
    return LOAD_WRITE;
}

static enum load_next read_answer(void *state, const uint8_t *in, size_t len, size_t *used, struct load_buf *out)
{
    struct session *s = state;
    uint32_t size;
    while (len - *used >= 5) {
        memcpy(&size, in + *used, 4);
        size = ntohl(size);
        if (len - *used < size + 4)
            return LOAD_WAIT;
        const uint8_t *packet = in + *used + 4;
        *used += size + 4;
        if (s->phase == NEGOTIATING) {
            if (packet[0] != SMFIC_OPTNEG || size < 13)
                return LOAD_ERROR;
            memcpy(&s->steps, packet + 9, 4);
            s->steps = ntohl(s->steps);
            s->phase = CONNECTING;
            go(s, out);
            return LOAD_WRITE;
        }
        switch (packet[0]) {
        case SMFIR_CONTINUE:
        case SMFIR_ACCEPT:
        case SMFIR_SKIP:
            return advance(s, out);
        case SMFIR_REJECT:
        case SMFIR_TEMPFAIL:
        case SMFIR_REPLYCODE:
            fprintf(stderr, "milter_load: refused: %.*s\n", (int)(size - 1), (const char *)packet + 1);
            return LOAD_ERROR;
        default: /* a modification */
            break;
        }
    }
    return LOAD_WAIT;
}

static void read_users(const char *path)
{
    FILE *in = fopen(path, "r");
    users = calloc(USERS_MAX, sizeof *users);
    if (in == NULL || users == NULL) {
        perror(path);
        exit(1);
    }
    while (user_count < USERS_MAX && fscanf(in, "%67s %255s", users[user_count].name, users[user_count].domain) == 2)
        user_count++;
    fclose(in);
}

static void option(int letter, const char *value)
{
    unsigned number = (unsigned)strtoul(value, NULL, 10);
    if (letter == 'u')
        read_users(value);
    else if (letter == 'r')
        recipients = number;
    else if (letter == 'b')
        body_len = number;
    else
        messages_max = number;
}

int main(int argc, char **argv)
{
    static const struct load_protocol milter = { "milter", sizeof(struct session), start, read_answer };
    struct load_options options;
    load_options_read(argc, argv, &options, "r:b:m:u:", usage, option);
    if (user_count == 0 || recipients == 0 || messages_max == 0 || body_len > 65535) {
        fputs(usage, stderr);
        return 2;
    }
    body = malloc(body_len + 1);
    for (unsigned i = 0; i < body_len; i++)
        body[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : 'x';
    int status = load_run(&milter, &options);
    free(body);
    free(users);
    return status;
}
