/* reputation.c: see reputation.h: the formula. */
#include <stdio.h>
#include <string.h>
#include "schema/reputation.h"

/* docs/reputation.md says why these. */
static const struct factor {
    const char *name, *event;
    double cushion, good, bad;
} factors[TG_FACTORS] = {
    [TG_FACTOR_HARD] = {"hard_bounces", "hard bounce", 50, 0.02, 0.12},
    [TG_FACTOR_COMPLAINTS] = {"complaints", "complaint", 1000, 0.001, 0.005},
    [TG_FACTOR_FORGED] = {"forged_senders", "forged sender", 50, 0.02, 0.50},
};

static const struct {
    const char *name;
    int least;
} levels[] = {
    [TG_LEVEL_BAD] = {"bad", 0},
    [TG_LEVEL_POOR] = {"poor", 25},
    [TG_LEVEL_FAIR] = {"fair", 50},
    [TG_LEVEL_GOOD] = {"good", 75},
    [TG_LEVEL_EXCELLENT] = {"excellent", 90},
};

const char *tg_level_name(enum tg_level level)
{
    return levels[level].name;
}

const char *tg_factor_name(enum tg_factor factor)
{
    return factors[factor].name;
}

void tg_reputation_count(struct tg_reputation_counts *counts, const Tg__Daily *day)
{
    counts->sent += day->recipients;
    counts->soft += day->soft;
    counts->delayed += day->delayed;
    counts->events[TG_FACTOR_HARD] += day->hard;
    counts->events[TG_FACTOR_COMPLAINTS] += day->complaints;
    for (size_t i = 0; i < day->n_refused; i++)
        if (strcmp(day->refused[i]->rule, "sender") == 0 ||
            strcmp(day->refused[i]->rule, "from") == 0)
            counts->events[TG_FACTOR_FORGED] += day->refused[i]->count;
}

void tg_reputation_of(const struct tg_reputation_counts *counts, struct tg_reputation *out)
{
    double leaves = 1;
    *out = (struct tg_reputation){.counts = *counts, .worst = -1};
    for (int f = 0; f < TG_FACTORS; f++) {
        double events = (double)counts->events[f],
               volume = (double)counts->sent + factors[f].cushion;
        /* What was refused was tried, and is not in what was sent. */
        if (f == TG_FACTOR_FORGED)
            volume += events;
        double rate = events / volume;
        double takes = (rate - factors[f].good) / (factors[f].bad - factors[f].good);
        out->rate[f] = rate;
        out->takes[f] = takes < 0 ? 0 : takes > 1 ? 1 : takes;
        leaves *= 1 - out->takes[f];
        if (out->takes[f] > 0 && (out->worst < 0 || out->takes[f] > out->takes[out->worst]))
            out->worst = f;
    }
    out->score = (int)(100 * leaves + 0.5);
    for (int level = TG_LEVEL_BAD; level <= TG_LEVEL_EXCELLENT; level++)
        if (out->score >= levels[level].least)
            out->level = (enum tg_level)level;
}

void tg_reputation_text(const struct tg_reputation *r, char *out, size_t size)
{
    if (r->worst < 0) {
        snprintf(out, size, "%s", "");
        return;
    }
    unsigned long long events = r->counts.events[r->worst], sent = r->counts.sent;
    snprintf(out, size, "%llu %s%s, %llu sent in 30 days", events, factors[r->worst].event,
             events == 1 ? "" : "s", sent);
}
