/* lmdb_create.c: a new store. It is made in a directory of its own beside its place and moved in when it is
 * whole, so that a kill in the middle leaves no half store. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "schema/lmdb_store.h"
#include "schema/records.pb-c.h"
#include "schema/unfinished.h"

static const struct {
    Tg__PlanKind plan;
    uint64_t messages;
    int64_t price_minor;
    bool on_sale;
} catalogue[] = {
    { TG__PLAN_KIND__FREE, 1000, 0, true },
    { TG__PLAN_KIND__MONTHLY, 5000, 490, false },
    { TG__PLAN_KIND__MONTHLY, 20000, 990, false },
    { TG__PLAN_KIND__MONTHLY, 100000, 2990, false },
    { TG__PLAN_KIND__PREPAID, 10000, 990, false },
    { TG__PLAN_KIND__PREPAID, 50000, 3990, false },
    { TG__PLAN_KIND__PREPAID, 200000, 11990, false },
};

struct first_records {
    const char *return_path_domain;
    int64_t now;
};

static void put_offers(struct tg_change *change)
{
    for (size_t i = 0; i < sizeof catalogue / sizeof *catalogue; i++) {
        Tg__Offer offer = TG__OFFER__INIT;
        offer.plan = catalogue[i].plan;
        offer.messages = catalogue[i].messages;
        offer.price_minor = catalogue[i].price_minor;
        offer.currency = "EUR";
        offer.on_sale = catalogue[i].on_sale;
        struct tg_key key = tg_key_offer((uint8_t)offer.plan, offer.messages);
        tg_put_record(change, TG_DB_PLANS, &key, &offer.base);
    }
}

static enum tg_code put_first_records(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct first_records *first = arg;
    uint8_t uuid[16], decoy[32], secret[32];
    randombytes_buf(uuid, sizeof uuid);
    randombytes_buf(decoy, sizeof decoy);
    randombytes_buf(secret, sizeof secret);

    Tg__Meta meta = TG__META__INIT;
    meta.format = TG_STORE_FORMAT;
    meta.created_at = first->now;
    meta.uuid = (ProtobufCBinaryData){ sizeof uuid, uuid };
    meta.decoy_key = (ProtobufCBinaryData){ sizeof decoy, decoy };
    meta.return_path_domain = (char *)(first->return_path_domain != NULL ? first->return_path_domain : "");
    struct tg_key key = tg_key_name(TG_META_STORE);
    tg_put_record(change, TG_DB_META, &key, &meta.base);

    Tg__SealKey seal = TG__SEAL_KEY__INIT;
    seal.number = 1;
    seal.created_at = first->now;
    seal.secret = (ProtobufCBinaryData){ sizeof secret, secret };
    Tg__SealKey *list[] = { &seal };
    Tg__SealKeys keys = TG__SEAL_KEYS__INIT;
    keys.n_keys = 1;
    keys.keys = list;
    key = tg_key_name(TG_META_SEAL_KEYS);
    tg_put_record(change, TG_DB_META, &key, &keys.base);
    sodium_memzero(secret, sizeof secret);

    put_offers(change);
    return tg_change_error(change, err);
}

/* Makes the store in `dir`, which is empty, and closes it again. */
static enum tg_code make(const char *dir, struct first_records *first, struct tg_error *err)
{
    struct tg_store *store = tg_xcalloc(1, sizeof *store);
    store->dir = tg_xstrdup(dir);
    store->actor = tg_xstrdup("init");
    store->lock_fd = store->import_fd = -1;
    pthread_rwlock_init(&store->map_lock, NULL);
    pthread_mutex_init(&store->pool_lock, NULL);
    pthread_cond_init(&store->pool_free, NULL);
    enum tg_code code = lmdb_env_open(store, 0, DEFAULT_MAP_SIZE, true, err);
    if (code == TG_OK)
        code = tg_store_change(store, put_first_records, first, err);
    tg_store_close(&store);
    return code;
}

/* Anything in it that is not ours: then it is no place for a store. */
static enum tg_code look_around(const char *dir, bool force, struct tg_error *err)
{
    DIR *entries = opendir(dir);
    if (entries == NULL)
        return tg_fail(err, TG_UNUSABLE, "can't look into %s: %s", dir, strerror(errno));
    enum tg_code code = TG_OK;
    for (const struct dirent *e; code == TG_OK && (e = readdir(entries)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || strncmp(e->d_name, "new-", 4) == 0 ||
            strcmp(e->d_name, "lock.mdb") == 0 || strncmp(e->d_name, DATA_FILE ".old-", sizeof DATA_FILE ".old-" - 1) == 0)
            continue;
        if (strcmp(e->d_name, DATA_FILE) != 0)
            code = tg_fail(err, TG_REFUSED, "%s holds other files (%s): choose an empty directory", dir, e->d_name);
        else if (!force)
            code = tg_fail(err, TG_REFUSED, "there is already a store in %s (--force-new keeps it aside and makes a new one)", dir);
    }
    closedir(entries);
    return code;
}

/* The old data file is kept under another name. A process that has it open goes on with it, until it is
 * restarted. */
static enum tg_code put_aside(const char *dir, int64_t now, struct tg_error *err)
{
    char from[4200], to[4300];
    snprintf(from, sizeof from, "%s/" DATA_FILE, dir);
    for (int n = 0;; n++) {
        if (n == 0)
            snprintf(to, sizeof to, "%s.old-%lld", from, (long long)now);
        else
            snprintf(to, sizeof to, "%s.old-%lld-%d", from, (long long)now, n);
        if (link(from, to) == 0)
            break;
        if (errno == ENOENT)
            return TG_OK;
        if (errno != EEXIST || n > 100)
            return tg_fail(err, TG_FAILED, "can't keep %s aside: %s", from, strerror(errno));
    }
    if (unlink(from) != 0)
        return tg_fail(err, TG_FAILED, "can't move %s aside: %s", from, strerror(errno));
    snprintf(to, sizeof to, "%s/lock.mdb", dir);
    unlink(to);
    return TG_OK;
}

enum tg_code tg_store_create(const char *dir, const char *return_path_domain, bool force, int64_t now, struct tg_error *err)
{
    char work[4096], from[4200], to[4200], lock[4200];
    enum tg_code code;
    if (sodium_init() < 0)
        return tg_fail(err, TG_FAILED, "the random generator can't be started");
    if (strlen(dir) > 4000)
        return tg_fail(err, TG_USAGE, "the path of the store is too long");
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return tg_fail(err, TG_FAILED, "can't make %s: %s", dir, strerror(errno));
    if ((code = look_around(dir, force, err)) != TG_OK)
        return code;
    snprintf(work, sizeof work, "%s/new-XXXXXX", dir);
    if (mkdtemp(work) == NULL)
        return tg_fail(err, TG_FAILED, "can't write in %s: %s", dir, strerror(errno));
    snprintf(from, sizeof from, "%s/" DATA_FILE, work);
    snprintf(lock, sizeof lock, "%s/lock.mdb", work);
    snprintf(to, sizeof to, "%s/" DATA_FILE, dir);

    struct first_records first = { return_path_domain, now };
    code = make(work, &first, err);
    if (code == TG_OK && force)
        code = put_aside(dir, now, err);
    /* link, not rename: it refuses where somebody else was faster. */
    if (code == TG_OK && link(from, to) != 0)
        code = errno == EEXIST ? tg_fail(err, TG_REFUSED, "there is already a store in %s", dir)
                               : tg_fail(err, TG_FAILED, "can't make %s: %s", to, strerror(errno));
    unlink(from);
    unlink(lock);
    rmdir(work);
    tg_sync_path(dir);
    return code;
}
