/* error.h: the one way to fail: a code for programs, a sentence for people.
 *
 * TG_NOT_FOUND and TG_REFUSED are answers. TG_FAILED and TG_UNUSABLE mean "can't tell": whoever
 * answers a client turns them into a temporary failure, never into a permission.
 *
 * Whoever answers somebody (command, milter callback, door) logs or prints the error, once; what
 * lies beneath only fills it in. `err` may be NULL where only the code matters. */
#ifndef TG_ERROR_H
#define TG_ERROR_H

#include <stddef.h>

/* Also the exit status of tollgate(1): the numbers are a contract. */
enum tg_code {
    TG_OK = 0,
    TG_FAILED = 1,
    TG_USAGE = 2,
    TG_NOT_FOUND = 3,
    TG_REFUSED = 4,
    TG_UNUSABLE = 5,
};

struct tg_error {
    enum tg_code code;
    char text[400];
};

#define TG_MUST_CHECK __attribute__((warn_unused_result))
#define TG_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Fills *err (where given) and returns the code: `return tg_fail(err, TG_NOT_FOUND, "no account %s", u)`.
 * The sentence says what is wrong, with which thing, and what to do; no full stop, no newline.
 * Text that does not fit is cut. */
enum tg_code tg_fail(struct tg_error *err, enum tg_code code, const char *format, ...) TG_PRINTF(3, 4);

/* A static analyser reads one file at a time, and can't know that tg_fail returns its code. */
#ifdef TG_ANALYZE
static inline enum tg_code tg_analyzed(enum tg_code code, enum tg_code returned)
{
    (void)returned;
    return code;
}
#define tg_fail(err, code, ...) tg_analyzed((code), tg_fail((err), (code), __VA_ARGS__))
#endif

/* "ok", "failed", "usage", "not_found", "refused", "unusable": the code in --json errors. */
const char *tg_code_name(enum tg_code code);

/* Memory that is never NULL: abort() when there is none, for a supervisor restarts us and what was
 * counted is on disk. */
void *tg_xmalloc(size_t size);
void *tg_xcalloc(size_t count, size_t size);
/* For types that want more than malloc gives: alignof and sizeof them. */
void *tg_xaligned(size_t alignment, size_t size);
void *tg_xrealloc(void *old, size_t size);
char *tg_xstrdup(const char *text);
char *tg_xstrndup(const char *text, size_t len);

#endif
