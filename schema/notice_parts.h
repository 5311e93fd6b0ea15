/* notice_parts.h: what notice.c (what is due) and notice_abuse.c (what looks like abuse) share. */
#ifndef TG_NOTICE_PARTS_H
#define TG_NOTICE_PARTS_H

#include "schema/account.h"
#include "schema/template.h"

struct tg_due {
    enum tg_mail_kind kind;
    const char *detail, *reason;
    unsigned percent;
};

enum { TG_DUE_MAX = 16 };

struct tg_due_list {
    Tg__Notices told;  /* as it will be */
    bool changed;      /* from what it was */
    size_t count;
    struct tg_due due[TG_DUE_MAX];
};

/* One more, without texts; to be filled in. */
struct tg_due *tg_due_add(struct tg_due_list *list, enum tg_mail_kind kind);

/* What of these two days looks like abuse. */
enum tg_code tg_notice_abuse(struct tg_view *view, const Tg__Account *account, int64_t today,
                             struct tg_due_list *list, struct tg_error *err) TG_MUST_CHECK;

#endif
