/* cmd_ledger.c: tollgate account ledger: where did my messages go? */
#include "admin/commands.h"
#include "admin/json.h"
#include "schema/account.h"
#include "schema/ledger.h"

struct listing {
    json_t *rows;
    int64_t balance;
};

static void add(struct listing *l, const char *kind, int64_t amount, int64_t at, const char *note)
{
    l->balance += amount;
    json_array_append_new(l->rows, json_pack("{s:o, s:s, s:I, s:I, s:o}", "time", json_time(at), "kind", kind, "amount",
                                             (json_int_t)amount, "balance", (json_int_t)l->balance, "note",
                                             json_text_or_null(note)));
}

static enum tg_code add_stored(struct tg_view *view, uint64_t id, struct listing *l, struct tg_error *err)
{
    struct tg_key prefix = tg_key_id(id);
    struct tg_walk *walk;
    struct tg_span key, value;
    enum tg_code code = tg_walk_begin(view, TG_DB_LEDGER, &prefix, NULL, TG_FORWARD, &walk, err);
    if (code != TG_OK)
        return code;
    while ((code = tg_walk_next(walk, &key, &value, err)) == TG_OK) {
        struct tg_event_id event;
        Tg__Movement *m;
        if (!tg_read_event(key, &event) ||
            tg_unpack(view, TG_DB_LEDGER, value, &tg__movement__descriptor, &m, err) != TG_OK) {
            code = tg_fail(err, TG_UNUSABLE, "a damaged record in the ledger (run tollgate store check)");
            break;
        }
        add(l, tg_movement_name(m->kind), m->amount, event.time_us / 1000000, m->note);
    }
    tg_walk_end(&walk);
    return code == TG_NOT_FOUND ? TG_OK : code;
}

/* What the next charge will write: periods that passed, and the running day. */
static enum tg_code add_pending(struct context *c, struct tg_view *view, const Tg__Account *a, struct listing *l,
                                struct tg_error *err)
{
    struct tg_movement movements[TG_PLAN_MOVEMENTS];
    struct tg_usage usage;
    struct tg_plan plan = tg_account_plan(a, 0, 0);
    enum tg_code code = tg_usage_get(view, a->id, &usage, err);
    if (code != TG_OK)
        return code;
    size_t count = tg_plan_roll(&plan, &usage, c->now, movements);
    for (size_t i = 0; i < count; i++)
        add(l, tg_movement_name(movements[i].kind), movements[i].amount, movements[i].at, "");
    if (usage.day_used > 0)
        add(l, "use", -(int64_t)usage.day_used, usage.last_at, "of the running day");
    return TG_OK;
}

static enum tg_code account_ledger(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Account *account;
    struct listing l = { json_array(), 0 };
    *result = l.rows;
    enum tg_code code = tg_view_begin(c->store, &view, err);
    if (code != TG_OK)
        return code;
    code = tg_account_by_username(view, in->arg[0], &account, err);
    if (code == TG_OK)
        code = add_stored(view, account->id, &l, err);
    if (code == TG_OK)
        code = add_pending(c, view, account, &l, err);
    tg_view_end(&view);
    return code;
}

const struct command cmd_account_ledger = {
    .noun = "account", .verb = "ledger", .args = "USER",
    .summary = "What moved an account's balance; the last line's balance is what is left.",
    .options = (const struct opt[]){ { 0 } },
    .example = "tollgate account ledger k3v9x0a2m7qd",
    .columns = "time kind amount balance note",
    .run = account_ledger,
};
