/* outlet.h: standard output of a long list: written piece by piece, while a view of the store is open.
 *
 * Who reads may take hours (a pager, a stopped terminal), and a snapshot that is held so long keeps the store's pages from
 * being used again. So the snapshot is kept while the reader keeps up: all that is waited for it in one snapshot is two
 * seconds; then, and before each write to a terminal (of which nobody can tell whether it would wait), it is let go and
 * the list goes on in a new one. */
#ifndef ADMIN_OUTLET_H
#define ADMIN_OUTLET_H

#include <stdint.h>
#include "admin/terminal.h"
#include "schema/store.h"

struct outlet {
    struct terminal terminal; /* print there: its `out` is memory, which outlet_write empties */
    char *text;
    size_t len, size;
    int fd;
    int patience_ms;          /* left of this snapshot's */
    int64_t written_ms;       /* when something was written last */
    void (*old_pipe)(int);    /* what SIGPIPE did before */
    bool broken;              /* nobody reads any more */
};

/* Until it is closed a broken pipe is an error of outlet_write: a process that SIGPIPE ends would leave its snapshot behind. */
void outlet_open(struct outlet *outlet, const struct terminal *terminal);
/* Is there so much, or did it wait so long, that it should be written now? */
bool outlet_due(const struct outlet *outlet);
/* Writes what was printed. May renew the view: walks go on, what is in the arena stays. NULL: there is none any more. */
enum tg_code outlet_write(struct outlet *outlet, struct tg_view *view, struct tg_error *err) TG_MUST_CHECK;
/* What was not written is dropped. Where the pipe was broken, SIGPIPE now does what it did before: end the process, quietly. Close
 * after the view has ended. */
void outlet_close(struct outlet *outlet);

#endif
