/* output.h: results and errors, written once: JSON as it is, or a table or key and value for people. */
#ifndef ADMIN_OUTPUT_H
#define ADMIN_OUTPUT_H

#include "admin/command.h"
#include "admin/terminal.h"

/* A command's result. */
void output_result(const struct terminal *terminal, const struct input *input, const json_t *result);

/* A list with its columns ("username status"), as wide as the terminal allows. */
void output_table(const struct terminal *terminal, const json_t *rows, const char *columns);

/* What a list without rows says, on a terminal only. */
void output_nothing(const struct terminal *terminal);

/* "key  value" lines; nested objects and lists in short. */
void output_object(const struct terminal *terminal, const json_t *object);

/* On standard error: one sentence, or {"error":{"code","message"}}. */
void output_error(bool json, const struct tg_error *err);

/* How a value reads in a table: text, number, yes/no, a local time for what is an RFC 3339 time, "-" for null. */
void output_value(const json_t *value, char *out, size_t size);

/* An RFC 3339 time in the reader's zone; false: it is none. */
bool output_local_time(const char *text, char *out, size_t size);

/* The colour of a word such as "enabled" or "refused". */
enum colour output_colour(const char *word);

#endif
