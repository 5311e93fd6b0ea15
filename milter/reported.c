/* reported.c: see reported.h. A table of sets; within a set the entry that was touched least recently is the next to go. */
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include "milter/reported.h"
#include "schema/error.h"

enum { SETS = 2048, WAYS = 8, KINDS = REPORT_UNKNOWN + 1 };

struct entry {
    struct tg_token token; /* account_id 0: free */
    uint64_t touched;
    uint32_t count[KINDS];
};

struct reported {
    uint8_t key[crypto_shorthash_KEYBYTES]; /* nobody can aim at a set */
    pthread_mutex_t lock;                   /* of all that follows */
    uint64_t clock;
    struct entry entry[SETS][WAYS];
};

struct reported *reported_new(void)
{
    struct reported *reported = tg_xcalloc(1, sizeof *reported);
    randombytes_buf(reported->key, sizeof reported->key);
    pthread_mutex_init(&reported->lock, NULL);
    return reported;
}

void reported_free(struct reported **reported)
{
    if (*reported == NULL)
        return;
    pthread_mutex_destroy(&(*reported)->lock);
    free(*reported);
    *reported = NULL;
}

static bool same(const struct tg_token *a, const struct tg_token *b)
{
    return a->account_id == b->account_id && a->time == b->time && a->sequence == b->sequence;
}

static struct entry *find_locked(struct reported *reported, const struct tg_token *token)
{
    const uint64_t name[] = { token->account_id, (uint64_t)token->time, token->sequence };
    uint8_t hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, (const uint8_t *)name, sizeof name, reported->key);
    struct entry *set = reported->entry[(hash[0] | (unsigned)hash[1] << 8) % SETS], *oldest = set;
    for (struct entry *e = set; e < set + WAYS; e++) {
        if (same(&e->token, token))
            return e;
        if (e->touched < oldest->touched)
            oldest = e;
    }
    *oldest = (struct entry){ .token = *token };
    return oldest;
}

bool reported_take(struct reported *reported, const struct tg_token *token, enum report_kind kind, uint32_t recipients)
{
    bool once = kind == REPORT_HARD || kind == REPORT_COMPLAINT;
    uint64_t most = (uint64_t)(recipients > 0 ? recipients : 1) * (once ? 1 : REPORTED_EACH);
    pthread_mutex_lock(&reported->lock);
    struct entry *entry = find_locked(reported, token);
    entry->touched = ++reported->clock;
    bool room = entry->count[kind] < most;
    entry->count[kind] += room;
    pthread_mutex_unlock(&reported->lock);
    return room;
}
