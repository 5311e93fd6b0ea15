/* activity.h: the log of what accounts did, and the daily counters beside it. */
#ifndef TG_ACTIVITY_H
#define TG_ACTIVITY_H

#include "schema/store.h"
#include "schema/records.pb-c.h"

const char *tg_activity_kind_name(Tg__ActivityKind kind); /* "accepted", "refused", … "auth-failed", "status", "password" */
bool tg_activity_kind_parse(const char *text, Tg__ActivityKind *kind);

/* The reference that an SMTP reply carries ("[ref mq2v…]"): 16 letters and digits (base32, lower case), time
 * and sequence of the event, no account. */
enum { TG_REF_SIZE = 17 };
char *tg_ref_text(const struct tg_event_id *id, char buf[TG_REF_SIZE]);
/* account_id stays 0. */
bool tg_ref_parse(const char *text, struct tg_event_id *id);
/* Which of two references is the earlier event's: negative, zero, positive. Their texts sort otherwise: in base32 the
 * digits stand behind the letters. */
int tg_ref_compare(const char *a, const char *b);
/* Which event is it? Tries one key an account; account_id 0 included. */
enum tg_code tg_activity_by_ref(struct tg_view *view, const char *ref, struct tg_event_id *id, Tg__Activity **activity,
                                struct tg_error *err) TG_MUST_CHECK;

/* A copy with each text cut to TG_ACTIVITY_TEXT octets at most, between two characters. The texts that are too
 * long are copied into the arena. */
enum { TG_ACTIVITY_TEXT = 1000 };
Tg__Activity tg_activity_cut(struct tg_arena *arena, const Tg__Activity *activity);

/* Appends the event, its texts cut, and counts it in its day, the account's and the whole relay's (TG_RELAY). On failure
 * nothing of it is written. */
enum tg_code tg_activity_append(struct tg_change *change, const struct tg_event_id *id, const Tg__Activity *activity,
                                struct tg_error *err) TG_MUST_CHECK;

/* Newest first from a walk of one account; TG_NOT_FOUND at the end. */
enum tg_code tg_activity_next(struct tg_view *view, struct tg_walk *walk, struct tg_event_id *id, Tg__Activity **activity,
                              struct tg_error *err) TG_MUST_CHECK;

/* Retention removes events in batches: of days before this one there may be fewer than were counted. */
enum tg_code tg_activity_whole_from(struct tg_view *view, int64_t *day, struct tg_error *err) TG_MUST_CHECK;
/* In the change that removes an event for its age. */
enum tg_code tg_activity_note_removal(struct tg_change *change, const struct tg_event_id *id, struct tg_error *err) TG_MUST_CHECK;

/* The counters of a day; TG_NOT_FOUND where nothing was counted. Under TG_DAY_BEFORE stands the sum of all days that were
 * summed up. */
enum { TG_DAY_BEFORE = 0 };
enum tg_code tg_daily_get(struct tg_view *view, uint64_t account_id, int64_t day, Tg__Daily **daily, struct tg_error *err) TG_MUST_CHECK;
/* Adds a day to what stands under TG_DAY_BEFORE; the day itself is the caller's to delete. TG_NOT_FOUND: there is no such day. */
enum tg_code tg_daily_sum_up(struct tg_change *change, uint64_t account_id, int64_t day, struct tg_error *err) TG_MUST_CHECK;

#endif
