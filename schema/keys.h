/* keys.h: every database and every key of the store, both ways. Nobody else makes or reads a key.
 *
 * Integers are big-endian, so that the order of the octets is the order of the numbers. A name inside a
 * key that something follows is ended by a NUL octet, which no name contains. These bytes are on disk.
 *
 *   database          key                                          value
 *   meta              name                                         Meta, Counter, SealKeys, Import
 *   customers         customer id 8                                Customer
 *   accounts          account id 8                                 Account
 *   logins            username                                     account id 8
 *   usage             account id 8                                 usage record (usage.h)
 *   domains           domain                                       Domain
 *   associations      account id 8, domain                         Association
 *   networks          family 1 (4|6), prefix length 1,             AuthorisedIp
 *                     address 16, account id 8
 *   plans             plan 1, messages 8                           Offer
 *   orders            order id 8                                   Order
 *   activity          account id 8, time_us 8, sequence 4          Activity
 *   daily             account id 8, day 8                          Daily
 *   ledger            account id 8, time_us 8, sequence 4          Movement
 *   audit             time_us 8, sequence 4                        Audit
 *   mails             0 (to be sent) or 1, mail id 8               Mail
 *   notices           account id 8                                 Notices
 * indexes (value empty), which `store check` holds against the records:
 *   customer_accounts customer id 8, account id 8
 *   customer_domains  customer id 8, domain
 *   domain_accounts   domain NUL, account id 8
 *   account_networks  account id 8, family 1, prefix length 1, address 16
 *
 * Account 0 is nobody's: activity and daily of clients that belong to no account. In daily, day 0 is the sum of the days that
 * are no longer kept one by one (daily_days), and TG_RELAY is the whole relay's sum (with several writers TG_RELAY + n, one
 * each, so that they do not meet in one record). Sequences are random 24-bit numbers, so that no writer needs another's
 * counter. IPv4 addresses fill the first 4 of the 16 octets, the rest are zero. */
#ifndef TG_KEYS_H
#define TG_KEYS_H

#include <stdbool.h>
#include <stdint.h>
#include "schema/span.h"

enum tg_db {
    TG_DB_META,
    TG_DB_CUSTOMERS,
    TG_DB_ACCOUNTS,
    TG_DB_LOGINS,
    TG_DB_USAGE,
    TG_DB_DOMAINS,
    TG_DB_ASSOCIATIONS,
    TG_DB_NETWORKS,
    TG_DB_PLANS,
    TG_DB_ORDERS,
    TG_DB_ACTIVITY,
    TG_DB_DAILY,
    TG_DB_LEDGER,
    TG_DB_AUDIT,
    TG_DB_CUSTOMER_ACCOUNTS,
    TG_DB_CUSTOMER_DOMAINS,
    TG_DB_DOMAIN_ACCOUNTS,
    TG_DB_ACCOUNT_NETWORKS,
    TG_DB_MAILS,
    TG_DB_NOTICES,
    TG_DB_COUNT
};
const char *tg_db_name(enum tg_db db);

/* What is numbered, each from 1. A number is given once, also across a restore (copy.h). It has 48 bits, for an account's
 * stands in tokens (token.h). */
#define TG_NUMBER_MAX ((UINT64_C(1) << 48) - 1)
enum tg_sequence { TG_SEQUENCE_CUSTOMER, TG_SEQUENCE_ACCOUNT, TG_SEQUENCE_ORDER, TG_SEQUENCE_MAIL, TG_SEQUENCE_COUNT };
const char *tg_sequence_name(enum tg_sequence sequence); /* "customer" … */

/* Names in meta; a Counter stands under "next-" and its sequence's name. TG_META_IMPORT is there only while an
 * import runs, or after one that did not come to its end. */
#define TG_META_STORE "store"
#define TG_META_SEAL_KEYS "seal_keys"
#define TG_META_IMPORT "import"
#define TG_META_ACTIVITY_DAY "next-activity-day" /* retention removed events of days before this one, maybe not all */
#define TG_META_CLOCK "next-clock" /* events up to this time were there when the clock was set back (clock.h) */

#define TG_RELAY (UINT64_C(1) << 62)

enum { TG_KEY_MAX = 300, TG_DOMAIN_MAX = 253, TG_USERNAME_MAX = 64 };

struct tg_key {
    size_t len;
    uint8_t data[TG_KEY_MAX];
};

/* A network in canonical form: IPv4-mapped IPv6 is IPv4; bits behind the prefix are zero. */
struct tg_network {
    uint8_t family;      /* 4 or 6 */
    uint8_t prefix_len;  /* 0–32 or 0–128 */
    uint8_t address[16]; /* network order; IPv4 in the first four */
};

/* An event of an account: also what a reference in an SMTP reply names (reference.h). */
struct tg_event_id {
    uint64_t account_id;
    int64_t time_us;
    uint32_t sequence; /* 24 bits */
};

static inline struct tg_span tg_key_span(const struct tg_key *key)
{
    return (struct tg_span){ key->data, key->len };
}

/* Making keys. Names longer than their maximum are cut, so they match nothing. */
struct tg_key tg_key_all(void);            /* the empty prefix */
struct tg_key tg_key_name(const char *name); /* meta; logins; domains */
struct tg_key tg_key_sequence(enum tg_sequence sequence); /* meta: its Counter */
struct tg_key tg_key_id(uint64_t id);      /* customers, accounts, usage, orders; prefix of what starts with an id */
struct tg_key tg_key_id_pair(uint64_t first, uint64_t second); /* customer_accounts, daily (day as second), plans: see below */
struct tg_key tg_key_id_name(uint64_t id, const char *name);   /* associations, customer_domains */
struct tg_key tg_key_name_id(const char *name, uint64_t id);   /* domain_accounts */
struct tg_key tg_key_name_prefix(const char *name);            /* domain_accounts: name NUL */
struct tg_key tg_key_offer(uint8_t plan, uint64_t messages);
struct tg_key tg_key_offer_prefix(uint8_t plan);               /* plans: all sizes of one plan */
struct tg_key tg_key_network(const struct tg_network *network, uint64_t account_id);
struct tg_key tg_key_network_prefix(const struct tg_network *network); /* whole network, any account */
struct tg_key tg_key_network_family(uint8_t family);           /* all networks of a family */
struct tg_key tg_key_account_network(uint64_t account_id, const struct tg_network *network);
struct tg_key tg_key_event(const struct tg_event_id *id);      /* activity, ledger */
struct tg_key tg_key_audit(int64_t time_us, uint32_t sequence);
struct tg_key tg_key_mail(bool done, uint64_t id);
struct tg_key tg_key_mail_prefix(bool done);                   /* all that are to be sent, or all others */

/* Reading keys: false where the octets are not such a key. Names are copied, NUL-terminated. */
bool tg_read_id(struct tg_span key, uint64_t *id);
bool tg_read_id_pair(struct tg_span key, uint64_t *first, uint64_t *second);
bool tg_read_id_name(struct tg_span key, uint64_t *id, char name[TG_DOMAIN_MAX + 1]);
bool tg_read_name(struct tg_span key, char name[TG_DOMAIN_MAX + 1]);
bool tg_read_name_id(struct tg_span key, char name[TG_DOMAIN_MAX + 1], uint64_t *id);
bool tg_read_offer(struct tg_span key, uint8_t *plan, uint64_t *messages);
bool tg_read_network(struct tg_span key, struct tg_network *network, uint64_t *account_id);
bool tg_read_account_network(struct tg_span key, uint64_t *account_id, struct tg_network *network);
bool tg_read_event(struct tg_span key, struct tg_event_id *id);
bool tg_read_audit(struct tg_span key, int64_t *time_us, uint32_t *sequence);
bool tg_read_mail(struct tg_span key, bool *done, uint64_t *id);

/* ---- by parts: what catalog.h lists, for programs that take every key alike ---- */
enum tg_part {
    TG_PART_END,      /* of a list of parts */
    TG_PART_BYTE,     /* 1 octet */
    TG_PART_SEQUENCE, /* 4 octets */
    TG_PART_NUMBER,   /* 8 octets */
    TG_PART_TIME_US,  /* 8 octets, a time */
    TG_PART_NETWORK,  /* family 1, prefix length 1, address 16 */
    TG_PART_NAME,     /* up to the key's end */
    TG_PART_NAME_NUL, /* up to a NUL octet */
};
struct tg_part_value {
    uint64_t number;
    struct tg_network network;
    char name[TG_DOMAIN_MAX + 1];
};
/* Takes the part from the key's front; false: the octets are not such a part. */
bool tg_key_take_part(struct tg_span *key, enum tg_part part, struct tg_part_value *value);
/* Appends it; false: the value can't be such a part (too large, not a name, no room). */
bool tg_key_add_part(struct tg_key *key, enum tg_part part, const struct tg_part_value *value);

/* Values of index-like databases. */
struct tg_span tg_value_id(uint64_t id, uint8_t buf[8]);

/* A new event of this account, at this time, with a random sequence. */
struct tg_event_id tg_event_new(uint64_t account_id, int64_t time_us);

#endif
