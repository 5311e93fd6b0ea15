/* template.h: the texts of the mails that Tollgate writes. Each is built in, and replaced by the file KIND.txt in the
 * directory of templates where there is one:
 *
 *     Subject: Your order {{order}}
 *
 *     Dear {{name}}, …
 *
 * A file is UTF-8, its first line the subject, then an empty line and the text. {{word}} is replaced by the word's value;
 * a word that is not known makes the file wrong, and a wrong file is not used. */
#ifndef TG_TEMPLATE_H
#define TG_TEMPLATE_H

#include "schema/arena.h"

enum tg_mail_kind {
    TG_MAIL_ORDER,      /* to the customer: a summary, and where to pay */
    TG_MAIL_RENEWAL,
    TG_MAIL_PAID,
    TG_MAIL_QUOTA,
    TG_MAIL_EXPIRY,
    TG_MAIL_DISABLED,
    TG_MAIL_ERROR,
    TG_MAIL_PASSWORD,
    TG_MAIL_CAP,        /* to the provider */
    TG_MAIL_UNUSUAL,
    TG_MAIL_NETWORK,
    TG_MAIL_BOUNCES,
    TG_MAIL_REPUTATION,
    TG_MAIL_KINDS
};
const char *tg_mail_kind_name(enum tg_mail_kind kind); /* "order" … */
/* What a template may say, for the manual page; NULL behind the last. */
const char *tg_template_word(size_t i);

struct tg_templates;

/* Reads the directory (NULL or missing: built-in texts only). `problem` (may be NULL) is told of each file that is not used.
 * Never NULL; threads may share it. */
typedef void tg_template_problem_fn(void *arg, const char *sentence);
struct tg_templates *tg_templates_read(const char *dir, tg_template_problem_fn *problem, void *arg);
void tg_templates_free(struct tg_templates **templates);

/* Is this a template? TG_USAGE says what is wrong with it. Pure. */
enum tg_code tg_template_check(const char *text, size_t len, struct tg_error *err) TG_MUST_CHECK;

struct tg_fill {
    const char *word, *value;
};
/* templates NULL: built-in. Words that `fill` (ended by a NULL word) does not have are empty. Values are put in as they are,
 * line ends in the subject as blanks. Results are in the arena. */
void tg_template_fill(struct tg_arena *arena, const struct tg_templates *templates, enum tg_mail_kind kind,
                      const struct tg_fill *fill, char **subject, char **body);

#endif
