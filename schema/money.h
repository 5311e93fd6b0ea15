/* money.h: amounts in a currency's minor unit, exactly. Pure; no floating point anywhere. */
#ifndef TG_MONEY_H
#define TG_MONEY_H

#include <stdint.h>
#include "schema/error.h"

enum { TG_MONEY_SIZE = 32, TG_CURRENCY_LEN = 3 };

/* Digits of the minor unit (ISO 4217): EUR 2, JPY 0, KWD 3. -1: no currency of that code. */
int tg_currency_digits(const char *currency);

/* "9.90" of EUR → 990, "9" → 900, "1500" of JPY. TG_USAGE: a sign, a comma, more digits than the currency has, anything
 * else behind, or too much (at most 10^15 minor units); an unknown currency. */
enum tg_code tg_money_parse(const char *text, const char *currency, int64_t *minor, struct tg_error *err) TG_MUST_CHECK;

/* "9.90", without the currency, into buf, which is returned. */
char *tg_money_text(int64_t minor, const char *currency, char buf[TG_MONEY_SIZE]);

#endif
