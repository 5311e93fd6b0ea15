/* settings.h: tollgate.conf, read and checked by the table in options.def. (Not config.h: that is autoconf's.)
 *
 * An empty file works: every option has a default. A struct tg_settings is never changed once read, so
 * threads share it; a reload makes a new one. */
#ifndef TG_SETTINGS_H
#define TG_SETTINGS_H

#include <stdbool.h>
#include <stdio.h>
#include "schema/error.h"
#include "schema/keys.h"

struct tg_list {
    size_t count;
    char **item;
};

/* Numbers of the choices, in the order of options.def. */
enum { TG_COUNT_RECIPIENTS, TG_COUNT_MESSAGES };
enum { TG_EXHAUSTED_DEFER, TG_EXHAUSTED_REJECT };
enum { TG_UNKNOWN_REJECT, TG_UNKNOWN_IGNORE };
enum { TG_UNSUBSCRIBE_OFF, TG_UNSUBSCRIBE_WARN, TG_UNSUBSCRIBE_REQUIRE };
enum { TG_SYNC_FULL, TG_SYNC_NONE };

struct tg_settings {
    char *path; /* of the file that was read */
#define OPTION_TEXT(name, value, check, help) char *name;
#define OPTION_LIST(name, values, check, help) struct tg_list name;
#define OPTION_INT(name, value, min, max, help) long name;
#define OPTION_BOOL(name, value, help) bool name;
#define OPTION_CHOICE(name, value, choices, help) int name;
#include "schema/options.def"
#undef OPTION_TEXT
#undef OPTION_LIST
#undef OPTION_INT
#undef OPTION_BOOL
#undef OPTION_CHOICE
    /* Made from the above once, so that nobody parses per message. */
    struct tg_network *trusted; /* trusted_networks */
    size_t trusted_count;
    unsigned socket_mode_bits;
    char return_path_canonical[TG_DOMAIN_MAX + 1]; /* "" where not set */
};

/* path NULL: $TOLLGATE_CONFIG, else sysconfdir/tollgate/tollgate.conf. TG_UNUSABLE: cannot be read, or an
 * option is wrong: "FILE:LINE: option: what is wrong; what is allowed". */
enum tg_code tg_settings_read(const char *path, struct tg_settings **settings, struct tg_error *err) TG_MUST_CHECK;
void tg_settings_free(struct tg_settings **settings);

/* The sample configuration, every option with its help and default, commented out. */
void tg_settings_write_sample(FILE *out);
/* The items of tollgate.conf(5)'s list of options, in mdoc. */
void tg_settings_write_manual(FILE *out);

const char *tg_settings_log_level(const struct tg_settings *settings); /* "info" … */
bool tg_list_has(const struct tg_list *list, const char *item);
/* Is the address in trusted_networks? */
bool tg_settings_trusts(const struct tg_settings *settings, const struct tg_network *address);

#endif
