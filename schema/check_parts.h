/* check_parts.h: what the files of the check share. Nobody else includes it. */
#ifndef TG_CHECK_PARTS_H
#define TG_CHECK_PARTS_H

#include "schema/check.h"
#include "schema/usage.h"
#include "schema/records.pb-c.h"

struct check {
    struct tg_view *view;
    int64_t now;
    tg_problem_fn *problem;
    tg_progress_fn *progress;
    void *arg;
    uint64_t done, all;
};

/* Tells of a problem, in one sentence. */
void tg_check_found(struct check *c, const char *format, ...) TG_PRINTF(2, 3);
void tg_check_bad_key(struct check *c, enum tg_db db);
/* There is such a key; nothing is told. */
bool tg_check_exists(struct check *c, enum tg_db db, struct tg_key key);
/* A record of this type, or NULL (and a problem). */
void *tg_check_record(struct check *c, enum tg_db db, struct tg_span value, const ProtobufCMessageDescriptor *type);
/* A problem where there is no such account; account 0 and, in daily, the whole relay's sums need none. */
void tg_check_owned(struct check *c, enum tg_db db, uint64_t account_id);

/* A number for "%llu". */
static inline unsigned long long n(uint64_t number)
{
    return number;
}

/* check_money.c */
void tg_check_money(struct check *c, const Tg__Account *account, const struct tg_usage *usage);
void tg_check_open_orders(struct check *c, const Tg__Account *account);
void tg_check_order(struct check *c, struct tg_span key, struct tg_span value);
void tg_check_daily(struct check *c, struct tg_span key, struct tg_span value);

#endif
