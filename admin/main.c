/* main.c: tollgate: parse, open, run, print. See tollgate(1). */
#include <errno.h>
#include <locale.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "admin/complete.h"
#include "admin/dialogue_input.h"
#include "admin/help.h"
#include "admin/output.h"
#include "admin/parse.h"
#include "schema/calendar.h"
#include "schema/credential.h"
#include "schema/now.h"
#include "schema/privilege.h"
#include "schema/standard_files.h"

/* Who makes the changes, for the audit log. Asked before root becomes the store's owner. */
static void actor(char *out, size_t size)
{
    const struct passwd *pw = getpwuid(getuid());
    const char *sudo = getenv("SUDO_USER");
    snprintf(out, size, "%.60s", pw != NULL ? pw->pw_name : "?");
    if (getuid() == 0 && sudo != NULL && *sudo != '\0')
        snprintf(out, size, "root (sudo: %.60s)", sudo);
}

static enum tg_code confirm(const struct input *in, int64_t now, struct tg_error *err)
{
    char question[300], time[TG_RFC3339_SIZE];
    const struct command *c = in->command;
    if (c->question == NULL || in->yes || (c->question_now && input_flag(in, "dry-run")))
        return TG_OK;
    snprintf(question, sizeof question, c->question, c->question_now ? tg_rfc3339(now, time) : in->arg[0] != NULL ? in->arg[0] : "");
    if (!terminal_can_ask())
        return tg_fail(err, TG_USAGE, "this can't be undone: add --yes where nobody can be asked");
    return terminal_confirm(question) ? TG_OK : tg_fail(err, TG_FAILED, "nothing was done");
}

static enum tg_code open_store(struct context *c, struct tg_error *err)
{
    struct tg_store_options options = { .no_sync = c->settings->sync == TG_SYNC_NONE };
    enum tg_code code = tg_privilege_store_owner(c->settings->store, err);
    if (code == TG_OK)
        code = tg_store_open(c->settings->store, &options, &c->store, err);
    if (code == TG_OK)
        tg_store_set_actor(c->store, c->who);
    return code;
}

/* Without a terminal nobody can be asked: what is missing is said as ever. */
static enum tg_code check_dialogue(const struct input *in, struct tg_error *err)
{
    if (dialogue_possible())
        return TG_OK;
    return tg_fail(err, TG_USAGE, "tollgate %s %s asks for everything on a terminal only: here it needs its options "
                   "(tollgate help %s %s)", in->command->noun, in->command->verb, in->command->noun, in->command->verb);
}

static enum tg_code run(const struct input *in, bool dialogue, const struct terminal *terminal, int64_t now, struct tg_error *err)
{
    struct context c = { .terminal = terminal, .now = now };
    json_t *result = NULL;
    actor(c.who, sizeof c.who);
    enum tg_code code = tg_crypto_init(err);
    if (code == TG_OK && !in->command->no_settings)
        code = tg_settings_read(in->config, &c.settings, err);
    if (code == TG_OK)
        code = confirm(in, now, err);
    if (in->command->question != NULL)
        c.now = tg_now(); /* somebody may have thought about it */
    if (code == TG_OK && c.settings != NULL && !in->command->no_store)
        code = open_store(&c, err);
    if (code == TG_OK)
        code = dialogue ? in->command->dialogue(&c, err) : in->command->run(&c, in, &result, err);
    /* A check that found something, a password that is wrong: the result tells it too. */
    if (code == TG_OK || (result != NULL && json_is_object(result) && (json_object_get(result, "ok") != NULL)))
        output_result(terminal, in, result);
    json_decref(result);
    tg_store_close(&c.store);
    tg_settings_free(&c.settings);
    return code;
}

static enum tg_code help(const struct terminal *terminal, const struct parsed *parsed)
{
    if (parsed->input.command != NULL)
        help_command(terminal, parsed->input.command);
    else if (parsed->help_noun != NULL)
        help_noun(terminal, parsed->help_noun);
    else
        help_all(terminal);
    return TG_OK;
}

int main(int argc, char **argv)
{
    struct terminal terminal;
    struct parsed parsed;
    struct tg_error err;
    int64_t now = tg_now();
    tg_standard_files();
    json_set_alloc_funcs(tg_xmalloc, free); /* or what finds no room would be left out */
    setlocale(LC_CTYPE, "");
    if (argc > 1 && strcmp(argv[1], "__complete") == 0)
        return complete_words(argc - 2, argv + 2);
    terminal_look(&terminal);
    enum tg_code code = parse_command(argc, argv, now, &parsed, &err);
    if (code == TG_OK) {
        switch (parsed.want) {
        case WANT_VERSION: puts("tollgate " PACKAGE_VERSION); break;
        case WANT_MANUAL: help_manual(stdout); break;
        case WANT_HELP: code = help(&terminal, &parsed); break;
        case WANT_RUN: code = run(&parsed.input, false, &terminal, now, &err); break;
        case WANT_DIALOGUE:
            code = check_dialogue(&parsed.input, &err);
            if (code == TG_OK)
                code = run(&parsed.input, true, &terminal, now, &err);
            break;
        }
    }
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == TG_OK)
        code = tg_fail(&err, TG_FAILED, "the result could not be written: %s", strerror(errno));
    if (code != TG_OK)
        output_error(parsed.input.json, &err);
    return (int)code;
}
