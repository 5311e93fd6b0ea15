/* usage.h: what an account has used: a record of fixed size, for it is written for every message.
 *
 * On disk: version 1 octet, 7 reserved, then the fields in the order of the struct, little-endian, no
 * padding (tg_usage_pack is the only writer). Another version is TG_UNUSABLE, and a day behind all time. */
#ifndef TG_USAGE_H
#define TG_USAGE_H

#include <stdint.h>
#include "schema/store.h"

/* Sliding windows of `rate`: 12 whole five-minute slots and the one running; 24 whole hours and the one
 * running. What they hold is never less than what the last hour or day had. */
enum { TG_HOUR_SLOTS = 13, TG_HOUR_SLOT_S = 300, TG_DAY_SLOTS = 25, TG_DAY_SLOT_S = 3600 };

struct tg_usage {
    int64_t period_start;    /* free, monthly: of the period that `used` counts */
    uint64_t used;           /* free, monthly: in that period */
    uint64_t extra;          /* free, monthly: credited to that period */
    uint64_t prepaid_left;   /* prepaid: balance */
    int64_t prepaid_expires; /* prepaid: 0 where no package was ever bought */
    uint64_t total;          /* ever */
    int64_t last_at;         /* the latest time that was charged: it never goes back */
    int64_t day;             /* the UTC day that day_used counts, for the ledger */
    uint64_t day_used;
    int64_t hour_slot;       /* number (time / 300) of the newest of hour[] */
    int64_t day_slot;        /* number (time / 3600) of the newest of day[] */
    uint32_t hour[TG_HOUR_SLOTS]; /* ring: slot s stands at s % TG_HOUR_SLOTS */
    uint32_t day_hours[TG_DAY_SLOTS];
};

enum { TG_USAGE_SIZE = 8 + 11 * 8 + 4 * (TG_HOUR_SLOTS + TG_DAY_SLOTS) };

void tg_usage_pack(const struct tg_usage *usage, uint8_t out[TG_USAGE_SIZE]);
enum tg_code tg_usage_unpack(struct tg_span in, struct tg_usage *usage, struct tg_error *err) TG_MUST_CHECK;

/* Its fields by name, for export and import. */
struct tg_usage_field {
    const char *name;  /* NULL ends the list */
    size_t offset;     /* in struct tg_usage */
    size_t size;       /* of one number: 4 or 8 */
    size_t count;      /* more than 1: an array */
};
extern const struct tg_usage_field tg_usage_fields[];

/* An account without a usage record is damage: TG_UNUSABLE, not zero usage. */
enum tg_code tg_usage_get(struct tg_view *view, uint64_t account_id, struct tg_usage *usage,
                          struct tg_error *err) TG_MUST_CHECK;
void tg_usage_put(struct tg_change *change, uint64_t account_id, const struct tg_usage *usage);

/* Messages in the last hour and day as of now: never too few, at most one slot too many. */
uint64_t tg_usage_last_hour(const struct tg_usage *usage, int64_t now);
uint64_t tg_usage_last_day(const struct tg_usage *usage, int64_t now);

#endif
