/* money.c: see money.h. */
#include <string.h>
#include "schema/money.h"

/* ISO 4217's active currencies by their number of minor digits; the rest of the list has two. */
static const char *const by_digits[] = {
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    "",
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW "
    "CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
    "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN "
    "NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC "
    "SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    "BHD IQD JOD KWD LYD OMR TND",
    "CLF UYW",
};

int tg_currency_digits(const char *currency)
{
    if (strlen(currency) != TG_CURRENCY_LEN || strchr(currency, ' ') != NULL)
        return -1;
    for (size_t digits = 0; digits < sizeof by_digits / sizeof *by_digits; digits++) {
        const char *at = strstr(by_digits[digits], currency);
        if (at != NULL && (at - by_digits[digits]) % (TG_CURRENCY_LEN + 1) == 0)
            return (int)digits;
    }
    return -1;
}

static const int64_t most = 1000000000000000;

static enum tg_code refuse(const char *text, const char *currency, int digits, struct tg_error *err)
{
    static const char *const example[] = { "9", "9.9", "9.90", "9.900", "9.9000" };
    return tg_fail(err, TG_USAGE, "'%.40s' is no price in %s: write it like %s, with a dot and at most %d digits behind it", text,
                   currency, example[digits], digits);
}

enum tg_code tg_money_parse(const char *text, const char *currency, int64_t *minor, struct tg_error *err)
{
    int digits = tg_currency_digits(currency);
    if (digits < 0)
        return tg_fail(err, TG_USAGE, "'%.20s' is no currency: give its ISO 4217 code, such as EUR", currency);
    int64_t amount = 0;
    int behind = -1; /* digits behind the dot; -1: no dot yet */
    const char *at = text;
    if (*at < '0' || *at > '9')
        return refuse(text, currency, digits, err);
    for (; *at != '\0'; at++) {
        if (*at == '.' && behind < 0 && digits > 0 && at[1] != '\0') {
            behind = 0;
            continue;
        }
        if (*at < '0' || *at > '9' || (behind >= 0 && ++behind > digits))
            return refuse(text, currency, digits, err);
        amount = amount * 10 + (*at - '0');
        if (amount > most)
            return tg_fail(err, TG_USAGE, "the price '%.40s' is too high", text);
    }
    for (int i = behind < 0 ? 0 : behind; i < digits; i++)
        amount *= 10;
    if (amount > most)
        return tg_fail(err, TG_USAGE, "the price '%.40s' is too high", text);
    *minor = amount;
    return TG_OK;
}

char *tg_money_text(int64_t minor, const char *currency, char buf[TG_MONEY_SIZE])
{
    int digits = tg_currency_digits(currency);
    uint64_t amount = minor < 0 ? -(uint64_t)minor : (uint64_t)minor;
    char *at = &buf[TG_MONEY_SIZE - 1];
    *at = '\0';
    for (int i = 0; amount > 0 || i <= (digits > 0 ? digits : 0); i++) {
        if (i == digits && i > 0)
            *--at = '.';
        *--at = (char)('0' + amount % 10);
        amount /= 10;
    }
    if (minor < 0)
        *--at = '-';
    return memmove(buf, at, (size_t)(buf + TG_MONEY_SIZE - at));
}
