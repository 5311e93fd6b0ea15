/* notice.c: see notice.h. */
#include <string.h>
#include "schema/calendar.h"
#include "schema/customer.h"
#include "schema/notice.h"
#include "schema/notice_parts.h"
#include "schema/order.h"

enum { DAY_S = 86400, EARLY_DAYS = 30, LATE_DAYS = 7 };

/* ---- what is due ---- */

static void look_at_quota(const Tg__Account *a, const struct tg_balance *b, struct tg_due_list *list)
{
    int64_t period = a->plan == TG__PLAN_KIND__PREPAID ? b->expires : b->period_start;
    unsigned level = b->limit == 0 || a->plan_messages == 0 ? 0
                     : b->used >= b->limit                  ? 100
                     : b->used >= b->limit - b->limit / 5   ? 80
                                                            : 0;
    if (list->told.quota_period != period) {
        list->told.quota_period = period;
        list->told.quota_level = 0;
    }
    if (level <= list->told.quota_level)
        return;
    list->told.quota_level = level;
    tg_due_add(list, TG_MAIL_QUOTA)->percent = level;
}

static void look_at_expiry(const Tg__Account *a, const struct tg_balance *b, int64_t now, struct tg_due_list *list)
{
    if (a->plan != TG__PLAN_KIND__PREPAID || b->left == 0 || b->expires - now > (int64_t)EARLY_DAYS * DAY_S)
        return;
    uint32_t days = b->expires - now > (int64_t)LATE_DAYS * DAY_S ? EARLY_DAYS : LATE_DAYS;
    if (list->told.expiry_for == b->expires && list->told.expiry_days <= days)
        return;
    list->told.expiry_for = b->expires;
    list->told.expiry_days = days;
    tg_due_add(list, TG_MAIL_EXPIRY);
}

static void look_at_status(const Tg__Account *a, struct tg_due_list *list)
{
    enum tg_status status = tg_account_status(a);
    uint32_t now = status == TG_STATUS_DISABLED || status == TG_STATUS_ERROR ? 1 + (uint32_t)status : 0;
    if (list->told.status == now)
        return;
    list->told.status = now;
    if (now != 0)
        tg_due_add(list, status == TG_STATUS_DISABLED ? TG_MAIL_DISABLED : TG_MAIL_ERROR)->reason = tg_account_status_reason(a);
}

static void look_at_password(struct tg_arena *arena, const Tg__Account *a, int64_t now, struct tg_due_list *list)
{
    const Tg__Credential *old = a->old_credential;
    char text[TG_RFC3339_SIZE];
    uint32_t known = list->told.generation > 0 ? list->told.generation : 1;
    if (a->credential == NULL || a->credential->generation <= known)
        return;
    list->told.generation = a->credential->generation;
    tg_due_add(list, TG_MAIL_PASSWORD)->detail =
        old != NULL && old->expires_at > now
            ? tg_arena_printf(arena, "The old one stays valid until %s.", tg_rfc3339(old->expires_at, text))
            : "The old one is not valid any more.";
}

static enum tg_code look(struct tg_view *view, const Tg__Account *a, int64_t now, struct tg_balance *balance,
                         struct tg_due_list *list, struct tg_error *err)
{
    struct tg_plan plan = tg_account_plan(a, 0, 0);
    struct tg_key key = tg_key_id(a->id);
    struct tg_usage usage;
    Tg__Notices *told, fresh = TG__NOTICES__INIT;
    enum tg_code code = tg_usage_get(view, a->id, &usage, err);
    if (code != TG_OK)
        return code;
    code = tg_get_record(view, TG_DB_NOTICES, &key, &tg__notices__descriptor, &told, err);
    if (code != TG_OK && code != TG_NOT_FOUND)
        return code;
    *list = (struct tg_due_list){ .told = code == TG_OK ? *told : fresh };
    const Tg__Notices before = list->told;
    tg_plan_balance(&plan, &usage, now, balance);
    look_at_quota(a, balance, list);
    look_at_expiry(a, balance, now, list);
    look_at_status(a, list);
    look_at_password(tg_view_arena(view), a, now, list);
    code = tg_notice_abuse(view, a, tg_day_of(now), list, err);
    const Tg__Notices *t = &list->told;
    list->changed = list->count > 0 || t->status != before.status || t->quota_period != before.quota_period;
    return code;
}

enum tg_code tg_notice_is_due(struct tg_view *view, const Tg__Account *account, int64_t now, bool *due, struct tg_error *err)
{
    struct tg_due_list list;
    struct tg_balance balance;
    enum tg_code code = look(view, account, now, &balance, &list, err);
    *due = code == TG_OK && list.changed;
    return code;
}

/* ---- telling it ---- */

static const char *date(struct tg_arena *arena, int64_t t)
{
    char text[TG_RFC3339_SIZE];
    return t == 0 ? "-" : tg_arena_printf(arena, "%.10s", tg_rfc3339(t, text));
}

static const char *number(struct tg_arena *arena, uint64_t n)
{
    return tg_arena_printf(arena, "%llu", (unsigned long long)n);
}

/* How to mend an error: what there is to pay. */
static enum tg_code payment(struct tg_view *view, const struct tg_shop *shop, const Tg__Account *a, const char **text,
                            struct tg_error *err)
{
    struct tg_arena *arena = tg_view_arena(view);
    *text = "";
    for (size_t i = 0; i < a->n_open_orders; i++) {
        Tg__Order *order;
        enum tg_code code = tg_order_of_account(view, a, i, &order, err);
        if (code != TG_OK)
            return code;
        const char *url = tg_order_payment_url(arena, shop->payment_url, order);
        *text = *url != '\0' ? tg_arena_printf(arena, "It can send again once the order %llu is paid: %s", (unsigned long long)order->id, url)
                             : tg_arena_printf(arena, "It can send again once the order %llu is paid.", (unsigned long long)order->id);
    }
    return TG_OK;
}

static bool to_provider(enum tg_mail_kind kind)
{
    return kind == TG_MAIL_CAP || kind == TG_MAIL_UNUSUAL || kind == TG_MAIL_NETWORK || kind == TG_MAIL_BOUNCES ||
           kind == TG_MAIL_REPUTATION;
}

static enum tg_code tell(struct tg_change *change, const struct tg_shop *shop, const Tg__Account *a,
                         const struct tg_balance *balance, const struct tg_due *due, int64_t now, size_t *count, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    struct tg_arena *arena = tg_view_arena(view);
    Tg__Customer *customer;
    const char *pay;
    enum tg_code code = tg_customer_get(view, a->customer_id, &customer, err);
    if (code == TG_OK)
        code = payment(view, shop, a, &pay, err);
    if (code != TG_OK)
        return code;
    const struct tg_fill fill[] = {
        { "name", customer->name },
        { "customer", number(arena, customer->id) },
        { "username", a->username },
        { "description", a->description },
        { "plan", tg_plan_name(a->plan) },
        { "messages", number(arena, a->plan_messages) },
        { "left", number(arena, balance->left) },
        { "used", number(arena, balance->used) },
        { "limit", number(arena, balance->limit) },
        { "percent", number(arena, due->percent) },
        { "until", date(arena, balance->expires != 0 ? balance->expires : balance->period_end) },
        { "reason", due->reason },
        { "detail", due->detail },
        { "payment", pay },
        { NULL, NULL },
    };
    bool provider = to_provider(due->kind);
    struct tg_mail_to to = { provider ? shop->provider_mail : customer->email, provider ? "" : customer->name, a->id, 0 };
    uint64_t id;
    code = tg_mail_queue(change, shop, due->kind, &to, fill, now, &id, err);
    *count += code == TG_OK && id != 0;
    return code;
}

enum tg_code tg_notice_account(struct tg_change *change, const struct tg_shop *shop, uint64_t account_id, int64_t now,
                               size_t *count, struct tg_error *err)
{
    struct tg_due_list list;
    struct tg_balance balance;
    Tg__Account *account;
    *count = 0;
    enum tg_code code = tg_account_get(tg_change_view(change), account_id, &account, err);
    if (code != TG_OK)
        return code == TG_NOT_FOUND ? TG_OK : code;
    if ((code = look(tg_change_view(change), account, now, &balance, &list, err)) != TG_OK || !list.changed)
        return code;
    for (size_t i = 0; i < list.count && !account->no_notices; i++)
        if ((code = tell(change, shop, account, &balance, &list.due[i], now, count, err)) != TG_OK)
            return code;
    struct tg_key key = tg_key_id(account_id);
    tg_put_record(change, TG_DB_NOTICES, &key, &list.told.base);
    return tg_change_error(change, err);
}

enum tg_code tg_notice_reputation(struct tg_change *change, const struct tg_shop *shop, const Tg__Account *account, const char *reason,
                                  int64_t now, struct tg_error *err)
{
    const struct tg_due due = { .kind = TG_MAIL_REPUTATION, .detail = "", .reason = reason };
    const struct tg_balance none = { .left = 0 };
    size_t count = 0;
    return tell(change, shop, account, &none, &due, now, &count, err);
}
