/* throttle.h: failed logins, by address, by username and by the pair of both, answered later and later. Pure: the
 * time is given.
 *
 * Scores fall by half in five minutes. An address is an IPv4 address or an IPv6 /64. Every failure weighs on its
 * pair; on its address and its username a pair weighs with at most one, however often it fails: a client that
 * repeats an old password slows down nobody else of its office, while who tries many names from an address, or one
 * name from many addresses, is slowed down wherever he goes on. Who has the right password never waits.
 * A success takes back what its pair had added, and just that: whoever owns one account can't wipe out what he tried
 * on others. Tables are bounded; the entry that was touched least recently goes. */
#ifndef AUTHD_THROTTLE_H
#define AUTHD_THROTTLE_H

#include <stddef.h>
#include <stdint.h>

struct throttle;

enum { THROTTLE_ENTRIES = 16384, THROTTLE_MAX_MS = 7000 };

/* entries: of each of the three tables. */
struct throttle *throttle_new(size_t entries);
void throttle_free(struct throttle **throttle);

/* A failure: how long to hold back its answer, in ms: 0 for the first, then 500, 1000, 2000, 4000, and
 * THROTTLE_MAX_MS, for Postfix waits 10 s for an answer. address: text, "" where not known; not an address:
 * counted as a name of its own. username "" or address "": only the other counts, each time. */
unsigned throttle_failure(struct throttle *throttle, const char *address, const char *username, int64_t now_ms);

/* A success takes back what this pair added. */
void throttle_success(struct throttle *throttle, const char *address, const char *username, int64_t now_ms);

/* For metrics. */
size_t throttle_count(const struct throttle *throttle);

#endif
