/* calendar.c: see calendar.h. The proleptic Gregorian calendar, with years counted from March so
 * that the leap day is a year's last. Results that int64_t can't hold stop at its ends. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "schema/calendar.h"

enum { DAY_S = 86400, ERA_YEARS = 400, ERA_DAYS = 146097, MARCH_TO_1970 = 719468 };
/* Ten years, three of them leap years at most. */
static const int64_t longest_s = 3653 * (int64_t)DAY_S;

struct civil {
    int64_t year;
    int month, day; /* from 1 */
};

static int64_t div_floor(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t tg_day_of(int64_t t)
{
    return div_floor(t, DAY_S);
}

static int second_of_day(int64_t t)
{
    int second = (int)(t % DAY_S);
    return second < 0 ? second + DAY_S : second;
}

static bool leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_days(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && leap(year));
}

/* Days between 1 March of an era's first year and 1 March of its year y: y = 0..400. */
static int64_t days_before_year(int64_t y)
{
    return 365 * y + y / 4 - y / 100 + y / 400;
}

/* Days between 1 March and the first of the month that is m months later. The lengths from March on
 * repeat 31 30 31 30 31 every five months, 153 days. */
static int days_before_month(int m)
{
    return (153 * m + 2) / 5;
}

static struct civil civil_of(int64_t day)
{
    day += MARCH_TO_1970;
    int64_t era = div_floor(day, ERA_DAYS);
    int64_t rest = day - era * ERA_DAYS;
    int64_t year = rest / 365;
    while (days_before_year(year) > rest)
        year--;
    int in_year = (int)(rest - days_before_year(year));
    int month = (5 * in_year + 2) / 153;
    return (struct civil){
        .year = era * ERA_YEARS + year + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = in_year - days_before_month(month) + 1,
    };
}

static int64_t day_of_civil(struct civil c)
{
    int64_t year = c.year - (c.month < 3);
    int64_t era = div_floor(year, ERA_YEARS);
    int64_t in_era = days_before_year(year - era * ERA_YEARS);
    int month = c.month < 3 ? c.month + 9 : c.month - 3;
    return era * ERA_DAYS + in_era + days_before_month(month) + c.day - 1 - MARCH_TO_1970;
}

/* false: out of range, and *t is the nearer end of it. */
static bool instant(int64_t day, int64_t second, int64_t *t)
{
    /* Through the next day's midnight where negative, for the day's own may be out of range. */
    int64_t from = day < 0 ? day + 1 : day;
    int64_t add = day < 0 ? second - DAY_S : second;
    if (!__builtin_mul_overflow(from, (int64_t)DAY_S, t) && !__builtin_add_overflow(*t, add, t))
        return true;
    *t = day < 0 ? INT64_MIN : INT64_MAX;
    return false;
}

static bool months_later(int64_t anchor, int64_t months, int64_t *t)
{
    struct civil c = civil_of(tg_day_of(anchor));
    int64_t month = c.year * 12 + c.month - 1 + months;
    c.year = div_floor(month, 12);
    c.month = (int)(month - c.year * 12) + 1;
    int last = month_days(c.year, c.month);
    if (c.day > last)
        c.day = last;
    return instant(day_of_civil(c), second_of_day(anchor), t);
}

int64_t tg_month_add(int64_t anchor, int months)
{
    int64_t t;
    (void)months_later(anchor, months, &t);
    return t;
}

/* The number of the period that holds t, t >= anchor. */
static int64_t period_number(int64_t anchor, int64_t t)
{
    struct civil a = civil_of(tg_day_of(anchor)), c = civil_of(tg_day_of(t));
    int64_t number = (c.year - a.year) * 12 + c.month - a.month;
    int64_t start;
    if (!months_later(anchor, number, &start) || start > t)
        number--;
    return number;
}

int64_t tg_period_start(int64_t anchor, int64_t t)
{
    int64_t start = anchor;
    if (t > anchor)
        (void)months_later(anchor, period_number(anchor, t), &start);
    return start;
}

int64_t tg_period_end(int64_t anchor, int64_t t)
{
    int64_t end;
    (void)months_later(anchor, (t > anchor ? period_number(anchor, t) : 0) + 1, &end);
    return end;
}

char *tg_rfc3339(int64_t t, char buf[TG_RFC3339_SIZE])
{
    int second = second_of_day(t);
    struct civil c = civil_of(tg_day_of(t));
    snprintf(buf, TG_RFC3339_SIZE, "%04lld-%02u-%02uT%02u:%02u:%02uZ", (long long)c.year,
             (unsigned)c.month % 100, (unsigned)c.day % 100, (unsigned)second / 3600 % 100,
             (unsigned)second / 60 % 60, (unsigned)second % 60);
    return buf;
}

/* ---- reading ---- */

/* Exactly `count` digits; *at moves behind them. */
static bool digits(const char **at, int count, int *value)
{
    *value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *value = *value * 10 + (**at - '0');
    }
    return true;
}

static bool literal(const char **at, const char *any_of)
{
    if (**at == '\0' || strchr(any_of, **at) == NULL)
        return false;
    (*at)++;
    return true;
}

static bool read_date(const char **at, int64_t *day)
{
    int year;
    struct civil c;
    if (!digits(at, 4, &year) || !literal(at, "-") || !digits(at, 2, &c.month) ||
        !literal(at, "-") || !digits(at, 2, &c.day))
        return false;
    c.year = year;
    if (c.month < 1 || c.month > 12 || c.day < 1 || c.day > month_days(year, c.month))
        return false;
    *day = day_of_civil(c);
    return true;
}

/* time-numoffset of RFC 3339 section 5.6, or Z. */
static bool read_offset(const char **at, int *seconds)
{
    int hour, minute;
    *seconds = 0;
    if (literal(at, "Zz"))
        return true;
    int sign = **at == '-' ? -1 : 1;
    if (!literal(at, "+-") || !digits(at, 2, &hour) || !literal(at, ":") || !digits(at, 2, &minute))
        return false;
    *seconds = sign * (hour * 3600 + minute * 60);
    return hour < 24 && minute < 60;
}

/* full-time of RFC 3339 section 5.6, as seconds to add to midnight UTC; a fraction is dropped. A
 * leap second is the first second of the next minute, as in POSIX. */
static bool read_time(const char **at, int64_t *seconds)
{
    int hour, minute, second, offset, digit;
    if (!digits(at, 2, &hour) || !literal(at, ":") || !digits(at, 2, &minute) ||
        !literal(at, ":") || !digits(at, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 60 || (second == 60 && minute != 59))
        return false;
    if (literal(at, ".")) {
        if (!digits(at, 1, &digit))
            return false;
        while (**at >= '0' && **at <= '9')
            (*at)++;
    }
    if (!read_offset(at, &offset))
        return false;
    *seconds = hour * 3600 + minute * 60 + second - offset;
    return true;
}

static bool read_rfc3339(const char *text, int64_t *t)
{
    int64_t day, seconds = 0;
    if (!read_date(&text, &day))
        return false;
    if (*text != '\0' && (!literal(&text, "Tt ") || !read_time(&text, &seconds)))
        return false;
    *t = day * DAY_S + seconds;
    return *text == '\0';
}

static bool read_duration(const char *text, int64_t *seconds)
{
    static const struct {
        char unit;
        int seconds;
    } units[] = {
        {'s', 1}, {'m', 60}, {'h', 3600}, {'d', DAY_S}, {'w', 7 * DAY_S},
    };
    int64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (*at - '0');
        if (number > longest_s)
            return false;
    }
    if (at == text || *at == '\0' || at[1] != '\0')
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (units[i].unit == *at) {
            *seconds = number * units[i].seconds;
            return *seconds <= longest_s;
        }
    return false;
}

enum tg_code tg_duration_parse(const char *text, int64_t *seconds, struct tg_error *err)
{
    if (read_duration(text, seconds))
        return TG_OK;
    return tg_fail(err, TG_USAGE,
                   "\"%.40s\" is no duration: give a number and s, m, h, d or w (7d), "
                   "ten years at most",
                   text);
}

enum tg_code tg_time_parse(const char *text, int64_t now, int64_t *t, struct tg_error *err)
{
    int64_t before;
    if (strcmp(text, "now") == 0) {
        *t = now;
        return TG_OK;
    }
    if (read_rfc3339(text, t))
        return TG_OK;
    if (read_duration(text, &before)) {
        if (__builtin_sub_overflow(now, before, t))
            *t = INT64_MIN;
        return TG_OK;
    }
    return tg_fail(err, TG_USAGE,
                   "\"%.40s\" is no time: give 2026-11-24, 2026-11-24T10:00:00Z, "
                   "a duration before now (24h, 7d) or now",
                   text);
}
