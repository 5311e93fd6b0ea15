/* market.h: a store in which things are bought, and a clock that only the test moves. After each step the store must agree
 * with itself, so that the ledger's sum is what is left, always. */
#ifndef TG_TEST_MARKET_H
#define TG_TEST_MARKET_H

#include "tests/unit/test.h"
#include "schema/batch.h"
#include "schema/billing.h"
#include "schema/calendar.h"
#include "schema/check.h"
#include "schema/customer.h"
#include "schema/sweep.h"
#include "tests/unit/scratch.h"

#define FREE TG__PLAN_KIND__FREE
#define MONTHLY TG__PLAN_KIND__MONTHLY
#define PREPAID TG__PLAN_KIND__PREPAID

enum { DAY = 86400, HOUR = 3600 };

struct market {
    char dir[64];
    struct tg_store *store;
    struct tg_settings settings;
    struct tg_shop shop;
    struct tg_error err;
    int64_t now;
    uint64_t customer;
    char user[TG_USERNAME_MAX];
    uint64_t id;
    uint64_t order;              /* the latest that a step made; 0: none */
    uint32_t sequence;
};

static inline int64_t at(const char *text)
{
    struct tg_error err;
    int64_t t = 0;
    assert_ok(tg_time_parse(text, 0, &t, &err));
    return t;
}

static inline void problem(void *arg, const char *sentence)
{
    (void)arg;
    fail_msg("store check: %s", sentence);
}

static inline void must_agree(struct market *m)
{
    struct tg_store_stat stat;
    struct tg_error err;
    assert_ok(tg_store_check(m->store, m->now, problem, NULL, NULL, NULL, &stat, &err));
}

static inline enum tg_code step(struct market *m, tg_change_fn *fn)
{
    m->err.text[0] = '\0';
    enum tg_code code = tg_store_change(m->store, fn, m, &m->err);
    must_agree(m);
    return code;
}

#define done(m, call)                                            \
    do {                                                         \
        enum tg_code code_ = (call);                             \
        if (code_ != TG_OK)                                      \
            fail_msg("%s: %s", tg_code_name(code_), (m)->err.text); \
    } while (0)

#define refused(m, call, words)                                              \
    do {                                                                     \
        assert_int_equal(call, TG_REFUSED);                                  \
        if (strstr((m)->err.text, words) == NULL)                            \
            fail_msg("\"%s\" does not say \"%s\"", (m)->err.text, words);    \
    } while (0)

/* ---- the catalogue ---- */

static inline enum tg_code open_catalogue(struct tg_change *change, void *arg, struct tg_error *err)
{
    static const struct {
        Tg__PlanKind plan;
        uint64_t messages;
        const char *price;
    } offers[] = {
        { TG__PLAN_KIND__MONTHLY, 1000, "4.90" },
        { TG__PLAN_KIND__MONTHLY, 3000, "9.90" },
        { TG__PLAN_KIND__PREPAID, 500, "5" },
        { TG__PLAN_KIND__PREPAID, 2000, "15" },
    };
    struct market *m = arg;
    Tg__Offer *offer;
    for (size_t i = 0; i < sizeof offers / sizeof *offers; i++) {
        enum tg_code code = tg_offer_set(change, offers[i].plan, offers[i].messages, offers[i].price, "EUR", TG_ON_SALE, m->now, &offer, err);
        if (code != TG_OK)
            return code;
    }
    Tg__Customer customer = TG__CUSTOMER__INIT;
    Tg__Billing billing = TG__BILLING__INIT;
    customer.name = "Example Ltd";
    customer.email = "office@example.com";
    customer.terms_version = "1";
    billing.company = "Example Ltd";
    billing.address = "1 High St";
    customer.billing = &billing;
    enum tg_code code = tg_customer_add(change, &customer, m->now, err);
    m->customer = customer.id;
    return code;
}

static inline int market_begin(void **state)
{
    struct market *m = calloc(1, sizeof *m);
    m->store = scratch_store(m->dir);
    m->now = at("2027-01-15T10:00:00Z");
    m->settings.grace_days = 14;
    m->settings.activity_days = 90;
    m->settings.daily_days = 400;
    m->settings.payment_url = "https://pay.example/%s";
    m->settings.mailer = "cat >/dev/null";
    m->settings.mail_from = "billing@relay.example";
    m->settings.provider_mail = "";
    m->settings.templates = "/nonexistent";
    m->shop = tg_shop_of(&m->settings, NULL);
    done(m, step(m, open_catalogue));
    *state = m;
    return 0;
}

static inline int market_end(void **state)
{
    struct market *m = *state;
    tg_store_close(&m->store);
    scratch_remove(m->dir);
    free(m);
    return 0;
}

/* ---- looking ---- */

static inline struct tg_view *look(struct market *m)
{
    struct tg_error err;
    struct tg_view *view;
    assert_ok(tg_view_begin(m->store, &view, &err));
    return view;
}

static inline Tg__Account account_of(struct market *m)
{
    struct tg_error err;
    struct tg_view *view = look(m);
    Tg__Account *account;
    assert_ok(tg_account_get(view, m->id, &account, &err));
    Tg__Account copy = *account; /* its numbers are looked at, not its texts */
    tg_view_end(&view);
    return copy;
}

static inline struct tg_balance balance_of(struct market *m)
{
    struct tg_error err;
    struct tg_view *view = look(m);
    Tg__Account *account;
    struct tg_usage usage;
    struct tg_balance balance;
    assert_ok(tg_account_get(view, m->id, &account, &err));
    assert_ok(tg_usage_get(view, m->id, &usage, &err));
    struct tg_plan plan = tg_account_plan(account, 0, 0);
    tg_plan_balance(&plan, &usage, m->now, &balance);
    tg_view_end(&view);
    return balance;
}

static inline uint64_t left_of(struct market *m)
{
    return balance_of(m).left;
}

static inline const char *status_of(struct market *m)
{
    Tg__Account a = account_of(m);
    return tg_status_name(tg_account_status(&a));
}

static inline Tg__Order order_of(struct market *m, uint64_t id)
{
    struct tg_error err;
    struct tg_view *view = look(m);
    Tg__Order *order;
    assert_ok(tg_order_get(view, id, &order, &err));
    Tg__Order copy = *order;
    tg_view_end(&view);
    return copy;
}

static inline const char *order_status(struct market *m, uint64_t id)
{
    return tg_order_status_name(order_of(m, id).status);
}

static inline size_t count_in(struct market *m, enum tg_db db)
{
    struct tg_error err;
    struct tg_store_stat stat;
    assert_ok(tg_store_stat(m->store, &stat, &err));
    return stat.records[db];
}

/* ---- doing ---- */

struct want {
    struct market *m;
    Tg__PlanKind plan;
    uint64_t messages;
    const char *reference, *order_name;
    bool again;
};

static inline enum tg_code run_want(struct market *m, struct want *w, tg_change_fn *fn)
{
    m->err.text[0] = '\0';
    enum tg_code code = tg_store_change(m->store, fn, w, &m->err);
    must_agree(m);
    return code;
}

static inline enum tg_code buy_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct want *w = arg;
    Tg__Account wish = TG__ACCOUNT__INIT, *account;
    Tg__Order *order;
    struct tg_secret password;
    wish.customer_id = w->m->customer;
    wish.description = "shop";
    wish.plan = w->plan;
    wish.plan_messages = w->messages;
    enum tg_code code = tg_billing_add(change, &w->m->shop, &wish, w->m->now, &account, &password, &order, err);
    if (code != TG_OK)
        return code;
    w->m->order = order != NULL ? order->id : 0;
    w->m->id = account->id;
    strcpy(w->m->user, account->username);
    return code;
}

static inline enum tg_code buy(struct market *m, Tg__PlanKind plan, uint64_t messages)
{
    struct want w = { .m = m, .plan = plan, .messages = messages };
    return run_want(m, &w, buy_fn);
}

static inline enum tg_code pay_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct want *w = arg;
    Tg__Order *order;
    return tg_billing_pay(change, &w->m->shop, w->order_name, w->reference, w->m->now, &order, &w->again, err);
}

static inline enum tg_code pay_as(struct market *m, uint64_t order, const char *reference, bool *again)
{
    char name[32];
    snprintf(name, sizeof name, "%llu", (unsigned long long)order);
    struct want w = { .m = m, .order_name = name, .reference = reference };
    enum tg_code code = run_want(m, &w, pay_fn);
    if (again != NULL)
        *again = w.again;
    return code;
}

static inline enum tg_code pay(struct market *m, uint64_t order)
{
    return pay_as(m, order, NULL, NULL);
}

static inline enum tg_code cancel_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct want *w = arg;
    Tg__Order *order;
    return tg_billing_cancel(change, w->order_name, w->m->now, &order, err);
}

static inline enum tg_code cancel(struct market *m, uint64_t order)
{
    char name[32];
    snprintf(name, sizeof name, "%llu", (unsigned long long)order);
    struct want w = { .m = m, .order_name = name };
    return run_want(m, &w, cancel_fn);
}

static inline enum tg_code change_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct want *w = arg;
    Tg__Account *account;
    Tg__Order *order;
    enum tg_code code = tg_billing_plan(change, &w->m->shop, w->m->user, w->plan, w->messages, w->m->now, &account, &order, err);
    w->m->order = code == TG_OK && order != NULL ? order->id : 0;
    return code;
}

static inline enum tg_code change_plan(struct market *m, Tg__PlanKind plan, uint64_t messages)
{
    struct want w = { .m = m, .plan = plan, .messages = messages };
    return run_want(m, &w, change_fn);
}

static inline enum tg_code topup_fn(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct want *w = arg;
    Tg__Account *account;
    Tg__Order *order;
    enum tg_code code = tg_billing_topup(change, &w->m->shop, w->m->user, w->messages, w->m->now, &account, &order, err);
    w->m->order = code == TG_OK ? order->id : 0;
    return code;
}

static inline enum tg_code topup(struct market *m, uint64_t messages)
{
    struct want w = { .m = m, .messages = messages };
    return run_want(m, &w, topup_fn);
}

/* The milter's own way of taking a message. */
static inline bool take(struct market *m, uint64_t units)
{
    Tg__Activity activity = TG__ACTIVITY__INIT;
    struct tg_error err;
    activity.kind = TG__ACTIVITY_KIND__ACCEPTED;
    activity.recipients = (uint32_t)units;
    activity.client = "192.0.2.7";
    struct tg_charge charge = { .id = { m->id, m->now * 1000000 + m->sequence % 1000000, m->sequence & 0xffffff },
                                .units = units, .activity = &activity };
    m->sequence++;
    struct tg_batch_request request = { .charge = &charge };
    struct tg_batch batch = { .first = &request, .charge_count = 1 };
    assert_ok(tg_batch_write(m->store, &batch, &err));
    return request.code == TG_OK;
}

static inline struct tg_sweep_result sweep(struct market *m)
{
    struct tg_sweep_result result;
    done(m, tg_sweep(m->store, &m->settings, m->now, NULL, &result, &m->err));
    assert_int_equal(result.problems, 0);
    must_agree(m);
    return result;
}

/* The sweep of every hour, in fewer steps. */
static inline void live_until(struct market *m, const char *when)
{
    while (m->now < at(when)) {
        m->now = m->now + 6 * HOUR < at(when) ? m->now + 6 * HOUR : at(when);
        sweep(m);
    }
}

/* An account whose first month begins then, paid. */
static inline void monthly(struct market *m, const char *since)
{
    m->now = at(since);
    done(m, buy(m, MONTHLY, 1000));
    done(m, pay(m, m->order));
}

#define market_test(name) cmocka_unit_test_setup_teardown(name, market_begin, market_end)

#endif
