/* dump_batch.h: records on their way from a file into the store, packed one behind the other with the entries of their
 * indexes: what one change of an import writes, and may write again. */
#ifndef TG_DUMP_BATCH_H
#define TG_DUMP_BATCH_H

#include "schema/dump_line.h"
#include "schema/store.h"

struct tg_dump_batch {
    size_t records;
    size_t len; /* octets */
    /* Its own. */
    size_t size;
    uint8_t *data;
};

/* Nothing of the record is needed any more. */
void tg_dump_batch_add(struct tg_dump_batch *batch, const struct tg_dump_record *record);
/* Keeps its memory. */
void tg_dump_batch_empty(struct tg_dump_batch *batch);
void tg_dump_batch_free(struct tg_dump_batch *batch);

/* A tg_change_fn; arg is the batch. The records of a database must come in the order of their keys, behind those that are there. */
enum tg_code tg_dump_batch_put(struct tg_change *change, void *arg, struct tg_error *err) TG_MUST_CHECK;

#endif
