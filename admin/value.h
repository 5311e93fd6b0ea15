/* value.h: how one value of a result reads for people. */
#ifndef ADMIN_VALUE_H
#define ADMIN_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include "admin/terminal.h"

/* Text, number, yes/no, a local time for what is an RFC 3339 time, "-" for null; what is inside an object, one level deep. */
void value_text(const json_t *value, char *out, size_t size);

/* An RFC 3339 time in the reader's zone; false: it is none. */
bool value_local_time(const char *text, char *out, size_t size);

/* The colour of a word such as "enabled" or "refused". */
enum colour value_colour(const char *word);

#endif
