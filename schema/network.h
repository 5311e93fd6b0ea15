/* network.h: authorised IPs: from where an account may send without authentication. */
#ifndef TG_NETWORK_H
#define TG_NETWORK_H

#include <sys/socket.h>
#include "schema/store.h"
#include "schema/records.pb-c.h"

enum { TG_NETWORK_TEXT = 64 };

/* "192.0.2.0/28", "2001:db8::/48", "192.0.2.7", "[2001:db8::1]", "IPv6:2001:db8::1". IPv4-mapped IPv6 becomes
 * IPv4 (its prefix length less 96). TG_USAGE: not an address, or bits set behind the prefix; `fix` clears those. */
enum tg_code tg_network_parse(const char *text, bool fix, struct tg_network *network, struct tg_error *err) TG_MUST_CHECK;
/* A host's address from libmilter or a socket; false: not an IP socket. */
bool tg_network_of_sockaddr(const struct sockaddr *address, struct tg_network *network);
/* "192.0.2.0/28"; a single host without its /32 or /128. Returns buf. */
char *tg_network_text(const struct tg_network *network, char buf[TG_NETWORK_TEXT]);
bool tg_network_contains(const struct tg_network *outer, const struct tg_network *inner);

/* Shortest prefix lengths that may be authorised (configuration: min_prefix4, min_prefix6). */
struct tg_network_limits { unsigned min_prefix4, min_prefix6; };

/* TG_REFUSED: shorter than the limit, or there already. */
enum tg_code tg_network_add(struct tg_change *change, const struct tg_network *network, const char *username,
                            const char *note, const struct tg_network_limits *limits, int64_t now, struct tg_error *err) TG_MUST_CHECK;
enum tg_code tg_network_remove(struct tg_change *change, const struct tg_network *network, const char *username,
                               int64_t now, struct tg_error *err) TG_MUST_CHECK;

struct tg_network_entry {
    struct tg_network network;
    uint64_t account_id;
    const char *note;
    int64_t since;
};
/* The entries of the longest network that holds this address (several: one address, several accounts).
 * count 0 where there is none (TG_OK). In the view's arena. */
enum tg_code tg_network_lookup(struct tg_view *view, const struct tg_network *address, struct tg_network_entry **list,
                               size_t *count, struct tg_error *err) TG_MUST_CHECK;
/* The account's own, in key order. */
enum tg_code tg_network_of_account(struct tg_view *view, uint64_t account_id, struct tg_network_entry **list,
                                   size_t *count, struct tg_error *err) TG_MUST_CHECK;
/* Is the address in any network of this account? (--ip-lock) */
enum tg_code tg_network_has(struct tg_view *view, uint64_t account_id, const struct tg_network *address, bool *has,
                            struct tg_error *err) TG_MUST_CHECK;

#endif
