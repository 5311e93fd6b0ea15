/* arena.h: memory of one store view or one command, given back all at once.
 *
 * Nothing from an arena is freed singly or outlives it. One thread at a time uses an arena. */
#ifndef TG_ARENA_H
#define TG_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include "schema/error.h"

struct tg_arena;

struct tg_arena *tg_arena_new(void);
void tg_arena_free(struct tg_arena **arena);

/* Everything that came from it is gone; its first block stays, for the next use. */
void tg_arena_reset(struct tg_arena *arena);

/* Aligned for any type, not zeroed. Never NULL. */
void *tg_arena_alloc(struct tg_arena *arena, size_t size);
void *tg_arena_calloc(struct tg_arena *arena, size_t count, size_t size);
char *tg_arena_strdup(struct tg_arena *arena, const char *text);
char *tg_arena_strndup(struct tg_arena *arena, const char *text, size_t len);
char *tg_arena_printf(struct tg_arena *arena, const char *format, ...) TG_PRINTF(2, 3);

/* What protobuf-c unpacks with; lives as long as the arena. Its free does nothing. */
ProtobufCAllocator *tg_arena_allocator(struct tg_arena *arena);

#endif
