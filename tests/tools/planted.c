/* planted.c: a mistake that every static analyser must find, else it is asked wrongly (analyze.mk). Never built. */
#include <stdlib.h>
#include "schema/store.h"

void planted(char *text);

void planted(char *text)
{
    free(text);
    free(text);
}
