/* template.c: see template.h. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "schema/span.h"
#include "schema/template.h"
#include "schema/template_text.h"
#include "schema/text.h"

enum { FILE_MAX = 64 * 1024, SUBJECT_MAX = 400 };
#define SUBJECT "Subject: "

struct tg_templates {
    char *text[TG_MAIL_KINDS]; /* NULL: built in */
};

const char *tg_mail_kind_name(enum tg_mail_kind kind)
{
    return built_in[kind].name;
}

const char *tg_template_word(size_t i)
{
    return i < sizeof words / sizeof *words ? words[i] : NULL;
}

/* ---- placeholders ---- */

/* From "{{" on: the word, without blanks around it, and how long all of it is; 0: not closed. */
static size_t read_word(const char *at, struct tg_span *word)
{
    const char *end = strstr(at + 2, "}}");
    const char *newline = strchr(at, '\n');
    if (end == NULL || (newline != NULL && newline < end))
        return 0;
    const char *first = at + 2, *last = end;
    while (first < last && *first == ' ')
        first++;
    while (last > first && last[-1] == ' ')
        last--;
    *word = tg_span_of((const uint8_t *)first, (size_t)(last - first));
    return (size_t)(end + 2 - at);
}

static bool same(struct tg_span word, const char *name)
{
    return strlen(name) == word.len && memcmp(name, word.data, word.len) == 0;
}

static bool is_known(struct tg_span word)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (same(word, words[i]))
            return true;
    return false;
}

/* ---- checking ---- */

static enum tg_code check_characters(const char *text, size_t len, struct tg_error *err)
{
    for (size_t i = 0, n; i < len; i += n) {
        n = tg_utf8_length(text + i);
        if (n == 0 || (n == 1 && text[i] < ' ' && text[i] != '\n' && text[i] != '\t') || text[i] == 0x7f)
            return tg_fail(err, TG_USAGE, "it must be UTF-8 text without control characters");
    }
    return TG_OK;
}

enum tg_code tg_template_check(const char *text, size_t len, struct tg_error *err)
{
    if (strlen(text) != len)
        return tg_fail(err, TG_USAGE, "it must be UTF-8 text without control characters");
    enum tg_code code = check_characters(text, len, err);
    if (code != TG_OK)
        return code;
    const char *line = strchr(text, '\n');
    if (strncmp(text, SUBJECT, sizeof SUBJECT - 1) != 0 || line == NULL || line[1] != '\n' ||
        line - text <= (ptrdiff_t)sizeof SUBJECT - 1)
        return tg_fail(err, TG_USAGE, "its first line must be 'Subject: ' and the subject, the second empty");
    if (line - text > SUBJECT_MAX)
        return tg_fail(err, TG_USAGE, "its subject is longer than %d octets", SUBJECT_MAX);
    if (line[2] == '\0')
        return tg_fail(err, TG_USAGE, "it has a subject and no text");
    for (const char *at = strstr(text, "{{"); at != NULL; at = strstr(at + 2, "{{")) {
        struct tg_span word;
        if (read_word(at, &word) == 0)
            return tg_fail(err, TG_USAGE, "a {{ is not closed by }} in its line");
        if (!is_known(word))
            return tg_fail(err, TG_USAGE, "{{%.*s}} is not known", (int)(word.len > 40 ? 40 : word.len), (const char *)word.data);
    }
    return TG_OK;
}

/* ---- files ---- */

/* NULL where there is none. CR LF is read as LF. */
static char *read_file(const char *path, size_t *len)
{
    FILE *in = fopen(path, "re");
    if (in == NULL)
        return NULL;
    char *text = tg_xmalloc(FILE_MAX + 1);
    size_t got = fread(text, 1, FILE_MAX, in), kept = 0;
    fclose(in);
    for (size_t i = 0; i < got; i++)
        if (text[i] != '\r' || i + 1 == got || text[i + 1] != '\n')
            text[kept++] = text[i];
    text[kept] = '\0';
    *len = kept;
    return text;
}

struct tg_templates *tg_templates_read(const char *dir, tg_template_problem_fn *problem, void *arg)
{
    struct tg_templates *t = tg_xcalloc(1, sizeof *t);
    for (int kind = 0; dir != NULL && kind < TG_MAIL_KINDS; kind++) {
        char path[4200];
        struct tg_error err;
        size_t len;
        snprintf(path, sizeof path, "%.4000s/%s.txt", dir, built_in[kind].name);
        char *text = read_file(path, &len);
        if (text == NULL || tg_template_check(text, len, &err) == TG_OK) {
            t->text[kind] = text;
            continue;
        }
        free(text);
        char sentence[5000];
        snprintf(sentence, sizeof sentence, "the template %s is not used: %s", path, err.text);
        if (problem != NULL)
            problem(arg, sentence);
    }
    return t;
}

void tg_templates_free(struct tg_templates **templates)
{
    for (int kind = 0; *templates != NULL && kind < TG_MAIL_KINDS; kind++)
        free((*templates)->text[kind]);
    free(*templates);
    *templates = NULL;
}

/* ---- filling in ---- */

static const char *value_of(struct tg_span word, const struct tg_fill *fill)
{
    for (; fill->word != NULL; fill++)
        if (same(word, fill->word))
            return fill->value != NULL ? fill->value : "";
    return "";
}

/* The next octets of what comes out: of a word its value. Returns the octets of the text that they stand for. */
static size_t next_piece(const char *text, const struct tg_fill *fill, struct tg_span *piece)
{
    struct tg_span word;
    size_t n = text[0] == '{' && text[1] == '{' ? read_word(text, &word) : 0;
    const char *from = n > 0 ? value_of(word, fill) : text;
    *piece = tg_span_of(from, n > 0 ? strlen(from) : 1);
    return n > 0 ? n : 1;
}

static char *expanded(struct tg_arena *arena, const char *text, size_t len, const struct tg_fill *fill)
{
    struct tg_span piece;
    size_t size = 0, done = 0;
    for (size_t i = 0; i < len; size += piece.len)
        i += next_piece(text + i, fill, &piece);
    char *out = tg_arena_alloc(arena, size + 1);
    for (size_t i = 0; i < len; done += piece.len) {
        i += next_piece(text + i, fill, &piece);
        memcpy(out + done, piece.data, piece.len);
    }
    out[done] = '\0';
    return out;
}

void tg_template_fill(struct tg_arena *arena, const struct tg_templates *templates, enum tg_mail_kind kind,
                      const struct tg_fill *fill, char **subject, char **body)
{
    const char *text = templates != NULL && templates->text[kind] != NULL ? templates->text[kind] : built_in[kind].text;
    const char *line = strchr(text, '\n');
    *subject = expanded(arena, text + sizeof SUBJECT - 1, (size_t)(line - text) - (sizeof SUBJECT - 1), fill);
    for (char *c = *subject; *c != '\0'; c++)
        *c = (unsigned char)*c < ' ' || *c == 0x7f ? ' ' : *c;
    *body = expanded(arena, line + 2, strlen(line + 2), fill);
}
