/* complete_names.c: see complete_names.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "admin/complete_names.h"
#include "schema/account.h"
#include "schema/domain.h"
#include "schema/privilege.h"
#include "schema/settings.h"
#include "schema/store.h"

enum { NAMES_MAX = 300 };

struct search {
    struct tg_view *view;
    const char *prefix;
    names_fn *take;
    void *arg;
    int count;
};

static bool next(struct search *s, struct tg_walk *walk, struct tg_span *key, struct tg_span *value)
{
    return s->count < NAMES_MAX && tg_walk_next(walk, key, value, NULL) == TG_OK;
}

static void accounts(struct search *s)
{
    struct tg_key prefix = tg_key_name(s->prefix);
    struct tg_walk *walk;
    struct tg_span key, value;
    char name[TG_DOMAIN_MAX + 1];
    uint64_t id;
    Tg__Account *account;
    if (tg_walk_begin(s->view, TG_DB_LOGINS, &prefix, NULL, TG_FORWARD, &walk, NULL) != TG_OK)
        return;
    for (; next(s, walk, &key, &value); s->count++)
        if (tg_read_name(key, name))
            s->take(s->arg, name, tg_read_id(value, &id) && tg_account_get(s->view, id, &account, NULL) == TG_OK ? account->description : "");
    tg_walk_end(&walk);
}

static void domains(struct search *s)
{
    struct tg_key prefix = tg_key_name(s->prefix);
    struct tg_walk *walk;
    struct tg_span key, value;
    char name[TG_DOMAIN_MAX + 1];
    Tg__Domain *domain;
    if (tg_walk_begin(s->view, TG_DB_DOMAINS, &prefix, NULL, TG_FORWARD, &walk, NULL) != TG_OK)
        return;
    for (; next(s, walk, &key, &value); s->count++)
        if (tg_read_name(key, name))
            s->take(s->arg, name, tg_unpack(s->view, TG_DB_DOMAINS, value, &tg__domain__descriptor, &domain, NULL) == TG_OK
                                      ? tg_domain_status_name(domain->status) : "");
    tg_walk_end(&walk);
}

static void take_id(struct search *s, enum tg_db db, uint64_t id, struct tg_span value)
{
    char text[24];
    Tg__Customer *customer;
    snprintf(text, sizeof text, "%llu", (unsigned long long)id);
    bool named = db == TG_DB_CUSTOMERS && tg_unpack(s->view, db, value, &tg__customer__descriptor, &customer, NULL) == TG_OK;
    s->take(s->arg, text, named ? customer->name : "");
    s->count++;
}

/* first … last */
static void id_range(struct search *s, enum tg_db db, uint64_t first, uint64_t last)
{
    struct tg_key all = tg_key_all(), from = tg_key_id(first);
    struct tg_walk *walk;
    struct tg_span key, value;
    uint64_t id;
    if (tg_walk_begin(s->view, db, &all, &from, TG_FORWARD, &walk, NULL) != TG_OK)
        return;
    while (next(s, walk, &key, &value) && tg_read_id(key, &id) && id <= last)
        take_id(s, db, id, value);
    tg_walk_end(&walk);
}

/* Numbers that begin with these digits: 12, 120 to 129, 1200 to 1299, … */
static void ids(struct search *s, enum tg_db db)
{
    char *end;
    uint64_t number = strtoull(s->prefix, &end, 10);
    if (*s->prefix == '\0')
        id_range(s, db, 0, UINT64_MAX);
    if (*end != '\0' || number == 0 || *s->prefix < '1' || *s->prefix > '9')
        return;
    for (uint64_t scale = 1; scale <= 1000000000 && number <= UINT64_MAX / scale - 1; scale *= 10)
        id_range(s, db, number * scale, number * scale + scale - 1);
}

void complete_names(const char *config, enum names names, const char *prefix, names_fn *take, void *arg)
{
    struct tg_settings *settings = NULL;
    struct tg_store *store = NULL;
    struct tg_store_options options = { .read_only = true, .no_wait = true };
    struct search s = { .prefix = prefix, .take = take, .arg = arg };
    if (strlen(prefix) > TG_DOMAIN_MAX || tg_settings_read(config, &settings, NULL) != TG_OK)
        return;
    if (tg_privilege_store_owner(settings->store, NULL) == TG_OK && tg_store_open(settings->store, &options, &store, NULL) == TG_OK &&
        tg_view_begin(store, &s.view, NULL) == TG_OK) {
        switch (names) {
        case NAMES_ACCOUNTS: accounts(&s); break;
        case NAMES_DOMAINS: domains(&s); break;
        case NAMES_CUSTOMERS: ids(&s, TG_DB_CUSTOMERS); break;
        case NAMES_ORDERS: ids(&s, TG_DB_ORDERS); break;
        }
        tg_view_end(&s.view);
    }
    tg_store_close(&store);
    tg_settings_free(&settings);
}
