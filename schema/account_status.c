/* account_status.c: names and facts derived from an account's record; pure. */
#include <string.h>
#include "schema/account.h"
#include "schema/words.h"

enum tg_status tg_account_status(const Tg__Account *account)
{
    if (account->disabled)
        return TG_STATUS_DISABLED;
    if (account->payment == TG__PAYMENT__OVERDUE)
        return TG_STATUS_ERROR;
    return account->payment == TG__PAYMENT__AWAITED ? TG_STATUS_WAITING : TG_STATUS_ENABLED;
}

static const char *const status_names[] = { "enabled", "waiting", "error", "disabled" };

const char *tg_status_name(enum tg_status status)
{
    return status_names[status];
}

bool tg_status_parse(const char *text, enum tg_status *status)
{
    size_t number;
    if (!tg_word_find(TG_WORDS(status_names), text, &number))
        return false;
    *status = (enum tg_status)number;
    return true;
}

const char *tg_account_status_reason(const Tg__Account *account)
{
    switch (tg_account_status(account)) {
    case TG_STATUS_DISABLED: return *account->disabled_reason != '\0' ? account->disabled_reason : "by the provider";
    case TG_STATUS_ERROR: return "payment not made";
    case TG_STATUS_WAITING: return "waiting for payment";
    case TG_STATUS_ENABLED: break;
    }
    return "";
}

const char *tg_account_type_name(Tg__AccountType type)
{
    return type == TG__ACCOUNT_TYPE__PROMOTIONAL ? "promotional" : "transactional";
}

bool tg_account_type_parse(const char *text, Tg__AccountType *type)
{
    if (strcmp(text, "transactional") == 0)
        *type = TG__ACCOUNT_TYPE__TRANSACTIONAL;
    else if (strcmp(text, "promotional") == 0)
        *type = TG__ACCOUNT_TYPE__PROMOTIONAL;
    else
        return false;
    return true;
}

/* The tighter of two limits, of which 0 is none. */
static uint64_t tighter(uint64_t a, uint64_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

struct tg_plan tg_account_plan(const Tg__Account *account, uint64_t service_per_hour, uint64_t service_per_day)
{
    return (struct tg_plan){
        .kind = account->plan,
        .messages = account->plan_messages,
        .since = account->plan_since,
        .next_at = account->next_at,
        .next_kind = account->next_plan,
        .next_messages = account->next_messages,
        .max_per_hour = tighter(account->max_per_hour, service_per_hour),
        .max_per_day = tighter(account->max_per_day, service_per_day),
    };
}
