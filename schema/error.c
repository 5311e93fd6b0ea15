/* error.c: see error.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "schema/error.h"

#undef tg_fail /* error.h, for analysers */
enum tg_code tg_fail(struct tg_error *err, enum tg_code code, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        /* Through a second buffer: the old text may be among the arguments. */
        char text[sizeof err->text];
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        memcpy(err->text, text, sizeof text);
        err->code = code;
    }
    return code;
}

const char *tg_code_name(enum tg_code code)
{
    static const char *const names[] = { "ok", "failed", "usage", "not_found", "refused", "unusable" };
    return (size_t)code < sizeof names / sizeof *names ? names[code] : "failed";
}

static void *had(void *memory)
{
    if (memory == NULL) {
        fputs("tollgate: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *tg_xmalloc(size_t size)
{
    return had(malloc(size > 0 ? size : 1));
}

void *tg_xcalloc(size_t count, size_t size)
{
    return had(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *tg_xaligned(size_t alignment, size_t size)
{
    return had(aligned_alloc(alignment, size));
}

void *tg_xrealloc(void *old, size_t size)
{
    return had(realloc(old, size > 0 ? size : 1));
}

char *tg_xstrdup(const char *text)
{
    return had(strdup(text));
}

char *tg_xstrndup(const char *text, size_t len)
{
    return had(strndup(text, len));
}
