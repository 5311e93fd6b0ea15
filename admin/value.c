/* value.c: see value.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "admin/value.h"
#include "schema/calendar.h"

enum colour value_colour(const char *word)
{
    static const struct {
        const char *word;
        enum colour colour;
    } words[] = {
        { "enabled", GREEN }, { "accepted", GREEN }, { "verified", GREEN }, { "waiting", YELLOW }, { "pending", YELLOW },
        { "warning", YELLOW }, { "deferred", YELLOW }, { "bounce", YELLOW }, { "disabled", RED }, { "error", RED },
        { "refused", RED }, { "failed", RED }, { "found", GREEN }, { "missing", YELLOW }, { "wrong", RED }, { "unknown", DIM },
        { "excellent", GREEN }, { "good", GREEN }, { "fair", YELLOW }, { "poor", RED }, { "bad", RED }, { "auth-failed", RED }, { "complaint", RED },
        { "paid", GREEN }, { "sent", GREEN }, { "unpaid", YELLOW }, { "overdue", RED },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].colour;
    return PLAIN;
}

/* Times are kept in UTC and shown in the reader's zone. */
bool value_local_time(const char *text, char *out, size_t size)
{
    int64_t t;
    struct tm tm;
    if (strlen(text) < 20 || text[4] != '-' || text[10] != 'T' || tg_time_parse(text, 0, &t, NULL) != TG_OK)
        return false;
    time_t seconds = (time_t)t;
    return localtime_r(&seconds, &tm) != NULL && strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm) > 0;
}

/* "company Example Ltd, vat -": what is inside, one level deep. */
static void members(const json_t *object, char *out, size_t size)
{
    const char *key;
    json_t *value;
    char one[300];
    size_t len = 0;
    snprintf(out, size, "-");
    json_object_foreach((json_t *)object, key, value) {
        if (json_is_object(value))
            continue;
        value_text(value, one, sizeof one);
        if (*one != '\0' && len < size)
            len += (size_t)snprintf(out + len, size - len, "%s%s %s", len > 0 ? ", " : "", key, one);
    }
}

void value_text(const json_t *value, char *out, size_t size)
{
    if (value == NULL || json_is_null(value)) {
        snprintf(out, size, "-");
    } else if (json_is_string(value)) {
        if (!value_local_time(json_string_value(value), out, size))
            snprintf(out, size, "%s", json_string_value(value));
    } else if (json_is_integer(value)) {
        snprintf(out, size, "%lld", (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        snprintf(out, size, "%s", json_is_true(value) ? "yes" : "no");
    } else if (json_is_array(value) && (json_array_size(value) == 0 || json_is_string(json_array_get(value, 0)))) {
        size_t i, len = 0;
        const json_t *one;
        snprintf(out, size, "-");
        json_array_foreach(value, i, one)
            len += len < size ? (size_t)snprintf(out + len, size - len, "%s%s", i > 0 ? ", " : "", json_string_value(one)) : 0;
    } else if (json_is_object(value)) {
        members(value, out, size);
    } else {
        char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        snprintf(out, size, "%s", dumped != NULL ? dumped : "");
        free(dumped);
    }
}
