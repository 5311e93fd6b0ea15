/* author.c: see author.h. A strict grammar decides; GMime must then read the very same mailboxes.
 *
 * mailbox-list = mailbox *("," mailbox); mailbox = [phrase] "<" addr-spec ">" / addr-spec (RFC 5322 3.4 without
 * the obsolete forms, groups and routes, with RFC 6532's UTF-8). Nothing stands between the parts of an
 * addr-spec. A phrase may hold dots ("John Q. Public"), which is obsolete but read by all alike. Comments may hold
 * plain words only. */
#include <gmime/gmime.h>
#include <stdio.h>
#include <string.h>
#include "schema/author.h"
#include "schema/text.h"

enum { LINE_MAX_OCTETS = 998, LOCAL_MAX = 64 };

struct parser {
    struct tg_arena *arena;
    const char *at;      /* in the unfolded text, which ends with a NUL */
    struct tg_authors *out;
    struct tg_error *err;
};

static enum tg_code wrong(struct parser *p, const char *what)
{
    return tg_fail(p->err, TG_REFUSED, "%s", what);
}

/* ---- the lines ---- */

/* Folds become the white space that they are; everything else that is no text is refused. */
static enum tg_code unfold(struct parser *p, struct tg_span body, char **text)
{
    char *out = *text = tg_arena_alloc(p->arena, body.len + 1);
    size_t line = 0;
    bool blank = true; /* the line so far has white space only */
    for (size_t i = 0; i < body.len; i++) {
        uint8_t c = body.data[i];
        if (c == '\r' && i + 1 < body.len && body.data[i + 1] == '\n')
            c = body.data[++i];
        if (c == '\n') {
            if (i + 1 >= body.len || (body.data[i + 1] != ' ' && body.data[i + 1] != '\t'))
                return wrong(p, "a line does not begin with white space");
            if (blank && out != *text)
                return wrong(p, "a folded line is empty");
            line = 0;
            blank = true;
            continue;
        }
        if (c == '\0')
            return wrong(p, "there is a NUL in it");
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return wrong(p, "there is a control character in it");
        blank = blank && (c == ' ' || c == '\t');
        if (++line > LINE_MAX_OCTETS)
            return wrong(p, "a line of it is too long");
        *out++ = (char)c;
    }
    *out = '\0';
    if (blank && strlen(*text) > 0 && line > 0 && strspn(*text, " \t") != strlen(*text))
        return wrong(p, "its last line is empty");
    return TG_OK;
}

/* What Unicode's compatibility forms turn into @ < >: a lenient reader may too. */
static bool is_disguise(const char *s)
{
    static const char *const forms[] = {
        "\xef\xbc\xa0", "\xef\xb9\xab", /* commercial at: fullwidth, small */
        "\xef\xbc\x9c", "\xef\xb9\xa4", /* less-than */
        "\xef\xbc\x9e", "\xef\xb9\xa5", /* greater-than */
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strncmp(s, forms[i], 3) == 0)
            return true;
    return false;
}

static enum tg_code check_characters(struct parser *p)
{
    for (const char *s = p->at; *s != '\0';) {
        size_t len = tg_utf8_length(s);
        if (len == 0)
            return wrong(p, "it is not well-formed UTF-8");
        if (len == 2 && (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0)
            return wrong(p, "there is a control character in it");
        if (is_disguise(s))
            return wrong(p, "it has a character that may be read as an @ or a bracket");
        s += len;
    }
    return TG_OK;
}

/* ---- the grammar ---- */

static bool is_atext(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 0x80 || (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z') || (u >= '0' && u <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static enum tg_code skip_white(struct parser *p)
{
    for (;;) {
        p->at += strspn(p->at, " \t");
        if (*p->at != '(')
            return TG_OK;
        const char *end = ++p->at;
        while (is_atext(*end) || *end == ' ' || *end == '\t' || *end == '.' || *end == ',')
            end++;
        if (*end != ')')
            return wrong(p, "it has a comment that may be read in several ways");
        for (const char *c = p->at; c + 1 < end; c++)
            if (c[0] == '=' && c[1] == '?')
                return wrong(p, "it has an encoded word in a comment");
        p->at = end + 1;
    }
}

/* At a quote; *text is what stands between the quotes, escapes included. */
static enum tg_code quoted_string(struct parser *p, struct tg_span *text)
{
    const char *start = ++p->at;
    for (; *p->at != '"'; p->at++) {
        if (*p->at == '\\')
            p->at++;
        if (*p->at == '\0')
            return wrong(p, "a quoted string does not end");
    }
    *text = tg_span_of(start, (size_t)(p->at - start));
    p->at++;
    return TG_OK;
}

/* Letters, digits, symbols and single dots between them. */
static bool dot_atom(struct parser *p, struct tg_span *text)
{
    const char *start = p->at;
    while (is_atext(*p->at)) {
        while (is_atext(*p->at))
            p->at++;
        if (p->at[0] == '.' && is_atext(p->at[1]))
            p->at++;
    }
    *text = tg_span_of(start, (size_t)(p->at - start));
    return text->len > 0;
}

/* Inside quotes a local part may hold what makes a lenient reader see another address. */
static bool is_plain_quoted(struct tg_span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (strchr("@<>,;:\\\"()[]", text.data[i]) != NULL)
            return false;
    return text.len > 0;
}

static bool has_encoded_word(struct tg_span text)
{
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.data[i] == '=' && text.data[i + 1] == '?')
            return true;
    return false;
}

/* `start` is where the local part began, p->at stands at the "@" behind it. */
static enum tg_code take_domain(struct parser *p, const char *start, struct tg_span local)
{
    char canonical[TG_DOMAIN_MAX + 1];
    struct tg_span domain;
    struct tg_error why;
    if (local.len > LOCAL_MAX)
        return wrong(p, "a local part is too long");
    if (has_encoded_word(local))
        return wrong(p, "an encoded word stands in an address");
    p->at++;
    if (*p->at == '[')
        return wrong(p, "an address has no domain but a number");
    if (!dot_atom(p, &domain))
        return wrong(p, "an address has no domain");
    if (tg_domain_name(domain, canonical, &why) != TG_OK)
        return tg_fail(p->err, TG_REFUSED, "the domain of an address is wrong: %s", why.text);
    if (p->out->count == TG_AUTHORS_MAX)
        return wrong(p, "it has too many addresses");
    p->out->mailbox[p->out->count].address = tg_arena_strndup(p->arena, start, (size_t)(p->at - start));
    p->out->mailbox[p->out->count].domain = tg_arena_strdup(p->arena, canonical);
    p->out->count++;
    return TG_OK;
}

/* Inside angle brackets. */
static enum tg_code angle_addr(struct parser *p)
{
    const char *start = ++p->at;
    struct tg_span local;
    enum tg_code code;
    if (*start == '@')
        return wrong(p, "it has a source route");
    if (*start == '>')
        return wrong(p, "it has an empty address");
    if (*start == '"') {
        if ((code = quoted_string(p, &local)) != TG_OK)
            return code;
        if (!is_plain_quoted(local))
            return wrong(p, "a quoted local part may be read in several ways");
    } else if (!dot_atom(p, &local)) {
        return wrong(p, "an address is malformed");
    }
    if (*p->at != '@')
        return wrong(p, "an address is malformed");
    if ((code = take_domain(p, start, local)) != TG_OK)
        return code;
    if (*p->at != '>')
        return wrong(p, "an address is malformed");
    p->at++;
    return TG_OK;
}

/* What a reader that decodes the phrase would see. */
static enum tg_code check_phrase(struct parser *p, const char *start, const char *end)
{
    struct tg_span raw = tg_span_of(start, (size_t)(end - start));
    if (!has_encoded_word(raw))
        return TG_OK;
    char *decoded = g_mime_utils_header_decode_phrase(NULL, tg_arena_strndup(p->arena, start, raw.len));
    bool bad = decoded == NULL || strpbrk(decoded, "@<>") != NULL || strstr(decoded, "=?") != NULL ||
               !tg_text_is_clean(decoded, LINE_MAX_OCTETS);
    for (const char *s = decoded; !bad && *s != '\0'; s += tg_utf8_length(s))
        bad = is_disguise(s);
    g_free(decoded);
    return bad ? wrong(p, "an encoded word hides an address or control characters") : TG_OK;
}

static enum tg_code mailbox(struct parser *p)
{
    const char *phrase = p->at;
    bool any = false; /* a word of a phrase came before */
    enum tg_code code = TG_OK;
    for (;;) {
        const char *start = p->at;
        struct tg_span word;
        bool quoted = *p->at == '"';
        if (*p->at == '<') {
            if ((code = check_phrase(p, phrase, p->at)) != TG_OK)
                return code;
            return angle_addr(p);
        }
        if (quoted) {
            if ((code = quoted_string(p, &word)) != TG_OK)
                return code;
        } else if (!dot_atom(p, &word)) {
            return wrong(p, *p->at == ':' || *p->at == ';' ? "it has a group" : "an address is missing or malformed");
        } else if (*p->at == '.' && p->at[1] != '.') {
            p->at++; /* the dot behind an initial */
            if (*p->at == '@')
                return wrong(p, "a local part ends with a dot");
        }
        if (*p->at == '@') {
            if (any)
                return wrong(p, "words stand before an address without brackets");
            if (quoted && !is_plain_quoted(word))
                return wrong(p, "a quoted local part may be read in several ways");
            return take_domain(p, start, word);
        }
        any = true;
        if ((code = skip_white(p)) != TG_OK)
            return code;
    }
}

static enum tg_code mailbox_list(struct parser *p)
{
    enum tg_code code;
    for (;;) {
        if ((code = skip_white(p)) != TG_OK || (code = mailbox(p)) != TG_OK || (code = skip_white(p)) != TG_OK)
            return code;
        if (*p->at == '\0')
            return TG_OK;
        if (*p->at != ',')
            return wrong(p, "something stands behind an address");
        p->at++;
    }
}

/* ---- the second opinion ---- */

static bool same_mailbox(InternetAddress *theirs, const char *ours)
{
    if (!INTERNET_ADDRESS_IS_MAILBOX(theirs))
        return false;
    const char *address = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(theirs));
    return address != NULL && strcmp(address, ours) == 0;
}

static bool gmime_agrees(const char *text, const struct tg_authors *ours)
{
    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_address_compliance_mode(options, GMIME_RFC_COMPLIANCE_STRICT);
    g_mime_parser_options_set_allow_addresses_without_domain(options, FALSE);
    InternetAddressList *list = internet_address_list_parse(options, text);
    bool same = list != NULL && (size_t)internet_address_list_length(list) == ours->count;
    for (size_t i = 0; same && i < ours->count; i++)
        same = same_mailbox(internet_address_list_get_address(list, (int)i), ours->mailbox[i].address);
    g_clear_object(&list);
    g_mime_parser_options_free(options);
    return same;
}

enum tg_code tg_authors_read(struct tg_arena *arena, struct tg_span body, bool one, struct tg_authors *out,
                             struct tg_error *err)
{
    struct parser p = { .arena = arena, .out = out, .err = err };
    char *text;
    out->count = 0;
    enum tg_code code = unfold(&p, body, &text);
    if (code != TG_OK)
        return code;
    p.at = text;
    if ((code = check_characters(&p)) != TG_OK || (code = mailbox_list(&p)) != TG_OK)
        return code;
    if (one && out->count != 1)
        return wrong(&p, "it has more than one address");
    if (!gmime_agrees(text, out))
        return wrong(&p, "two programs may read different addresses from it");
    return TG_OK;
}

bool tg_author_lookalike(struct tg_span name)
{
    char plain[16];
    size_t len = 0;
    bool changed = false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (c <= ' ' || c >= 0x7f) {
            changed = true;
            continue;
        }
        if (len == sizeof plain - 1)
            return false;
        plain[len++] = (char)g_ascii_tolower((char)c);
    }
    plain[len] = '\0';
    return changed && (strcmp(plain, "from") == 0 || strcmp(plain, "sender") == 0);
}
