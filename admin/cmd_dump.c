/* cmd_dump.c: tollgate store export, import. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/progress.h"
#include "schema/dump.h"
#include "schema/privilege.h"
#include "schema/unfinished.h"

/* ---- export ---- */

static enum tg_code begin_file(const char *file, struct tg_unfinished *u, struct tg_error *err)
{
    if (access(file, F_OK) == 0)
        return tg_fail(err, TG_REFUSED, "%s is there already: choose another name", file);
    if (!tg_unfinished_begin(file, u))
        return tg_fail(err, TG_FAILED, "can't write %s: %s (as the store's owner; without FILE it goes to standard output)", file,
                       strerror(errno));
    return TG_OK;
}

/* The name stands for a whole export or for none. */
static enum tg_code export_to_file(struct context *c, const char *file, struct progress *progress, struct tg_dump_counts *counts,
                                   struct tg_error *err)
{
    struct tg_unfinished u;
    enum tg_code code = begin_file(file, &u, err);
    if (code != TG_OK)
        return code;
    code = tg_store_export(c->store, u.fd, progress_show, progress, counts, err);
    if (code == TG_OK && !tg_unfinished_name(&u))
        code = errno == EEXIST ? tg_fail(err, TG_REFUSED, "%s is there already: choose another name", file)
                               : tg_fail(err, TG_FAILED, "can't make %s: %s", file, strerror(errno));
    tg_unfinished_end(&u);
    return code;
}

static enum tg_code store_export(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct progress progress = { .what = "records" };
    struct tg_dump_counts counts;
    const char *file = in->arg[0];
    bool to_file = file != NULL && strcmp(file, "-") != 0;
    enum tg_code code = to_file ? export_to_file(c, file, &progress, &counts, err)
                                : tg_store_export(c->store, STDOUT_FILENO, progress_show, &progress, &counts, err);
    progress_end(&progress);
    if (code == TG_OK && to_file)
        *result = json_pack("{s:s, s:o, s:I, s:I}", "store", c->settings->store, "file", json_text(file), "records",
                            (json_int_t)counts.records, "bytes", (json_int_t)counts.bytes);
    return code;
}

const struct command cmd_store_export = {
    .noun = "store", .verb = "export", .args = "[FILE]",
    .summary = "Write every record as a line of JSON, to FILE (mode 0600) or standard output, while the service runs. One consistent "
               "snapshot: until it is done no page of the store is reused, so send it to a file rather than through a slow "
               "pipe. It holds the seal keys and what passwords are checked with, and never a password: keep it as the store itself.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate store export /var/backups/tollgate.jsonl",
    .run = store_export,
};

/* ---- import ---- */

static enum tg_code open_import_file(const char *file, int *fd, struct tg_error *err)
{
    *fd = strcmp(file, "-") == 0 ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return tg_fail(err, errno == ENOENT ? TG_NOT_FOUND : TG_FAILED, "can't read %s: %s (as the store's owner; - is standard input)",
                       file, strerror(errno));
    return TG_OK;
}

static enum tg_code store_import(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct progress progress = { .what = "records" };
    struct tg_store_options options = { .import = true, .no_sync = c->settings->sync == TG_SYNC_NONE };
    struct tg_dump_counts counts;
    int fd = -1;
    enum tg_code code = tg_privilege_store_owner(c->settings->store, err);
    if (code == TG_OK)
        code = open_import_file(in->arg[0], &fd, err);
    if (code == TG_OK)
        code = tg_store_open(c->settings->store, &options, &c->store, err);
    if (code == TG_OK)
        code = tg_store_import(c->store, fd, in->arg[0], c->now, progress_show, &progress, &counts, err);
    progress_end(&progress);
    if (fd > STDERR_FILENO)
        close(fd);
    if (code == TG_OK)
        *result = json_pack("{s:s, s:o, s:I}", "store", c->settings->store, "file", json_text(in->arg[0]), "records",
                            (json_int_t)counts.records);
    return code;
}

const struct command cmd_store_import = {
    .noun = "store", .verb = "import", .args = "FILE",
    .summary = "Fill a store that init has just made with an export. All of FILE is checked first; a wrong line is named and nothing is "
               "changed. From the first record to the last the daemons defer all mail and other commands refuse, also after an import that "
               "was broken off: run it again then.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate store import /var/backups/tollgate.jsonl",
    .no_store = true,
    .run = store_import,
};
