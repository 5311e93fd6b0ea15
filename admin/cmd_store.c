/* cmd_store.c: tollgate store … */
#include <string.h>
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/progress.h"
#include "admin/terminal.h"
#include "schema/check.h"
#include "schema/copy.h"
#include "schema/privilege.h"
#include "schema/token.h"

/* ---- check ---- */

static void take_problem(void *arg, const char *sentence)
{
    json_array_append_new(arg, json_text(sentence));
}

static enum tg_code store_check(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_store_stat stat;
    json_t *problems = json_array(), *records = json_object();
    struct progress progress = { .what = "records" };
    (void)in;
    enum tg_code code = tg_store_check(c->store, c->now, take_problem, problems, progress_show, &progress, &stat, err);
    progress_end(&progress);
    for (int db = 0; code == TG_OK && db < TG_DB_COUNT; db++)
        json_object_set_new(records, tg_db_name((enum tg_db)db), json_integer((json_int_t)stat.records[db]));
    bool ok = json_array_size(problems) == 0;
    *result = json_pack("{s:b, s:o, s:o}", "ok", ok, "records", records, "problems", problems);
    if (code == TG_OK && !ok)
        code = tg_fail(err, TG_FAILED, "the store has %zu problems: restore a backup, or ask for help with this list",
                       json_array_size(problems));
    return code;
}

static void render_check(const struct terminal *t, const json_t *result)
{
    const json_t *problems = json_object_get(result, "problems"), *problem;
    const char *name;
    json_t *count;
    size_t i;
    json_object_foreach(json_object_get(result, "records"), name, count)
        fprintf(t->out, "%-18s %12lld\n", name, (long long)json_integer_value(count));
    json_array_foreach(problems, i, problem) {
        fputs(terminal_colour(t, RED), t->out);
        terminal_text(t, json_string_value(problem), 0, 0);
        fprintf(t->out, "%s\n", terminal_plain(t));
    }
    if (json_array_size(problems) == 0)
        fprintf(t->out, "%severything agrees%s\n", terminal_colour(t, GREEN), terminal_plain(t));
}

const struct command cmd_store_check = {
    .noun = "store", .verb = "check",
    .summary = "Walk every record and every index, and say what does not agree; the service goes on meanwhile.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate store check --json",
    .render = render_check,
    .run = store_check,
};

/* ---- backup, restore ---- */

static enum tg_code store_backup(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct progress progress = { .what = "MiB", .octets = true };
    enum tg_code code = tg_store_backup(c->store, in->arg[0], progress_show, &progress, err);
    progress_end(&progress);
    if (code == TG_OK)
        *result = json_pack("{s:s, s:s, s:o}", "store", c->settings->store, "backup", in->arg[0], "time", json_time(c->now));
    return code;
}

const struct command cmd_store_backup = {
    .noun = "store", .verb = "backup", .args = "DIR",
    .summary = "Copy the store, consistent, while the service runs. (As root: DIR must be writable for the store's owner.)",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate store backup /var/backups/tollgate/2026-11-24",
    .run = store_backup,
};

static enum tg_code store_restore(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct progress progress = { .what = "MiB", .octets = true };
    struct tg_restore wanted = { .from = in->arg[0], .to = c->settings->store, .who = c->who, .now = c->now,
                                 .keep_numbers = input_flag(in, "keep-numbers"), .progress = progress_show,
                                 .progress_arg = &progress };
    struct tg_restored restored = { .next = { 0 } };
    enum tg_code code = tg_privilege_store_owner(c->settings->store, err);
    if (code == TG_OK)
        code = tg_store_restore(&wanted, &restored, err);
    progress_end(&progress);
    if (code == TG_OK)
        *result = json_pack("{s:s, s:s, s:I, s:I, s:I}", "store", c->settings->store, "restored_from", in->arg[0], "next_customer",
                            (json_int_t)restored.next[TG_SEQUENCE_CUSTOMER], "next_account",
                            (json_int_t)restored.next[TG_SEQUENCE_ACCOUNT], "next_order",
                            (json_int_t)restored.next[TG_SEQUENCE_ORDER]);
    return code;
}

const struct command cmd_store_restore = {
    .noun = "store", .verb = "restore", .args = "DIR",
    .summary = "Bring a backup back to the configured place, where no store may be. Stop the daemons first. Numbers of customers, "
               "accounts and orders go on a million further, and ten more for each second since the backup's last change, so that none "
               "that was given since is given again.",
    .options = (const struct opt[]){
        { .name = "keep-numbers", .type = OPT_FLAG, .help = "leave none out: nothing was changed since the backup (a move to another machine)" },
        { 0 } },
    .example = "tollgate store restore /var/backups/tollgate/2026-11-24",
    .no_store = true,
    .run = store_restore,
};

/* ---- keys ---- */

struct rotation {
    int64_t now;
    uint32_t number; /* of the new key */
};

static enum tg_code rotate_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct rotation *r = arg;
    int64_t created_at;
    enum tg_code code = tg_seal_keys_rotate(change, r->now, err);
    return code == TG_OK ? tg_seal_keys_newest(tg_change_view(change), &r->number, &created_at, err) : code;
}

static enum tg_code store_rotate_keys(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct rotation r = { .now = c->now };
    (void)in;
    enum tg_code code = tg_store_change(c->store, rotate_in, &r, err);
    if (code == TG_OK)
        *result = json_pack("{s:s, s:i, s:o}", "store", c->settings->store, "key", (int)r.number, "created", json_time(c->now));
    return code;
}

const struct command cmd_store_rotate_keys = {
    .noun = "store", .verb = "rotate-keys",
    .summary = "Make a new key that seals reverse-paths and traces from now on; the 16 newest still open what they sealed. The "
               "sweep does it every 30 days: by hand only where a copy of the store may be in other hands.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate store rotate-keys",
    .columns = "store key created",
    .run = store_rotate_keys,
};

/* ---- compact ---- */

static enum tg_code store_compact(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct progress progress = { .what = "MiB", .octets = true };
    struct tg_compacted sizes = { 0 };
    (void)in;
    enum tg_code code = tg_privilege_store_owner(c->settings->store, err);
    if (code == TG_OK)
        code = tg_store_compact(c->settings->store, progress_show, &progress, &sizes, err);
    progress_end(&progress);
    if (code == TG_OK)
        *result = json_pack("{s:s, s:I, s:I}", "store", c->settings->store, "bytes_before", (json_int_t)sizes.before, "bytes_after",
                            (json_int_t)sizes.after);
    return code;
}

const struct command cmd_store_compact = {
    .noun = "store", .verb = "compact",
    .summary = "Give the space of removed records back to the file system. Refused while a daemon or a command has the store "
               "open: stop the daemons, compact, start them; mail is deferred meanwhile.",
    .options = (const struct opt[]){ { 0 } },
    .example = "systemctl stop tollgate-authd tollgate-milter; tollgate store compact; systemctl start tollgate-authd tollgate-milter",
    .no_store = true,
    .run = store_compact,
};
