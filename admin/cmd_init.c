/* cmd_init.c: tollgate init: the only maker of stores. */
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/terminal.h"
#include "schema/domain_name.h"
#include "schema/privilege.h"

/* As root the directory is made for the daemons' user, and the store by that user. */
static enum tg_code prepare_directory(const struct tg_settings *settings, struct tg_error *err)
{
    if (mkdir(settings->store, 0700) != 0 && errno != EEXIST)
        return tg_fail(err, TG_FAILED, "can't make %s: %s (make its parent directory first)", settings->store, strerror(errno));
    if (geteuid() != 0 || *settings->user == '\0')
        return TG_OK;
    const struct passwd *pw = getpwnam(settings->user);
    if (pw == NULL)
        return tg_fail(err, TG_UNUSABLE, "there is no user %s: make it (systemd-sysusers, adduser --system) or set `user`",
                       settings->user);
    if (chown(settings->store, pw->pw_uid, pw->pw_gid) != 0)
        return tg_fail(err, TG_FAILED, "can't give %s to %s: %s", settings->store, settings->user, strerror(errno));
    return tg_privilege_drop(settings->user, err);
}

static enum tg_code init(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    const char *domain = input_text(in, "return-path-domain");
    char canonical[TG_DOMAIN_MAX + 1] = "";
    bool force = input_flag(in, "force-new");
    enum tg_code code = TG_OK;
    if (domain != NULL)
        code = tg_domain_name(tg_span_str(domain), canonical, err);
    if (code == TG_OK && force && !in->yes && !terminal_can_ask())
        code = tg_fail(err, TG_USAGE, "--force-new puts the old store aside: add --yes where nobody can be asked");
    if (code == TG_OK && force && !in->yes && !terminal_confirm("Put the old store aside and make a new, empty one?"))
        code = tg_fail(err, TG_FAILED, "nothing was done");
    if (code == TG_OK)
        code = prepare_directory(c->settings, err);
    if (code == TG_OK)
        code = tg_store_create(c->settings->store, canonical, force, c->now, err);
    if (code != TG_OK)
        return code;
    *result = json_pack("{s:s, s:o, s:o}", "store", c->settings->store, "created", json_time(c->now), "return_path_domain",
                        json_text_or_null(canonical));
    return TG_OK;
}

static void render(const struct terminal *terminal, const json_t *result)
{
    fprintf(terminal->out, "made the store %s\n", json_text_of(result, "store"));
    if (json_is_string(json_object_get(result, "return_path_domain")))
        fprintf(terminal->out, "put this into tollgate.conf: return_path_domain = \"%s\"\n",
                json_text_of(result, "return_path_domain"));
    fputs("next: start tollgate-authd and tollgate-milter; tollgate customer add --help\n", terminal->out);
}

const struct command cmd_init = {
    .noun = "init",
    .summary = "Make a new, empty store, with its keys and the catalogue of plans.",
    .options = (const struct opt[]){
        { .name = "return-path-domain", .type = OPT_TEXT, .value = "DOMAIN", .help = "domain that signed reverse-paths will have" },
        { .name = "force-new", .type = OPT_FLAG, .help = "where there is a store: keep it aside (data.mdb.old-TIME) and begin anew" },
        { 0 } },
    .example = "tollgate init --return-path-domain bounces.relay.example",
    .no_store = true,
    .render = render,
    .run = init,
};
