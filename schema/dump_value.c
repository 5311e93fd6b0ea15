/* dump_value.c: single values of a line of an export, see dump_reader.h. */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include "schema/dump_reader.h"

enum tg_code dump_wrong(const struct reader *r, const char *what)
{
    return tg_fail(r->err, TG_REFUSED, "%.60s: %s", r->where, what);
}

enum tg_code dump_read_integer(const struct reader *r, const json_t *value, int64_t min, int64_t max, int64_t *number)
{
    char *end;
    long long n = 0;
    errno = 0;
    if (json_is_integer(value)) {
        n = json_integer_value(value);
    } else if (json_is_string(value)) {
        const char *text = json_string_value(value);
        n = strtoll(text, &end, 10);
        if (errno != 0 || *end != '\0' || (*text != '-' && (*text < '0' || *text > '9')) || json_string_length(value) == 0)
            return dump_wrong(r, "not a number");
    } else {
        return dump_wrong(r, "not a number");
    }
    if (n < min || n > max)
        return dump_wrong(r, "a number out of range");
    *number = n;
    return TG_OK;
}

enum tg_code dump_read_number(const struct reader *r, const json_t *value, uint64_t max, uint64_t *number)
{
    char *end;
    errno = 0;
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *number = (uint64_t)json_integer_value(value);
    } else if (json_is_string(value) && *json_string_value(value) >= '0' && *json_string_value(value) <= '9') {
        *number = strtoull(json_string_value(value), &end, 10);
        if (errno != 0 || *end != '\0')
            return dump_wrong(r, "not a number");
    } else {
        return dump_wrong(r, "not a number of 0 or more");
    }
    return *number <= max ? TG_OK : dump_wrong(r, "a number out of range");
}

enum tg_code dump_read_base64(const struct reader *r, const json_t *value, uint8_t **data, size_t *len)
{
    size_t size = json_string_length(value) / 4 * 3 + 3;
    const char *end;
    if (!json_is_string(value))
        return dump_wrong(r, "not a string of base64");
    *data = tg_arena_alloc(r->arena, size);
    if (sodium_base642bin(*data, size, json_string_value(value), json_string_length(value), NULL, len, &end,
                          sodium_base64_VARIANT_ORIGINAL) != 0 || end != json_string_value(value) + json_string_length(value))
        return dump_wrong(r, "not base64");
    return TG_OK;
}

enum tg_code dump_read_string(const struct reader *r, const json_t *value, char **text)
{
    const json_t *encoded = json_object_get(value, "base64");
    uint8_t *data;
    size_t len;
    if (json_is_string(value)) {
        *text = tg_arena_strndup(r->arena, json_string_value(value), json_string_length(value));
        return TG_OK;
    }
    if (encoded == NULL || json_object_size(value) != 1)
        return dump_wrong(r, "not text");
    enum tg_code code = dump_read_base64(r, encoded, &data, &len);
    if (code == TG_OK && memchr(data, '\0', len) != NULL)
        code = dump_wrong(r, "text with a NUL");
    if (code == TG_OK)
        *text = tg_arena_strndup(r->arena, (const char *)data, len);
    return code;
}

enum tg_code dump_read_double(const struct reader *r, const json_t *value, double *number)
{
    char *end;
    if (json_is_number(value)) {
        *number = json_number_value(value);
        return TG_OK;
    }
    if (!json_is_string(value) || json_string_length(value) == 0)
        return dump_wrong(r, "not a number");
    *number = strtod(json_string_value(value), &end);
    return *end == '\0' ? TG_OK : dump_wrong(r, "not a number");
}
