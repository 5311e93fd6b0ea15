/* check_parts.c: see check_parts.h. */
#include <stdarg.h>
#include <stdio.h>
#include "schema/check_parts.h"

void tg_check_found(struct check *c, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->problem(c->arg, text);
}

bool tg_check_exists(struct check *c, enum tg_db db, struct tg_key key)
{
    struct tg_span value;
    return tg_get(c->view, db, &key, &value, NULL) == TG_OK;
}

void *tg_check_record(struct check *c, enum tg_db db, struct tg_span value, const ProtobufCMessageDescriptor *type)
{
    void *message;
    if (tg_unpack(c->view, db, value, type, &message, NULL) == TG_OK)
        return message;
    tg_check_found(c, "%s: a record does not unpack", tg_db_name(db));
    return NULL;
}

void tg_check_bad_key(struct check *c, enum tg_db db)
{
    tg_check_found(c, "%s: a key is damaged", tg_db_name(db));
}

void tg_check_owned(struct check *c, enum tg_db db, uint64_t account_id)
{
    if (account_id != 0 && !(db == TG_DB_DAILY && account_id >= TG_RELAY) &&
        !tg_check_exists(c, TG_DB_ACCOUNTS, tg_key_id(account_id)))
        tg_check_found(c, "%s: there is no account %llu", tg_db_name(db), n(account_id));
}
