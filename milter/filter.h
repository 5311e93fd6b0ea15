/* filter.h: what all sessions of the filter share. Made by main; the fields that change have their lock beside
 * them. */
#ifndef MILTER_FILTER_H
#define MILTER_FILTER_H

#include <pthread.h>
#include "milter/drain.h"
#include "schema/committer.h"
#include "schema/settings.h"
#include "schema/store.h"

struct tg_metrics;
struct tg_service_metrics;
struct reported;

/* Settings that messages hold on to: a message keeps those that it began with. */
struct shared_settings {
    struct tg_settings *settings;
    unsigned users; /* guarded by filter->lock; the filter itself is one */
};

struct filter {
    struct tg_store *store;
    struct tg_committer *committer;
    struct tg_metrics *metrics; /* metrics.h; counts in any thread */
    struct tg_service_metrics *service;
    struct reported *reported; /* any thread */
    struct drain drain;
    pthread_mutex_t lock; /* guards current and its users */
    struct shared_settings *current;
};

/* Takes ownership of the settings. */
void filter_begin(struct filter *filter, struct tg_settings *settings);
void filter_end(struct filter *filter);

/* The settings of now; to be given back. Any thread. */
struct shared_settings *filter_settings_take(struct filter *filter);
void filter_settings_give(struct filter *filter, struct shared_settings **shared);

/* From the next message on; takes ownership. Any thread. */
void filter_settings_replace(struct filter *filter, struct tg_settings *settings);

#endif
