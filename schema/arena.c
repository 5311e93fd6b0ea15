/* arena.c: see arena.h. A list of blocks; only the newest is filled. */
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "schema/arena.h"

enum { FIRST_BLOCK = 16 * 1024 };

struct block {
    struct block *older;
    size_t size, used;
    alignas(max_align_t) uint8_t data[];
};

struct tg_arena {
    struct block *newest;
    ProtobufCAllocator allocator;
};

static struct block *block_new(struct block *older, size_t size)
{
    struct block *b = tg_xmalloc(sizeof *b + size);
    b->older = older;
    b->size = size;
    b->used = 0;
    return b;
}

static void *pb_alloc(void *arena, size_t size)
{
    return tg_arena_alloc(arena, size);
}

static void pb_free(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

struct tg_arena *tg_arena_new(void)
{
    struct tg_arena *a = tg_xmalloc(sizeof *a);
    a->newest = block_new(NULL, FIRST_BLOCK);
    a->allocator = (ProtobufCAllocator){ .alloc = pb_alloc, .free = pb_free, .allocator_data = a };
    return a;
}

void tg_arena_reset(struct tg_arena *arena)
{
    while (arena->newest->older != NULL) {
        struct block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
    arena->newest->used = 0;
}

void tg_arena_free(struct tg_arena **arena)
{
    if (*arena == NULL)
        return;
    tg_arena_reset(*arena);
    free((*arena)->newest);
    free(*arena);
    *arena = NULL;
}

void *tg_arena_alloc(struct tg_arena *arena, size_t size)
{
    struct block *b = arena->newest;
    size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        abort();
    size = size == 0 ? align : (size + align - 1) / align * align;
    if (b->size - b->used < size) {
        size_t bigger = b->size * 2;
        b = block_new(b, size > bigger ? size : bigger);
        arena->newest = b;
    }
    void *memory = b->data + b->used;
    b->used += size;
    return memory;
}

void *tg_arena_calloc(struct tg_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        abort();
    return memset(tg_arena_alloc(arena, count * size), 0, count * size);
}

char *tg_arena_strndup(struct tg_arena *arena, const char *text, size_t len)
{
    char *copy = tg_arena_alloc(arena, len + 1);
    if (len > 0) /* an empty span may point nowhere */
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *tg_arena_strdup(struct tg_arena *arena, const char *text)
{
    return tg_arena_strndup(arena, text, strlen(text));
}

char *tg_arena_printf(struct tg_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        abort();
    char *text = tg_arena_alloc(arena, (size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    return text;
}

ProtobufCAllocator *tg_arena_allocator(struct tg_arena *arena)
{
    return &arena->allocator;
}
