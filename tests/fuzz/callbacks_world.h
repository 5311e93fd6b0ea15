/* callbacks_world.h: the store that fuzz_callbacks.c runs over, what is known of it, and the filter that works with it. */
#ifndef TG_FUZZ_CALLBACKS_WORLD_H
#define TG_FUZZ_CALLBACKS_WORLD_H

#include "milter/filter.h"
#include "schema/keys.h"
#include "schema/token.h"

/* One with messages to spend, an address of its own and a notification address; one as it is made; one that is disabled. */
enum { RICH, POOR, DISABLED, ACCOUNTS };
enum { SETTINGS = 3 };

struct world {
    char dir[64];
    struct filter filter;
    struct { uint64_t id; char name[TG_USERNAME_MAX]; } account[ACCOUNTS];
    char token[TG_TOKEN_SIZE + 20];
    int settings; /* which of them */
};

extern struct world w;

/* Once; at the process's end the store is checked and removed. */
void world_begin(void);

/* The store is checked, and a new one takes its place: what piled up in it would make each input slower. */
void world_renew(void);

void world_settings(int which);

/* What each account has ever used. */
void world_used(uint64_t used[ACCOUNTS]);

#endif
