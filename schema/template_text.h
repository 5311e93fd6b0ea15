/* template_text.h: the built-in texts, one a kind; template.c is the only reader. Tests hold them against
 * tg_template_check. */
static const struct {
    const char *name, *text;
} built_in[TG_MAIL_KINDS] = {
    [TG_MAIL_ORDER] = { "order",
        "Subject: Your order {{order}}: {{plan}}, {{messages}} messages\n\n"
        "Dear {{name}},\n\n"
        "thank you for your order.\n\n"
        "  Order:    {{order}}\n"
        "  Account:  {{username}} ({{description}})\n"
        "  Plan:     {{plan}}, {{messages}} messages\n"
        "  Amount:   {{amount}} {{currency}}\n"
        "  Payable:  until {{due}}\n\n"
        "{{payment}}\n\n"
        "The account can send, or has what was ordered, as soon as the payment is made.\n" },
    [TG_MAIL_RENEWAL] = { "renewal",
        "Subject: The next month of {{username}}: order {{order}}\n\n"
        "Dear {{name}},\n\n"
        "a new period of your plan begins on {{period_start}}.\n\n"
        "  Order:    {{order}}\n"
        "  Account:  {{username}} ({{description}})\n"
        "  Plan:     {{plan}}, {{messages}} messages a month\n"
        "  Amount:   {{amount}} {{currency}}\n"
        "  Payable:  until {{due}}\n\n"
        "{{payment}}\n\n"
        "If it is not paid by then, the account can't send until it is.\n" },
    [TG_MAIL_PAID] = { "paid",
        "Subject: Order {{order}} is paid\n\n"
        "Dear {{name}},\n\n"
        "your payment of {{amount}} {{currency}} for the order {{order}} has arrived.\n\n"
        "  Account:  {{username}} ({{description}})\n"
        "  Plan:     {{plan}}, {{messages}} messages\n"
        "  Left:     {{left}} messages\n"
        "  Until:    {{until}}\n" },
    [TG_MAIL_QUOTA] = { "quota",
        "Subject: {{username}} has used {{percent}} % of its plan\n\n"
        "Dear {{name}},\n\n"
        "the account {{username}} ({{description}}) has used {{used}} of {{limit}} messages; {{left}} are left until {{until}}.\n"
        "When none are left, its mail is not taken.\n" },
    [TG_MAIL_EXPIRY] = { "expiry",
        "Subject: The prepaid messages of {{username}} expire on {{until}}\n\n"
        "Dear {{name}},\n\n"
        "the account {{username}} ({{description}}) has {{left}} messages left, which expire on {{until}}.\n"
        "A further package before that day makes all of them valid for twelve months from its payment.\n" },
    [TG_MAIL_DISABLED] = { "disabled",
        "Subject: The account {{username}} is disabled\n\n"
        "Dear {{name}},\n\n"
        "the account {{username}} ({{description}}) was disabled: {{reason}}.\n"
        "It can neither log in nor send until it is enabled again.\n" },
    [TG_MAIL_ERROR] = { "error",
        "Subject: The account {{username}} can't send: {{reason}}\n\n"
        "Dear {{name}},\n\n"
        "the mail of the account {{username}} ({{description}}) is not taken any more: {{reason}}.\n\n"
        "{{payment}}\n" },
    [TG_MAIL_PASSWORD] = { "password",
        "Subject: The account {{username}} has a new password\n\n"
        "Dear {{name}},\n\n"
        "a new password was made for the account {{username}} ({{description}}). {{detail}}\n"
        "If you know nothing of it, please tell us.\n" },
    [TG_MAIL_CAP] = { "cap",
        "Subject: {{username}} meets its limits\n\n"
        "The account {{username}} ({{description}}) of customer {{customer}}, {{name}}, met its hourly or daily limit:\n"
        "{{detail}}\n\n"
        "If this is not its usual mail, its password may be in other hands: tollgate activity {{username}}\n" },
    [TG_MAIL_UNUSUAL] = { "unusual",
        "Subject: {{username}} sends far more than before\n\n"
        "The account {{username}} ({{description}}) of customer {{customer}}, {{name}}, sends far more than before:\n"
        "{{detail}}\n\n"
        "If this is not its usual mail, its password may be in other hands: tollgate activity {{username}}\n" },
    [TG_MAIL_NETWORK] = { "network",
        "Subject: {{username}} is used from a new network\n\n"
        "The account {{username}} ({{description}}) of customer {{customer}}, {{name}}, is used again, from a new network:\n"
        "{{detail}}\n\n"
        "If this is not its usual mail, its password may be in other hands: tollgate activity {{username}}\n" },
    [TG_MAIL_BOUNCES] = { "bounces",
        "Subject: Much of the mail of {{username}} bounces\n\n"
        "Much of the mail of the account {{username}} ({{description}}) of customer {{customer}}, {{name}}, bounces:\n"
        "{{detail}}\n\n"
        "Look at it: tollgate activity {{username}} --kind bounce\n" },
    [TG_MAIL_REPUTATION] = { "reputation",
        "Subject: {{username}} was disabled for its reputation\n\n"
        "The account {{username}} ({{description}}) of customer {{customer}}, {{name}}, was disabled:\n"
        "{{reason}}.\n\n"
        "Look at it: tollgate account show {{username}}\n"
        "To let it send again: tollgate account enable {{username}}\n" },
};

/* What a template may say. */
static const char *const words[] = {
    "name", "customer", "username", "description", "order", "plan", "messages", "amount", "currency", "due", "payment",
    "payment_url", "period_start", "left", "used", "limit", "percent", "until", "reason", "detail",
};
