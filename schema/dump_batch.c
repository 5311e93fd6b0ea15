/* dump_batch.c: see dump_batch.h. */
#include <stdlib.h>
#include <string.h>
#include "schema/dump_batch.h"

/* In front of the octets of a record's key, of its entry in the index (none: 0) and of its value. */
struct head {
    enum tg_db db;
    uint32_t key_len, entry_len;
    size_t value_len;
};

static void add(struct tg_dump_batch *batch, const void *data, size_t len)
{
    if (len > 0)
        memcpy(batch->data + batch->len, data, len);
    batch->len += len;
}

void tg_dump_batch_add(struct tg_dump_batch *batch, const struct tg_dump_record *record)
{
    const struct tg_database *database = tg_catalog(record->db);
    struct tg_key entry;
    entry.len = 0;
    if (database->index != TG_DB_COUNT)
        database->entry(tg_key_span(&record->key), record->message, &entry);
    struct head head = { record->db, (uint32_t)record->key.len, (uint32_t)entry.len, record->value.len };
    size_t need = batch->len + sizeof head + record->key.len + entry.len + record->value.len;
    if (need > batch->size) {
        batch->size = need * 2;
        batch->data = tg_xrealloc(batch->data, batch->size);
    }
    add(batch, &head, sizeof head);
    add(batch, record->key.data, record->key.len);
    add(batch, entry.data, entry.len);
    add(batch, record->value.data, record->value.len);
    batch->records++;
}

void tg_dump_batch_empty(struct tg_dump_batch *batch)
{
    batch->records = batch->len = 0;
}

void tg_dump_batch_free(struct tg_dump_batch *batch)
{
    free(batch->data);
    *batch = (struct tg_dump_batch){ 0 };
}

static const uint8_t *take_key(const uint8_t *at, size_t len, struct tg_key *key)
{
    key->len = len;
    memcpy(key->data, at, len);
    return at + len;
}

enum tg_code tg_dump_batch_put(struct tg_change *change, void *arg, struct tg_error *err)
{
    const struct tg_dump_batch *batch = arg;
    const uint8_t *at = batch->data;
    struct tg_key key, entry;
    struct head head;
    for (size_t n = 0; n < batch->records; n++) {
        memcpy(&head, at, sizeof head);
        at = take_key(at + sizeof head, head.key_len, &key);
        at = take_key(at, head.entry_len, &entry);
        /* Among the records of meta stands the import's own mark. */
        if (head.db == TG_DB_META)
            tg_put(change, head.db, &key, tg_span_of(at, head.value_len));
        else
            tg_append(change, head.db, &key, tg_span_of(at, head.value_len));
        at += head.value_len;
        if (head.entry_len > 0)
            tg_put(change, tg_catalog(head.db)->index, &entry, tg_span_of("", 0));
    }
    return tg_change_error(change, err);
}
