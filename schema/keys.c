/* keys.c: see keys.h. These bytes are on disk: a change here is a new format version. */
#include <assert.h>
#include <sodium.h>
#include <string.h>
#include "schema/keys.h"

const char *tg_db_name(enum tg_db db)
{
    static const char *const names[TG_DB_COUNT] = {
        [TG_DB_META] = "meta",
        [TG_DB_CUSTOMERS] = "customers",
        [TG_DB_ACCOUNTS] = "accounts",
        [TG_DB_LOGINS] = "logins",
        [TG_DB_USAGE] = "usage",
        [TG_DB_DOMAINS] = "domains",
        [TG_DB_ASSOCIATIONS] = "associations",
        [TG_DB_NETWORKS] = "networks",
        [TG_DB_PLANS] = "plans",
        [TG_DB_ORDERS] = "orders",
        [TG_DB_ACTIVITY] = "activity",
        [TG_DB_DAILY] = "daily",
        [TG_DB_LEDGER] = "ledger",
        [TG_DB_AUDIT] = "audit",
        [TG_DB_CUSTOMER_ACCOUNTS] = "customer_accounts",
        [TG_DB_CUSTOMER_DOMAINS] = "customer_domains",
        [TG_DB_DOMAIN_ACCOUNTS] = "domain_accounts",
        [TG_DB_ACCOUNT_NETWORKS] = "account_networks",
        [TG_DB_MAILS] = "mails",
        [TG_DB_NOTICES] = "notices",
    };
    assert((unsigned)db < TG_DB_COUNT);
    return names[db];
}

const char *tg_sequence_name(enum tg_sequence sequence)
{
    static const char *const names[TG_SEQUENCE_COUNT] = {
        [TG_SEQUENCE_CUSTOMER] = "customer",
        [TG_SEQUENCE_ACCOUNT] = "account",
        [TG_SEQUENCE_ORDER] = "order",
        [TG_SEQUENCE_MAIL] = "mail",
    };
    assert((unsigned)sequence < TG_SEQUENCE_COUNT);
    return names[sequence];
}

/* ---- writing ---- */

static void add_bytes(struct tg_key *key, const void *bytes, size_t len)
{
    assert(len <= sizeof key->data - key->len);
    memcpy(key->data + key->len, bytes, len);
    key->len += len;
}

static void add_number(struct tg_key *key, uint64_t number, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(number >> (8 * (size - 1 - i)));
    add_bytes(key, bytes, size);
}

/* Room for what may follow a name is kept by its maximum. */
static void add_name(struct tg_key *key, const char *name)
{
    add_bytes(key, name, strnlen(name, TG_DOMAIN_MAX));
}

static void add_network(struct tg_key *key, const struct tg_network *network)
{
    add_number(key, network->family, 1);
    add_number(key, network->prefix_len, 1);
    add_bytes(key, network->address, sizeof network->address);
}

struct tg_key tg_key_all(void)
{
    return (struct tg_key){ .len = 0 };
}

struct tg_key tg_key_name(const char *name)
{
    struct tg_key key = { .len = 0 };
    add_name(&key, name);
    return key;
}

struct tg_key tg_key_sequence(enum tg_sequence sequence)
{
    struct tg_key key = tg_key_name("next-");
    add_name(&key, tg_sequence_name(sequence));
    return key;
}

struct tg_key tg_key_id(uint64_t id)
{
    struct tg_key key = { .len = 0 };
    add_number(&key, id, 8);
    return key;
}

struct tg_key tg_key_id_pair(uint64_t first, uint64_t second)
{
    struct tg_key key = tg_key_id(first);
    add_number(&key, second, 8);
    return key;
}

struct tg_key tg_key_id_name(uint64_t id, const char *name)
{
    struct tg_key key = tg_key_id(id);
    add_name(&key, name);
    return key;
}

struct tg_key tg_key_name_prefix(const char *name)
{
    struct tg_key key = tg_key_name(name);
    add_number(&key, 0, 1);
    return key;
}

struct tg_key tg_key_name_id(const char *name, uint64_t id)
{
    struct tg_key key = tg_key_name_prefix(name);
    add_number(&key, id, 8);
    return key;
}

struct tg_key tg_key_offer_prefix(uint8_t plan)
{
    struct tg_key key = { .len = 0 };
    add_number(&key, plan, 1);
    return key;
}

struct tg_key tg_key_offer(uint8_t plan, uint64_t messages)
{
    struct tg_key key = tg_key_offer_prefix(plan);
    add_number(&key, messages, 8);
    return key;
}

struct tg_key tg_key_network_family(uint8_t family)
{
    struct tg_key key = { .len = 0 };
    add_number(&key, family, 1);
    return key;
}

struct tg_key tg_key_network_prefix(const struct tg_network *network)
{
    struct tg_key key = { .len = 0 };
    add_network(&key, network);
    return key;
}

struct tg_key tg_key_network(const struct tg_network *network, uint64_t account_id)
{
    struct tg_key key = tg_key_network_prefix(network);
    add_number(&key, account_id, 8);
    return key;
}

struct tg_key tg_key_account_network(uint64_t account_id, const struct tg_network *network)
{
    struct tg_key key = tg_key_id(account_id);
    add_network(&key, network);
    return key;
}

struct tg_key tg_key_event(const struct tg_event_id *id)
{
    struct tg_key key = tg_key_id(id->account_id);
    add_number(&key, (uint64_t)id->time_us, 8);
    add_number(&key, id->sequence, 4);
    return key;
}

struct tg_key tg_key_audit(int64_t time_us, uint32_t sequence)
{
    struct tg_key key = { .len = 0 };
    add_number(&key, (uint64_t)time_us, 8);
    add_number(&key, sequence, 4);
    return key;
}

struct tg_key tg_key_mail_prefix(bool done)
{
    struct tg_key key = { .len = 0 };
    add_number(&key, done, 1);
    return key;
}

struct tg_key tg_key_mail(bool done, uint64_t id)
{
    struct tg_key key = tg_key_mail_prefix(done);
    add_number(&key, id, 8);
    return key;
}

/* ---- reading ---- */

static uint64_t take_number(struct tg_span *key, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++)
        number = number << 8 | key->data[i];
    key->data += size;
    key->len -= size;
    return number;
}

static bool take_name(struct tg_span *key, size_t len, char name[TG_DOMAIN_MAX + 1])
{
    if (len == 0 || len > TG_DOMAIN_MAX || memchr(key->data, '\0', len) != NULL)
        return false;
    memcpy(name, key->data, len);
    name[len] = '\0';
    key->data += len;
    key->len -= len;
    return true;
}

static bool take_network(struct tg_span *key, struct tg_network *network)
{
    network->family = (uint8_t)take_number(key, 1);
    network->prefix_len = (uint8_t)take_number(key, 1);
    memcpy(network->address, key->data, sizeof network->address);
    key->data += sizeof network->address;
    key->len -= sizeof network->address;
    return (network->family == 4 && network->prefix_len <= 32) || (network->family == 6 && network->prefix_len <= 128);
}

bool tg_read_id(struct tg_span key, uint64_t *id)
{
    if (key.len != 8)
        return false;
    *id = take_number(&key, 8);
    return true;
}

bool tg_read_id_pair(struct tg_span key, uint64_t *first, uint64_t *second)
{
    if (key.len != 16)
        return false;
    *first = take_number(&key, 8);
    *second = take_number(&key, 8);
    return true;
}

bool tg_read_id_name(struct tg_span key, uint64_t *id, char name[TG_DOMAIN_MAX + 1])
{
    if (key.len <= 8)
        return false;
    *id = take_number(&key, 8);
    return take_name(&key, key.len, name);
}

bool tg_read_name(struct tg_span key, char name[TG_DOMAIN_MAX + 1])
{
    return take_name(&key, key.len, name);
}

bool tg_read_name_id(struct tg_span key, char name[TG_DOMAIN_MAX + 1], uint64_t *id)
{
    if (key.len < 10 || key.data[key.len - 9] != '\0' || !take_name(&key, key.len - 9, name))
        return false;
    take_number(&key, 1);
    *id = take_number(&key, 8);
    return true;
}

bool tg_read_offer(struct tg_span key, uint8_t *plan, uint64_t *messages)
{
    if (key.len != 9)
        return false;
    *plan = (uint8_t)take_number(&key, 1);
    *messages = take_number(&key, 8);
    return true;
}

bool tg_read_network(struct tg_span key, struct tg_network *network, uint64_t *account_id)
{
    if (key.len != 26 || !take_network(&key, network))
        return false;
    *account_id = take_number(&key, 8);
    return true;
}

bool tg_read_account_network(struct tg_span key, uint64_t *account_id, struct tg_network *network)
{
    if (key.len != 26)
        return false;
    *account_id = take_number(&key, 8);
    return take_network(&key, network);
}

bool tg_read_event(struct tg_span key, struct tg_event_id *id)
{
    if (key.len != 20)
        return false;
    id->account_id = take_number(&key, 8);
    id->time_us = (int64_t)take_number(&key, 8);
    id->sequence = (uint32_t)take_number(&key, 4);
    return true;
}

bool tg_read_audit(struct tg_span key, int64_t *time_us, uint32_t *sequence)
{
    if (key.len != 12)
        return false;
    *time_us = (int64_t)take_number(&key, 8);
    *sequence = (uint32_t)take_number(&key, 4);
    return true;
}

bool tg_read_mail(struct tg_span key, bool *done, uint64_t *id)
{
    if (key.len != 9 || key.data[0] > 1)
        return false;
    *done = take_number(&key, 1) == 1;
    *id = take_number(&key, 8);
    return true;
}

/* ---- by parts ---- */

static size_t part_size(enum tg_part part)
{
    return part == TG_PART_BYTE ? 1 : part == TG_PART_SEQUENCE ? 4 : part == TG_PART_NETWORK ? 18 : 8;
}

bool tg_key_take_part(struct tg_span *key, enum tg_part part, struct tg_part_value *value)
{
    memset(value, 0, sizeof *value);
    if (part == TG_PART_NAME)
        return take_name(key, key->len, value->name);
    if (part == TG_PART_NAME_NUL) {
        const uint8_t *nul = key->len > 0 ? memchr(key->data, '\0', key->len) : NULL;
        if (nul == NULL || !take_name(key, (size_t)(nul - key->data), value->name))
            return false;
        take_number(key, 1);
        return true;
    }
    if (key->len < part_size(part))
        return false;
    if (part == TG_PART_NETWORK)
        return take_network(key, &value->network);
    value->number = take_number(key, part_size(part));
    return true;
}

bool tg_key_add_part(struct tg_key *key, enum tg_part part, const struct tg_part_value *value)
{
    size_t len = strlen(value->name);
    switch (part) {
    case TG_PART_END: return false;
    case TG_PART_NAME:
    case TG_PART_NAME_NUL:
        if (len == 0 || len >= sizeof key->data - key->len)
            return false;
        add_bytes(key, value->name, len + (part == TG_PART_NAME_NUL));
        return true;
    case TG_PART_NETWORK:
        if (sizeof key->data - key->len < part_size(part))
            return false;
        add_network(key, &value->network);
        return true;
    case TG_PART_BYTE:
    case TG_PART_SEQUENCE:
    case TG_PART_NUMBER:
    case TG_PART_TIME_US: break;
    }
    size_t size = part_size(part);
    if (sizeof key->data - key->len < size || (size < 8 && value->number >> (8 * size) != 0))
        return false;
    add_number(key, value->number, size);
    return true;
}

/* ---- values and events ---- */

struct tg_span tg_value_id(uint64_t id, uint8_t buf[8])
{
    struct tg_key key = tg_key_id(id);
    memcpy(buf, key.data, 8);
    return tg_span_of(buf, 8);
}

struct tg_event_id tg_event_new(uint64_t account_id, int64_t time_us)
{
    return (struct tg_event_id){ account_id, time_us, randombytes_random() & 0xffffff };
}
