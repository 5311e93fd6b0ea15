/* fuzz.h: what every fuzz target has. A target is one file, tests/fuzz/fuzz_<name>.c, which defines this function;
 * its seeds are tests/fuzz/seeds/<name>/, inputs that once failed stay in tests/fuzz/crashes/<name>/. The same file
 * becomes a libFuzzer program (--enable-fuzzers) or one that replays files (replay.c). */
#ifndef TG_FUZZ_H
#define TG_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. */
#define MUST(what)                                                                    \
    do {                                                                              \
        if (!(what)) {                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                                  \
        }                                                                             \
    } while (0)

#endif
