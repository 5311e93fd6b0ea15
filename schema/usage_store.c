/* usage_store.c: usage records in the store, see usage.h. */
#include "schema/usage.h"

enum tg_code tg_usage_get(struct tg_view *view, uint64_t account_id, struct tg_usage *usage,
                          struct tg_error *err)
{
    struct tg_key key = tg_key_id(account_id);
    struct tg_span value;
    struct tg_error why;
    enum tg_code code = tg_get(view, TG_DB_USAGE, &key, &value, err);
    if (code == TG_NOT_FOUND)
        return tg_fail(err, TG_UNUSABLE,
                       "account %llu has no usage record (see tollgate store check)",
                       (unsigned long long)account_id);
    if (code != TG_OK)
        return code;
    if (tg_usage_unpack(value, usage, &why) != TG_OK)
        return tg_fail(err, TG_UNUSABLE, "account %llu: %s (see tollgate store check)",
                       (unsigned long long)account_id, why.text);
    return TG_OK;
}

void tg_usage_put(struct tg_change *change, uint64_t account_id, const struct tg_usage *usage)
{
    struct tg_key key = tg_key_id(account_id);
    uint8_t packed[TG_USAGE_SIZE];
    tg_usage_pack(usage, packed);
    tg_put(change, TG_DB_USAGE, &key, tg_span_of(packed, sizeof packed));
}
