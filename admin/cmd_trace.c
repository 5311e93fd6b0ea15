/* cmd_trace.c: tollgate trace: whose message was that? */
#include "admin/commands.h"
#include "admin/json.h"
#include "schema/trace.h"

static json_t *result_of(const struct tg_trace *t)
{
    char ref[TG_REF_SIZE];
    const Tg__Activity *a = t->activity;
    json_t *o = json_pack("{s:o, s:I, s:o, s:o, s:s}", "username", t->account != NULL ? json_text(t->account->username) : json_null(),
                          "account", (json_int_t)t->token.account_id, "customer",
                          t->account != NULL ? json_integer((json_int_t)t->account->customer_id) : json_null(), "time",
                          json_time(t->token.time), "token", t->kind == TG_TOKEN_TRACE ? "trace" : "return-path");
    json_object_set_new(o, "recorded", json_boolean(a != NULL));
    json_object_set_new(o, "sender", a != NULL ? json_text(a->sender) : json_null());
    json_object_set_new(o, "header_from", a != NULL ? json_text_or_null(a->header_from) : json_null());
    json_object_set_new(o, "recipients", a != NULL ? json_integer((json_int_t)a->recipients) : json_null());
    json_object_set_new(o, "client", a != NULL ? json_text_or_null(a->client) : json_null());
    json_object_set_new(o, "queue_id", a != NULL ? json_text_or_null(a->queue_id) : json_null());
    json_object_set_new(o, "ref", a != NULL ? json_string(tg_ref_text(&t->event, ref)) : json_null());
    return o;
}

static enum tg_code trace(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    struct tg_trace t;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_trace_read(view, in->arg[0], c->now, &t, err);
    if (code == TG_OK)
        *result = result_of(&t);
    tg_view_end(&view);
    return code;
}

const struct command cmd_trace = {
    .noun = "trace", .args = "TOKEN",
    .summary = "Whose message was that? TOKEN is the text of an X-Tollgate-Trace header, the whole header line in quotes, or a "
               "return-path address. Where the activity is not kept any more, account and time are all that is known.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate trace 'X-Tollgate-Trace: aeb4k3cmn2qxj7r5w3fthz6ayl2pdoi4g5vsxu6bq7ke'",
    .run = trace,
};
