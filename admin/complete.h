/* complete.h: what may come next on the command line, for the shells: `tollgate __complete WORD … LAST`.
 *
 * A candidate a line, with a tab and its description; ":files" or ":dirs" where the shell knows better. Silent about
 * everything that fails: no store, no permission, a wrong configuration. Always 0. */
#ifndef ADMIN_COMPLETE_H
#define ADMIN_COMPLETE_H

/* The words after the program's own; the last one, perhaps empty, is what is being typed. */
int complete_words(int count, char **words);

#endif
