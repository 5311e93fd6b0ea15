/* text.c: see text.h. */
#include <string.h>
#include "schema/text.h"

size_t tg_utf8_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, beyond U+10FFFF. */
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return len;
}

static bool is_control(const unsigned char *s, size_t len)
{
    if (len == 1)
        return *s < ' ' || *s == 0x7f;
    return (s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9));
}

bool tg_text_is_clean(const char *text, size_t max)
{
    if (strlen(text) > max)
        return false;
    for (size_t len; *text != '\0'; text += len) {
        len = tg_utf8_length(text);
        if (len == 0 || is_control((const unsigned char *)text, len))
            return false;
    }
    return true;
}
