/* activity.c: see activity.h. */
#include <string.h>
#include "schema/activity.h"
#include "schema/base32.h"
#include "schema/calendar.h"
#include "schema/words.h"

/* ---- names ---- */

static const char *const kinds[] = {
    [TG__ACTIVITY_KIND__ACCEPTED] = "accepted",
    [TG__ACTIVITY_KIND__REFUSED] = "refused",
    [TG__ACTIVITY_KIND__BOUNCE] = "bounce",
    [TG__ACTIVITY_KIND__COMPLAINT] = "complaint",
    [TG__ACTIVITY_KIND__WARNING] = "warning",
    [TG__ACTIVITY_KIND__AUTH_FAILED] = "auth-failed",
    [TG__ACTIVITY_KIND__STATUS_CHANGED] = "status",
    [TG__ACTIVITY_KIND__PASSWORD] = "password",
};

const char *tg_activity_kind_name(Tg__ActivityKind kind)
{
    return tg_word(TG_WORDS(kinds), (size_t)kind);
}

bool tg_activity_kind_parse(const char *text, Tg__ActivityKind *kind)
{
    size_t number;
    if (!tg_word_find(TG_WORDS(kinds), text, &number))
        return false;
    *kind = (Tg__ActivityKind)number;
    return true;
}

/* ---- references: time (56 bits) and sequence (24) ---- */

enum { TIME_SIZE = 7, SEQUENCE_SIZE = 3, ID_SIZE = TIME_SIZE + SEQUENCE_SIZE };
_Static_assert(TG_BASE32_LEN(ID_SIZE) + 1 == TG_REF_SIZE, "all of time and sequence");

char *tg_ref_text(const struct tg_event_id *id, char buf[TG_REF_SIZE])
{
    uint8_t bytes[ID_SIZE];
    for (int i = 0; i < TIME_SIZE; i++)
        bytes[i] = (uint8_t)((uint64_t)id->time_us >> 8 * (TIME_SIZE - 1 - i));
    for (int i = 0; i < SEQUENCE_SIZE; i++)
        bytes[TIME_SIZE + i] = (uint8_t)(id->sequence >> 8 * (SEQUENCE_SIZE - 1 - i));
    tg_base32_encode(bytes, sizeof bytes, buf);
    return buf;
}

/* Upper case is read too, for people who copy by hand. */
bool tg_ref_parse(const char *text, struct tg_event_id *id)
{
    uint8_t bytes[ID_SIZE];
    if (!tg_base32_decode(text, strlen(text), bytes, sizeof bytes))
        return false;
    *id = (struct tg_event_id){ .time_us = 0 };
    for (int i = 0; i < TIME_SIZE; i++)
        id->time_us = id->time_us << 8 | bytes[i];
    for (int i = 0; i < SEQUENCE_SIZE; i++)
        id->sequence = id->sequence << 8 | bytes[TIME_SIZE + i];
    return true;
}

int tg_ref_compare(const char *a, const char *b)
{
    struct tg_event_id x = { 0 }, y = { 0 };
    (void)tg_ref_parse(a, &x);
    (void)tg_ref_parse(b, &y);
    if (x.time_us != y.time_us)
        return x.time_us < y.time_us ? -1 : 1;
    return x.sequence == y.sequence ? 0 : x.sequence < y.sequence ? -1 : 1;
}

static enum tg_code unpack(struct tg_view *view, struct tg_span key, struct tg_span value,
                           struct tg_event_id *id, Tg__Activity **activity, struct tg_error *err)
{
    if (!tg_read_event(key, id))
        return tg_fail(err, TG_UNUSABLE,
                       "damaged key in the activity log (see tollgate store check)");
    return tg_unpack(view, TG_DB_ACTIVITY, value, &tg__activity__descriptor, activity, err);
}

/* The walk stands at or behind (account, time, sequence) of the event wanted, or of a later
 * account. */
static enum tg_code seek_ref(struct tg_view *view, struct tg_walk *walk, struct tg_event_id wanted,
                             struct tg_event_id *id, Tg__Activity **activity, struct tg_error *err)
{
    struct tg_span key, value;
    struct tg_event_id found;
    enum tg_code code;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        if (!tg_read_event(key, &found))
            return tg_fail(err, TG_UNUSABLE,
                           "damaged key in the activity log (see tollgate store check)");
        if (found.time_us == wanted.time_us && found.sequence == wanted.sequence)
            return unpack(view, key, value, id, activity, err);
        /* This account does not have it, unless it was the account before that ended here. */
        if (found.account_id > wanted.account_id)
            wanted.account_id = found.account_id;
        else if (wanted.account_id++ == UINT64_MAX)
            return TG_NOT_FOUND;
        struct tg_key next = tg_key_event(&wanted);
        tg_walk_seek(walk, &next);
    }
    return code;
}

enum tg_code tg_activity_by_ref(struct tg_view *view, const char *ref, struct tg_event_id *id,
                                Tg__Activity **activity, struct tg_error *err)
{
    struct tg_event_id wanted;
    struct tg_walk *walk;
    if (!tg_ref_parse(ref, &wanted))
        return tg_fail(err, TG_USAGE, "\"%.40s\" is no reference: it has 16 letters and digits",
                       ref);
    struct tg_key all = tg_key_all(), from = tg_key_event(&wanted);
    enum tg_code code = tg_walk_begin(view, TG_DB_ACTIVITY, &all, &from, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    code = seek_ref(view, walk, wanted, id, activity, err);
    tg_walk_end(&walk);
    if (code == TG_NOT_FOUND)
        return tg_fail(err, TG_NOT_FOUND,
                       "no event has the reference %s (old ones are removed after activity_days, and of many refusals in a "
                       "minute one stands for the others: the log has each)",
                       ref);
    return code;
}

/* ---- daily counters ---- */

static int64_t day_of(const struct tg_event_id *id)
{
    int64_t second = id->time_us / 1000000 - (id->time_us % 1000000 < 0);
    return tg_day_of(second);
}

enum tg_code tg_activity_whole_from(struct tg_view *view, int64_t *day, struct tg_error *err)
{
    struct tg_key key = tg_key_name(TG_META_ACTIVITY_DAY);
    Tg__Counter *counter;
    enum tg_code code = tg_get_record(view, TG_DB_META, &key, &tg__counter__descriptor, &counter, err);
    *day = code == TG_OK ? (int64_t)counter->next : 0;
    return code == TG_NOT_FOUND ? TG_OK : code;
}

enum tg_code tg_activity_note_removal(struct tg_change *change, const struct tg_event_id *id, struct tg_error *err)
{
    struct tg_key key = tg_key_name(TG_META_ACTIVITY_DAY);
    Tg__Counter counter = TG__COUNTER__INIT;
    int64_t whole;
    enum tg_code code = tg_activity_whole_from(tg_change_view(change), &whole, err);
    if (code != TG_OK || whole > day_of(id))
        return code;
    counter.next = (uint64_t)day_of(id) + 1;
    tg_put_record(change, TG_DB_META, &key, &counter.base);
    return tg_change_error(change, err);
}

enum tg_code tg_daily_get(struct tg_view *view, uint64_t account_id, int64_t day, Tg__Daily **daily,
                          struct tg_error *err)
{
    struct tg_key key = tg_key_id_pair(account_id, (uint64_t)day);
    return tg_get_record(view, TG_DB_DAILY, &key, &tg__daily__descriptor, daily, err);
}

static void count_rule(struct tg_arena *arena, Tg__Daily *daily, char *rule, uint64_t n)
{
    for (size_t i = 0; i < daily->n_refused; i++)
        if (strcmp(daily->refused[i]->rule, rule) == 0) {
            daily->refused[i]->count += n;
            return;
        }
    Tg__RuleCount **more = tg_arena_alloc(arena, (daily->n_refused + 1) * sizeof *more);
    if (daily->n_refused > 0)
        memcpy(more, daily->refused, daily->n_refused * sizeof *more);
    Tg__RuleCount *count = tg_arena_alloc(arena, sizeof *count);
    tg__rule_count__init(count);
    count->rule = rule;
    count->count = n;
    more[daily->n_refused++] = count;
    daily->refused = more;
}

enum tg_code tg_daily_sum_up(struct tg_change *change, uint64_t account_id, int64_t day, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    struct tg_key key = tg_key_id_pair(account_id, TG_DAY_BEFORE);
    Tg__Daily *old, *sum, fresh = TG__DAILY__INIT;
    enum tg_code code = tg_daily_get(view, account_id, day, &old, err);
    if (code != TG_OK)
        return code;
    code = tg_daily_get(view, account_id, TG_DAY_BEFORE, &sum, err);
    if (code == TG_NOT_FOUND)
        sum = &fresh;
    else if (code != TG_OK)
        return code;
    sum->messages += old->messages;
    sum->recipients += old->recipients;
    sum->hard += old->hard;
    sum->soft += old->soft;
    sum->delayed += old->delayed;
    sum->complaints += old->complaints;
    sum->auth_failed += old->auth_failed;
    for (size_t i = 0; i < old->n_refused; i++)
        count_rule(tg_view_arena(view), sum, old->refused[i]->rule, old->refused[i]->count);
    tg_put_record(change, TG_DB_DAILY, &key, &sum->base);
    return tg_change_error(change, err);
}

static void count_bounce(Tg__Daily *daily, const char *result)
{
    if (strcmp(result, "hard") == 0)
        daily->hard++;
    else if (strcmp(result, "soft") == 0)
        daily->soft++;
    else if (strcmp(result, "delayed") == 0)
        daily->delayed++;
}

static void count(struct tg_arena *arena, Tg__Daily *daily, const Tg__Activity *activity)
{
    uint64_t n = 1 + (uint64_t)activity->repeated;
    switch (activity->kind) {
    case TG__ACTIVITY_KIND__ACCEPTED:
        daily->messages++;
        daily->recipients += activity->recipients;
        break;
    case TG__ACTIVITY_KIND__REFUSED:
        count_rule(arena, daily, activity->rule, n);
        break;
    case TG__ACTIVITY_KIND__BOUNCE:
        count_bounce(daily, activity->result);
        break;
    case TG__ACTIVITY_KIND__COMPLAINT:
        daily->complaints++;
        break;
    case TG__ACTIVITY_KIND__AUTH_FAILED:
        daily->auth_failed += n;
        break;
    default:
        break;
    }
}

static bool counts(Tg__ActivityKind kind)
{
    return kind == TG__ACTIVITY_KIND__ACCEPTED || kind == TG__ACTIVITY_KIND__REFUSED ||
           kind == TG__ACTIVITY_KIND__BOUNCE || kind == TG__ACTIVITY_KIND__COMPLAINT ||
           kind == TG__ACTIVITY_KIND__AUTH_FAILED;
}

/* In front of a character's first octet. */
static char *cut(struct tg_arena *arena, char *text)
{
    size_t len = strnlen(text, TG_ACTIVITY_TEXT + 1);
    if (len <= TG_ACTIVITY_TEXT)
        return text;
    len = TG_ACTIVITY_TEXT;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return tg_arena_strndup(arena, text, len);
}

Tg__Activity tg_activity_cut(struct tg_arena *arena, const Tg__Activity *activity)
{
    Tg__Activity a = *activity;
    char **const texts[] = {&a.result, &a.rule,     &a.reply,     &a.sender, &a.header_from,
                            &a.client, &a.queue_id, &a.recipient, &a.text,   &a.login};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = cut(arena, *texts[i]);
    return a;
}

/* A day's counters, read before anything is written: of the account, and of the whole relay. */
struct tally {
    uint64_t account_id;
    struct tg_key key;
    Tg__Daily *daily, fresh;
};

static enum tg_code tally_read(struct tg_view *view, struct tally *t, int64_t day, struct tg_error *err)
{
    enum tg_code code = tg_daily_get(view, t->account_id, day, &t->daily, err);
    t->key = tg_key_id_pair(t->account_id, (uint64_t)day);
    if (code != TG_NOT_FOUND)
        return code;
    tg__daily__init(&t->fresh);
    t->daily = &t->fresh;
    return TG_OK;
}

static void tally_write(struct tg_change *change, struct tg_arena *arena, struct tally *t,
                        const Tg__Activity *event)
{
    count(arena, t->daily, event);
    tg_put_record(change, TG_DB_DAILY, &t->key, &t->daily->base);
}

enum tg_code tg_activity_append(struct tg_change *change, const struct tg_event_id *id,
                                const Tg__Activity *activity, struct tg_error *err)
{
    struct tg_view *view = tg_change_view(change);
    struct tg_arena *arena = tg_view_arena(view);
    struct tg_key key = tg_key_event(id);
    Tg__Activity event = tg_activity_cut(arena, activity);
    if (counts(event.kind)) {
        struct tally own = {.account_id = id->account_id}, relay = {.account_id = TG_RELAY};
        enum tg_code code = tally_read(view, &own, day_of(id), err);
        if (code == TG_OK)
            code = tally_read(view, &relay, day_of(id), err);
        if (code != TG_OK)
            return code;
        tally_write(change, arena, &own, &event);
        tally_write(change, arena, &relay, &event);
    }
    tg_put_record(change, TG_DB_ACTIVITY, &key, &event.base);
    return TG_OK;
}

enum tg_code tg_activity_next(struct tg_view *view, struct tg_walk *walk, struct tg_event_id *id,
                              Tg__Activity **activity, struct tg_error *err)
{
    struct tg_span key, value;
    enum tg_code code = tg_walk_next(walk, &key, &value, err);
    if (code != TG_OK)
        return code;
    return unpack(view, key, value, id, activity, err);
}
