/* settings.c: see settings.h. libconfuse reads the file, the table (settings_table.c) says what is allowed. */
#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "schema/domain_name.h"
#include "schema/network.h"
#include "schema/settings.h"
#include "schema/settings_parts.h"

static const struct option_row *row_of(const char *name)
{
    for (size_t i = 0; i < TG_OPTION_COUNT; i++)
        if (strcmp(tg_option_rows[i].name, name) == 0)
            return &tg_option_rows[i];
    return NULL;
}

/* The number of `value` among "a|b|c"; -1: not one of them. */
static int choice_number(const char *choices, const char *value)
{
    size_t len = strlen(value);
    int number = 0;
    for (const char *c = choices;; number++) {
        size_t word = strcspn(c, "|");
        if (word == len && memcmp(c, value, len) == 0)
            return number;
        if (c[word] == '\0')
            return -1;
        c += word + 1;
    }
}

/* ---- reading ---- */

/* libconfuse reports through a callback that gets no pointer of ours, so the sentence is gathered here. */
struct reading {
    struct tg_error *err;
    const char *path;
    bool failed;
    int line;
    int set_on[TG_OPTION_COUNT]; /* the line of each option; 0: not yet */
};
static _Thread_local struct reading *reading;

static void complain(cfg_t *cfg, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static void complain(cfg_t *cfg, const char *format, va_list args)
{
    if (reading == NULL || reading->failed)
        return; /* the first is the cause */
    char text[300], hint[100];
    vsnprintf(text, sizeof text, format, args);
    for (char *c = text; *c != '\0'; c++) /* one line, whatever an escape in a value made */
        *c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
    reading->failed = true;
    reading->line = cfg != NULL ? cfg->line : 0;
    tg_settings_hint(text, hint, sizeof hint);
    tg_fail(reading->err, TG_UNUSABLE, "%s:%d: %s%s", reading->path, reading->line, text, hint);
}

static const char *checked(const struct option_row *row, const char *value)
{
    if (row->type == CHOICE)
        return choice_number(row->choices, value) >= 0 ? NULL : row->choices;
    return row->check != NULL ? row->check(value) : NULL;
}

/* Called by libconfuse as soon as an option was read, so cfg->line is the option's. */
static int validate(cfg_t *cfg, cfg_opt_t *opt)
{
    const struct option_row *row = row_of(cfg_opt_name(opt));
    assert(row != NULL); /* it knows no others */
    int *set_on = &reading->set_on[row - tg_option_rows];
    if (*set_on != 0 && row->type != LIST) { /* of a list each text comes here, and its end */
        cfg_error(cfg, "%s is set already, on line %d: allowed is once", row->name, *set_on);
        return -1;
    }
    *set_on = cfg->line;
    if (row->type == INT) {
        long value = cfg_opt_getnint(opt, cfg_opt_size(opt) - 1);
        if (value < row->min || value > row->max) {
            cfg_error(cfg, "%s: %ld is out of range; allowed is %ld to %ld", row->name, value, row->min, row->max);
            return -1;
        }
        return 0;
    }
    if (row->type == BOOL || cfg_opt_size(opt) == 0)
        return 0;
    const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
    const char *allowed = value != NULL ? checked(row, value) : NULL;
    if (allowed != NULL) {
        cfg_error(cfg, "%s: \"%.80s\" is not allowed; allowed is %s", row->name, value, allowed);
        return -1;
    }
    return 0;
}

static struct tg_list list_of(cfg_t *cfg, const char *name)
{
    struct tg_list list = { .count = cfg_size(cfg, name) };
    list.item = tg_xcalloc(list.count + 1, sizeof *list.item);
    for (size_t i = 0; i < list.count; i++)
        list.item[i] = tg_xstrdup(cfg_getnstr(cfg, name, (unsigned)i));
    return list;
}

static char *text_of(cfg_t *cfg, const char *name)
{
    const char *text = cfg_getstr(cfg, name);
    return tg_xstrdup(text != NULL ? text : "");
}

static void take_values(cfg_t *cfg, struct tg_settings *s)
{
#define OPTION_TEXT(n, v, c, h) s->n = text_of(cfg, #n);
#define OPTION_LIST(n, v, c, h) s->n = list_of(cfg, #n);
#define OPTION_INT(n, v, lo, hi, h) s->n = cfg_getint(cfg, #n);
#define OPTION_BOOL(n, v, h) s->n = cfg_getbool(cfg, #n);
#define OPTION_CHOICE(n, v, ch, h) s->n = choice_number(ch, cfg_getstr(cfg, #n));
#include "schema/options.def"
#undef OPTION_TEXT
#undef OPTION_LIST
#undef OPTION_INT
#undef OPTION_BOOL
#undef OPTION_CHOICE
}

/* What is made once from the values, and what no single option can be checked for. */
static enum tg_code derive(struct tg_settings *s, struct tg_error *err)
{
    s->socket_mode_bits = (unsigned)strtoul(s->socket_mode, NULL, 8);
    s->trusted = tg_xcalloc(s->trusted_networks.count + 1, sizeof *s->trusted);
    for (size_t i = 0; i < s->trusted_networks.count; i++) {
        enum tg_code code = tg_network_parse(s->trusted_networks.item[i], false, &s->trusted[i], err);
        if (code != TG_OK)
            return code;
        s->trusted_count++;
    }
    if (*s->return_path_domain != '\0') {
        enum tg_code code = tg_domain_name(tg_span_str(s->return_path_domain), s->return_path_canonical, err);
        if (code != TG_OK)
            return code;
    }
    if (s->milter_listen.count != 1)
        return tg_fail(err, TG_UNUSABLE, "%s: milter_listen: %zu addresses; allowed is exactly one", s->path,
                       s->milter_listen.count);
    if (s->mechanisms.count == 0 && s->auth_listen.count > 0)
        return tg_fail(err, TG_UNUSABLE, "%s: mechanisms: the list is empty; name at least one, or close the auth door "
                       "with auth_listen = {}", s->path);
    return TG_OK;
}

/* Values are borrowed from the table: libconfuse copies what it keeps. */
static void fill_options(cfg_opt_t *options)
{
    size_t i = 0;
    for (; i < TG_OPTION_COUNT; i++) {
        const struct option_row *row = &tg_option_rows[i];
        cfg_opt_t list = CFG_STR_LIST((char *)row->name, (char *)row->value, CFGF_NONE);
        cfg_opt_t text = CFG_STR((char *)row->name, NULL, CFGF_NONE);
        cfg_opt_t number = CFG_INT((char *)row->name, 0, CFGF_NONE);
        cfg_opt_t flag = CFG_BOOL((char *)row->name, cfg_false, CFGF_NONE);
        switch (row->type) {
        case LIST: options[i] = list; break;
        case INT: options[i] = number; options[i].def.number = strtol(row->value, NULL, 10); break;
        case BOOL: options[i] = flag; options[i].def.boolean = strcmp(row->value, "true") == 0 ? cfg_true : cfg_false; break;
        case TEXT:
        case CHOICE: options[i] = text; options[i].def.parsed = (char *)row->value; break;
        }
    }
    options[i] = (cfg_opt_t)CFG_END();
}

enum tg_code tg_settings_read(const char *path, struct tg_settings **settings, struct tg_error *err)
{
    *settings = NULL;
    if (path == NULL)
        path = getenv("TOLLGATE_CONFIG");
    if (path == NULL || *path == '\0')
        path = TG_SYSCONFDIR "/tollgate/tollgate.conf";
    if (access(path, R_OK) != 0)
        return tg_fail(err, TG_UNUSABLE, "can't read the configuration %s: %s (name another with -c or TOLLGATE_CONFIG)",
                       path, strerror(errno));

    struct stat file;
    bool found = stat(path, &file) == 0;
    if (found && S_ISDIR(file.st_mode))
        return tg_fail(err, TG_UNUSABLE, "can't read the configuration %s: it is a directory", path);

    FILE *text = found && S_ISREG(file.st_mode) ? fopen(path, "re") : NULL; /* a pipe is read once */
    int open_quote = text != NULL ? tg_settings_open_quote(text) : 0;
    if (text != NULL)
        fclose(text);

    cfg_opt_t options[TG_OPTION_COUNT + 1];
    fill_options(options);
    cfg_t *cfg = cfg_init(options, CFGF_NONE);
    if (cfg == NULL)
        return tg_fail(err, TG_UNUSABLE, "can't prepare to read %s: %s", path, strerror(errno));
    struct reading state = { .err = err, .path = path };
    cfg_set_error_function(cfg, complain);
    for (size_t i = 0; i < TG_OPTION_COUNT; i++)
        cfg_set_validate_func(cfg, tg_option_rows[i].name, validate);

    reading = &state;
    int rc = cfg_parse(cfg, path);
    reading = NULL;
    enum tg_code code = TG_OK;
    if (open_quote != 0 && !(state.failed && state.line <= open_quote)) {
        code = tg_fail(err, TG_UNUSABLE, "%s:%d: a quote is opened on this line and not closed on it", path, open_quote);
    } else if (rc != CFG_SUCCESS || state.failed) {
        code = state.failed              ? TG_UNUSABLE
               : rc == CFG_PARSE_ERROR ? tg_fail(err, TG_UNUSABLE, "%s:%d: this is no line of a configuration (tollgate.conf(5) "
                                                 "says what may stand there)", path, cfg->line)
                                       : tg_fail(err, TG_UNUSABLE, "can't read the configuration %s: %s", path, strerror(errno));
    } else {
        struct tg_settings *s = tg_xcalloc(1, sizeof *s);
        s->path = tg_xstrdup(path);
        take_values(cfg, s);
        code = derive(s, err);
        if (code == TG_OK)
            *settings = s;
        else
            tg_settings_free(&s);
    }
    cfg_free(cfg);
    return code == TG_OK ? TG_OK : TG_UNUSABLE;
}

static void list_free(struct tg_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->item[i]);
    free(list->item);
}

void tg_settings_free(struct tg_settings **settings)
{
    struct tg_settings *s = *settings;
    if (s == NULL)
        return;
#define OPTION_TEXT(n, v, c, h) free(s->n);
#define OPTION_LIST(n, v, c, h) list_free(&s->n);
#define OPTION_INT(n, v, lo, hi, h)
#define OPTION_BOOL(n, v, h)
#define OPTION_CHOICE(n, v, ch, h)
#include "schema/options.def"
#undef OPTION_TEXT
#undef OPTION_LIST
#undef OPTION_INT
#undef OPTION_BOOL
#undef OPTION_CHOICE
    free(s->trusted);
    free(s->path);
    free(s);
    *settings = NULL;
}

const char *tg_settings_log_level(const struct tg_settings *settings)
{
    static const char *const names[] = { "error", "warning", "info", "debug" };
    return names[settings->log_level];
}

bool tg_list_has(const struct tg_list *list, const char *item)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->item[i], item) == 0)
            return true;
    return false;
}

bool tg_settings_trusts(const struct tg_settings *settings, const struct tg_network *address)
{
    for (size_t i = 0; i < settings->trusted_count; i++)
        if (tg_network_contains(&settings->trusted[i], address))
            return true;
    return false;
}
