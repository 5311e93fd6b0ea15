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
#include "schema/encoded_word.h"
#include "schema/text.h"

enum { LINE_MAX_OCTETS = 998, LOCAL_MAX = 64, WORDS_MAX = 200 };

struct parser {
    struct tg_arena *arena;
    const char *at;      /* in the unfolded text, which ends with a NUL */
    struct tg_authors *out;
    struct tg_error *err;
    bool quotes_address; /* a quoted display name holds an @ or a bracket */
    bool moves_quotes;   /* an escape, an encoded word or a disguise may make a reader see other quotes */
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

static enum tg_code check_characters(struct parser *p)
{
    for (const char *s = p->at; *s != '\0';) {
        size_t len = tg_utf8_length(s);
        if (len == 0)
            return wrong(p, "it is not well-formed UTF-8");
        /* Unicode's ends of lines too: some programs end a line there. */
        if ((len == 2 && (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0) ||
            strncmp(s, "\xe2\x80\xa8", 3) == 0 || strncmp(s, "\xe2\x80\xa9", 3) == 0)
            return wrong(p, "there is a control character in it");
        enum tg_disguise disguise = tg_disguise(s);
        if (disguise == TG_DISGUISE_ADDRESS)
            return wrong(p, "it has a character that may be read as an @ or a bracket");
        p->moves_quotes = p->moves_quotes || disguise == TG_DISGUISE_QUOTE;
        s += len;
    }
    return TG_OK;
}

/* Each is decoded twice, and a table of its charset may be loaded for it: hundreds of microseconds. */
static enum tg_code count_words(struct parser *p)
{
    size_t count = 0;
    for (const char *s = p->at; (s = strstr(s, "=?")) != NULL; s += 2)
        count++;
    return count > WORDS_MAX ? wrong(p, "it has too many encoded words") : TG_OK;
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
        if (tg_has_encoded_word(tg_span_of(p->at, (size_t)(end - p->at))))
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

/* `start` is where the local part began, p->at stands at the "@" behind it. */
static enum tg_code take_domain(struct parser *p, const char *start, struct tg_span local)
{
    char canonical[TG_DOMAIN_MAX + 1];
    struct tg_span domain;
    struct tg_error why;
    if (local.len > LOCAL_MAX)
        return wrong(p, "a local part is too long");
    if (tg_has_encoded_word(local))
        return wrong(p, "an encoded word stands in an address");
    p->at++;
    if (*p->at == '[')
        return wrong(p, "an address has no domain but a number");
    if (!dot_atom(p, &domain))
        return wrong(p, "an address has no domain");
    if (tg_domain_name(domain, canonical, &why) != TG_OK)
        return tg_fail(p->err, TG_REFUSED, "the domain of an address is wrong: %s", why.text);
    if (tg_domain_name_is_ambiguous(domain))
        return tg_fail(p->err, TG_REFUSED, "older programs read the domain of an address as another; write it as %s", canonical);
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

/* A quoted string of a display name. Alone it may say what it likes; but who knows no quoted pairs, or decodes
 * first and reads the quotes then, finds other ends of it. */
static void note_quoted(struct parser *p, struct tg_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        p->quotes_address = p->quotes_address || strchr("@<>", text.data[i]) != NULL;
        p->moves_quotes = p->moves_quotes || text.data[i] == '\\';
    }
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
            code = tg_encoded_words_check(tg_span_of(phrase, (size_t)(p->at - phrase)), &p->moves_quotes, p->err);
            return code != TG_OK ? code : angle_addr(p);
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
        if (quoted)
            note_quoted(p, word);
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
            break;
        if (*p->at != ',')
            return wrong(p, "something stands behind an address");
        p->at++;
    }
    if (p->quotes_address && p->moves_quotes)
        return wrong(p, "programs may not agree where its quotes end, and there is an @ or a bracket in them");
    return TG_OK;
}

/* ---- the second opinion ---- */

/* GMime shows A-labels as U-labels, so domains are compared in their canonical form. */
static bool same_mailbox(InternetAddress *theirs, const char *ours, const char *domain)
{
    if (!INTERNET_ADDRESS_IS_MAILBOX(theirs))
        return false;
    const char *address = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(theirs));
    const char *at = address != NULL ? strrchr(address, '@') : NULL, *our_at = strrchr(ours, '@');
    char canonical[TG_DOMAIN_MAX + 1];
    return at != NULL && at - address == our_at - ours && memcmp(address, ours, (size_t)(at - address)) == 0 &&
           tg_domain_name(tg_span_str(at + 1), canonical, NULL) == TG_OK && strcmp(canonical, domain) == 0;
}

static bool gmime_agrees(const char *text, const struct tg_authors *ours)
{
    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_address_compliance_mode(options, GMIME_RFC_COMPLIANCE_STRICT);
    g_mime_parser_options_set_allow_addresses_without_domain(options, FALSE);
    InternetAddressList *list = internet_address_list_parse(options, text);
    bool same = list != NULL && (size_t)internet_address_list_length(list) == ours->count;
    for (size_t i = 0; same && i < ours->count; i++)
        same = same_mailbox(internet_address_list_get_address(list, (int)i), ours->mailbox[i].address, ours->mailbox[i].domain);
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
    if ((code = check_characters(&p)) != TG_OK || (code = count_words(&p)) != TG_OK || (code = mailbox_list(&p)) != TG_OK)
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
