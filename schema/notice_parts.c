/* notice_parts.c: see notice_parts.h. */
#include <assert.h>
#include "schema/notice_parts.h"

struct tg_due *tg_due_add(struct tg_due_list *list, enum tg_mail_kind kind)
{
    assert(list->count < TG_DUE_MAX);
    struct tg_due *due = &list->due[list->count++];
    *due = (struct tg_due){ .kind = kind, .detail = "", .reason = "" };
    return due;
}
