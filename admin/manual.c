/* manual.c: tollgate(1) in mdoc, from the table of commands. */
#include <string.h>
#include "admin/help.h"
#include "schema/template.h"

/* A backslash begins an escape; a quote or dot at a line's start a request, which no text here begins with. */
static void text(FILE *out, const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s == '\\')
            fputs("\\e", out);
        else if (*s == '"')
            fputs("\\(dq", out);
        else if (*s == '-')
            fputs("\\-", out);
        else if ((unsigned char)s[0] == 0xe2 && (unsigned char)s[1] == 0x80 && (unsigned char)s[2] == 0xa6)
            fputs("...", out), s += 2;
        else
            fputc(*s, out);
    }
}

/* ": accepted, refused"; a head of so many could not be folded. */
static void choices(FILE *out, const char *all)
{
    const char *between = ": ";
    for (const char *c = all; *c != '\0'; c += strcspn(c, "|"), c += *c == '|', between = ", ") {
        char word[40];
        snprintf(word, sizeof word, "%.*s", (int)strcspn(c, "|"), c);
        fputs(between, out);
        text(out, word);
    }
}

static void write_command(FILE *out, const struct command *c)
{
    fprintf(out, ".It Ic %s%s%s", c->noun, c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "");
    if (c->args != NULL) {
        fputs(" Ar ", out);
        text(out, c->args);
    }
    fputc('\n', out);
    text(out, c->summary);
    fputc('\n', out);
    if (c->question != NULL)
        fputs("Asks first, on a terminal; elsewhere it needs\n.Fl \\-yes .\n", out);
    if (c->options[0].name != NULL) {
        fputs(".Bl -tag -width Ds -compact\n", out);
        for (const struct opt *o = c->options; o->name != NULL; o++) {
            fprintf(out, ".It Fl \\-%s", o->name);
            if (o->type != OPT_FLAG) {
                fputs(" Ar ", out);
                text(out, o->type == OPT_CHOICE && strlen(o->choices) < 60 ? o->choices : o->value);
            }
            fputc('\n', out);
            text(out, o->help);
            if (o->type == OPT_CHOICE && strlen(o->choices) >= 60)
                choices(out, o->choices);
            fputs(o->required ? " (required).\n" : ".\n", out);
        }
        fputs(".El\n", out);
    }
    fputs(".Dl ", out);
    text(out, c->example);
    fputc('\n', out);
}

/* The rules of schema/billing.h, notice.h and sweep.h, for people. */
static const char money[] =
    ".Sh PLANS AND MONEY\n"
    "A plan and a number of messages make an offer, which has a price and is on sale or not\n.Pq Ic plan set .\n"
    "Prices are exact: they are read digit by digit and kept in the currency's smallest unit.\n"
    "What is taken off sale can't be chosen any more; who has it keeps it, and renews it at the price of the day.\n"
    "A paid plan needs the customer's billing data: company (or name) and address.\n"
    ".Ss Orders\n"
    "Everything that costs is an order first: the opening of an account, the next month of it\n.Pq Li renewal ,\n"
    "a further package\n.Pq Li topup ,\nor another plan\n.Pq Li change .\n"
    "The customer is mailed a summary with the payment link, and again when it is paid.\n"
    "An order is named by its number or by its token, which nobody can guess.\n"
    ".Ic order pay\n"
    "does what was ordered, once: reported again with the same\n.Fl \\-reference ,\nor with none, nothing happens and the exit status is 0;\n"
    "another reference on an order that is paid is another payment, and is refused, as is money for a cancelled order.\n"
    "Of each kind one order of an account may wait for its payment at a time.\n"
    "An order that is not paid within\n.Ic grace_days\n"
    "becomes overdue.\nWas it an opening or a renewal, the account is in error until it is paid.\n"
    "A further package or another plan that nobody pays does no harm; a new order of that kind takes its place, and until then\n"
    "money for it is taken.\n"
    ".Ss Free\n"
    "One account per customer at a time; an account that will be free at the end of its period counts.\n"
    "Removing it, or moving it to another plan (which happens at payment), makes room.\n"
    "Free comes in one size: putting another one on sale takes the first off.\n"
    ".Ss Monthly\n"
    "The first period begins when the opening is paid, and periods keep that day of the month and time of day, in UTC; where a\n"
    "month lacks the day, its last day.\nWhat a period leaves over expires with it.\n"
    "Seven days before the end of what is paid the renewal is ordered, once.\n"
    "Paid early, it changes nothing before its period begins.\n"
    "It is payable until\n.Ic grace_days\nafter that; until then the account goes on with the new period's messages.\n"
    "Then the account is in error, and no further renewals are made.\n"
    "Paid late, the renewal pays the period that it names; where that is over, a new period begins at the payment.\n"
    "A renewal that is cancelled is not ordered again: the account is in error from the end of what is paid.\n"
    ".Ic account plan\nthen begins anew.\nAn account that is disabled is billed all the same: cancel its renewal to end it.\n"
    ".Ss Prepaid\n"
    "A package is valid for twelve months from its payment.\n"
    "A further one adds its messages, and all that is left then is valid for twelve months from that payment: nothing is lost by\n"
    "buying early.\nWhat has expired before does not come back.\n"
    ".Ss Another plan\n"
    "Up comes when its order is paid: from free to any other, from monthly to more messages, from monthly to prepaid.\n"
    "It begins at the payment, with a period or package of its own.\n"
    "What is left of a paid period goes along into the new plan's first period, or package, and so do periods that were paid ahead;\n"
    "what was free, or not paid yet, does not.\nThe renewal of the old plan is cancelled.\n"
    "Down comes at the end of what is paid, to the second: from monthly to fewer messages, or to free.\n"
    "A renewal that waits for its payment becomes one for the smaller plan; while the running period is owed, down is refused.\n"
    "The present plan asked for again takes back what was coming, until the smaller plan's first period is paid: from then on\n"
    "only up is possible, or another plan when that period has begun.\n"
    "Prepaid messages are not taken away: another plan is refused while any are left.\n"
    ".Ic account show\nsays what is coming, and what is to be paid.\n"
    ".Ss Ledger\n"
    "Every movement of an account's balance is in\n.Ic account ledger ,\nand they sum up to what is left, always.\n"
    ".Ic store check\nholds that against what was counted and against the activity.\n"
    ".Ss Mails\n"
    "Mails are written with the change that causes them, sent by the command right after it, and again every hour where that\n"
    "failed, for seven days;\n.Ic order show\nsays how it stands.\nEach text is built in, and replaced by a file in the directory\n"
    ".Ic templates :\n";

static const char after_templates[] =
    "A file with any other word is not used, and the sweep says so.\n"
    ".Ss Notices\n"
    "The customer is told when 80 and 100 per cent of a plan are used, once a period or package; 30 and 7 days before a package with\n"
    "messages in it expires; when the account is disabled or in error; and of a new password.\n"
    "The provider\n.Pq Ic provider_mail\n"
    "is told, once a day and account: that the hourly or daily limit was met; that a day has more than three times the recipients\n"
    "of the busiest of the 28 days before (from 100 on, with three days of mail among them); that mail came from a new network (/24\n"
    "or /48) after 14 days without; that a tenth of a day's recipients, and at least 20, bounced hard.\n"
    ".Ic account set Ar USER Fl \\-notices Cm off\nstops both, but not the mails about orders.\n"
    ".Ss The sweep\n"
    ".Xr tollgate-authd 8\n"
    "does every hour what\n.Ic sweep\ndoes by hand.\n"
    "What was done is not done again, so it may be run at any time, by several at once, and after it was killed.\n"
    "Domains are asked about last, for two minutes at most; where the DNS leaves a hundred questions in a row without an answer,\n"
    "no more are asked. The sweep says so, and the next one begins at another letter.\n"
    "Activity is removed\n.Ic activity_days\nafter its day, as are mails that were sent.\n"
    "The counts of each day stay for\n.Ic daily_days ,\nthen they are added to one sum an account, so that\n.Ic store check\n"
    "still finds all that was ever used.\n"
    ".Ss A clock that was ahead\n"
    "For an account time never goes back, or setting the clock back would give messages.\n"
    "So what was counted, ordered or swept by a clock that was ahead stays in that time when the clock is right again: the period is\n"
    "a later one, with no other until it ends; a limit by the hour that was reached stays so; orders are overdue too early, packages\n"
    "expired.\n.Ic doctor\nthen says that the clock is behind.\n.Ic store set-back\n"
    "brings each account back to now, says what it has, and keeps that in the audit log.\n"
    "It has what was left of the period that contains now, less all that was used since: nobody gains a message.\n"
    "A package lasts twelve months from now at most.\n"
    "Events keep their time; what was mailed, or removed by retention, is not undone.\n"
    "Run with a clock that is behind it would do harm, so it asks whether the time is right.\n";

static void write_templates(FILE *out)
{
    for (int kind = 0; kind < TG_MAIL_KINDS; kind++)
        fprintf(out, ".Pa %s.txt %s\n", tg_mail_kind_name((enum tg_mail_kind)kind), kind + 1 < TG_MAIL_KINDS ? "," : ".");
    fputs("Its first line is\n.Ql Subject:\nand the subject, then an empty line, then the text, in UTF-8.\nWhat it may say:\n", out);
    for (size_t i = 0; tg_template_word(i) != NULL; i++)
        fprintf(out, ".Li {{%s}} %s\n", tg_template_word(i), tg_template_word(i + 1) != NULL ? "," : ".");
}

void help_manual(FILE *out)
{
    fputs(".Dd November 24, 2026\n.Dt TOLLGATE 1\n.Os\n.Sh NAME\n.Nm tollgate\n.Nd manage the accounts of an outbound mail relay\n"
          ".Sh SYNOPSIS\n.Nm\n.Op Fl c Ar file\n.Op Fl \\-json\n.Op Fl \\-yes\n.Ar command ...\n"
          ".Sh DESCRIPTION\n.Nm\nmanages customers, accounts, sender domains and authorised addresses in the store that\n"
          ".Xr tollgate-authd 8\nand\n.Xr tollgate-milter 8\nread.\nWhat it changes counts for the very next SMTP command.\n.Pp\n"
          ".Bl -tag -width Ds\n.It Fl c Ar file\nThe configuration, see\n.Xr tollgate.conf 5 .\n"
          ".It Fl \\-json\nResults as JSON on standard output:\n.Ql list\nprints an array, everything else one object; keys in snake_case, times in RFC 3339 UTC.\n"
          "Errors are an object on standard error:\n.Ql {\\(dqerror\\(dq:{\\(dqcode\\(dq,\\(dqmessage\\(dq}} .\n"
          ".It Fl \\-yes\nAnswers yes where a command would ask.\n.El\n.Pp\n"
          "Started as root it becomes the owner of the store before it opens it.\n"
          "A table is cut to the terminal's width; in a pipe nothing is cut.\nTimes in tables are local.\n"
          ".Pp\nA list is printed as it is read, however long it is.\n"
          "It is of one moment as long as the reader keeps up; behind a pause of some seconds, and on a terminal, what follows may be newer.\n"
          "An array that an error ends before its time has no closing bracket, and the exit status is not 0.\n"
          ".Sh COMMANDS\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; commands[i] != NULL; i++)
        write_command(out, commands[i]);
    fputs(".El\n", out);
    help_keeping(out);
    fputs(money, out);
    write_templates(out);
    fputs(after_templates, out);
    fputs(".Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev TOLLGATE_CONFIG\nThe configuration, where\n.Fl c\nis not given.\n"
          ".It Ev NO_COLOR\nNo colours, also on a terminal.\n.It Ev COLUMNS\nThe width of tables.\n"
          ".It Ev SUDO_USER\nStands in the audit log beside the user.\n.El\n"
          ".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n.It 0\ndone\n.It 1\nfailed\n.It 2\nusage\n.It 3\nnot found\n"
          ".It 4\nrefused by a rule: a limit is reached, it is there already, it is in use, the password is wrong\n"
          ".It 5\nstore or configuration unusable\n.El\n"
          ".Sh SEE ALSO\n.Xr tollgate.conf 5 ,\n.Xr tollgate-authd 8 ,\n.Xr tollgate-milter 8\n", out);
}
