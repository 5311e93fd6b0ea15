/* words.h: the words that stand for an enumeration's numbers, in its order. A number without a word is one of a newer program. */
#ifndef TG_WORDS_H
#define TG_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A list and its length, as the arguments of the functions below. */
#define TG_WORDS(list) list, sizeof list / sizeof *list

static inline const char *tg_word(const char *const *words, size_t count, size_t number)
{
    return number < count ? words[number] : "unknown";
}

/* false: it is none of them, and *number is as it was. */
static inline bool tg_word_find(const char *const *words, size_t count, const char *text, size_t *number)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0) {
            *number = i;
            return true;
        }
    }
    return false;
}

#endif
