/* signup.c: see signup.h. */
#include "schema/customer.h"
#include "schema/signup.h"

static enum tg_code new_customer(struct tg_change *change, const struct tg_signup *signup, Tg__Billing *billing, int64_t now,
                                 uint64_t *id, struct tg_error *err)
{
    Tg__Customer customer = signup->customer;
    customer.billing = billing;
    enum tg_code code = tg_customer_add(change, &customer, now, err);
    *id = customer.id;
    return code;
}

enum tg_code tg_signup(struct tg_change *change, const struct tg_shop *shop, const struct tg_signup *signup, int64_t now,
                       Tg__Account **account, struct tg_secret *password, Tg__Order **order, struct tg_error *err)
{
    Tg__Account wish = signup->wish;
    Tg__Billing billing = TG__BILLING__INIT;
    Tg__Customer *customer;
    enum tg_code code = TG_OK;
    bool bills = wish.plan != TG__PLAN_KIND__FREE && signup->customer.billing != NULL;
    if (bills) {
        billing = *signup->customer.billing;
        billing.entered_at = now;
    }
    wish.customer_id = signup->customer.id;
    if (wish.customer_id == 0) {
        code = new_customer(change, signup, bills ? &billing : NULL, now, &wish.customer_id, err);
    } else if (bills) {
        code = tg_customer_get(tg_change_view(change), wish.customer_id, &customer, err);
        if (code == TG_OK) {
            customer->billing = &billing;
            code = tg_customer_update(change, customer, "customer billing", now, err);
        }
    }
    return code == TG_OK ? tg_billing_add(change, shop, &wish, now, account, password, order, err) : code;
}
