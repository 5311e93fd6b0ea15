/* signup.h: everything that a customer who wants an account gives, taken in one change. */
#ifndef TG_SIGNUP_H
#define TG_SIGNUP_H

#include "schema/billing.h"

struct tg_signup {
    Tg__Customer customer; /* id 0: a new one; else one that is there, of which only `billing` counts here (NULL: stays as it is) */
    Tg__Account wish;      /* as tg_billing_add takes it, but for customer_id */
};

/* Records the customer or its billing data, and the account with its order (*order NULL: nothing is to be paid), by the rules of
 * customer.h and billing.h; what they refuse leaves nothing behind. Billing data counts on a paid plan only. *signup stays
 * as it is. */
enum tg_code tg_signup(struct tg_change *change, const struct tg_shop *shop, const struct tg_signup *signup, int64_t now,
                       Tg__Account **account, struct tg_secret *password, Tg__Order **order, struct tg_error *err) TG_MUST_CHECK;

#endif
