/* smtp_load.c: SMTP clients of a relay: each logs in once (AUTH PLAIN) and sends its messages, pipelined where ESMTP allows
 * it, as an application's mail library does. A request is a message, from MAIL to the answer at its end. */
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/bench/load.h"

static const char usage[] = "usage: smtp_load -a ADDRESS [-c CONNECTIONS] [-t SECONDS] [-b BODY-OCTETS] [-m MESSAGES-A-CONNECTION]\n"
                            "                 -u FILE   (one \"username password domain\" a line, used in turn)\n";

enum { USERS_MAX = 4096 };

static unsigned body_len = 4096, messages_max = 20;
static struct user { char name[68], password[132], domain[256]; } users[USERS_MAX];
static size_t user_count;
static char *body;

/* What is waited for; ENVELOPE: three answers, to MAIL, RCPT and DATA. */
enum phase { GREETING, EHLO, AUTH, ENVELOPE, END };

struct session {
    enum phase phase;
    unsigned long number;
    unsigned messages, answers;
};

static const struct user *user_of(const struct session *s)
{
    return &users[s->number % user_count];
}

static void start(void *state, unsigned long number, struct load_buf *out)
{
    struct session *s = state;
    (void)out;
    s->number = number;
}

static void log_in(const struct session *s, struct load_buf *out)
{
    char plain[208], response[300];
    int len = snprintf(plain, sizeof plain, "%c%s%c%s", 0, user_of(s)->name, 0, user_of(s)->password);
    sodium_bin2base64(response, sizeof response, (unsigned char *)plain, (size_t)len, sodium_base64_VARIANT_ORIGINAL);
    load_printf(out, "AUTH PLAIN %s\r\n", response);
}

static void put_envelope(struct session *s, struct load_buf *out)
{
    s->phase = ENVELOPE;
    s->answers = 0;
    load_printf(out, "MAIL FROM:<shop@%s>\r\nRCPT TO:<x@dest.test>\r\nDATA\r\n", user_of(s)->domain);
}

static void put_message(const struct session *s, struct load_buf *out)
{
    const char *domain = user_of(s)->domain;
    load_printf(out,
                "From: Web shop <shop@%s>\r\nTo: <x@dest.test>\r\nDate: Wed, 25 Nov 2026 10:00:00 +0000\r\nSubject: Your order\r\n"
                "Message-ID: <%lu.%u@%s>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
                domain, s->number, s->messages, domain);
    load_add(out, body, body_len);
    load_printf(out, "\r\n.\r\n");
}

/* The last line of an answer. */
static enum load_next answered(struct session *s, const char *line, struct load_buf *out)
{
    if (*line != '2' && *line != '3') {
        fprintf(stderr, "smtp_load: %.200s\n", line);
        return LOAD_ERROR;
    }
    switch (s->phase) {
    case GREETING:
        load_printf(out, "EHLO app.example\r\n");
        s->phase = EHLO;
        return LOAD_WRITE;
    case EHLO:
        log_in(s, out);
        s->phase = AUTH;
        return LOAD_WRITE;
    case AUTH:
        put_envelope(s, out);
        return LOAD_WRITE;
    case ENVELOPE:
        if (++s->answers < 3)
            return LOAD_WAIT;
        put_message(s, out);
        s->phase = END;
        return LOAD_WRITE;
    default:
        if (++s->messages == messages_max) {
            load_printf(out, "QUIT\r\n");
            return LOAD_RECONNECT;
        }
        put_envelope(s, out);
        return LOAD_DONE;
    }
}

static enum load_next read_answer(void *state, const uint8_t *in, size_t len, size_t *used, struct load_buf *out)
{
    const uint8_t *end;
    char line[512];
    while ((end = memchr(in + *used, '\n', len - *used)) != NULL) {
        size_t size = (size_t)(end - in) - *used;
        snprintf(line, sizeof line, "%.*s", (int)size, (const char *)in + *used);
        *used += size + 1;
        enum load_next next = size > 3 && line[3] == '-' ? LOAD_WAIT : answered(state, line, out);
        if (next != LOAD_WAIT)
            return next;
    }
    return LOAD_WAIT;
}

static void option(int letter, const char *value)
{
    if (letter == 'b') {
        body_len = (unsigned)strtoul(value, NULL, 10);
        return;
    }
    if (letter == 'm') {
        messages_max = (unsigned)strtoul(value, NULL, 10);
        return;
    }
    FILE *in = fopen(value, "r");
    if (in == NULL) {
        perror(value);
        exit(1);
    }
    while (user_count < USERS_MAX && fscanf(in, "%67s %131s %255s", users[user_count].name, users[user_count].password,
                                            users[user_count].domain) == 3)
        user_count++;
    fclose(in);
}

int main(int argc, char **argv)
{
    static const struct load_protocol smtp = { "smtp", sizeof(struct session), start, read_answer };
    struct load_options options;
    load_options_read(argc, argv, &options, "b:m:u:", usage, option);
    if (user_count == 0 || sodium_init() < 0 || messages_max == 0) {
        fputs(usage, stderr);
        return 2;
    }
    body = malloc(body_len + 1);
    for (unsigned i = 0; i < body_len; i++)
        body[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : 'x';
    int status = load_run(&smtp, &options);
    free(body);
    return status;
}
