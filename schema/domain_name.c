/* domain_name.c: see domain_name.h. */
#include <idn2.h>
#include <libpsl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "schema/domain_name.h"

/* Letters, digits, hyphens inside: RFC 1123 2.1. */
static bool labels_are_good(const char *name, const char **why)
{
    size_t label = 0, labels = 1;
    for (const char *c = name;; c++) {
        if (*c == '.' || *c == '\0') {
            if (label == 0 || label > 63) {
                *why = label == 0 ? "it has an empty label" : "a label has more than 63 octets";
                return false;
            }
            if (c[-1] == '-' || c[-(ptrdiff_t)label] == '-') {
                *why = "a label begins or ends with a hyphen";
                return false;
            }
            if (*c == '\0')
                break;
            label = 0;
            labels++;
            continue;
        }
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-')) {
            *why = "it has characters that no domain name has";
            return false;
        }
        label++;
    }
    *why = "it has a single label";
    return labels > 1;
}

static bool has_a_label(const char *name)
{
    for (const char *label = name; label != NULL; label = strchr(label, '.') != NULL ? strchr(label, '.') + 1 : NULL)
        if (strncmp(label, "xn--", 4) == 0)
            return true;
    return false;
}

/* A-labels must decode, and be what their U-labels encode to. */
static bool round_trips(const char *name)
{
    char *unicode = NULL, *back = NULL;
    bool same = idn2_to_unicode_8z8z(name, &unicode, 0) == IDN2_OK &&
                idn2_to_ascii_8z(unicode, &back, IDN2_NONTRANSITIONAL) == IDN2_OK &&
                strcmp(back, name) == 0;
    idn2_free(unicode);
    idn2_free(back);
    return same;
}

/* Every number as the last label is an address in disguise: 127.0.0.1, 0x7f.1 are no names. */
static bool looks_like_address(const char *name)
{
    const char *last = strrchr(name, '.') + 1;
    if (strncmp(last, "0x", 2) == 0 && strspn(last + 2, "0123456789abcdef") == strlen(last + 2))
        return true;
    return strspn(last, "0123456789") == strlen(last);
}

/* Most names are plain ASCII and need no table of Unicode, for UTS 46 only lowers them: true where this is one, lower-cased
 * in place. "--" as third and fourth letters begins an A-label or what IDNA reserves, so libidn2 has the word. */
static bool is_plain(char *name)
{
    size_t at = 0;
    for (char *c = name; *c != '\0'; c++, at++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
        if ((unsigned char)*c >= 0x80 || (at == 3 && c[0] == '-' && c[-1] == '-'))
            return false;
        if (*c == '.')
            at = (size_t)-1;
    }
    return true;
}

static enum tg_code to_ascii(char *copy, char **ascii, struct tg_error *err)
{
    /* Not with IDN2_USE_STD3_ASCII_RULES: that drops what it does not allow, so that "exa mple.com" would be
     * example.com, and "ex@b.com" exb.com. Here it stays, and labels_are_good refuses it. */
    int rc = idn2_to_ascii_8z(copy, ascii, IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK)
        return tg_fail(err, TG_USAGE, "that is not a domain name: %s", idn2_strerror(rc));
    for (char *c = *ascii; *c != '\0'; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + ('a' - 'A')) : *c;
    return TG_OK;
}

enum tg_code tg_domain_name(struct tg_span text, char out[TG_DOMAIN_MAX + 1], struct tg_error *err)
{
    char copy[4 * TG_DOMAIN_MAX + 2], *ascii = NULL;
    const char *why = "it is too long";
    out[0] = '\0';
    if (text.len > 0 && text.data[text.len - 1] == '.')
        text.len--;
    if (text.len == 0)
        return tg_fail(err, TG_USAGE, "a domain name is missing");
    if (text.len >= sizeof copy)
        return tg_fail(err, TG_USAGE, "that is not a domain name: it is too long");
    if (memchr(text.data, '\0', text.len) != NULL)
        return tg_fail(err, TG_USAGE, "that is not a domain name: there is a NUL in it");
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';

    bool plain = is_plain(copy);
    const char *name = copy;
    if (!plain) {
        enum tg_code code = to_ascii(copy, &ascii, err);
        if (code != TG_OK)
            return code;
        name = ascii;
    }
    bool good = strlen(name) <= TG_DOMAIN_MAX && labels_are_good(name, &why);
    if (good && looks_like_address(name)) {
        why = "it is an address";
        good = false;
    }
    if (good && has_a_label(name) && !round_trips(name)) {
        why = "an internationalised label does not decode";
        good = false;
    }
    if (good)
        strcpy(out, name);
    idn2_free(ascii);
    return good ? TG_OK : tg_fail(err, TG_USAGE, "that is not a domain name: %s", why);
}

bool tg_domain_name_is_ambiguous(struct tg_span text)
{
    char canonical[TG_DOMAIN_MAX + 1], *older = NULL;
    if (tg_domain_name(text, canonical, NULL) != TG_OK)
        return false;
    char *copy = tg_xstrndup((const char *)text.data, text.len - (text.data[text.len - 1] == '.'));
    /* What can't be read the old way is another name as well. */
    bool other = idn2_to_ascii_8z(copy, &older, IDN2_TRANSITIONAL) != IDN2_OK || strcasecmp(older, canonical) != 0;
    free(copy);
    idn2_free(older);
    return other;
}

void tg_domain_name_display(const char *canonical, char *out, size_t size)
{
    char *unicode = NULL;
    /* libidn2 makes "" of some labels that it can't decode. */
    bool shown = round_trips(canonical) && idn2_to_unicode_8z8z(canonical, &unicode, 0) == IDN2_OK && strlen(unicode) < size;
    snprintf(out, size, "%s", shown ? unicode : canonical);
    idn2_free(unicode);
}

/* Without the rule that any unlisted top-level name is a suffix ("prevailing star"): relays serve internal
 * names too, and a single label is refused anyway. */
bool tg_domain_is_public_suffix(const char *canonical)
{
    return psl_is_public_suffix2(psl_builtin(), canonical, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) == 1;
}

const char *tg_domain_registrable(const char *canonical)
{
    return psl_registrable_domain(psl_builtin(), canonical);
}
