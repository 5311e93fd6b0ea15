/* throttle.c: see throttle.h. */
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "authd/throttle.h"
#include "schema/network.h"

enum { HALF_LIFE_MS = 5 * 60 * 1000, KEY_LEN = 16 };

/* Everybody is known by a keyed hash of his name: fixed in size, and nobody can aim at a bucket. */
struct entry {
    uint8_t key[KEY_LEN];
    double score;
    double share; /* of a pair: what it has added to its address and its username and not taken back; at most 1 */
    int64_t at_ms;
    struct entry *chain;          /* of its bucket; free list */
    struct entry *newer, *older;  /* by last touch */
};

struct table {
    struct entry *entries, **buckets;
    size_t size, used;
    struct entry *newest, *oldest, *unused;
};

struct throttle {
    uint8_t secret[crypto_generichash_KEYBYTES];
    struct table addresses, usernames, pairs;
};

/* ---- a bounded table ---- */

static void table_init(struct table *table, size_t size)
{
    table->size = size;
    table->entries = tg_xcalloc(size, sizeof *table->entries);
    table->buckets = tg_xcalloc(size, sizeof *table->buckets);
    for (size_t i = 0; i < size; i++) {
        table->entries[i].chain = table->unused;
        table->unused = &table->entries[i];
    }
}

static struct entry **bucket_of(struct table *table, const uint8_t key[KEY_LEN])
{
    uint64_t number;
    memcpy(&number, key, sizeof number);
    return &table->buckets[number % table->size];
}

static struct entry *table_find(struct table *table, const uint8_t key[KEY_LEN])
{
    struct entry *entry = *bucket_of(table, key);
    while (entry != NULL && memcmp(entry->key, key, KEY_LEN) != 0)
        entry = entry->chain;
    return entry;
}

static void unlink_age(struct table *table, struct entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &table->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &table->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
}

static void link_newest(struct table *table, struct entry *entry)
{
    entry->older = table->newest;
    *(table->newest != NULL ? &table->newest->newer : &table->oldest) = entry;
    table->newest = entry;
}

static void table_remove(struct table *table, struct entry *entry)
{
    struct entry **at = bucket_of(table, entry->key);
    while (*at != entry)
        at = &(*at)->chain;
    *at = entry->chain;
    unlink_age(table, entry);
    entry->chain = table->unused;
    table->unused = entry;
    table->used--;
}

static struct entry *table_add(struct table *table, const uint8_t key[KEY_LEN], int64_t now_ms)
{
    if (table->unused == NULL)
        table_remove(table, table->oldest);
    struct entry *entry = table->unused;
    table->unused = entry->chain;
    *entry = (struct entry){ .at_ms = now_ms };
    memcpy(entry->key, key, KEY_LEN);
    struct entry **bucket = bucket_of(table, key);
    entry->chain = *bucket;
    *bucket = entry;
    link_newest(table, entry);
    table->used++;
    return entry;
}

/* ---- scores ---- */

static double decay(const struct entry *entry, int64_t now_ms)
{
    int64_t passed = now_ms > entry->at_ms ? now_ms - entry->at_ms : 0;
    return exp2(-(double)passed / HALF_LIFE_MS);
}

/* The entry as it is now, made where it is missing; the newest. */
static struct entry *touch(struct table *table, const uint8_t key[KEY_LEN], int64_t now_ms)
{
    struct entry *entry = table_find(table, key);
    if (entry == NULL)
        return table_add(table, key, now_ms);
    double factor = decay(entry, now_ms);
    entry->score *= factor;
    entry->share *= factor;
    entry->at_ms = now_ms;
    unlink_age(table, entry);
    link_newest(table, entry);
    return entry;
}

/* Adds to the score; what it was before. */
static double add_score(struct entry *entry, double more)
{
    double before = entry->score;
    entry->score += more;
    return before;
}

static void take_back(struct table *table, const uint8_t key[KEY_LEN], double score, int64_t now_ms)
{
    struct entry *entry = table_find(table, key);
    if (entry == NULL)
        return;
    double left = entry->score * decay(entry, now_ms) - score;
    entry->score = left;
    entry->at_ms = now_ms;
    if (left < 0.1)
        table_remove(table, entry);
}

static unsigned delay_of(double score)
{
    static const unsigned delays[] = { 0, 500, 1000, 2000, 4000 };
    size_t step = (size_t)(score + 0.1); /* so that a moment's decay does not count */
    return step < sizeof delays / sizeof *delays ? delays[step] : THROTTLE_MAX_MS;
}

/* ---- keys ---- */

struct keys {
    uint8_t address[KEY_LEN], username[KEY_LEN], pair[KEY_LEN];
};

static void make_keys(const struct throttle *throttle, const char *address, const char *username, struct keys *keys)
{
    struct tg_network network;
    char text[TG_NETWORK_TEXT];
    if (tg_network_parse(address, false, &network, NULL) == TG_OK) {
        if (network.family == 6) {
            memset(network.address + 8, 0, 8);
            network.prefix_len = 64;
        }
        address = tg_network_text(&network, text);
    }
    crypto_generichash(keys->address, KEY_LEN, (const uint8_t *)address, strlen(address), throttle->secret,
                       sizeof throttle->secret);
    crypto_generichash(keys->username, KEY_LEN, (const uint8_t *)username, strlen(username), throttle->secret,
                       sizeof throttle->secret);
    uint8_t both[2 * KEY_LEN];
    memcpy(both, keys->address, KEY_LEN);
    memcpy(both + KEY_LEN, keys->username, KEY_LEN);
    crypto_generichash(keys->pair, KEY_LEN, both, sizeof both, throttle->secret, sizeof throttle->secret);
}

/* ---- what others call ---- */

struct throttle *throttle_new(size_t entries)
{
    struct throttle *throttle = tg_xcalloc(1, sizeof *throttle);
    randombytes_buf(throttle->secret, sizeof throttle->secret);
    table_init(&throttle->addresses, entries);
    table_init(&throttle->usernames, entries);
    table_init(&throttle->pairs, entries);
    return throttle;
}

void throttle_free(struct throttle **throttle)
{
    if (*throttle == NULL)
        return;
    struct table *tables[] = { &(*throttle)->addresses, &(*throttle)->usernames, &(*throttle)->pairs };
    for (size_t i = 0; i < 3; i++) {
        free(tables[i]->entries);
        free(tables[i]->buckets);
    }
    free(*throttle);
    *throttle = NULL;
}

unsigned throttle_failure(struct throttle *throttle, const char *address, const char *username, int64_t now_ms)
{
    struct keys keys;
    double score = 0, share = 1;
    make_keys(throttle, address, username, &keys);
    /* A pair that fails again and again weighs on itself, and on its address and its username but once. */
    if (*address != '\0' && *username != '\0') {
        struct entry *pair = touch(&throttle->pairs, keys.pair, now_ms);
        share = 1 - pair->share;
        pair->share = 1;
        score = add_score(pair, 1);
    }
    if (*address != '\0')
        score = fmax(score, add_score(touch(&throttle->addresses, keys.address, now_ms), share));
    if (*username != '\0')
        score = fmax(score, add_score(touch(&throttle->usernames, keys.username, now_ms), share));
    return delay_of(score);
}

void throttle_success(struct throttle *throttle, const char *address, const char *username, int64_t now_ms)
{
    struct keys keys;
    make_keys(throttle, address, username, &keys);
    struct entry *pair = table_find(&throttle->pairs, keys.pair);
    if (pair == NULL)
        return;
    double share = pair->share * decay(pair, now_ms);
    table_remove(&throttle->pairs, pair);
    take_back(&throttle->addresses, keys.address, share, now_ms);
    take_back(&throttle->usernames, keys.username, share, now_ms);
}

size_t throttle_count(const struct throttle *throttle)
{
    return throttle->addresses.used + throttle->usernames.used;
}
