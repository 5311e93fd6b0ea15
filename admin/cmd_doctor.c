/* cmd_doctor.c: tollgate doctor: a table of checks, and how their findings look. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "admin/commands.h"
#include "admin/doctor.h"
#include "admin/json.h"
#include "admin/terminal.h"

/* In this order: the sockets and Postfix are looked at as who we are, then root becomes the store's owner. */
static const struct {
    const char *check, *sentence;
    void (*run)(struct doctor *doctor);
    bool of_postfix;  /* only where Postfix could be asked */
} table[] = {
    { "configuration", "the configuration is in order", doctor_configuration, false },
    { "postfix", "Postfix's settings could be read", doctor_ask_postfix, false },
    { "sockets", "Postfix may use the sockets", doctor_sockets, false },
    { "auth", "the auth door answers and offers the configured mechanisms", doctor_auth_door, false },
    { "policy", "the policy door answers", doctor_policy_door, false },
    { "socketmap", "the socketmap door answers, and does not know what it must not", doctor_socketmap_door, false },
    { "dict", "the dict door answers, and does not know what it must not", doctor_dict_door, false },
    { "saslauthd", "the saslauthd door answers, and refuses what it must", doctor_saslauthd_door, false },
    { "milter", "the milter answers and negotiates", doctor_milter_door, false },
    { "http", "the daemons say that they are ready", doctor_http_doors, false },
    { "version", "both daemons are of this command's version", doctor_version, false },
    { "smtpd_milters", "every smtpd has Tollgate's milter, and has it last", doctor_milters, true },
    { "milter_default_action", "mail waits while the milter is away", doctor_milter_action, true },
    { "smtpd_sasl", "logins are checked by Tollgate", doctor_sasl, true },
    { "relay", "Postfix asks the policy door who may relay, and lets nobody else", doctor_relay, true },
    { "order", "nobody is let past a check that is meant for him", doctor_order, true },
    { "chroot", "no smtpd is kept from the sockets by a chroot", doctor_chroot, true },
    { "return-path", "delivery reports find their way back", doctor_return_path, true },
    { "message", "the milter sees each message as it was sent", doctor_message_settings, true },
    { "store-files", "the store belongs to the daemons' user, and to nobody else; the disk has room", doctor_store_files, false },
    { "store", "the store can be read", doctor_store, false },
    { "clock", "the clock is not behind what was recorded", doctor_clock, false },
};

/* ---- findings ---- */

static bool told(const struct doctor *d, const char *text)
{
    size_t i;
    const json_t *one;
    json_array_foreach(d->checks, i, one)
        if (strcmp(json_text_of(one, "check"), d->check) == 0 && strcmp(json_text_of(one, "text"), text) == 0)
            return true;
    return false;
}

static void find(struct doctor *d, const char *result, const char *format, va_list args) TG_PRINTF(3, 0);
static void find(struct doctor *d, const char *result, const char *format, va_list args)
{
    char text[600];
    vsnprintf(text, sizeof text, format, args);
    if (told(d, text))
        return;
    json_array_append_new(d->checks, json_pack("{s:s, s:s, s:o, s:n}", "check", d->check, "result", result, "text",
                                               json_text(text), "remedy"));
    d->errors += strcmp(result, "error") == 0;
}

void doctor_error(struct doctor *doctor, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    find(doctor, "error", format, args);
    va_end(args);
}

void doctor_warn(struct doctor *doctor, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    find(doctor, "warning", format, args);
    va_end(args);
}

void doctor_ok(struct doctor *doctor, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    find(doctor, "ok", format, args);
    va_end(args);
}

void doctor_remedy(struct doctor *doctor, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_object_set_new(json_array_get(doctor->checks, json_array_size(doctor->checks) - 1), "remedy", json_text(text));
}

/* ---- the command ---- */

static enum tg_code doctor(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    const char *postconf = input_text(in, "postconf");
    struct doctor d = {
        .settings = c->settings, .postconf = postconf, .now = c->now, .checks = json_array(),
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].of_postfix && d.postfix == NULL)
            continue;
        size_t before = json_array_size(d.checks);
        d.check = table[i].check;
        table[i].run(&d);
        if (json_array_size(d.checks) == before)
            doctor_ok(&d, "%s", table[i].sentence);
    }
    postfix_free(&d.postfix);
    tg_store_close(&d.store);
    *result = json_pack("{s:b, s:o}", "ok", d.errors == 0, "checks", d.checks);
    if (d.errors == 0)
        return TG_OK;
    return tg_fail(err, TG_FAILED, "%zu error%s: each has the line that mends it", d.errors, d.errors == 1 ? "" : "s");
}

static void render(const struct terminal *t, const json_t *result)
{
    static const struct { const char *result, *mark; enum colour colour; } marks[] = {
        { "ok", "ok", GREEN }, { "warning", "warning", YELLOW }, { "error", "ERROR", RED },
    };
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(result, "checks"), i, one) {
        const char *word = json_text_of(one, "result");
        const char *remedy = json_string_value(json_object_get(one, "remedy"));
        size_t m = 0;
        while (strcmp(marks[m].result, word) != 0)
            m++;
        fputs(terminal_colour(t, marks[m].colour), t->out);
        terminal_text(t, marks[m].mark, 0, 9);
        fputs(terminal_plain(t), t->out);
        terminal_text(t, json_text_of(one, "check"), 0, 23);
        terminal_text(t, json_text_of(one, "text"), 0, 0);
        if (remedy != NULL) {
            fprintf(t->out, "\n%9s%s", "", terminal_colour(t, BOLD));
            terminal_text(t, remedy, 0, 0);
            fputs(terminal_plain(t), t->out);
        }
        fputc('\n', t->out);
    }
}

const struct command cmd_doctor = {
    .noun = "doctor",
    .summary = "Look at the configuration, the store, the sockets and Postfix, ask every open door, and say what is wrong and "
               "the line that mends it. As root: others may not see everything. Changes nothing, but a question at the "
               "saslauthd door is a failed login of nobody's. Exit status 1 where there is an error.",
    .options = (const struct opt[]){
        { .name = "postconf", .type = OPT_TEXT, .value = "COMMAND", .help = "how to ask Postfix, run by sh; default: postconf" },
        { 0 } },
    .example = "tollgate doctor --postconf 'postconf -c /etc/postfix-relay'",
    .no_store = true,
    .render = render,
    .run = doctor,
};
