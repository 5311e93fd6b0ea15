/* dashboard.c: see dashboard.h: what it tells. */
#include "admin/dashboard.h"
#include "admin/figures.h"
#include "admin/json.h"
#include "admin/panel.h"
#include "schema/calendar.h"
#include "schema/forecast.h"

enum { LAST = 50 };

static int64_t time_of(const json_t *object, const char *key)
{
    int64_t t = 0;
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) && tg_time_parse(json_string_value(value), 0, &t, NULL) == TG_OK
               ? t
               : 0;
}

/* From the figures that are there already. */
static void add_forecast(const struct tg_settings *settings, const Tg__Account *account,
                         int64_t now, json_t *object)
{
    const char *unit = settings->count == TG_COUNT_RECIPIENTS ? "recipients" : "messages";
    const json_t *days = json_object_get(object, "days"), *plan = json_object_get(object, "plan");
    int64_t end = time_of(plan, "period_end");
    uint64_t used[TG_FORECAST_DAYS];
    for (size_t i = 0; i < TG_FORECAST_DAYS; i++)
        used[i] = (uint64_t)json_number_of(json_array_get(days, json_array_size(days) - 1 - i), unit);
    struct tg_forecast f = tg_forecast(used, account->created_at, (uint64_t)json_number_of(plan, "left"),
                                       end != 0 ? end : time_of(plan, "expires"), now);
    json_object_set_new(object, "forecast",
                        json_pack("{s:I, s:o}", "per_day", (json_int_t)(f.per_day + 0.5),
                                  "runs_out", json_time(f.runs_out)));
}

enum tg_code dashboard_add(struct tg_view *view, const struct tg_settings *settings,
                           const Tg__Account *account, int64_t now, json_t *object,
                           struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(account->id);
    struct tg_walk *walk;
    struct tg_event_id id;
    Tg__Activity *activity;
    enum tg_code code = figures_add(view, account->id, now, object, err);
    if (code != TG_OK)
        return code;
    add_forecast(settings, account, now, object);
    if ((code = tg_walk_begin(view, TG_DB_ACTIVITY, &prefix, NULL, TG_BACKWARD, &walk, err)) !=
        TG_OK)
        return code;
    json_t *last = json_array();
    while (json_array_size(last) < LAST &&
           (code = tg_activity_next(view, walk, &id, &activity, err)) == TG_OK)
        json_array_append_new(last, json_activity(account->username, &id, activity));
    tg_walk_end(&walk);
    json_object_set_new(object, "activity", last);
    return code == TG_NOT_FOUND ? TG_OK : code;
}
