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

#endif
