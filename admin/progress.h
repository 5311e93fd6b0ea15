/* progress.h: a bar on the terminal's standard error for what takes longer than a moment; nothing where that is no terminal. */
#ifndef ADMIN_PROGRESS_H
#define ADMIN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "records", "octets": what is counted */
    bool octets;      /* shown as MiB */
    /* Its own; zero at first. */
    int64_t start_ms, shown_ms;
    bool shown;
};

/* A tg_progress_fn; arg is a struct progress. */
void progress_show(void *arg, uint64_t done, uint64_t all);
/* Takes the bar away. Calling it where there is none does nothing. */
void progress_end(struct progress *progress);

#endif
