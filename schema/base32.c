/* base32.c: see base32.h. */
#include "schema/base32.h"

void tg_base32_encode(const uint8_t *bytes, size_t len, char *out)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint32_t bits = 0;
    int held = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
        for (held += 8; held >= 5; held -= 5)
            *out++ = letters[bits >> (held - 5) & 31];
    }
    if (held > 0)
        *out++ = letters[bits << (5 - held) & 31];
    *out = '\0';
}

static int value_of(char letter)
{
    if (letter >= 'a' && letter <= 'z')
        return letter - 'a';
    if (letter >= 'A' && letter <= 'Z')
        return letter - 'A';
    return letter >= '2' && letter <= '7' ? letter - '2' + 26 : -1;
}

bool tg_base32_decode(const char *text, size_t text_len, uint8_t *out, size_t len)
{
    uint32_t bits = 0;
    int held = 0;
    size_t written = 0;
    if (text_len != TG_BASE32_LEN(len))
        return false;
    for (size_t i = 0; i < text_len; i++) {
        int value = value_of(text[i]);
        if (value < 0)
            return false;
        bits = bits << 5 | (uint32_t)value;
        held += 5;
        if (held >= 8) {
            held -= 8;
            if (written < len)
                out[written++] = (uint8_t)(bits >> held);
        }
    }
    return written == len && (bits & ((1u << held) - 1)) == 0;
}
