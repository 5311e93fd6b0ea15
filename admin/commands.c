/* commands.c: the table of commands. */
#include "admin/commands.h"

const struct command *const commands[] = {
    &cmd_init,
    &cmd_customer_add, &cmd_customer_list, &cmd_customer_show, &cmd_customer_set, &cmd_customer_billing,
    &cmd_customer_remove,
    &cmd_account_add, &cmd_account_list, &cmd_account_show, &cmd_account_set, &cmd_account_enable,
    &cmd_account_disable, &cmd_account_password, &cmd_account_plan, &cmd_account_topup,
    &cmd_account_credit, &cmd_account_ledger, &cmd_account_remove,
    &cmd_domain_add, &cmd_domain_list, &cmd_domain_show, &cmd_domain_verify, &cmd_domain_associate,
    &cmd_domain_dissociate, &cmd_domain_remove,
    &cmd_ip_add, &cmd_ip_remove, &cmd_ip_list, &cmd_ip_lookup,
    &cmd_plan_list, &cmd_plan_set, &cmd_plan_quote,
    &cmd_order_list, &cmd_order_show, &cmd_order_pay, &cmd_order_cancel,
    &cmd_activity, &cmd_stats, &cmd_trace, &cmd_audit,
    &cmd_explain,
    &cmd_auth_test,
    &cmd_store_check, &cmd_store_backup, &cmd_store_restore, &cmd_store_export, &cmd_store_import, &cmd_store_compact,
    &cmd_store_rotate_keys, &cmd_store_set_back,
    &cmd_sweep,
    &cmd_doctor,
    &cmd_completion,
    NULL,
};
