/* line_load.c: clients of the two protocols that are one question and one answer: Postfix's policy delegation, and
 * saslauthd's, which ends the connection after each answer. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/bench/load.h"

static const char usage[] = "usage: line_load -p policy|saslauthd -a ADDRESS [-c CONNECTIONS] [-t SECONDS]\n"
                            "   policy:    -i CLIENT-ADDRESS -s SENDER\n"
                            "   saslauthd: -u USERNAME -w PASSWORD\n";

static const char *client = "192.0.2.7", *sender = "shop@s1.example", *username = "", *password = "";

struct session {
    unsigned long number, count;
};

/* All that Postfix 3.7 sends at RCPT. */
static void put_policy(struct session *s, struct load_buf *out)
{
    load_printf(out,
                "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nclient_address=%s\nclient_name=unknown\n"
                "client_port=54825\nreverse_client_name=unknown\nserver_address=127.0.0.1\nserver_port=25\nhelo_name=app.example\n"
                "sender=%s\nrecipient=x@dest.test\nrecipient_count=0\nqueue_id=\ninstance=64da.%lx.%lx.0\nsize=4000\n"
                "etrn_domain=\nstress=\nsasl_method=\nsasl_username=\nsasl_sender=\nccert_subject=\nccert_issuer=\n"
                "ccert_fingerprint=\nccert_pubkey_fingerprint=\nencryption_protocol=\nencryption_cipher=\nencryption_keysize=0\n"
                "policy_context=\n\n", client, sender, s->number, s->count++);
}

static void start_policy(void *state, unsigned long number, struct load_buf *out)
{
    struct session *s = state;
    s->number = number;
    put_policy(s, out);
}

static enum load_next read_policy(void *state, const uint8_t *in, size_t len, size_t *used, struct load_buf *out)
{
    const uint8_t *end = memmem(in, len, "\n\n", 2);
    if (end == NULL)
        return LOAD_WAIT;
    *used = (size_t)(end - in) + 2;
    if (memcmp(in, "action=", 7) != 0)
        return LOAD_ERROR;
    put_policy(state, out);
    return LOAD_DONE;
}

static void counted(struct load_buf *out, const char *text)
{
    uint16_t len = htons((uint16_t)strlen(text));
    load_add(out, &len, 2);
    load_add(out, text, strlen(text));
}

static void start_saslauthd(void *state, unsigned long number, struct load_buf *out)
{
    (void)state;
    (void)number;
    counted(out, username);
    counted(out, password);
    counted(out, "smtp");
    counted(out, "");
}

static enum load_next read_saslauthd(void *state, const uint8_t *in, size_t len, size_t *used, struct load_buf *out)
{
    uint16_t size;
    (void)state;
    (void)out;
    if (len < 2)
        return LOAD_WAIT;
    memcpy(&size, in, 2);
    size = ntohs(size);
    if (len < size + 2u)
        return LOAD_WAIT;
    *used = size + 2u;
    if (size < 2 || memcmp(in + 2, "OK", 2) != 0) {
        fprintf(stderr, "line_load: %.*s\n", size, (const char *)in + 2);
        return LOAD_ERROR;
    }
    return LOAD_RECONNECT;
}

static const struct load_protocol protocols[] = {
    { "policy", sizeof(struct session), start_policy, read_policy },
    { "saslauthd", sizeof(struct session), start_saslauthd, read_saslauthd },
};
static const struct load_protocol *protocol;

static void option(int letter, const char *value)
{
    switch (letter) {
    case 'i': client = value; break;
    case 's': sender = value; break;
    case 'u': username = value; break;
    case 'w': password = value; break;
    default:
        for (size_t i = 0; i < 2; i++)
            if (strcmp(value, protocols[i].name) == 0)
                protocol = &protocols[i];
    }
}

int main(int argc, char **argv)
{
    struct load_options options;
    load_options_read(argc, argv, &options, "p:i:s:u:w:", usage, option);
    if (protocol == NULL) {
        fputs(usage, stderr);
        return 2;
    }
    return load_run(protocol, &options);
}
