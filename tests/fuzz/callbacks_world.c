/* callbacks_world.c: see callbacks_world.h. */
#include <ftw.h>
#include <gmime/gmime.h>
#include <unistd.h>
#include "milter/callbacks.h"
#include "milter/metrics.h"
#include "milter/reported.h"
#include "schema/account.h"
#include "schema/check.h"
#include "schema/customer.h"
#include "schema/domain.h"
#include "schema/log.h"
#include "schema/network.h"
#include "schema/now.h"
#include "schema/usage.h"
#include "tests/fuzz/callbacks_world.h"
#include "tests/fuzz/fuzz.h"

struct world w;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static enum tg_code fill(struct tg_change *change, void *arg, struct tg_error *err)
{
    static const char *const domains[ACCOUNTS] = { "good.example", "poor.example", "third.example" };
    const struct tg_network_limits limits = { 24, 48 };
    const int64_t now = tg_now();
    struct tg_network network;
    (void)arg;
    for (int i = 0; i < ACCOUNTS; i++) {
        Tg__Customer customer = TG__CUSTOMER__INIT;
        Tg__Account wish = TG__ACCOUNT__INIT, *account;
        Tg__Domain *domain;
        struct tg_secret password;
        customer.name = "Example Ltd";
        customer.email = "office@example.com";
        customer.terms_version = "1";
        MUST(tg_customer_add(change, &customer, now, err) == TG_OK);
        wish.customer_id = customer.id;
        wish.description = "fuzz";
        wish.notify = i == RICH ? "reports@customer.example" : "";
        MUST(tg_account_add(change, &wish, now, &account, &password, err) == TG_OK);
        w.account[i].id = account->id;
        snprintf(w.account[i].name, sizeof w.account[i].name, "%s", account->username);
        MUST(tg_domain_add(change, domains[i], customer.id, now, &domain, err) == TG_OK);
        MUST(tg_domain_set_status(change, domains[i], TG__DOMAIN_STATUS__VERIFIED, "", now, err) == TG_OK);
        MUST(tg_domain_associate(change, domains[i], account->username, i == RICH, now, err) == TG_OK);
    }
    MUST(tg_network_parse("192.0.2.7", false, &network, err) == TG_OK);
    MUST(tg_network_add(change, &network, w.account[RICH].name, "", &limits, now, err) == TG_OK);
    MUST(tg_account_credit(change, w.account[RICH].name, 1000000000, "fuzz", now, err) == TG_OK);
    return tg_account_disable(change, w.account[DISABLED].name, "fuzz", now, err);
}

static struct tg_settings *settings_of(int which)
{
    static const char *const texts[SETTINGS] = {
        "count = \"recipients\"\nmax_recipients = 20\n",
        "count = \"messages\"\nreturn_path_domain = \"rp.example\"\nunsubscribe = \"require\"\nmax_per_hour = 1000000\n",
        "return_path_domain = \"rp.example\"\nunknown_clients = \"ignore\"\nunknown_logins = \"ignore\"\n"
        "trusted_networks = {\"192.0.2.9\"}\ncheck_sender_header = false\n",
    };
    struct tg_settings *settings;
    struct tg_error err;
    char path[100];
    snprintf(path, sizeof path, "%s/conf", w.dir);
    FILE *file = fopen(path, "w");
    MUST(file != NULL && fputs(texts[which], file) >= 0 && fclose(file) == 0);
    MUST(tg_settings_read(path, &settings, &err) == TG_OK);
    return settings;
}

static void make_token(void)
{
    struct tg_seal_keys keys;
    struct tg_token token = { w.account[RICH].id, tg_now(), 1 };
    struct tg_view *view;
    struct tg_error err;
    char text[TG_TOKEN_SIZE];
    MUST(tg_view_begin(w.filter.store, &view, &err) == TG_OK && tg_seal_keys_get(view, &keys, &err) == TG_OK);
    tg_view_end(&view);
    tg_token_make(&keys, TG_TOKEN_RETURN_PATH, &token, text);
    snprintf(w.token, sizeof w.token, "<%s@rp.example>", text);
}

static void open_store(void)
{
    const struct tg_store_options options = { .no_sync = true };
    struct tg_error err;
    strcpy(w.dir, "/tmp/tollgate-fuzz-XXXXXX");
    MUST(mkdtemp(w.dir) != NULL);
    MUST(tg_store_create(w.dir, NULL, false, tg_now(), &err) == TG_OK);
    MUST(tg_store_open(w.dir, &options, &w.filter.store, &err) == TG_OK);
    MUST(tg_store_change(w.filter.store, fill, NULL, &err) == TG_OK);
    w.filter.committer = tg_committer_new(w.filter.store);
    make_token();
}

static void found(void *arg, const char *problem)
{
    (void)arg;
    fprintf(stderr, "store check: %s\n", problem);
    abort();
}

static void close_store(void)
{
    struct tg_store_stat stat;
    struct tg_error err;
    tg_committer_free(&w.filter.committer);
    MUST(tg_store_check(w.filter.store, tg_now(), found, NULL, NULL, NULL, &stat, &err) == TG_OK);
    tg_store_close(&w.filter.store);
    nftw(w.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void world_begin(void)
{
    struct tg_error err;
    g_mime_init();
    MUST(tg_crypto_init(&err) == TG_OK && tg_log_open("fuzz", "/dev/null", "debug", &err) == TG_OK);
    open_store();
    w.filter.metrics = metrics_new();
    w.filter.reported = reported_new();
    filter_begin(&w.filter, settings_of(0));
    MUST(callbacks_register(&w.filter, &err) == TG_OK);
    atexit(close_store);
}

void world_used(uint64_t used[ACCOUNTS])
{
    struct tg_view *view;
    struct tg_error err;
    MUST(tg_view_begin(w.filter.store, &view, &err) == TG_OK);
    for (int i = 0; i < ACCOUNTS; i++) {
        struct tg_usage usage;
        MUST(tg_usage_get(view, w.account[i].id, &usage, &err) == TG_OK);
        used[i] = usage.total;
    }
    tg_view_end(&view);
}

void world_renew(void)
{
    close_store();
    open_store();
}

void world_settings(int which)
{
    w.settings = which;
    filter_settings_replace(&w.filter, settings_of(which));
}
