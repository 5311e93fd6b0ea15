/* log.c: see log.h.
 *
 * The one piece of process-wide state in schema/: a log is the process's own, like stderr. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include "schema/log.h"
#include "schema/text.h"
#include "schema/words.h"

enum { LINE_MAX_BYTES = 4096, VALUE_MAX_BYTES = 1000 };

static struct {
    pthread_rwlock_t lock; /* guards the rest; a line is written under the read side: the kernel orders appended lines */
    const char *program;
    bool to_syslog;
    int fd;
    enum tg_level level;
} sink = { PTHREAD_RWLOCK_INITIALIZER, "tollgate", false, STDERR_FILENO, TG_INFO };

static const char *const level_names[] = { "error", "warning", "info", "debug" };
static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

static void close_sink(void)
{
    if (sink.fd > STDERR_FILENO)
        close(sink.fd);
    if (sink.to_syslog)
        closelog();
    sink.fd = STDERR_FILENO;
    sink.to_syslog = false;
}

enum tg_code tg_log_open(const char *program, const char *target, const char *level, struct tg_error *err)
{
    size_t number;
    if (!tg_word_find(TG_WORDS(level_names), level, &number))
        return tg_fail(err, TG_USAGE, "log level '%s' is not one of error, warning, info, debug", level);

    int fd = STDERR_FILENO;
    bool to_syslog = strcmp(target, "syslog") == 0;
    if (!to_syslog && strcmp(target, "stderr") != 0) {
        fd = open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
        if (fd < 0)
            return tg_fail(err, TG_UNUSABLE, "can't open the log file %s: %s", target, strerror(errno));
    }
    pthread_rwlock_wrlock(&sink.lock);
    close_sink();
    sink.program = program;
    sink.level = (enum tg_level)number;
    sink.fd = fd;
    sink.to_syslog = to_syslog;
    if (to_syslog)
        openlog(program, LOG_PID | LOG_NDELAY, LOG_MAIL);
    pthread_rwlock_unlock(&sink.lock);
    return TG_OK;
}

void tg_log_close(void)
{
    pthread_rwlock_wrlock(&sink.lock);
    close_sink();
    pthread_rwlock_unlock(&sink.lock);
}

bool tg_log_enabled(enum tg_level level)
{
    pthread_rwlock_rdlock(&sink.lock);
    bool enabled = level <= sink.level;
    pthread_rwlock_unlock(&sink.lock);
    return enabled;
}

bool tg_log_is_elsewhere(void)
{
    pthread_rwlock_rdlock(&sink.lock);
    bool elsewhere = sink.to_syslog || sink.fd != STDERR_FILENO;
    pthread_rwlock_unlock(&sink.lock);
    return elsewhere;
}

struct line {
    char text[LINE_MAX_BYTES];
    size_t len;
};

static void add(struct line *line, const char *bytes, size_t len)
{
    /* Room is kept for the newline; what does not fit is left out. */
    size_t room = sizeof line->text - 2 - line->len;
    if (len > room)
        len = room;
    memcpy(line->text + line->len, bytes, len);
    line->len += len;
}

/* Octets of the character at s that may stand as they are; 0: ill-formed, or a C1 control. */
static size_t utf8_length(const unsigned char *s)
{
    size_t len = tg_utf8_length((const char *)s);
    return len == 2 && s[0] == 0xc2 && s[1] < 0xa0 ? 0 : len;
}

static bool needs_quotes(const char *value)
{
    if (*value == '\0')
        return true;
    for (const unsigned char *s = (const unsigned char *)value; *s != '\0';) {
        size_t len = utf8_length(s);
        if (len == 0 || *s <= ' ' || *s == '"' || *s == '\\' || *s == 0x7f || *s == '=')
            return true;
        s += len;
    }
    return false;
}

static void add_escaped(struct line *line, const char *value)
{
    add(line, "\"", 1);
    size_t start = line->len;
    for (const unsigned char *s = (const unsigned char *)value; *s != '\0' && line->len - start < VALUE_MAX_BYTES;) {
        size_t len = utf8_length(s);
        char escaped[8];
        if (*s == '"' || *s == '\\')
            add(line, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\%c", *s));
        else if (*s == '\n')
            add(line, "\\n", 2);
        else if (*s == '\t')
            add(line, "\\t", 2);
        else if (len == 0 || *s < ' ' || *s == 0x7f)
            add(line, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\x%02X", *s));
        else
            add(line, (const char *)s, len);
        s += len == 0 ? 1 : len;
    }
    add(line, "\"", 1);
}

static void add_field(struct line *line, const char *key, const char *value)
{
    add(line, " ", 1);
    add(line, key, strlen(key));
    add(line, "=", 1);
    if (needs_quotes(value))
        add_escaped(line, value);
    else
        add(line, value, strnlen(value, VALUE_MAX_BYTES));
}

static void write_line(enum tg_level level, struct line *line)
{
    pthread_rwlock_rdlock(&sink.lock);
    if (level > sink.level) {
        pthread_rwlock_unlock(&sink.lock);
        return;
    }
    if (sink.to_syslog) {
        syslog(priorities[level], "%.*s", (int)line->len, line->text);
    } else {
        struct timespec now;
        struct tm tm;
        char head[128], stamp[32];
        clock_gettime(CLOCK_REALTIME, &now);
        gmtime_r(&now.tv_sec, &tm);
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
        int head_len = snprintf(head, sizeof head, "%s.%03ldZ %s[%ld] %s ", stamp, now.tv_nsec / 1000000, sink.program,
                                (long)getpid(), level_names[level]);
        char whole[sizeof head + sizeof line->text];
        memcpy(whole, head, (size_t)head_len);
        memcpy(whole + head_len, line->text, line->len);
        size_t len = (size_t)head_len + line->len;
        whole[len++] = '\n';
        /* One write a line, so that two processes may share a file. A log that can't be written
         * must not stop the mail. */
        ssize_t written = write(sink.fd, whole, len);
        (void)written;
    }
    pthread_rwlock_unlock(&sink.lock);
}

void tg_log(enum tg_level level, const char *event, ...)
{
    if (!tg_log_enabled(level))
        return;
    struct line line;
    line.len = 0;
    add(&line, event, strlen(event));
    va_list args;
    va_start(args, event);
    for (const char *key; (key = va_arg(args, const char *)) != NULL;) {
        const char *value = va_arg(args, const char *);
        if (value != NULL)
            add_field(&line, key, value);
    }
    va_end(args);
    write_line(level, &line);
}

void tg_log_error(enum tg_level level, const char *event, const struct tg_error *err)
{
    tg_log(level, event, "error", err->text, "code", tg_code_name(err->code), NULL);
}
