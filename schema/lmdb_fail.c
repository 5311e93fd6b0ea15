/* lmdb_fail.c: how an error of LMDB is told, see lmdb_store.h. */
#include "schema/lmdb_store.h"

enum tg_code lmdb_fail(const struct tg_store *store, int rc, const char *what, struct tg_error *err)
{
    if (rc == MDB_NOTFOUND)
        return tg_fail(err, TG_NOT_FOUND, "store %s: %s: no such record", store->dir, what);
    return tg_fail(err, TG_UNUSABLE, "store %s: %s: %s", store->dir, what, mdb_strerror(rc));
}
