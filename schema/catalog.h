/* catalog.h: what is in each database: the parts of its keys, the type of its values. One row a database; who takes
 * every record alike (export, import) reads this, so a new database needs its row and no code. */
#ifndef TG_CATALOG_H
#define TG_CATALOG_H

#include <protobuf-c/protobuf-c.h>
#include "schema/keys.h"

enum tg_value_kind {
    TG_VALUE_RECORD, /* a message of records.proto */
    TG_VALUE_ID,     /* 8 octets */
    TG_VALUE_USAGE,  /* usage.h */
};

struct tg_key_part {
    const char *name;
    enum tg_part part;
};
enum { TG_KEY_PARTS = 4 };

/* The entry that a record has in an index; the key is written to *entry. */
typedef void tg_index_fn(struct tg_span key, const ProtobufCMessage *record, struct tg_key *entry);

struct tg_database {
    struct tg_key_part key[TG_KEY_PARTS]; /* ended by TG_PART_END where there are fewer */
    enum tg_value_kind value;
    const ProtobufCMessageDescriptor *type; /* NULL in meta: by name */
    enum tg_db index;                       /* TG_DB_COUNT: no index is kept of it */
    tg_index_fn *entry;
};

/* NULL: an index, which is made anew from the records. */
const struct tg_database *tg_catalog(enum tg_db db);

/* The type of the record under this key; NULL: there is no such record. */
const ProtobufCMessageDescriptor *tg_catalog_type(enum tg_db db, struct tg_span key);

/* false: no database has this name, or it is an index. */
bool tg_catalog_find(const char *name, enum tg_db *db);

#endif
