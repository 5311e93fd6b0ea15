/* order.c: see order.h.
 *
 * A token is the order's number, a dash and 128 random bits: so it needs no index to be found, and nobody guesses it. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "schema/base32.h"
#include "schema/order.h"
#include "schema/words.h"

enum { RANDOM = 16 };

static const char *const statuses[] = { "unpaid", "paid", "cancelled", "overdue" };
static const char *const kinds[] = { "opening", "renewal", "topup", "change" };

const char *tg_order_status_name(Tg__OrderStatus status)
{
    return tg_word(TG_WORDS(statuses), (size_t)status);
}

const char *tg_order_kind_name(Tg__OrderKind kind)
{
    return tg_word(TG_WORDS(kinds), (size_t)kind);
}

enum tg_code tg_order_get(struct tg_view *view, uint64_t id, Tg__Order **order, struct tg_error *err)
{
    struct tg_key key = tg_key_id(id);
    enum tg_code code = tg_get_record(view, TG_DB_ORDERS, &key, &tg__order__descriptor, order, err);
    if (code == TG_NOT_FOUND)
        return tg_fail(err, TG_NOT_FOUND, "no order %llu (tollgate order list shows them)", (unsigned long long)id);
    return code;
}

enum tg_code tg_order_find(struct tg_view *view, const char *text, Tg__Order **order, struct tg_error *err)
{
    char *end;
    errno = 0;
    unsigned long long id = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || errno != 0 || (*end != '\0' && *end != '-'))
        return tg_fail(err, TG_USAGE, "'%.60s' is neither an order's number nor its token (tollgate order list shows them)", text);
    enum tg_code code = tg_order_get(view, id, order, err);
    if (*end == '\0' || (code != TG_OK && code != TG_NOT_FOUND))
        return code;
    size_t len = strlen(text);
    if (code == TG_OK && strlen((*order)->token) == len && sodium_memcmp((*order)->token, text, len) == 0)
        return TG_OK;
    return tg_fail(err, TG_NOT_FOUND, "no order has that token");
}

enum tg_code tg_order_next(struct tg_view *view, struct tg_walk *walk, Tg__Order **order, struct tg_error *err)
{
    struct tg_span key, value;
    enum tg_code code = tg_walk_next(walk, &key, &value, err);
    return code == TG_OK ? tg_unpack(view, TG_DB_ORDERS, value, &tg__order__descriptor, order, err) : code;
}

enum tg_code tg_order_of_account(struct tg_view *view, const Tg__Account *account, size_t place, Tg__Order **order,
                                 struct tg_error *err)
{
    enum tg_code code = tg_order_get(view, account->open_orders[place], order, err);
    return code == TG_NOT_FOUND ? tg_fail(err, TG_UNUSABLE, "account %s names an order that is not there (run tollgate store check)",
                                          account->username)
                                : code;
}

enum tg_code tg_order_open(struct tg_view *view, const Tg__Account *account, Tg__OrderKind kind, Tg__Order **order,
                           struct tg_error *err)
{
    for (size_t i = 0; i < account->n_open_orders; i++) {
        enum tg_code code = tg_order_of_account(view, account, i, order, err);
        if (code != TG_OK || (*order)->kind == kind)
            return code;
    }
    return TG_NOT_FOUND;
}

enum tg_code tg_order_number(struct tg_change *change, Tg__Order *order, Tg__Account *account, struct tg_error *err)
{
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    uint8_t bytes[RANDOM];
    char secret[TG_BASE32_LEN(RANDOM) + 1];
    enum tg_code code = tg_next_id(change, TG_SEQUENCE_ORDER, &order->id, err);
    if (code != TG_OK)
        return code;
    randombytes_buf(bytes, sizeof bytes);
    tg_base32_encode(bytes, sizeof bytes, secret);
    order->token = tg_arena_printf(arena, "%llu-%s", (unsigned long long)order->id, secret);
    uint64_t *open = tg_arena_alloc(arena, (account->n_open_orders + 1) * sizeof *open);
    if (account->n_open_orders > 0)
        memcpy(open, account->open_orders, account->n_open_orders * sizeof *open);
    open[account->n_open_orders++] = order->id;
    account->open_orders = open;
    return TG_OK;
}

void tg_order_put(struct tg_change *change, const Tg__Order *order)
{
    struct tg_key key = tg_key_id(order->id);
    tg_put_record(change, TG_DB_ORDERS, &key, &order->base);
}

void tg_order_closed(Tg__Account *account, uint64_t order_id)
{
    size_t kept = 0;
    for (size_t i = 0; i < account->n_open_orders; i++)
        if (account->open_orders[i] != order_id)
            account->open_orders[kept++] = account->open_orders[i];
    account->n_open_orders = kept;
}

const char *tg_order_payment_url(struct tg_arena *arena, const char *payment_url, const Tg__Order *order)
{
    const char *at = strstr(payment_url, "%s");
    if (at == NULL || !tg_order_is_open(order))
        return "";
    return tg_arena_printf(arena, "%.*s%s%s", (int)(at - payment_url), payment_url, order->token, at + 2);
}
