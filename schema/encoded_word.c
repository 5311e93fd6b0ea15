/* encoded_word.c: see encoded_word.h. GMime's decoder is lenient, as decoders are: it shows malformed words as they
 * are, goes on over the end of one into the next, guesses unknown charsets. Others guess otherwise, so all that is
 * refused here. */
#include <gmime/gmime.h>
#include <string.h>
#include <strings.h>
#include "schema/encoded_word.h"
#include "schema/text.h"

enum { CHARSET_MAX = 40, WORD_MAX = 998 };

bool tg_has_encoded_word(struct tg_span text)
{
    return text.len > 0 && memmem(text.data, text.len, "=?", 2) != NULL;
}

enum tg_disguise tg_disguise(const char *s)
{
    if ((unsigned char)*s < 0x80)
        return TG_DISGUISE_NONE;
    char *plain = g_utf8_normalize(s, (gssize)tg_utf8_length(s), G_NORMALIZE_ALL);
    enum tg_disguise disguise = plain == NULL                    ? TG_DISGUISE_NONE
                                : strpbrk(plain, "@<>") != NULL  ? TG_DISGUISE_ADDRESS
                                : strpbrk(plain, "\"\\()") != NULL ? TG_DISGUISE_QUOTE
                                                                 : TG_DISGUISE_NONE;
    g_free(plain);
    return disguise;
}

struct word {
    char charset[CHARSET_MAX + 1]; /* without RFC 2231's language */
    char encoding;                 /* 'B' or 'Q' */
    struct tg_span payload;
    size_t len;                    /* of the whole word */
};

static bool in_set(uint8_t c, const char *set)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr(set, c) != NULL);
}

/* How many octets of the set stand at i. */
static size_t run(struct tg_span text, size_t i, const char *set)
{
    size_t start = i;
    while (i < text.len && in_set(text.data[i], set))
        i++;
    return i - start;
}

static bool is_at(struct tg_span text, size_t i, const char *what)
{
    size_t len = strlen(what);
    return i <= text.len && text.len - i >= len && memcmp(text.data + i, what, len) == 0;
}

/* "=?" charset ["*" language] "?" ("B" / "Q") "?" payload "?=", at i. */
static bool read_word(struct tg_span text, size_t i, struct word *word)
{
    size_t at = i + 2, len = run(text, at, "-_.:+");
    if (len == 0 || len > CHARSET_MAX)
        return false;
    memcpy(word->charset, text.data + at, len);
    word->charset[len] = '\0';
    at += len;
    if (is_at(text, at, "*"))
        at += 1 + run(text, at + 1, "-");
    if (!is_at(text, at, "?") || text.len - at < 3)
        return false;
    word->encoding = g_ascii_toupper((char)text.data[at + 1]);
    if ((word->encoding != 'B' && word->encoding != 'Q') || text.data[at + 2] != '?')
        return false;
    at += 3;
    len = run(text, at, word->encoding == 'B' ? "+/=" : "!#$%&'*+-/=^_`{|}~.,:;()[]");
    word->payload = tg_span_of(text.data + at, len);
    word->len = at + len + 2 - i;
    return len > 0 && len <= WORD_MAX && is_at(text, at + len, "?=");
}

/* ---- decoding ---- */

static bool decode_q(struct tg_span payload, uint8_t *out, size_t *out_len)
{
    size_t n = 0;
    for (size_t i = 0; i < payload.len; i++) {
        uint8_t c = payload.data[i];
        if (c == '=') {
            if (payload.len - i < 3 || !g_ascii_isxdigit(payload.data[i + 1]) || !g_ascii_isxdigit(payload.data[i + 2]))
                return false;
            c = (uint8_t)(g_ascii_xdigit_value((char)payload.data[i + 1]) * 16 +
                          g_ascii_xdigit_value((char)payload.data[i + 2]));
            i += 2;
        } else if (c == '_') {
            c = ' ';
        }
        out[n++] = c;
    }
    *out_len = n;
    return true;
}

static int base64_value(uint8_t c)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(letters, c) : NULL;
    return at != NULL ? (int)(at - letters) : -1;
}

/* Whole groups of four, "=" at the very end only. */
static bool decode_b(struct tg_span payload, uint8_t *out, size_t *out_len)
{
    size_t n = 0, padding = 0;
    while (padding < 2 && padding < payload.len && payload.data[payload.len - 1 - padding] == '=')
        padding++;
    if (payload.len % 4 != 0)
        return false;
    uint32_t bits = 0;
    for (size_t i = 0; i < payload.len; i++) {
        int value = i < payload.len - padding ? base64_value(payload.data[i]) : 0;
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 3)
            continue;
        out[n++] = (uint8_t)(bits >> 16);
        out[n++] = (uint8_t)(bits >> 8);
        out[n++] = (uint8_t)bits;
    }
    *out_len = n - padding;
    return true;
}

/* Charsets that no mail uses (RFC 2045 2.2 wants octets), and that readers take in either order of octets or, as
 * UTF-7, for ASCII. */
static bool is_odd_charset(const char *charset)
{
    static const char *const odd[] = { "utf-16", "utf16", "utf-32", "utf32", "utf-7", "utf7", "ucs", "iso-10646", "unicode" };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        if (strncasecmp(charset, odd[i], strlen(odd[i])) == 0)
            return true;
    return false;
}

/* In UTF-8; NULL: it does not decode, or nobody knows its charset. g_free it. */
static char *decode(const struct word *word)
{
    uint8_t octets[WORD_MAX + 3];
    size_t len;
    bool good = word->encoding == 'B' ? decode_b(word->payload, octets, &len) : decode_q(word->payload, octets, &len);
    if (!good || len == 0 || is_odd_charset(word->charset))
        return NULL;
    iconv_t to_utf8 = g_mime_iconv_open("UTF-8", word->charset);
    if (to_utf8 == (iconv_t)-1)
        return NULL;
    gsize read = 0, written = 0;
    char *text = g_convert_with_iconv((const char *)octets, (gssize)len, (GIConv)to_utf8, &read, &written, NULL);
    g_mime_iconv_close(to_utf8);
    if (text != NULL && (read != len || strlen(text) != written)) {
        g_free(text);
        return NULL; /* cut inside a character, or a NUL */
    }
    return text;
}

static bool is_harmless(const char *text, bool *specials)
{
    if (strpbrk(text, "@<>") != NULL || strstr(text, "=?") != NULL || !tg_text_is_clean(text, 4 * WORD_MAX))
        return false;
    *specials = *specials || strpbrk(text, "\"\\(),:;[]") != NULL;
    for (; *text != '\0'; text += tg_utf8_length(text)) {
        enum tg_disguise disguise = tg_disguise(text);
        if (disguise == TG_DISGUISE_ADDRESS)
            return false;
        *specials = *specials || disguise == TG_DISGUISE_QUOTE;
    }
    return true;
}

static bool is_border(struct tg_span text, size_t i)
{
    return i >= text.len || strchr(" \t\"", text.data[i]) != NULL;
}

enum tg_code tg_encoded_words_check(struct tg_span phrase, bool *specials, struct tg_error *err)
{
    for (size_t i = 0; i < phrase.len; i++) {
        struct word word;
        if (!is_at(phrase, i, "=?"))
            continue;
        if ((i > 0 && !is_border(phrase, i - 1)) || !read_word(phrase, i, &word) || !is_border(phrase, i + word.len))
            return tg_fail(err, TG_REFUSED, "an encoded word is malformed");
        char *text = decode(&word);
        bool good = text != NULL && is_harmless(text, specials);
        g_free(text);
        if (!good)
            return tg_fail(err, TG_REFUSED, "an encoded word does not decode, or hides an address or control characters");
        i += word.len - 1;
    }
    return TG_OK;
}
