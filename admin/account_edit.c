/* account_edit.c: see account_edit.h. */
#include "admin/account_edit.h"
#include "admin/json.h"
#include "schema/notice.h"
#include "schema/order.h"

enum tg_code account_edit_show(struct tg_view *view, const struct account_edit *e, const Tg__Account *account, struct tg_error *err)
{
    json_decref(*e->result);
    *e->result = NULL;
    return json_account(view, e->context->settings, account, e->context->now, e->result, err);
}

enum tg_code account_edit_show_by_name(struct tg_change *change, const struct account_edit *e, struct tg_error *err)
{
    Tg__Account *account;
    enum tg_code code = tg_account_by_username(tg_change_view(change), e->input->arg[0], &account, err);
    return code == TG_OK ? account_edit_show(tg_change_view(change), e, account, err) : code;
}

void account_edit_apply(const struct input *in, Tg__Account *a)
{
    const struct value *v;
    if ((v = input_value(in, "description"))->given)
        a->description = (char *)v->text;
    if ((v = input_value(in, "type"))->given)
        tg_account_type_parse(v->text, &a->type);
    if ((v = input_value(in, "notify"))->given)
        a->notify = (char *)v->text;
    if ((v = input_value(in, "max-domains"))->given)
        a->max_domains = (uint32_t)v->number;
    if ((v = input_value(in, "max-recipients"))->given)
        a->max_recipients = (uint32_t)v->number;
    if ((v = input_value(in, "max-per-hour"))->given)
        a->max_per_hour = (uint64_t)v->number;
    if ((v = input_value(in, "max-per-day"))->given)
        a->max_per_day = (uint64_t)v->number;
    if ((v = input_value(in, "ip-lock"))->given)
        a->ip_lock = v->number != 0;
    if ((v = input_value(in, "any-sender"))->given)
        a->any_sender = v->number != 0;
    if ((v = input_value(in, "notices"))->given)
        a->no_notices = v->number == 0;
}

enum tg_code account_edit_notify(struct tg_change *change, const struct account_edit *e, struct tg_error *err)
{
    Tg__Account *account;
    size_t count;
    enum tg_code code = tg_account_by_username(tg_change_view(change), e->input->arg[0], &account, err);
    return code == TG_OK ? tg_notice_account(change, &e->shop.terms, account->id, e->context->now, &count, err) : code;
}

enum tg_code account_edit_order(const struct context *context, uint64_t order_id, json_t **out, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Order *order;
    *out = json_null();
    if (order_id == 0)
        return TG_OK;
    enum tg_code code = tg_view_begin(context->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_order_get(view, order_id, &order, err);
    if (code == TG_OK)
        *out = json_order(view, context->settings, order, context->now);
    tg_view_end(&view);
    return code;
}
