/* mailer_message.c: what a message looks like: RFC 5322, 2045, 2047, 3834. Pure. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "schema/domain_name.h"
#include "schema/mailer.h"
#include "schema/text.h"

enum { WORD_OCTETS = 42, QP_LINE = 72, PLAIN_LINE = 900 };

static bool is_ascii(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/* Controls would end a header line and begin another. */
static char *without_controls(struct tg_arena *arena, const char *text)
{
    char *clean = tg_arena_strdup(arena, text);
    for (char *c = clean; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    return clean;
}

/* Encoded words of at most 75 characters, each of whole characters, on lines of their own (RFC 2047 section 2). */
static void write_encoded(FILE *out, const char *text)
{
    char encoded[sodium_base64_ENCODED_LEN(WORD_OCTETS, sodium_base64_VARIANT_ORIGINAL)];
    for (const char *at = text; *at != '\0';) {
        size_t len = 0;
        while (at[len] != '\0') {
            size_t n = tg_utf8_length(at + len);
            n = n == 0 ? 1 : n;
            if (len + n > WORD_OCTETS)
                break;
            len += n;
        }
        sodium_bin2base64(encoded, sizeof encoded, (const unsigned char *)at, len, sodium_base64_VARIANT_ORIGINAL);
        fprintf(out, "%s=?UTF-8?B?%s?=", at == text ? "" : "\n ", encoded);
        at += len;
    }
}

/* Plain text goes as it is where it fits a line and can't be taken for an encoded word. */
static void write_text(FILE *out, const char *text)
{
    if (is_ascii(text) && strlen(text) <= 200 && strstr(text, "=?") == NULL)
        fputs(text, out);
    else
        write_encoded(out, text);
}

/* A display name: a quoted string, or encoded (RFC 5322 section 3.4). */
static void write_name(FILE *out, const char *name)
{
    if (*name == '\0')
        return;
    if (!is_ascii(name) || strlen(name) > 60 || strstr(name, "=?") != NULL) {
        write_encoded(out, name);
    } else {
        fputc('"', out);
        for (; *name != '\0'; name++) {
            if (*name == '"' || *name == '\\')
                fputc('\\', out);
            fputc(*name, out);
        }
        fputc('"', out);
    }
    fputs("\n ", out);
}

static void write_date(FILE *out, int64_t now)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t seconds = (time_t)now;
    struct tm tm;
    if (gmtime_r(&seconds, &tm) != NULL)
        fprintf(out, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\n", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
                tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static bool is_plain(const char *body)
{
    size_t line = 0;
    for (const char *c = body; *c != '\0'; c++) {
        line = *c == '\n' ? 0 : line + 1;
        if (line > PLAIN_LINE)
            return false;
    }
    return is_ascii(body);
}

/* RFC 2045 section 6.7; a line of a lone dot would end the message for a command without -i. */
static void write_quoted_printable(FILE *out, const char *body)
{
    int column = 0;
    for (const char *c = body; *c != '\0'; c++) {
        unsigned char octet = (unsigned char)*c;
        if (octet == '\n') {
            fputc('\n', out);
            column = 0;
            continue;
        }
        if (column > QP_LINE) {
            fputs("=\n", out);
            column = 0;
        }
        bool blank_at_end = (octet == ' ' || octet == '\t') && (c[1] == '\n' || c[1] == '\0');
        bool literal = octet == '\t' || (octet >= ' ' && octet <= '~' && octet != '=' && !(octet == '.' && column == 0));
        if (literal && !blank_at_end)
            column += fprintf(out, "%c", octet);
        else
            column += fprintf(out, "=%02X", octet);
    }
}

/* A domain in its A-labels: to any other an MTA without SMTPUTF8 could not deliver. */
static char *address(struct tg_arena *arena, const char *text)
{
    char domain[TG_DOMAIN_MAX + 1];
    char *clean = without_controls(arena, text);
    const char *at = strrchr(clean, '@');
    if (at == NULL || is_ascii(at) || tg_domain_name(tg_span_str(at + 1), domain, NULL) != TG_OK)
        return clean;
    return tg_arena_printf(arena, "%.*s@%s", (int)(at - clean), clean, domain);
}

char *tg_mailer_message(struct tg_arena *arena, const Tg__Mail *mail, const char *from, int64_t now)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        abort();
    const char *at = strrchr(from, '@');
    bool plain = is_plain(mail->body);
    if (*from != '\0')
        fprintf(out, "From: %s\n", address(arena, from));
    fputs("To: ", out);
    write_name(out, without_controls(arena, mail->to_name));
    fprintf(out, "<%s>\nSubject: ", address(arena, mail->to));
    write_text(out, without_controls(arena, mail->subject));
    fputc('\n', out);
    write_date(out, mail->created_at != 0 ? mail->created_at : now);
    fprintf(out, "Message-ID: <%s@%s>\n", without_controls(arena, mail->message_id),
            at != NULL && at[1] != '\0' ? without_controls(arena, at + 1) : "tollgate.invalid");
    fprintf(out,
            "Auto-Submitted: auto-generated\nMIME-Version: 1.0\nContent-Type: text/plain; charset=%s\n"
            "Content-Transfer-Encoding: %s\n\n",
            "utf-8", plain ? "7bit" : "quoted-printable");
    if (plain)
        fputs(mail->body, out);
    else
        write_quoted_printable(out, mail->body);
    if (fclose(out) != 0)
        abort();
    char *message = tg_arena_strdup(arena, text);
    free(text);
    return message;
}
