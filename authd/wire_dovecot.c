/* wire_dovecot.c: see wire_dovecot.h. */
#include <ctype.h>
#include <sodium.h>
#include <string.h>
#include "authd/wire_dovecot.h"
#include "authd/wire_tabs.h"

static bool is_word(struct tg_span field, const char *word)
{
    return field.len == strlen(word) && memcmp(field.data, word, field.len) == 0;
}

/* field is "name=value": the value; else false. */
static bool value_of(struct tg_span field, const char *name, struct tg_span *value)
{
    size_t len = strlen(name);
    if (field.len <= len || memcmp(field.data, name, len) != 0 || field.data[len] != '=')
        return false;
    *value = tg_span_of(field.data + len + 1, field.len - len - 1);
    return true;
}

static void read_auth(struct tg_span line, struct dovecot_request *request)
{
    struct tg_span field, value;
    if (wire_tabs_next(&line, &field))
        wire_tabs_copy(field, request->mechanism, sizeof request->mechanism);
    for (char *c = request->mechanism; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    while (wire_tabs_next(&line, &field)) {
        if (is_word(field, "secured") || value_of(field, "secured", &value)) {
            request->secured = true;
        } else if (value_of(field, "service", &value)) {
            wire_tabs_copy(value, request->service, sizeof request->service);
        } else if (value_of(field, "rip", &value)) {
            wire_tabs_copy(value, request->remote, sizeof request->remote);
        } else if (value_of(field, "resp", &value)) {
            /* Exim writes an empty resp= where the client gave no initial response. */
            request->has_response = value.len > 0;
            /* Postfix passes the client's "=" (RFC 4954: an empty initial response) on as it is. */
            request->response = is_word(value, "=") ? tg_span_of(value.data, 0) : value;
        }
    }
}

static enum dovecot_command command_of(struct tg_span field)
{
    static const char *const names[] = { "VERSION", "CPID", "AUTH", "CONT", "CANCEL" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_word(field, names[i]))
            return (enum dovecot_command)i;
    return DOVECOT_OTHER;
}

static bool read_line(struct tg_span line, struct dovecot_request *request)
{
    struct tg_span field;
    if (!wire_tabs_next(&line, &field))
        return false;
    request->command = command_of(field);
    if (request->command == DOVECOT_OTHER)
        return true;
    if (!wire_tabs_next(&line, &field))
        return false;
    if (request->command == DOVECOT_VERSION)
        return wire_tabs_number(field, &request->major);
    if (!wire_tabs_number(field, &request->id))
        return false;
    if (request->command == DOVECOT_AUTH)
        read_auth(line, request);
    else if (request->command == DOVECOT_CONT && wire_tabs_next(&line, &field))
        request->response = field;
    return true;
}

ssize_t wire_dovecot_read(const uint8_t *in, size_t len, struct dovecot_request *request)
{
    memset(request, 0, sizeof *request);
    size_t look = len < DOVECOT_LINE_MAX ? len : DOVECOT_LINE_MAX;
    const uint8_t *end = look > 0 ? memchr(in, '\n', look) : NULL;
    if (end == NULL)
        return len >= DOVECOT_LINE_MAX ? -1 : 0;
    struct tg_span line = tg_span_of(in, (size_t)(end - in));
    if (line.len > 0 && memchr(line.data, '\0', line.len) != NULL)
        return -1;
    if (!read_line(line, request))
        return -1;
    return (ssize_t)line.len + 1;
}

static void add_reason(struct wire_text *out, const char *reason)
{
    for (const char *c = reason; *c != '\0'; c++)
        wire_text_bytes(out, iscntrl((unsigned char)*c) ? " " : c, 1);
}

void wire_dovecot_greeting(struct wire_text *out, char *const *mechanisms, size_t count, unsigned long pid,
                           unsigned long connection, const char *cookie)
{
    wire_text_add(out, "VERSION\t1\t1\n");
    for (size_t i = 0; i < count; i++) {
        bool plain = strcmp(mechanisms[i], "PLAIN") == 0 || strcmp(mechanisms[i], "LOGIN") == 0;
        wire_text_add(out, "MECH\t");
        wire_text_add(out, mechanisms[i]);
        /* Postfix goes by these for smtpd_sasl_security_options. */
        wire_text_add(out, plain ? "\tplaintext\n" : "\tmutual-auth\n");
    }
    wire_text_add(out, "SPID\t");
    wire_text_number(out, pid);
    wire_text_add(out, "\nCUID\t");
    wire_text_number(out, connection);
    wire_text_add(out, "\nCOOKIE\t");
    wire_text_add(out, cookie);
    wire_text_add(out, "\nDONE\n");
}

static void begin(struct wire_text *out, const char *word, uint32_t id)
{
    wire_text_add(out, word);
    wire_text_add(out, "\t");
    wire_text_number(out, id);
}

void wire_dovecot_cont(struct wire_text *out, uint32_t id, struct tg_span challenge)
{
    char base64[WIRE_TEXT_MAX];
    begin(out, "CONT", id);
    wire_text_add(out, "\t");
    if (sodium_base64_encoded_len(challenge.len, sodium_base64_VARIANT_ORIGINAL) > sizeof base64) {
        out->cut = true;
        return;
    }
    sodium_bin2base64(base64, sizeof base64, challenge.data, challenge.len, sodium_base64_VARIANT_ORIGINAL);
    wire_text_add(out, base64);
    wire_text_add(out, "\n");
}

void wire_dovecot_ok(struct wire_text *out, uint32_t id, const char *user)
{
    begin(out, "OK", id);
    wire_text_add(out, "\tuser=");
    wire_tabs_add(out, user);
    wire_text_add(out, "\n");
}

void wire_dovecot_fail(struct wire_text *out, uint32_t id, const char *user, bool disabled, const char *reason)
{
    begin(out, "FAIL", id);
    if (user != NULL && user[0] != '\0') {
        wire_text_add(out, "\tuser=");
        wire_tabs_add(out, user);
    }
    if (disabled)
        wire_text_add(out, "\tuser_disabled");
    if (reason != NULL && reason[0] != '\0') {
        wire_text_add(out, "\treason=");
        add_reason(out, reason);
    }
    wire_text_add(out, "\n");
}
