/* reputation.h: 0–100 and a level from the last 30 days; docs/reputation.md has the formula and its
 * reasons.
 *
 * Three factors, each a rate: hard bounces and complaints of what was sent, forged senders
 * (refusals by the rules sender and from) of what was tried. A rate is smoothed: `cushion`
 * recipients without any trouble are added to the volume, so that one bounce of the first ten
 * messages does not ruin anybody. Up to `good` a factor takes nothing, at `bad` it takes all,
 * linear between; the score is 100 times the product of what the factors leave. */
#ifndef TG_REPUTATION_H
#define TG_REPUTATION_H

#include "schema/store.h"
#include "schema/records.pb-c.h"

enum { TG_REPUTATION_DAYS = 30 };
enum tg_factor { TG_FACTOR_HARD, TG_FACTOR_COMPLAINTS, TG_FACTOR_FORGED, TG_FACTORS };
enum tg_level { TG_LEVEL_BAD, TG_LEVEL_POOR, TG_LEVEL_FAIR, TG_LEVEL_GOOD, TG_LEVEL_EXCELLENT };

struct tg_reputation_counts {
    uint64_t sent; /* recipients */
    uint64_t events[TG_FACTORS];
    uint64_t soft, delayed;
};

struct tg_reputation {
    int score;
    enum tg_level level;
    struct tg_reputation_counts counts;
    double rate[TG_FACTORS]; /* smoothed */
    double takes[TG_FACTORS]; /* 0 to 1 */
    int worst; /* the factor that takes most; -1: none takes anything */
};

/* ---- pure ---- */

void tg_reputation_count(struct tg_reputation_counts *counts, const Tg__Daily *day);
void tg_reputation_of(const struct tg_reputation_counts *counts, struct tg_reputation *out);
const char *tg_level_name(enum tg_level level); /* "bad", "poor", "fair", "good", "excellent" */
const char *
tg_factor_name(enum tg_factor factor); /* "hard_bounces", "complaints", "forged_senders" */
/* For people: "12 hard bounces of 300 sent". Nothing takes anything: "". */
void tg_reputation_text(const struct tg_reputation *reputation, char *out, size_t size);

/* ---- with the store ---- */

/* Of the 30 UTC days that end with now's. */
enum tg_code tg_reputation_get(struct tg_view *view, uint64_t account_id, int64_t now,
                               struct tg_reputation *out, struct tg_error *err) TG_MUST_CHECK;
/* The same for auto_disable_below: only the days after the provider last enabled the account by
 * hand. */
enum tg_code tg_reputation_since_enabled(struct tg_view *view, uint64_t account_id, int64_t now,
                                         struct tg_reputation *out,
                                         struct tg_error *err) TG_MUST_CHECK;
/* Marks that instant; called by tg_account_enable. */
enum tg_code tg_reputation_restart(struct tg_change *change, uint64_t account_id, int64_t now,
                                   struct tg_error *err) TG_MUST_CHECK;

/* auto_disable_below, as the sweep asks it of each account: is its score below `below` (1–100; 0:
 * never), and may it send at all? */
enum tg_code tg_reputation_disable_due(struct tg_view *view, const Tg__Account *account, int below,
                                       int64_t now, bool *due, struct tg_error *err) TG_MUST_CHECK;
/* Looks again, and disables it: the reason stands in its status, activity and the audit log.
 * *reason (in the arena): NULL where nothing was to do. */
enum tg_code tg_reputation_disable(struct tg_change *change, uint64_t account_id, int below,
                                   int64_t now, const char **reason,
                                   struct tg_error *err) TG_MUST_CHECK;

#endif
