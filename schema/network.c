/* network.c: see network.h. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "schema/account.h"
#include "schema/audit.h"
#include "schema/network.h"
#include "schema/text.h"

enum { NOTE_MAX = 200 };

/* ---- text and octets ---- */

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* ::ffff:192.0.2.1 is 192.0.2.1. */
static void unmap(struct tg_network *n)
{
    if (n->family != 6 || n->prefix_len < 96 || memcmp(n->address, mapped, sizeof mapped) != 0)
        return;
    n->family = 4;
    n->prefix_len = (uint8_t)(n->prefix_len - 96);
    memmove(n->address, n->address + 12, 4);
    memset(n->address + 4, 0, 12);
}

/* Clears what stands behind the prefix; was anything there? */
static bool clear_host_bits(struct tg_network *n)
{
    bool any = false;
    size_t size = n->family == 4 ? 4 : 16;
    for (size_t i = 0; i < size; i++) {
        int bits = (int)n->prefix_len - (int)i * 8;
        uint8_t mask = bits >= 8 ? 0xff : bits <= 0 ? 0 : (uint8_t)(0xff << (8 - bits));
        any = any || (n->address[i] & ~mask) != 0;
        n->address[i] &= mask;
    }
    return any;
}

static bool parse_length(const char *text, unsigned max, uint8_t *length)
{
    size_t len = strlen(text);
    /* No leading zero: elsewhere that is octal. */
    if (len == 0 || len > 3 || strspn(text, "0123456789") != len || (text[0] == '0' && len > 1))
        return false;
    unsigned long value = strtoul(text, NULL, 10);
    *length = (uint8_t)value;
    return value <= max;
}

/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]", "IPv6:2001:db8::1" */
static bool parse_address(char *text, struct tg_network *n)
{
    size_t len = strlen(text);
    if (text[0] == '[' && len > 2 && text[len - 1] == ']') {
        text[len - 1] = '\0';
        text++;
    }
    bool tagged = strncasecmp(text, "IPv6:", 5) == 0; /* as in an address literal (RFC 5321 4.1.3) */
    if (tagged)
        text += 5;
    memset(n, 0, sizeof *n);
    n->family = tagged || strchr(text, ':') != NULL ? 6 : 4;
    n->prefix_len = n->family == 4 ? 32 : 128;
    return inet_pton(n->family == 4 ? AF_INET : AF_INET6, text, n->address) == 1;
}

enum tg_code tg_network_parse(const char *text, bool fix, struct tg_network *network, struct tg_error *err)
{
    char copy[TG_NETWORK_TEXT + 16], fixed[TG_NETWORK_TEXT];
    if (strlen(text) >= sizeof copy)
        return tg_fail(err, TG_USAGE, "'%.60s…' is not an IP address or network", text);
    strcpy(copy, text);
    char *slash = strchr(copy, '/');
    if (slash != NULL)
        *slash = '\0';
    if (!parse_address(copy, network))
        return tg_fail(err, TG_USAGE, "'%s' is not an IP address or network (192.0.2.7, 192.0.2.0/28, 2001:db8::/48)", text);
    if (slash != NULL && !parse_length(slash + 1, network->prefix_len, &network->prefix_len))
        return tg_fail(err, TG_USAGE, "'%s': the prefix length is a number up to %d", text, network->family == 4 ? 32 : 128);
    unmap(network);
    if (clear_host_bits(network) && !fix)
        return tg_fail(err, TG_USAGE, "'%s' has bits set behind its prefix: is %s meant? (--fix takes that)", text,
                       tg_network_text(network, fixed));
    return TG_OK;
}

bool tg_network_of_sockaddr(const struct sockaddr *address, struct tg_network *network)
{
    memset(network, 0, sizeof *network);
    if (address == NULL)
        return false;
    if (address->sa_family == AF_INET) {
        network->family = 4;
        network->prefix_len = 32;
        memcpy(network->address, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
        return true;
    }
    if (address->sa_family != AF_INET6)
        return false;
    network->family = 6;
    network->prefix_len = 128;
    memcpy(network->address, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    unmap(network);
    return true;
}

char *tg_network_text(const struct tg_network *network, char buf[TG_NETWORK_TEXT])
{
    char address[INET6_ADDRSTRLEN];
    inet_ntop(network->family == 4 ? AF_INET : AF_INET6, network->address, address, sizeof address);
    if (network->prefix_len == (network->family == 4 ? 32 : 128))
        snprintf(buf, TG_NETWORK_TEXT, "%s", address);
    else
        snprintf(buf, TG_NETWORK_TEXT, "%s/%u", address, network->prefix_len);
    return buf;
}

bool tg_network_contains(const struct tg_network *outer, const struct tg_network *inner)
{
    struct tg_network cut = *inner;
    if (outer->family != inner->family || outer->prefix_len > inner->prefix_len)
        return false;
    cut.prefix_len = outer->prefix_len;
    clear_host_bits(&cut);
    return memcmp(cut.address, outer->address, sizeof cut.address) == 0;
}

/* ---- changes ---- */

/* For the audit log. */
static const char *entry_text(struct tg_view *view, const char *network, const char *note)
{
    return *note == '\0' ? network : tg_arena_printf(tg_view_arena(view), "%s (%s)", network, note);
}

enum tg_code tg_network_add(struct tg_change *change, const struct tg_network *network, const char *username,
                            const char *note, const struct tg_network_limits *limits, int64_t now, struct tg_error *err)
{
    char text[TG_NETWORK_TEXT];
    Tg__Account *account;
    Tg__AuthorisedIp *there;
    struct tg_view *view = tg_change_view(change);
    unsigned shortest = network->family == 4 ? limits->min_prefix4 : limits->min_prefix6;
    enum tg_code code = tg_account_by_username(view, username, &account, err);
    if (code != TG_OK)
        return code;
    tg_network_text(network, text);
    if (network->prefix_len < shortest)
        return tg_fail(err, TG_REFUSED, "%s is too large a network: at least /%u is allowed (min_prefix%d in tollgate.conf)",
                       text, shortest, network->family);
    if (note != NULL && !tg_text_is_clean(note, NOTE_MAX))
        return tg_fail(err, TG_USAGE, "the note on %s must be UTF-8 text of at most %d octets without control characters", text,
                       NOTE_MAX);
    struct tg_key key = tg_key_network(network, account->id);
    code = tg_get_record(view, TG_DB_NETWORKS, &key, &tg__authorised_ip__descriptor, &there, err);
    if (code == TG_OK)
        return tg_fail(err, TG_REFUSED, "%s is authorised for %s already", text, username);
    if (code != TG_NOT_FOUND)
        return code;
    Tg__AuthorisedIp record = TG__AUTHORISED_IP__INIT;
    record.note = (char *)(note != NULL ? note : "");
    record.since = now;
    tg_put_record(change, TG_DB_NETWORKS, &key, &record.base);
    key = tg_key_account_network(account->id, network);
    tg_put(change, TG_DB_ACCOUNT_NETWORKS, &key, tg_span_of(NULL, 0));
    tg_audit(change, now, "ip add", username, NULL, entry_text(view, text, record.note));
    return tg_change_error(change, err);
}

enum tg_code tg_network_remove(struct tg_change *change, const struct tg_network *network, const char *username,
                               int64_t now, struct tg_error *err)
{
    char text[TG_NETWORK_TEXT];
    Tg__Account *account;
    Tg__AuthorisedIp *there;
    struct tg_view *view = tg_change_view(change);
    enum tg_code code = tg_account_by_username(view, username, &account, err);
    if (code != TG_OK)
        return code;
    tg_network_text(network, text);
    struct tg_key key = tg_key_network(network, account->id);
    code = tg_get_record(view, TG_DB_NETWORKS, &key, &tg__authorised_ip__descriptor, &there, err);
    if (code == TG_NOT_FOUND)
        return tg_fail(err, TG_NOT_FOUND, "%s is not authorised for %s (tollgate ip list %s shows what is)", text, username,
                       username);
    if (code != TG_OK)
        return code;
    tg_delete(change, TG_DB_NETWORKS, &key);
    key = tg_key_account_network(account->id, network);
    tg_delete(change, TG_DB_ACCOUNT_NETWORKS, &key);
    tg_audit(change, now, "ip remove", username, entry_text(view, text, there->note), NULL);
    return tg_change_error(change, err);
}

/* ---- looking up ---- */

struct entries {
    struct tg_network_entry *list;
    size_t count, room;
};

static void append(struct tg_view *view, struct entries *to, const struct tg_network_entry *entry)
{
    if (to->count == to->room) {
        to->room = to->room == 0 ? 4 : to->room * 2;
        struct tg_network_entry *more = tg_arena_alloc(tg_view_arena(view), to->room * sizeof *more);
        if (to->count > 0)
            memcpy(more, to->list, to->count * sizeof *more);
        to->list = more;
    }
    to->list[to->count++] = *entry;
}

/* All accounts of exactly this network. */
static enum tg_code entries_of(struct tg_view *view, const struct tg_network *network, struct entries *out, struct tg_error *err)
{
    struct tg_key prefix = tg_key_network_prefix(network);
    struct tg_walk *walk;
    struct tg_span key, value;
    enum tg_code code = tg_walk_begin(view, TG_DB_NETWORKS, &prefix, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        struct tg_network_entry entry;
        Tg__AuthorisedIp *record;
        if (!tg_read_network(key, &entry.network, &entry.account_id)) {
            code = tg_fail(err, TG_UNUSABLE, "a damaged key in networks (run tollgate store check)");
            break;
        }
        if ((code = tg_unpack(view, TG_DB_NETWORKS, value, &tg__authorised_ip__descriptor, &record, err)) != TG_OK)
            break;
        entry.note = record->note;
        entry.since = record->since;
        append(view, out, &entry);
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

/* The greatest prefix length, at most `below`, that any network of the walk's family has. */
static enum tg_code next_length(struct tg_walk *walk, uint8_t family, int below, int *length, struct tg_error *err)
{
    struct tg_network last = { .family = family, .prefix_len = (uint8_t)below }, found;
    struct tg_span key, value;
    uint64_t account_id;
    memset(last.address, 0xff, sizeof last.address);
    struct tg_key from = tg_key_network(&last, UINT64_MAX);
    tg_walk_seek(walk, &from);
    enum tg_code code = tg_walk_next(walk, &key, &value, err);
    if (code != TG_OK)
        return code;
    if (!tg_read_network(key, &found, &account_id))
        return tg_fail(err, TG_UNUSABLE, "a damaged key in networks (run tollgate store check)");
    *length = found.prefix_len;
    return TG_OK;
}

/* What is asked about a network that holds the address; *done ends the search. */
typedef enum tg_code visit_fn(struct tg_view *view, const struct tg_network *network, void *arg, bool *done,
                              struct tg_error *err);

/* Visits the networks that could hold the address, longest first, there or not. Only prefix lengths that some
 * network has are tried: the cost is that of the distinct lengths, not of 33 or 129 of them, nor of the
 * number of networks. */
static enum tg_code visit_lengths(struct tg_view *view, const struct tg_network *address, visit_fn *visit, void *arg,
                                  struct tg_error *err)
{
    struct tg_key family = tg_key_network_family(address->family);
    struct tg_walk *walk;
    bool done = false;
    enum tg_code code = tg_walk_begin(view, TG_DB_NETWORKS, &family, NULL, TG_BACKWARD, &walk, err);
    if (code != TG_OK)
        return code;
    for (int length = address->prefix_len; length >= 0 && !done; length--) {
        if ((code = next_length(walk, address->family, length, &length, err)) != TG_OK)
            break;
        struct tg_network network = *address;
        network.prefix_len = (uint8_t)length;
        clear_host_bits(&network);
        if ((code = visit(view, &network, arg, &done, err)) != TG_OK)
            break;
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static enum tg_code visit_any(struct tg_view *view, const struct tg_network *network, void *arg, bool *done,
                              struct tg_error *err)
{
    struct entries *found = arg;
    enum tg_code code = entries_of(view, network, found, err);
    *done = found->count > 0;
    return code;
}

enum tg_code tg_network_lookup(struct tg_view *view, const struct tg_network *address, struct tg_network_entry **list,
                               size_t *count, struct tg_error *err)
{
    struct entries found = { NULL, 0, 0 };
    enum tg_code code = visit_lengths(view, address, visit_any, &found, err);
    *list = found.list;
    *count = found.count;
    return code;
}

enum tg_code tg_network_of_account(struct tg_view *view, uint64_t account_id, struct tg_network_entry **list, size_t *count,
                                   struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(account_id);
    struct entries found = { NULL, 0, 0 };
    struct tg_walk *walk;
    struct tg_span key, value;
    enum tg_code code = tg_walk_begin(view, TG_DB_ACCOUNT_NETWORKS, &prefix, NULL, TG_FORWARD, &walk, err);
    *list = NULL;
    *count = 0;
    if (code != TG_OK)
        return code;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        struct tg_network_entry entry = { .note = "" };
        Tg__AuthorisedIp *record;
        if (!tg_read_account_network(key, &entry.account_id, &entry.network)) {
            code = tg_fail(err, TG_UNUSABLE, "a damaged key in account_networks (run tollgate store check)");
            break;
        }
        struct tg_key main_key = tg_key_network(&entry.network, account_id);
        code = tg_get_record(view, TG_DB_NETWORKS, &main_key, &tg__authorised_ip__descriptor, &record, err);
        if (code == TG_NOT_FOUND)
            code = tg_fail(err, TG_UNUSABLE, "account_networks names a network that is not there (run tollgate store check)");
        if (code != TG_OK)
            break;
        entry.note = record->note;
        entry.since = record->since;
        append(view, &found, &entry);
    }
    tg_walk_end(&walk);
    *list = found.list;
    *count = found.count;
    return code == TG_NOT_FOUND ? TG_OK : code;
}

struct own {
    uint64_t account_id;
    bool has;
};

static enum tg_code visit_own(struct tg_view *view, const struct tg_network *network, void *arg, bool *done,
                              struct tg_error *err)
{
    struct own *own = arg;
    struct tg_key key = tg_key_network(network, own->account_id);
    struct tg_span value;
    enum tg_code code = tg_get(view, TG_DB_NETWORKS, &key, &value, err);
    own->has = *done = code == TG_OK;
    return code == TG_NOT_FOUND ? TG_OK : code;
}

enum tg_code tg_network_has(struct tg_view *view, uint64_t account_id, const struct tg_network *address, bool *has,
                            struct tg_error *err)
{
    struct own own = { account_id, false };
    enum tg_code code = visit_lengths(view, address, visit_own, &own, err);
    *has = code == TG_OK && own.has;
    return code;
}
