/* clean_memory.c: see clean_memory.h. */
#include <event2/event.h>
#include <jansson.h>
#include <malloc.h>
#include <sasl/sasl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "authd/clean_memory.h"
#include "schema/error.h"

void clean_free(void *memory)
{
    if (memory != NULL)
        sodium_memzero(memory, malloc_usable_size(memory));
    free(memory);
}

/* Not realloc(3): it would leave the old place as it was. */
static void *clean_realloc(void *memory, size_t size)
{
    if (memory == NULL)
        return malloc(size);
    size_t old = malloc_usable_size(memory);
    void *larger = malloc(size);
    if (larger == NULL)
        return NULL;
    memcpy(larger, memory, old < size ? old : size);
    clean_free(memory);
    return larger;
}

void clean_memory_begin(void)
{
    json_set_alloc_funcs(tg_xmalloc, clean_free); /* which leaves out what it finds no room for */
    event_set_mem_functions(malloc, clean_realloc, clean_free);
    sasl_set_alloc((sasl_malloc_t *)malloc, (sasl_calloc_t *)calloc, (sasl_realloc_t *)clean_realloc, clean_free);
}
