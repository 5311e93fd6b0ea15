/* standard_files.h: descriptors 0, 1 and 2 are what a program takes them for. */
#ifndef TG_STANDARD_FILES_H
#define TG_STANDARD_FILES_H

/* The first thing in main. Which of them is closed (a shell's >&-) would be the number of the next file that is opened, and
 * what is printed would be written into the store. It becomes /dev/null, in which nothing can be written: who prints hears
 * of it. */
void tg_standard_files(void);

#endif
