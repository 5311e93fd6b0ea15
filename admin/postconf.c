/* postconf.c: see postconf.h. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include "admin/postconf.h"

enum { OUTPUT_MAX = 1 << 20, NOT_FOUND_STATUS = 127 };

struct setting {
    char *name, *value;
};

struct list {
    struct setting *item;
    size_t count;
};

struct postfix {
    struct list settings;
    struct list overrides; /* "name/type/setting" */
    struct postfix_service *service;
    size_t services;
};

/* ---- reading ---- */

/* One line at a time, without its end; false at the end. */
static bool next_line(const char **text, const char **line, size_t *len)
{
    if (**text == '\0')
        return false;
    *line = *text;
    *len = strcspn(*text, "\n");
    *text += *len + ((*text)[*len] == '\n');
    return true;
}

/* "name = value" lines. */
static void read_settings(const char *text, struct list *list)
{
    const char *line;
    size_t len;
    while (next_line(&text, &line, &len)) {
        const char *equals = memchr(line, '=', len);
        if (equals == NULL || equals == line)
            continue;
        size_t name_len = (size_t)(equals - line), value_len = len - name_len - 1;
        const char *value = equals + 1;
        while (name_len > 0 && line[name_len - 1] == ' ')
            name_len--;
        while (value_len > 0 && *value == ' ')
            value++, value_len--;
        while (value_len > 0 && isspace((unsigned char)value[value_len - 1]))
            value_len--;
        list->item = tg_xrealloc(list->item, (list->count + 1) * sizeof *list->item);
        list->item[list->count++] = (struct setting){ tg_xstrndup(line, name_len), tg_xstrndup(value, value_len) };
    }
}

/* "name type private unpriv chroot wakeup maxproc command …" lines. */
static void read_services(const char *text, struct postfix *postfix)
{
    const char *line;
    size_t len;
    while (next_line(&text, &line, &len)) {
        char copy[512], chroot[8];
        struct postfix_service service = { .chroot = false };
        snprintf(copy, sizeof copy, "%.*s", (int)(len < sizeof copy ? len : sizeof copy - 1), line);
        if (sscanf(copy, "%127s %15s %*s %*s %7s %*s %*s %63s", service.name, service.type, chroot, service.program) != 4 ||
            *copy == '#')
            continue;
        service.chroot = *chroot == 'y';
        postfix->service = tg_xrealloc(postfix->service, (postfix->services + 1) * sizeof *postfix->service);
        postfix->service[postfix->services++] = service;
    }
}

struct postfix *postfix_read(const char *settings, const char *services, const char *overrides)
{
    struct postfix *postfix = tg_xcalloc(1, sizeof *postfix);
    read_settings(settings, &postfix->settings);
    read_services(services, postfix);
    read_settings(overrides, &postfix->overrides);
    return postfix;
}

static void free_list(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->item[i].name);
        free(list->item[i].value);
    }
    free(list->item);
}

void postfix_free(struct postfix **postfix)
{
    if (*postfix == NULL)
        return;
    free_list(&(*postfix)->settings);
    free_list(&(*postfix)->overrides);
    free((*postfix)->service);
    free(*postfix);
    *postfix = NULL;
}

/* ---- asking ---- */

/* The output; NULL with the error. */
static char *run(const char *command, const char *option, struct tg_error *err)
{
    char line[1000];
    if (snprintf(line, sizeof line, "LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/sbin:/usr/local/sbin; %s %s 2>&1", command,
                 option) >= (int)sizeof line)
        return tg_fail(err, TG_USAGE, "the command for postconf is too long"), NULL;
    FILE *pipe = popen(line, "re"); /* NOLINT(cert-env33-c): the administrator's own command line, with its arguments */
    if (pipe == NULL)
        return tg_fail(err, TG_FAILED, "%s could not be run", command), NULL;
    char *out = tg_xmalloc(OUTPUT_MAX + 1);
    size_t len = fread(out, 1, OUTPUT_MAX, pipe);
    out[len] = '\0';
    int status = pclose(pipe);
    if (status == 0)
        return out;
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND_STATUS)
        tg_fail(err, TG_NOT_FOUND, "%s was not found", command);
    else
        tg_fail(err, TG_FAILED, "%s %s failed: %.*s", command, option, (int)strcspn(out, "\n"), out);
    free(out);
    return NULL;
}

enum tg_code postfix_ask(const char *command, struct postfix **postfix, struct tg_error *err)
{
    char *settings = run(command, "-x", err), *services = NULL, *overrides = NULL;
    if (settings != NULL)
        services = run(command, "-M", err);
    if (services != NULL)
        overrides = run(command, "-P -x", err);
    *postfix = overrides != NULL ? postfix_read(settings, services, overrides) : NULL;
    free(settings);
    free(services);
    free(overrides);
    return *postfix != NULL ? TG_OK : err->code;
}

/* ---- looking up ---- */

static const char *find(const struct list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->item[i].name, name) == 0)
            return list->item[i].value;
    return NULL;
}

const char *postfix_setting(const struct postfix *postfix, const char *name)
{
    return find(&postfix->settings, name);
}

static const char *override(const struct postfix *postfix, const struct postfix_service *service, const char *name)
{
    char key[300];
    snprintf(key, sizeof key, "%s/%s/%s", service->name, service->type, name);
    return find(&postfix->overrides, key);
}

bool postfix_overrides(const struct postfix *postfix, const struct postfix_service *service, const char *name)
{
    return override(postfix, service, name) != NULL;
}

const char *postfix_service_setting(const struct postfix *postfix, const struct postfix_service *service, const char *name)
{
    const char *value = override(postfix, service, name);
    return value != NULL ? value : postfix_setting(postfix, name);
}

const struct postfix_service *postfix_next(const struct postfix *postfix, const char *program,
                                           const struct postfix_service *last)
{
    for (size_t i = last == NULL ? 0 : (size_t)(last - postfix->service) + 1; i < postfix->services; i++)
        if (strcmp(postfix->service[i].program, program) == 0)
            return &postfix->service[i];
    return NULL;
}

/* ---- lists ---- */

static bool separates(char c)
{
    return c == ',' || isspace((unsigned char)c);
}

bool postfix_word(const char **list, char *word, size_t size)
{
    const char *c = *list;
    size_t len = 0;
    int depth = 0;
    while (separates(*c))
        c++;
    bool braces = *c == '{';
    if (*c == '\0') {
        *list = c;
        return false;
    }
    for (; *c != '\0' && (depth > 0 || !separates(*c)); c++) {
        depth += *c == '{';
        depth -= *c == '}';
        if (braces && (depth == 0 || (*c == '{' && depth == 1)))
            continue; /* the outer braces */
        if (len + 1 < size)
            word[len++] = *c;
    }
    while (braces && len > 0 && separates(word[len - 1]))
        len--;
    word[len] = '\0';
    size_t blank = 0;
    while (braces && blank < len && separates(word[blank]))
        blank++;
    memmove(word, word + blank, len - blank + 1);
    *list = c;
    return true;
}

size_t postfix_count(const char *list)
{
    char word[8];
    size_t count = 0;
    while (postfix_word(&list, word, sizeof word))
        count++;
    return count;
}

bool postfix_has(const char *list, const char *word)
{
    char one[300];
    while (postfix_word(&list, one, sizeof one))
        if (strcasecmp(one, word) == 0)
            return true;
    return false;
}

void postfix_address(const struct postfix *postfix, const char *text, char *out, size_t size)
{
    char first[300];
    *out = '\0';
    if (!postfix_word(&text, first, sizeof first))
        return;
    const char *path = strncmp(first, "unix:", 5) == 0 ? first + 5 : strncmp(first, "local:", 6) == 0 ? first + 6 : first;
    if (strncmp(first, "inet:localhost:", 15) == 0)
        snprintf(out, size, "inet:127.0.0.1:%s", first + 15);
    else if (strncmp(first, "inet:", 5) == 0)
        snprintf(out, size, "%s", first);
    else if (*path == '/')
        snprintf(out, size, "unix:%s", path);
    else
        snprintf(out, size, "unix:%s/%s", postfix_setting(postfix, "queue_directory") != NULL
                                              ? postfix_setting(postfix, "queue_directory") : "", path);
}
