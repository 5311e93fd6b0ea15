/* doctor_store.c: the store and the clock. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>
#include "admin/doctor.h"
#include "schema/calendar.h"
#include "schema/clock.h"
#include "schema/privilege.h"

enum { ACCOUNTS_MAX = 10000 };
#define DISK_LOW ((uint64_t)512 << 20)
#define DISK_OUT ((uint64_t)64 << 20)

static void look_at_owner(struct doctor *d, const char *path, mode_t mode)
{
    const struct tg_settings *s = d->settings;
    struct stat st;
    if (stat(path, &st) != 0) {
        if (errno == EACCES) {
            doctor_warn(d, "%s could not be looked at: %s", path, strerror(errno));
            doctor_remedy(d, "sudo tollgate doctor");
        } else {
            doctor_error(d, "%s: %s", path, strerror(errno));
            doctor_remedy(d, "tollgate init; where there was a store: tollgate store restore DIR");
        }
        return;
    }
    const struct passwd *pw = *s->user != '\0' ? getpwnam(s->user) : NULL;
    if (pw != NULL && st.st_uid != pw->pw_uid) {
        doctor_error(d, "%s belongs to uid %ld, but the daemons run as %s", path, (long)st.st_uid, s->user);
        doctor_remedy(d, "chown -R %s: %s", s->user, s->store);
    }
    if ((st.st_mode & 077) != 0) {
        doctor_error(d, "%s has mode %04o: others can read what passwords are checked against", path, st.st_mode & 07777);
        doctor_remedy(d, "chmod %04o %s", mode, path);
    }
}

void doctor_store_files(struct doctor *d)
{
    char path[4200];
    struct statvfs fs;
    look_at_owner(d, d->settings->store, 0700);
    snprintf(path, sizeof path, "%s/data.mdb", d->settings->store);
    if (access(d->settings->store, X_OK) == 0)
        look_at_owner(d, path, 0600);
    if (statvfs(d->settings->store, &fs) != 0)
        return;
    uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (room >= DISK_LOW)
        return;
    if (room < DISK_OUT)
        doctor_error(d, "the disk of %s has %llu MiB left; when it is full, all mail is deferred", d->settings->store,
                     (unsigned long long)(room >> 20));
    else
        doctor_warn(d, "the disk of %s has %llu MiB left", d->settings->store, (unsigned long long)(room >> 20));
    doctor_remedy(d, "df -h %s", d->settings->store);
}

/* Why a store could not be opened, and what to do. */
static void tell_not_open(struct doctor *d, const struct tg_error *err)
{
    char path[4200];
    struct stat st;
    snprintf(path, sizeof path, "%s/data.mdb", d->settings->store);
    doctor_error(d, "%s", err->text);
    if (stat(d->settings->store, &st) == 0 && st.st_uid != geteuid())
        doctor_remedy(d, "sudo tollgate doctor");
    else if (access(path, F_OK) != 0 && errno == ENOENT)
        doctor_remedy(d, "tollgate init; where there was a store: tollgate store restore DIR");
    else
        doctor_remedy(d, "tollgate store check");
}

/* Nothing but the file's owner may open it, so root becomes him: from here on there is no way back. */
void doctor_store(struct doctor *d)
{
    struct tg_store_options options = { .no_sync = d->settings->sync == TG_SYNC_NONE };
    struct tg_store_stat stat;
    struct tg_error err;
    struct statvfs fs;
    enum tg_code code = tg_privilege_store_owner(d->settings->store, &err);
    if (code == TG_OK)
        code = tg_store_open(d->settings->store, &options, &d->store, &err);
    if (code == TG_OK)
        code = tg_store_stat(d->store, &stat, &err);
    if (code != TG_OK) {
        tell_not_open(d, &err);
        return;
    }
    if (statvfs(d->settings->store, &fs) == 0 && stat.used_bytes > stat.map_bytes / 10 * 9 &&
        (uint64_t)fs.f_bavail * fs.f_frsize < stat.map_bytes) {
        doctor_warn(d, "%llu of the map's %llu MiB are used, and the disk has no room for it to double",
                    (unsigned long long)(stat.used_bytes >> 20), (unsigned long long)(stat.map_bytes >> 20));
        doctor_remedy(d, "move %s to a larger disk, or set activity_days lower", d->settings->store);
    }
    if (stat.readers > stat.max_readers / 10 * 9) {
        doctor_warn(d, "%llu of %llu places of the reader table are taken", (unsigned long long)stat.readers,
                    (unsigned long long)stat.max_readers);
        doctor_remedy(d, "systemctl restart tollgate-authd tollgate-milter");
    }
}

/* ---- the clock ---- */

void doctor_clock(struct doctor *d)
{
    struct timex clock = { .modes = 0 };
    struct tg_view *view;
    struct tg_error err;
    int64_t latest = 0;
    char text[TG_RFC3339_SIZE];
    if (adjtimex(&clock) == TIME_ERROR && (clock.status & STA_UNSYNC) != 0) {
        doctor_warn(d, "the clock is not kept right by NTP: periods, expiries and limits by the hour go by it");
        doctor_remedy(d, "apt install chrony");
    }
    if (d->store == NULL) {
        doctor_warn(d, "the store is not open, so the clock could not be held against what was recorded");
        return;
    }
    enum tg_code code = tg_view_begin(d->store, &view, &err);
    if (code == TG_OK) {
        code = tg_clock_latest(view, ACCOUNTS_MAX, &latest, &err);
        tg_view_end(&view);
    }
    if (code != TG_OK) {
        doctor_error(d, "%s", err.text);
        doctor_remedy(d, "tollgate store check");
    } else if (latest > d->now + TG_CLOCK_SLACK_S) {
        doctor_error(d, "the clock is behind: something was recorded at %s", tg_rfc3339(latest, text));
        doctor_remedy(d, "set the clock right (timedatectl, chronyc makestep); if it is right now, and had been ahead: tollgate store "
                         "set-back");
    }
}
