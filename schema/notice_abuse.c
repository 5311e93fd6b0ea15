/* notice_abuse.c: the signs of a password in other hands, or of a bad list of recipients; see notice.h. */
#include <string.h>
#include "schema/activity.h"
#include "schema/calendar.h"
#include "schema/network.h"
#include "schema/notice_parts.h"

enum {
    DAY_S = 86400,
    HISTORY_DAYS = 28, HISTORY_SENDING = 3, UNUSUAL_MIN = 100, UNUSUAL_TIMES = 3,
    QUIET_DAYS = 14, EVENTS = 200, NETWORKS = 32,
    BOUNCES_MIN = 20, BOUNCES_SHARE = 10,
};

static unsigned long long n(uint64_t number)
{
    return number;
}

/* A day without a record is a day without anything. */
static enum tg_code day_of(struct tg_view *view, uint64_t id, int64_t day, Tg__Daily **daily, struct tg_error *err)
{
    enum tg_code code = tg_daily_get(view, id, day, daily, err);
    if (code != TG_NOT_FOUND)
        return code;
    *daily = tg_arena_alloc(tg_view_arena(view), sizeof **daily);
    tg__daily__init(*daily);
    return TG_OK;
}

static const char *date(struct tg_arena *arena, int64_t day)
{
    char text[TG_RFC3339_SIZE];
    return tg_arena_printf(arena, "%.10s", tg_rfc3339(day * DAY_S, text));
}

/* That day or the next, so that a clock which goes back by hours tells nothing twice; one that was ahead for long keeps nobody silent. */
static bool was_told(int64_t last, int64_t day)
{
    return last == day || last == day + 1;
}

static void look_at_caps(struct tg_arena *arena, const Tg__Daily *d, int64_t day, struct tg_due_list *list)
{
    uint64_t refused = 0;
    for (size_t i = 0; i < d->n_refused; i++)
        refused += strcmp(d->refused[i]->rule, "rate") == 0 ? d->refused[i]->count : 0;
    if (refused == 0 || was_told(list->told.cap_day, day))
        return;
    list->told.cap_day = day;
    tg_due_add(list, TG_MAIL_CAP)->detail =
        tg_arena_printf(arena, "%llu refusal%s for it on %s, after %llu recipient%s.", n(refused), refused == 1 ? "" : "s", date(arena, day),
                        n(d->recipients), d->recipients == 1 ? "" : "s");
}

static void look_at_bounces(struct tg_arena *arena, const Tg__Daily *d, int64_t day, struct tg_due_list *list)
{
    if (d->hard < BOUNCES_MIN || d->hard * BOUNCES_SHARE < d->recipients || was_told(list->told.bounces_day, day))
        return;
    list->told.bounces_day = day;
    tg_due_add(list, TG_MAIL_BOUNCES)->detail =
        tg_arena_printf(arena, "%llu hard bounces on %s, and %llu recipients.", n(d->hard), date(arena, day), n(d->recipients));
}

static enum tg_code look_at_history(struct tg_view *view, const Tg__Account *a, const Tg__Daily *d, int64_t day,
                                    struct tg_due_list *list, struct tg_error *err)
{
    uint64_t most = 0;
    int sending = 0;
    if (d->recipients < UNUSUAL_MIN || was_told(list->told.unusual_day, day))
        return TG_OK;
    for (int64_t back = 1; back <= HISTORY_DAYS; back++) {
        Tg__Daily *before;
        enum tg_code code = day_of(view, a->id, day - back, &before, err);
        if (code != TG_OK)
            return code;
        sending += before->recipients > 0;
        most = before->recipients > most ? before->recipients : most;
    }
    if (sending < HISTORY_SENDING || d->recipients <= most * UNUSUAL_TIMES)
        return TG_OK;
    list->told.unusual_day = day;
    struct tg_arena *arena = tg_view_arena(view);
    tg_due_add(list, TG_MAIL_UNUSUAL)->detail =
        tg_arena_printf(arena, "%llu recipients on %s; the busiest of the %d days before had %llu.", n(d->recipients), date(arena, day),
                        HISTORY_DAYS, n(most));
    return TG_OK;
}

/* ---- a new network after a quiet time ---- */

struct networks {
    size_t count;
    struct tg_network list[NETWORKS];
};

/* The /24 or /48 of an address. */
static bool wide(const char *client, struct tg_network *out)
{
    if (tg_network_parse(client, false, out, NULL) != TG_OK)
        return false;
    size_t keep = out->family == 4 ? 3 : 6;
    memset(out->address + keep, 0, sizeof out->address - keep);
    out->prefix_len = (uint8_t)(keep * 8);
    return true;
}

static bool has(const struct networks *networks, const struct tg_network *network)
{
    for (size_t i = 0; i < networks->count; i++)
        if (memcmp(&networks->list[i], network, sizeof *network) == 0)
            return true;
    return false;
}

/* Networks that mail was taken from: the first events from `from` on, or the last before it. */
static enum tg_code networks_of(struct tg_view *view, uint64_t id, int64_t from, enum tg_direction direction, int64_t until,
                                struct networks *out, struct tg_error *err)
{
    struct tg_event_id start = { id, from * 1000000 - (direction == TG_BACKWARD), direction == TG_BACKWARD ? 0xffffff : 0 }, event;
    struct tg_key prefix = tg_key_id(id), key = tg_key_event(&start);
    struct tg_walk *walk;
    Tg__Activity *activity;
    memset(out, 0, sizeof *out);
    enum tg_code code = tg_walk_begin(view, TG_DB_ACTIVITY, &prefix, &key, direction, &walk, err);
    if (code != TG_OK)
        return code;
    for (int i = 0; i < EVENTS && (code = tg_activity_next(view, walk, &event, &activity, err)) == TG_OK; i++) {
        struct tg_network network;
        if (direction == TG_FORWARD && event.time_us >= until * 1000000)
            break;
        if (activity->kind == TG__ACTIVITY_KIND__ACCEPTED && out->count < NETWORKS && wide(activity->client, &network) &&
            !has(out, &network))
            out->list[out->count++] = network;
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

/* Was there any mail before this day? A first use is nothing unusual. */
static enum tg_code sent_before(struct tg_view *view, uint64_t id, int64_t day, bool *sent, struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(id), from = tg_key_id_pair(id, (uint64_t)(day - 1));
    struct tg_walk *walk;
    struct tg_span key, value;
    *sent = false;
    enum tg_code code = tg_walk_begin(view, TG_DB_DAILY, &prefix, &from, TG_BACKWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while (!*sent && (code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        Tg__Daily *d;
        if ((code = tg_unpack(view, TG_DB_DAILY, value, &tg__daily__descriptor, &d, err)) != TG_OK)
            break;
        *sent = d->messages > 0;
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

static enum tg_code look_at_networks(struct tg_view *view, const Tg__Account *a, const Tg__Daily *d, int64_t day,
                                     struct tg_due_list *list, struct tg_error *err)
{
    bool sent;
    struct networks now, before;
    char text[TG_NETWORK_TEXT];
    if (d->messages == 0 || was_told(list->told.network_day, day))
        return TG_OK;
    for (int64_t back = 1; back <= QUIET_DAYS; back++) {
        Tg__Daily *quiet;
        enum tg_code code = day_of(view, a->id, day - back, &quiet, err);
        if (code != TG_OK || quiet->messages > 0)
            return code;
    }
    enum tg_code code = sent_before(view, a->id, day, &sent, err);
    if (code != TG_OK || !sent)
        return code;
    code = networks_of(view, a->id, day * DAY_S, TG_FORWARD, (day + 1) * DAY_S, &now, err);
    if (code == TG_OK)
        code = networks_of(view, a->id, day * DAY_S, TG_BACKWARD, 0, &before, err);
    if (code != TG_OK)
        return code;
    for (size_t i = 0; i < now.count; i++)
        if (!has(&before, &now.list[i])) {
            list->told.network_day = day;
            tg_due_add(list, TG_MAIL_NETWORK)->detail =
                tg_arena_printf(tg_view_arena(view), "mail came from %s on %s, after %d days or more without any.",
                                tg_network_text(&now.list[i], text), date(tg_view_arena(view), day), QUIET_DAYS);
            break;
        }
    return TG_OK;
}

/* Yesterday too, for what came after its last sweep. */
enum tg_code tg_notice_abuse(struct tg_view *view, const Tg__Account *account, int64_t today, struct tg_due_list *list,
                             struct tg_error *err)
{
    for (int64_t day = today - 1; day <= today; day++) {
        Tg__Daily *d;
        enum tg_code code = tg_daily_get(view, account->id, day, &d, err);
        if (code == TG_NOT_FOUND)
            continue;
        if (code != TG_OK)
            return code;
        look_at_caps(tg_view_arena(view), d, day, list);
        look_at_bounces(tg_view_arena(view), d, day, list);
        code = look_at_history(view, account, d, day, list, err);
        if (code == TG_OK)
            code = look_at_networks(view, account, d, day, list, err);
        if (code != TG_OK)
            return code;
    }
    return TG_OK;
}
