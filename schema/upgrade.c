/* upgrade.c: format versions of the store. Format 1 is the first.
 *
 * So there is nothing to upgrade yet: any other format is refused. The first step to format 2 goes here,
 * after a copy of the store beside itself, so that an older program can go back. */
#include "schema/lmdb_store.h"
#include "schema/records.pb-c.h"

enum tg_code lmdb_upgrade(struct tg_store *store, struct tg_error *err)
{
    struct tg_view *view;
    struct tg_key key = tg_key_name(TG_META_STORE);
    Tg__Meta *meta;
    enum tg_code code = tg_view_begin(store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_get_record(view, TG_DB_META, &key, &tg__meta__descriptor, &meta, err);
    if (code == TG_NOT_FOUND && store->import)
        code = TG_OK; /* emptied by an import that was broken off */
    else if (code == TG_NOT_FOUND)
        code = tg_fail(err, TG_UNUSABLE, "%s is not a Tollgate store, or a damaged one: it has no format version", store->dir);
    else if (code == TG_OK && meta->format > TG_STORE_FORMAT)
        code = tg_fail(err, TG_UNUSABLE, "the store %s has format %u, made by a newer Tollgate; this one knows up to %d: "
                       "install the newer version", store->dir, meta->format, TG_STORE_FORMAT);
    else if (code == TG_OK && meta->format < TG_STORE_FORMAT)
        code = tg_fail(err, TG_UNUSABLE, "the store %s has format %u, which no released Tollgate wrote", store->dir,
                       meta->format);
    tg_view_end(&view);
    return code;
}
