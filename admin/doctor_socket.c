/* doctor_socket.c: may Postfix use the sockets? And one exchange with whoever answers there. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include "admin/doctor.h"
#include "schema/listen_address.h"
#include "schema/metrics.h"
#include "schema/now.h"

enum { WAIT_S = 12, REPLY_MAX = 1 << 20 };

/* ---- permissions ---- */

/* Postfix's daemons keep one group only, their user's first: others of /etc/group don't count. */
static bool may(const struct stat *st, const struct passwd *pw, mode_t want)
{
    if (pw->pw_uid == 0)
        return true;
    mode_t bits = st->st_uid == pw->pw_uid   ? st->st_mode >> 6
                  : st->st_gid == pw->pw_gid ? st->st_mode >> 3
                                             : st->st_mode;
    return (bits & want) == want;
}

/* true: this one is in order, or can't be told. */
static bool may_enter(struct doctor *d, const char *path, const struct passwd *pw)
{
    char directory[256];
    struct stat st;
    for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(directory, sizeof directory, "%.*s", (int)(slash - path), path);
        if (stat(directory, &st) != 0 || may(&st, pw, 1))
            continue;
        doctor_error(d, "%s is in %s, which Postfix's user %s may not enter", path, directory, pw->pw_name);
        doctor_remedy(d, "chmod o+x %s", directory);
        return false;
    }
    return true;
}

static void look_at(struct doctor *d, const char *address, const struct passwd *pw)
{
    const struct tg_settings *s = d->settings;
    struct tg_listen where;
    struct stat st;
    if (!tg_listen_parse(address, &where) || !where.is_unix)
        return;
    if (stat(where.path, &st) != 0) {
        if (errno == EACCES)
            doctor_warn(d, "%s could not be looked at: %s (run this as root)", where.path, strerror(errno));
        return; /* not there: whoever asks that door says so */
    }
    if (!S_ISSOCK(st.st_mode)) {
        doctor_error(d, "%s is no socket", where.path);
        doctor_remedy(d, "rm %s; systemctl restart tollgate-authd tollgate-milter", where.path);
        return;
    }
    if (pw == NULL || !may_enter(d, where.path, pw) || may(&st, pw, 6))
        return;
    const struct passwd *owner = getpwuid(st.st_uid);
    doctor_error(d, "Postfix's user %s may not use %s: it belongs to %s, group id %ld, mode %04o", pw->pw_name,
                 where.path, owner != NULL ? owner->pw_name : "?", (long)st.st_gid, st.st_mode & 07777);
    doctor_remedy(d, "%s: socket_group = \"%s\" and socket_mode = \"0660\", then restart both daemons", s->path,
                  pw->pw_name);
}

void doctor_sockets(struct doctor *d)
{
    const struct tg_settings *s = d->settings;
    const struct tg_list *lists[] = {&s->milter_listen, &s->auth_listen, &s->policy_listen, &s->socketmap_listen};
    const char *owner = d->postfix != NULL ? postfix_setting(d->postfix, "mail_owner") : NULL;
    const struct passwd *pw = owner != NULL ? getpwnam(owner) : NULL;
    if (pw == NULL)
        doctor_ok(d, "whether Postfix may use the sockets can't be told, for its user is not known");
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (size_t k = 0; k < lists[i]->count; k++)
            look_at(d, lists[i]->item[k], pw);
}

/* ---- one exchange ---- */

static enum tg_code fail_connect(const char *address, int error, struct tg_error *err)
{
    enum tg_code code = error == EACCES || error == EPERM ? TG_REFUSED : TG_NOT_FOUND;
    return tg_fail(err, code, "nobody answers at %s: %s", address, strerror(error));
}

static enum tg_code connect_to(const char *address, int *out, struct tg_error *err)
{
    struct tg_listen where;
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    struct timeval wait = {.tv_sec = WAIT_S};
    char port[8];
    if (!tg_listen_parse(address, &where))
        return tg_fail(err, TG_NOT_FOUND, "%s is no address", address);
    memcpy(path.sun_path, where.path, sizeof path.sun_path);
    snprintf(port, sizeof port, "%u", where.port);
    int result = where.is_unix ? 0 : getaddrinfo(where.host, port, &hints, &found);
    if (result != 0)
        return tg_fail(err, TG_NOT_FOUND, "nobody answers at %s: %s", address, gai_strerror(result));
    int fd = socket(found != NULL ? found->ai_family : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
        result = found != NULL ? connect(fd, found->ai_addr, found->ai_addrlen)
                               : connect(fd, (const struct sockaddr *)&path, sizeof path);
    }
    int error = errno;
    if (found != NULL)
        freeaddrinfo(found);
    if (fd >= 0 && result == 0) {
        *out = fd;
        return TG_OK;
    }
    if (fd >= 0)
        close(fd);
    return fail_connect(address, error, err);
}

static bool send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* Octets read so far; grows. false: the end, an error, or the time is over. */
static bool read_more(int fd, char *reply, size_t *len, int64_t until)
{
    int64_t now = tg_ticks_ms();
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (*len == REPLY_MAX || now >= until || poll(&ready, 1, (int)(until - now)) <= 0)
        return false;
    ssize_t got = recv(fd, reply + *len, REPLY_MAX - *len, 0);
    if (got <= 0)
        return false;
    *len += (size_t)got;
    return true;
}

enum tg_code doctor_exchange(const struct tg_settings *settings, const char *address, const void *request, size_t len,
                             doctor_judge_fn *judge, enum doctor_reply *judged, char **reply, size_t *reply_len,
                             struct tg_error *err)
{
    size_t got = 0;
    int fd;
    enum tg_code code = connect_to(address, &fd, err);
    if (code != TG_OK)
        return code;
    int64_t until = tg_ticks_ms() + WAIT_S * 1000;
    *reply = tg_xcalloc(1, REPLY_MAX + 1);
    *judged = REPLY_MORE;
    if (len == 0 || send_all(fd, request, len))
        while ((*judged = judge(settings, *reply, got)) == REPLY_MORE && read_more(fd, *reply, &got, until))
            ; /* the rest of *reply is zero */
    *reply_len = got;
    close(fd);
    return TG_OK;
}

static void tell_wrong(struct doctor *d, const char *address, const char *program, enum doctor_reply judged,
                       const char *reply, size_t reply_len)
{
    char shown[100];
    size_t len = 0;
    for (; len + 1 < sizeof shown && len < reply_len; len++)
        shown[len] = reply[len] >= ' ' && reply[len] < 0x7f ? reply[len] : '.';
    shown[len] = '\0';
    if (len == 0)
        doctor_error(d, "%s takes connections at %s, but gives no answer", program, address);
    else
        doctor_error(d, "who answers at %s %s: \"%s\"", address,
                     judged == REPLY_WRONG ? "says what it must not" : "does not finish its answer", shown);
    doctor_remedy(d, "look into the log of %s, and see who listens: ss -lxtp", program);
}

size_t doctor_question(struct doctor *d, const struct tg_list *addresses, const char *program, const void *request,
                       size_t len, doctor_judge_fn *judge)
{
    size_t right = 0;
    for (size_t i = 0; i < addresses->count; i++) {
        enum doctor_reply judged;
        struct tg_error err;
        char *reply = NULL;
        size_t reply_len = 0;
        enum tg_code code =
            doctor_exchange(d->settings, addresses->item[i], request, len, judge, &judged, &reply, &reply_len, &err);
        if (code == TG_REFUSED) {
            doctor_warn(d, "%s could not be asked: %s", addresses->item[i], err.text);
            doctor_remedy(d, "sudo tollgate doctor");
        } else if (code != TG_OK) {
            doctor_error(d, "%s", err.text);
            doctor_remedy(d, "systemctl start %s", program);
        } else if (judged != REPLY_RIGHT) {
            tell_wrong(d, addresses->item[i], program, judged, reply, reply_len);
        } else {
            right++;
        }
        free(reply);
    }
    return right;
}
