/* settings_table.c: options.def as a table, and the checks that it names: NULL, or what is allowed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "schema/domain_name.h"
#include "schema/listen_address.h"
#include "schema/mailbox.h"
#include "schema/network.h"
#include "schema/settings_parts.h"
#include "schema/text.h"

static const char *check_absolute(const char *value)
{
    return value[0] == '/' ? NULL : "an absolute path";
}

static const char *check_listen(const char *value)
{
    struct tg_listen parsed;
    return tg_listen_parse(value, &parsed)
               ? NULL
               : "\"unix:/path\" (at most 107 octets) or \"inet:HOST:PORT\" (IPv6: \"inet:[::1]:PORT\")";
}

static const char *check_mode(const char *value)
{
    char *end;
    unsigned long mode = strtoul(value, &end, 8);
    return *value != '\0' && *end == '\0' && mode <= 0777 ? NULL : "an octal mode such as \"0660\"";
}

static const char *check_mechanism(const char *value)
{
    return strcmp(value, "PLAIN") == 0 || strcmp(value, "LOGIN") == 0 || strcmp(value, "SCRAM-SHA-256") == 0
               ? NULL
               : "\"PLAIN\", \"LOGIN\" or \"SCRAM-SHA-256\"";
}

static const char *check_network(const char *value)
{
    struct tg_network network;
    return tg_network_parse(value, false, &network, NULL) == TG_OK
               ? NULL
               : "an address or a network such as \"192.0.2.0/24\", with no bits set behind its prefix";
}

static const char *check_domain(const char *value)
{
    char canonical[TG_DOMAIN_MAX + 1];
    return *value == '\0' || tg_domain_name(tg_span_str(value), canonical, NULL) == TG_OK ? NULL
                                                                                          : "a domain name, or \"\"";
}

static const char *check_mailbox(const char *value)
{
    struct tg_mailbox mailbox;
    return *value == '\0' || (tg_mailbox_parse(tg_span_str(value), &mailbox, NULL) == TG_OK && !mailbox.null_sender)
               ? NULL
               : "a mail address, or \"\"";
}

static const char *check_payment_url(const char *value)
{
    const char *percent = strchr(value, '%');
    return *value == '\0' || (percent != NULL && percent[1] == 's' && strchr(percent + 1, '%') == NULL)
               ? NULL
               : "a URL with one %s, where the order's token goes, or \"\"";
}

/* sh takes an empty command, and a comment, for a success, and the mail for sent. */
static const char *check_command(const char *value)
{
    const char *first = value + strspn(value, " \t\r\n");
    return *first != '\0' && *first != '#' ? NULL : "a command that takes a message on its standard input";
}

/* What a customer accepts is recorded by it. */
static const char *check_version(const char *value)
{
    return *value != '\0' && tg_text_is_clean(value, 400) ? NULL : "a word or a date such as \"2026-11\"";
}

static const char *check_resolver(const char *value)
{
    char text[128];
    struct tg_listen parsed;
    struct tg_network address;
    snprintf(text, sizeof text, "inet:%s", value);
    return tg_network_parse(value, false, &address, NULL) == TG_OK || tg_listen_parse(text, &parsed)
               ? NULL
               : "an address, or \"address:port\"";
}

/* One or more labels, in front of "._domainkey.DOMAIN". */
static const char *check_selector(const char *value)
{
    size_t len = strlen(value);
    return len > 0 && len <= 63 && strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len &&
                   value[0] != '.' && value[len - 1] != '.' && strstr(value, "..") == NULL
               ? NULL
               : "a DKIM selector: letters, digits, -, _ and dots, at most 63";
}

static const char *check_log(const char *value)
{
    return strcmp(value, "syslog") == 0 || strcmp(value, "stderr") == 0 || value[0] == '/'
               ? NULL
               : "\"syslog\", \"stderr\" or an absolute path";
}

const struct option_row tg_option_rows[TG_OPTION_COUNT] = {
#define OPTION_TEXT(n, v, c, h) { .name = #n, .type = TEXT, .value = "\"" v "\"", .check = c, .help = h },
#define OPTION_LIST(n, v, c, h) { .name = #n, .type = LIST, .value = v, .check = c, .help = h },
#define OPTION_INT(n, v, lo, hi, h) { .name = #n, .type = INT, .value = #v, .min = lo, .max = hi, .help = h },
#define OPTION_BOOL(n, v, h) { .name = #n, .type = BOOL, .value = #v, .help = h },
#define OPTION_CHOICE(n, v, ch, h) { .name = #n, .type = CHOICE, .value = "\"" v "\"", .choices = ch, .help = h },
#include "schema/options.def"
#undef OPTION_TEXT
#undef OPTION_LIST
#undef OPTION_INT
#undef OPTION_BOOL
#undef OPTION_CHOICE
};
