/* catalog.c: see catalog.h. */
#include "schema/catalog.h"
#include "schema/records.pb-c.h"

/* ---- the indexes ---- */

static void customer_account(struct tg_span key, const ProtobufCMessage *record, struct tg_key *entry)
{
    uint64_t id = 0;
    (void)tg_read_id(key, &id);
    *entry = tg_key_id_pair(((const Tg__Account *)record)->customer_id, id);
}

static void customer_domain(struct tg_span key, const ProtobufCMessage *record, struct tg_key *entry)
{
    char name[TG_DOMAIN_MAX + 1] = "";
    (void)tg_read_name(key, name);
    *entry = tg_key_id_name(((const Tg__Domain *)record)->customer_id, name);
}

static void domain_account(struct tg_span key, const ProtobufCMessage *record, struct tg_key *entry)
{
    char name[TG_DOMAIN_MAX + 1] = "";
    uint64_t id = 0;
    (void)record;
    (void)tg_read_id_name(key, &id, name);
    *entry = tg_key_name_id(name, id);
}

static void account_network(struct tg_span key, const ProtobufCMessage *record, struct tg_key *entry)
{
    struct tg_network network = { 0 };
    uint64_t id = 0;
    (void)record;
    (void)tg_read_network(key, &network, &id);
    *entry = tg_key_account_network(id, &network);
}

/* ---- the table ---- */

#define NO_INDEX .index = TG_DB_COUNT
#define EVENT_KEY { { "account", TG_PART_NUMBER }, { "time_us", TG_PART_TIME_US }, { "sequence", TG_PART_SEQUENCE } }

static const struct tg_database databases[TG_DB_COUNT] = {
    [TG_DB_META] = { .key = { { "name", TG_PART_NAME } }, NO_INDEX },
    [TG_DB_CUSTOMERS] = { .key = { { "customer", TG_PART_NUMBER } }, .type = &tg__customer__descriptor, NO_INDEX },
    [TG_DB_ACCOUNTS] = { .key = { { "account", TG_PART_NUMBER } }, .type = &tg__account__descriptor,
                         .index = TG_DB_CUSTOMER_ACCOUNTS, .entry = customer_account },
    [TG_DB_LOGINS] = { .key = { { "username", TG_PART_NAME } }, .value = TG_VALUE_ID, NO_INDEX },
    [TG_DB_USAGE] = { .key = { { "account", TG_PART_NUMBER } }, .value = TG_VALUE_USAGE, NO_INDEX },
    [TG_DB_DOMAINS] = { .key = { { "domain", TG_PART_NAME } }, .type = &tg__domain__descriptor,
                        .index = TG_DB_CUSTOMER_DOMAINS, .entry = customer_domain },
    [TG_DB_ASSOCIATIONS] = { .key = { { "account", TG_PART_NUMBER }, { "domain", TG_PART_NAME } },
                             .type = &tg__association__descriptor, .index = TG_DB_DOMAIN_ACCOUNTS, .entry = domain_account },
    [TG_DB_NETWORKS] = { .key = { { "network", TG_PART_NETWORK }, { "account", TG_PART_NUMBER } },
                         .type = &tg__authorised_ip__descriptor, .index = TG_DB_ACCOUNT_NETWORKS, .entry = account_network },
    [TG_DB_PLANS] = { .key = { { "plan", TG_PART_BYTE }, { "messages", TG_PART_NUMBER } }, .type = &tg__offer__descriptor, NO_INDEX },
    [TG_DB_ORDERS] = { .key = { { "order", TG_PART_NUMBER } }, .type = &tg__order__descriptor, NO_INDEX },
    [TG_DB_ACTIVITY] = { .key = EVENT_KEY, .type = &tg__activity__descriptor, NO_INDEX },
    [TG_DB_DAILY] = { .key = { { "account", TG_PART_NUMBER }, { "day", TG_PART_NUMBER } }, .type = &tg__daily__descriptor, NO_INDEX },
    [TG_DB_LEDGER] = { .key = EVENT_KEY, .type = &tg__movement__descriptor, NO_INDEX },
    [TG_DB_AUDIT] = { .key = { { "time_us", TG_PART_TIME_US }, { "sequence", TG_PART_SEQUENCE } },
                      .type = &tg__audit__descriptor, NO_INDEX },
    [TG_DB_NOTICES] = { .key = { { "account", TG_PART_NUMBER } }, .type = &tg__notices__descriptor, NO_INDEX },
    [TG_DB_MAILS] = { .key = { { "done", TG_PART_BYTE }, { "mail", TG_PART_NUMBER } }, .type = &tg__mail__descriptor, NO_INDEX },
};

const struct tg_database *tg_catalog(enum tg_db db)
{
    return databases[db].key[0].part != TG_PART_END ? &databases[db] : NULL;
}

static bool starts_with(struct tg_span key, const char *text)
{
    size_t len = strlen(text);
    return key.len >= len && memcmp(key.data, text, len) == 0;
}

static bool is(struct tg_span key, const char *text)
{
    return key.len == strlen(text) && starts_with(key, text);
}

const ProtobufCMessageDescriptor *tg_catalog_type(enum tg_db db, struct tg_span key)
{
    if (db != TG_DB_META)
        return databases[db].type;
    if (is(key, TG_META_STORE))
        return &tg__meta__descriptor;
    if (is(key, TG_META_SEAL_KEYS))
        return &tg__seal_keys__descriptor;
    if (is(key, TG_META_IMPORT))
        return &tg__import__descriptor;
    return starts_with(key, "next-") ? &tg__counter__descriptor : NULL;
}

bool tg_catalog_find(const char *name, enum tg_db *db)
{
    for (int i = 0; i < TG_DB_COUNT; i++) {
        const char *known = tg_db_name((enum tg_db)i);
        if (known[0] == name[0] && strcmp(known, name) == 0) {
            *db = (enum tg_db)i;
            return tg_catalog(*db) != NULL;
        }
    }
    return false;
}
