/* app.h: what main makes once, and every door works with. One thread. */
#ifndef AUTHD_APP_H
#define AUTHD_APP_H

#include <event2/event.h>
#include "authd/throttle.h"
#include "schema/committer.h"
#include "schema/settings.h"
#include "schema/store.h"

struct tg_metrics;
struct tg_service_metrics;

struct app {
    struct event_base *base;
    struct tg_settings *settings; /* replaced by a reload: never keep what it points to across a callback */
    struct tg_store *store;
    struct tg_committer *committer;
    struct throttle *throttle;
    struct tg_courier *courier;   /* runs the mailer for the sweep */
    unsigned long connections;    /* ever; each has its number */
    struct tg_metrics *metrics;   /* metrics.h; NULL: nothing is counted */
    struct tg_service_metrics *service;
    unsigned doors_paused;        /* that take no clients, for want of file descriptors */
};

#endif
