/* mailbox.c: see mailbox.h. The grammar is RFC 5321 4.1.2's Mailbox with RFC 6531's UTF-8. */
#include <string.h>
#include "schema/mailbox.h"
#include "schema/text.h"

enum { LOCAL_MAX = 64, ADDRESS_MAX = 4 * TG_DOMAIN_MAX };

static bool is_atext(unsigned char c)
{
    return c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Octets of the local part at the start of s; 0: none that is well formed. */
static size_t quoted_length(const uint8_t *s, size_t len)
{
    for (size_t i = 1; i < len; i++) {
        if (s[i] == '"')
            return i + 1;
        if (s[i] == '\\' && ++i >= len)
            return 0;
        if (s[i] < ' ' || s[i] == 0x7f)
            return 0;
    }
    return 0;
}

static size_t dot_string_length(const uint8_t *s, size_t len)
{
    size_t i = 0;
    bool dot = true; /* an atom must come next */
    for (; i < len; i++) {
        if (s[i] == '.' && !dot)
            dot = true;
        else if (is_atext(s[i]))
            dot = false;
        else
            break;
    }
    return dot ? 0 : i;
}

static bool is_utf8(struct tg_span text)
{
    for (size_t i = 0; i < text.len;) {
        char at[5] = { 0 };
        memcpy(at, text.data + i, text.len - i < 4 ? text.len - i : 4);
        size_t len = tg_utf8_length(at);
        if (len == 0 || (len == 2 && (unsigned char)at[0] == 0xc2 && (unsigned char)at[1] < 0xa0))
            return false;
        i += len;
    }
    return true;
}

enum tg_code tg_mailbox_parse(struct tg_span text, struct tg_mailbox *out, struct tg_error *err)
{
    memset(out, 0, sizeof *out);
    bool open = text.len > 0 && text.data[0] == '<', close = text.len > 1 && text.data[text.len - 1] == '>';
    if (open != close)
        return tg_fail(err, TG_REFUSED, "its angle brackets are not balanced");
    if (open)
        text = tg_span_of(text.data + 1, text.len - 2);
    if (text.len == 0) {
        out->null_sender = true;
        return TG_OK;
    }
    if (text.len > ADDRESS_MAX)
        return tg_fail(err, TG_REFUSED, "it is too long");
    if (memchr(text.data, '\0', text.len) != NULL || !is_utf8(text))
        return tg_fail(err, TG_REFUSED, "it is not well-formed UTF-8");
    if (text.data[0] == '@')
        return tg_fail(err, TG_REFUSED, "it has a source route");
    size_t local = text.data[0] == '"' ? quoted_length(text.data, text.len) : dot_string_length(text.data, text.len);
    if (local == 0)
        return tg_fail(err, TG_REFUSED, "its local part is malformed");
    if (local > LOCAL_MAX)
        return tg_fail(err, TG_REFUSED, "its local part has more than %d octets", LOCAL_MAX);
    if (local == text.len)
        return tg_fail(err, TG_REFUSED, "it has no domain");
    if (text.data[local] != '@')
        return tg_fail(err, TG_REFUSED, "its local part is malformed");
    struct tg_span domain = tg_span_of(text.data + local + 1, text.len - local - 1);
    if (domain.len > 0 && domain.data[0] == '[')
        return tg_fail(err, TG_REFUSED, "it has an address in place of a domain");
    struct tg_error why;
    if (tg_domain_name(domain, out->domain, &why) != TG_OK)
        return tg_fail(err, TG_REFUSED, "its domain is wrong: %s", why.text);
    out->local_part = tg_span_of(text.data, local);
    return TG_OK;
}

const char *tg_mailbox_for_smtp(struct tg_arena *arena, struct tg_span text, bool *ascii)
{
    struct tg_mailbox m;
    bool parsed = tg_mailbox_parse(text, &m, NULL) == TG_OK && !m.null_sender;
    struct tg_span local = parsed ? m.local_part : text;
    *ascii = true;
    for (size_t i = 0; i < local.len; i++)
        *ascii = *ascii && local.data[i] < 0x80;
    if (!parsed || !*ascii)
        return tg_arena_strndup(arena, (const char *)text.data, text.len);
    return tg_arena_printf(arena, "%.*s@%s", (int)local.len, (const char *)local.data, m.domain);
}

const char *tg_mailbox_canonical(struct tg_arena *arena, struct tg_span text)
{
    struct tg_mailbox m;
    if (tg_mailbox_parse(text, &m, NULL) != TG_OK)
        return tg_arena_strndup(arena, (const char *)text.data, text.len);
    if (m.null_sender)
        return "";
    size_t brackets = text.data[0] == '<', len = text.len - 2 * brackets;
    char *canonical = tg_arena_strndup(arena, (const char *)text.data + brackets, len);
    for (char *c = canonical + m.local_part.len; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + ('a' - 'A')) : *c;
    return canonical;
}
