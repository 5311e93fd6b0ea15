/* unfinished.h: a file that has no name until it is whole: the name stands for all of it or for none, and whoever is killed
 * leaves nothing behind. Not every file system makes one without a name; there it has another name beside the wanted one. */
#ifndef TG_UNFINISHED_H
#define TG_UNFINISHED_H

#include <stdbool.h>

enum { TG_UNFINISHED_PATH = 4200 };

struct tg_unfinished {
    int fd;                                                              /* to be written to */
    char file[TG_UNFINISHED_PATH], directory[TG_UNFINISHED_PATH], name[TG_UNFINISHED_PATH]; /* name "": it has none */
};

/* Mode 0600. false: errno tells. */
bool tg_unfinished_begin(const char *file, struct tg_unfinished *unfinished);
/* Gives it its name; both are on disk once this returns. false: errno tells; EEXIST: somebody else was faster. */
bool tg_unfinished_name(const struct tg_unfinished *unfinished);
/* Closes it; what has no name is gone. */
void tg_unfinished_end(struct tg_unfinished *unfinished);

/* A directory, after a file in it was made or renamed. */
void tg_sync_path(const char *path);

#endif
