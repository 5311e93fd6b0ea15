/* usage.c: the bytes of a usage record and its windows, see usage.h: pure, as plan.c is. The bytes
 * are on disk: what changes them makes a new version. */
#include <string.h>
#include "schema/usage.h"

enum { RECORD_VERSION = 1, HEADER_SIZE = 8, DAY_S = 86400 };

static uint8_t *put_number(uint8_t *at, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

static uint64_t get_number(const uint8_t **at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t) * (*at)++ << (8 * i);
    return value;
}

/* The order of the fields on disk, in one place for both directions. */
#define NUMBERS(X)                                                                                 \
    X(period_start)                                                                                \
    X(used) X(extra) X(prepaid_left) X(prepaid_expires) X(total) X(last_at) X(day) X(day_used)     \
        X(hour_slot) X(day_slot)

void tg_usage_pack(const struct tg_usage *usage, uint8_t out[TG_USAGE_SIZE])
{
    memset(out, 0, HEADER_SIZE);
    out[0] = RECORD_VERSION;
    uint8_t *at = out + HEADER_SIZE;
#define PUT(field) at = put_number(at, (uint64_t)usage->field, 8);
    NUMBERS(PUT)
#undef PUT
    for (size_t i = 0; i < TG_HOUR_SLOTS; i++)
        at = put_number(at, usage->hour[i], 4);
    for (size_t i = 0; i < TG_DAY_SLOTS; i++)
        at = put_number(at, usage->day_hours[i], 4);
}

enum tg_code tg_usage_unpack(struct tg_span in, struct tg_usage *usage, struct tg_error *err)
{
    if (in.len == 0)
        return tg_fail(err, TG_UNUSABLE, "damaged usage record: it is empty");
    if (in.data[0] != RECORD_VERSION)
        return tg_fail(err, TG_UNUSABLE,
                       "usage record of version %d, this program reads version %d", in.data[0],
                       RECORD_VERSION);
    if (in.len != TG_USAGE_SIZE)
        return tg_fail(err, TG_UNUSABLE, "damaged usage record: %zu octets instead of %d", in.len,
                       TG_USAGE_SIZE);
    const uint8_t *at = in.data + HEADER_SIZE;
#define GET(field) usage->field = (__typeof__(usage->field))get_number(&at, 8);
    NUMBERS(GET)
#undef GET
    for (size_t i = 0; i < TG_HOUR_SLOTS; i++)
        usage->hour[i] = (uint32_t)get_number(&at, 4);
    for (size_t i = 0; i < TG_DAY_SLOTS; i++)
        usage->day_hours[i] = (uint32_t)get_number(&at, 4);
    /* It would stand before any time that plan.c can go to. */
    if (usage->day > INT64_MAX / DAY_S)
        return tg_fail(err, TG_UNUSABLE, "damaged usage record: day %lld is behind all time", (long long)usage->day);
    return TG_OK;
}

const struct tg_usage_field tg_usage_fields[] = {
#define FIELD(field) { #field, offsetof(struct tg_usage, field), 8, 1 },
    NUMBERS(FIELD)
#undef FIELD
    { "hour", offsetof(struct tg_usage, hour), 4, TG_HOUR_SLOTS },
    { "day_hours", offsetof(struct tg_usage, day_hours), 4, TG_DAY_SLOTS },
    { NULL, 0, 0, 0 },
};

static int64_t slot_of(int64_t t, int64_t slot_s)
{
    return t / slot_s - (t % slot_s < 0);
}

/* The ring holds the `slots` newest slots up to `newest`; those before the window of now are left
 * out. Where now is before the newest slot the clock went back, and all count. */
static uint64_t window(const uint32_t *ring, int64_t slots, int64_t newest, int64_t current)
{
    uint64_t sum = 0;
    for (int64_t age = 0; age < slots; age++) {
        int64_t slot = newest - age;
        if (slot < 0 || (current > newest && slot <= current - slots))
            break;
        sum += ring[slot % slots];
    }
    return sum;
}

uint64_t tg_usage_last_hour(const struct tg_usage *usage, int64_t now)
{
    return window(usage->hour, TG_HOUR_SLOTS, usage->hour_slot, slot_of(now, TG_HOUR_SLOT_S));
}

uint64_t tg_usage_last_day(const struct tg_usage *usage, int64_t now)
{
    return window(usage->day_hours, TG_DAY_SLOTS, usage->day_slot, slot_of(now, TG_DAY_SLOT_S));
}
