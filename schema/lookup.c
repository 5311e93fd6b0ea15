/* lookup.c: see lookup.h. */
#include <string.h>
#include "schema/account.h"
#include "schema/domain.h"
#include "schema/facts.h"
#include "schema/lookup.h"
#include "schema/mailbox.h"
#include "schema/network.h"

static enum tg_code no(struct tg_error *err)
{
    return tg_fail(err, TG_NOT_FOUND, "not found");
}

/* An index that names an account that is gone is a damaged store, not an answer. */
static enum tg_code account_of(struct tg_view *view, uint64_t id, Tg__Account **account, struct tg_error *err)
{
    enum tg_code code = tg_account_get(view, id, account, err);
    if (code == TG_NOT_FOUND)
        return tg_fail(err, TG_UNUSABLE, "an index names account %llu, which is gone: run tollgate store check",
                       (unsigned long long)id);
    return code == TG_OK ? TG_OK : TG_UNUSABLE;
}

enum tg_code tg_lookup_client(struct tg_view *view, struct tg_span address, struct tg_error *err)
{
    struct tg_network network;
    struct tg_network_entry *entries;
    size_t count;
    char text[TG_NETWORK_TEXT];
    if (address.len == 0 || address.len >= sizeof text || memchr(address.data, '/', address.len) != NULL)
        return no(err);
    memcpy(text, address.data, address.len);
    text[address.len] = '\0';
    if (tg_network_parse(text, false, &network, NULL) != TG_OK)
        return no(err);
    if (tg_network_lookup(view, &network, &entries, &count, err) != TG_OK)
        return TG_UNUSABLE;
    for (size_t i = 0; i < count; i++) {
        Tg__Account *account;
        enum tg_code code = account_of(view, entries[i].account_id, &account, err);
        if (code != TG_OK)
            return code;
        if (tg_account_status(account) == TG_STATUS_ENABLED && !account->ip_lock)
            return TG_OK;
    }
    return no(err);
}

/* ---- who may send as a domain ---- */

struct senders {
    struct tg_arena *arena;
    bool first_only;
    uint64_t *ids;
    size_t count, room;
};

static bool has(const struct senders *senders, uint64_t id)
{
    for (size_t i = 0; i < senders->count; i++)
        if (senders->ids[i] == id)
            return true;
    return false;
}

static void append(struct senders *senders, uint64_t id)
{
    if (senders->count == senders->room) {
        senders->room = senders->room == 0 ? 16 : senders->room * 2;
        uint64_t *more = tg_arena_alloc(senders->arena, senders->room * sizeof *more);
        if (senders->count > 0)
            memcpy(more, senders->ids, senders->count * sizeof *more);
        senders->ids = more;
    }
    senders->ids[senders->count++] = id;
}

/* Those of the accounts of `name`, canonical itself or a parent of it, that mail from canonical is of. */
static enum tg_code gather_at(struct tg_view *view, const char *canonical, const char *name, struct senders *senders,
                              struct tg_error *err)
{
    uint64_t *ids;
    size_t count;
    if (tg_domain_accounts(view, name, &ids, &count, err) != TG_OK)
        return TG_UNUSABLE;
    for (size_t i = 0; i < count; i++) {
        enum tg_domain_match match;
        if (name != canonical && has(senders, ids[i]))
            continue;
        if (tg_domain_match(view, ids[i], canonical, &match, err) != TG_OK)
            return TG_UNUSABLE;
        if (match == TG_DOMAIN_ASSOCIATED)
            append(senders, ids[i]);
        if (senders->first_only && senders->count > 0)
            break;
    }
    return TG_OK;
}

static enum tg_code gather(struct tg_view *view, const char *canonical, struct senders *senders, struct tg_error *err)
{
    for (const char *name = canonical; name != NULL; name = strchr(name, '.') != NULL ? strchr(name, '.') + 1 : NULL) {
        enum tg_code code = gather_at(view, canonical, name, senders, err);
        if (code != TG_OK || (senders->first_only && senders->count > 0))
            return code;
    }
    return TG_OK;
}

static bool domain_of(struct tg_span address, char canonical[TG_DOMAIN_MAX + 1])
{
    struct tg_mailbox mailbox;
    if (address.len > 0 && address.data[0] == '@')
        return tg_domain_name(tg_span_of(address.data + 1, address.len - 1), canonical, NULL) == TG_OK;
    if (tg_mailbox_parse(address, &mailbox, NULL) != TG_OK || mailbox.null_sender)
        return false;
    memcpy(canonical, mailbox.domain, sizeof mailbox.domain);
    return true;
}

enum tg_code tg_lookup_sender(struct tg_view *view, struct tg_span address, const char **usernames, struct tg_error *err)
{
    struct senders senders = { .arena = tg_view_arena(view) };
    char canonical[TG_DOMAIN_MAX + 1];
    if (!domain_of(address, canonical))
        return no(err);
    enum tg_code code = gather(view, canonical, &senders, err);
    if (code != TG_OK)
        return code;
    if (senders.count == 0)
        return no(err);
    char *list = tg_arena_alloc(senders.arena, senders.count * (TG_USERNAME_MAX + 1)), *end = list;
    for (size_t i = 0; i < senders.count; i++) {
        Tg__Account *account;
        if ((code = account_of(view, senders.ids[i], &account, err)) != TG_OK)
            return code;
        size_t len = strnlen(account->username, TG_USERNAME_MAX);
        end = mempcpy(end, account->username, len);
        *end++ = ',';
    }
    end[-1] = '\0';
    *usernames = list;
    return TG_OK;
}

enum tg_code tg_lookup_domain(struct tg_view *view, struct tg_span domain, struct tg_error *err)
{
    struct senders senders = { .arena = tg_view_arena(view), .first_only = true };
    char canonical[TG_DOMAIN_MAX + 1];
    if (tg_domain_name(domain, canonical, NULL) != TG_OK)
        return no(err);
    enum tg_code code = gather(view, canonical, &senders, err);
    return code != TG_OK ? code : senders.count > 0 ? TG_OK : no(err);
}

enum tg_code tg_lookup_return_path(struct tg_view *view, const struct tg_settings *settings, struct tg_span address,
                                   int64_t now, struct tg_error *err)
{
    struct tg_mailbox mailbox;
    struct tg_token token;
    if (*settings->return_path_canonical == '\0' || tg_mailbox_parse(address, &mailbox, NULL) != TG_OK ||
        mailbox.null_sender || strcmp(mailbox.domain, settings->return_path_canonical) != 0)
        return no(err);
    enum tg_code code = tg_facts_token(view, settings, address, now, &token, err);
    return code == TG_REFUSED ? no(err) : code == TG_OK || code == TG_NOT_FOUND ? code : TG_UNUSABLE;
}
