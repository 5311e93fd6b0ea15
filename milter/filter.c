/* filter.c: see filter.h. */
#include <stdlib.h>
#include "milter/filter.h"

static struct shared_settings *shared_new(struct tg_settings *settings)
{
    struct shared_settings *shared = tg_xcalloc(1, sizeof *shared);
    shared->settings = settings;
    shared->users = 1;
    return shared;
}

void filter_begin(struct filter *filter, struct tg_settings *settings)
{
    pthread_mutex_init(&filter->lock, NULL);
    filter->current = shared_new(settings);
}

/* The lock lives on: a session may end after this. */
void filter_end(struct filter *filter)
{
    filter_settings_give(filter, &filter->current);
}

struct shared_settings *filter_settings_take(struct filter *filter)
{
    pthread_mutex_lock(&filter->lock);
    struct shared_settings *shared = filter->current;
    shared->users++;
    pthread_mutex_unlock(&filter->lock);
    return shared;
}

void filter_settings_give(struct filter *filter, struct shared_settings **shared)
{
    struct shared_settings *mine = *shared;
    if (mine == NULL)
        return;
    *shared = NULL;
    pthread_mutex_lock(&filter->lock);
    bool last = --mine->users == 0;
    pthread_mutex_unlock(&filter->lock);
    if (last) {
        tg_settings_free(&mine->settings);
        free(mine);
    }
}

void filter_settings_replace(struct filter *filter, struct tg_settings *settings)
{
    struct shared_settings *next = shared_new(settings);
    pthread_mutex_lock(&filter->lock);
    struct shared_settings *old = filter->current;
    filter->current = next;
    pthread_mutex_unlock(&filter->lock);
    filter_settings_give(filter, &old);
}
