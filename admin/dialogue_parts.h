/* dialogue_parts.h: what the steps of the dialogue share. Nobody else includes it. */
#ifndef ADMIN_DIALOGUE_PARTS_H
#define ADMIN_DIALOGUE_PARTS_H

#include "admin/command.h"
#include "admin/dialogue_input.h"
#include "admin/dialogue_menu.h"
#include "admin/shop.h"
#include "schema/signup.h"

struct dialogue {
    struct context *context;
    struct asker *asker;
    struct tg_arena *arena;    /* of all that is given */
    struct tg_signup signup;
    Tg__Customer known;        /* the customer who was found, as the store has it; id 0: none */
    Tg__Billing billing;       /* what was entered */
    Tg__Offer offer;           /* currency NULL: none chosen yet */
    struct tg_error *err;      /* where a step fails */
};

enum step_outcome { STEP_DONE, STEP_BACK, STEP_GONE, STEP_FAILED };

enum { STEP_ACCOUNT, STEP_PLAN, STEP_CUSTOMER, STEP_BILLING, STEP_SUMMARY, STEP_CREDENTIALS, STEPS };

/* "2 of 6  Plan" */
void dialogue_heading(struct dialogue *d, int step);
/* Why it was not taken; what the sentence says of options is left out. */
void dialogue_reason(struct dialogue *d, const struct tg_error *why);
/* A text until it is accepted (check NULL: any), as the last one stands there to be edited. */
typedef enum tg_code dialogue_check_fn(const struct dialogue *d, int field, const char *text, struct tg_error *err);
enum answer dialogue_text(struct dialogue *d, const char *label, dialogue_check_fn *check, int field, char **text);
enum answer dialogue_yes(struct dialogue *d, const char *question, bool *yes);

enum step_outcome dialogue_outcome(enum answer answer);

/* The plan costs something: it is ordered, and billed. */
bool dialogue_costs(const struct dialogue *d);
/* "20,000 messages a month" */
const char *dialogue_size(struct tg_arena *arena, const Tg__Offer *offer);
/* "9.90 EUR" */
const char *dialogue_price(struct tg_arena *arena, const Tg__Offer *offer);

/* Step 1 … 6. */
enum step_outcome dialogue_account(struct dialogue *d);
enum step_outcome dialogue_plan(struct dialogue *d);
enum step_outcome dialogue_customer(struct dialogue *d);
enum step_outcome dialogue_billing(struct dialogue *d);
/* *next: the step to go back to; STEP_CREDENTIALS: it shall be done. */
enum step_outcome dialogue_summary(struct dialogue *d, int *next);
/* Shows the credentials, once, and asks for a domain. The account stands, whatever happens here. */
void dialogue_credentials(struct dialogue *d, const json_t *account, const struct tg_secret *password, const json_t *order);

/* May the customer who was found have the plan that was chosen? (He may where either is not yet.) false: the reason is told,
 * and another is to be chosen; true: the step is over, with this outcome. */
bool dialogue_customer_fits(struct dialogue *d, enum step_outcome *outcome) TG_MUST_CHECK;

#endif
