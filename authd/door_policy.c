/* door_policy.c: Postfix policy delegation: may this client relay without authentication?
 *
 * OK where it is an authorised IP of a usable account, else DUNNO: the restrictions that follow decide then. All
 * else that Tollgate refuses, the milter refuses, with its better text. A store that can't be read is no answer:
 * Postfix makes 451 of that. */
#include <string.h>
#include "authd/door.h"
#include "authd/metrics.h"
#include "authd/wire_policy.h"
#include "schema/facts.h"
#include "schema/log.h"
#include "schema/network.h"
#include "schema/now.h"

/* Did this rule pass? */
static bool passed(const struct tg_rule_trace *trace, size_t count, const char *rule)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(trace[i].rule, rule) == 0)
            return trace[i].outcome == TG_PASS;
    return false;
}

/* client: it is authorised, and no login is wanted beside; status: the account may send. Where rule status was
 * skipped the message is no account's: a trusted network's, or a report to a return path. */
static bool is_usable(const struct tg_facts *facts, enum tg_stage stage)
{
    struct tg_rule_trace trace[TG_RULES_MAX];
    struct tg_verdict verdict;
    size_t count = tg_explain(facts, stage, &verdict, trace);
    return facts->account != NULL && passed(trace, count, "client") && passed(trace, count, "status");
}

static bool client_of(const struct policy_request *request, struct tg_network *network)
{
    char text[TG_NETWORK_TEXT];
    size_t len = request->client_address.len;
    if (len == 0 || len >= sizeof text)
        return false;
    memcpy(text, request->client_address.data, len);
    text[len] = '\0';
    return strchr(text, '/') == NULL && tg_network_parse(text, false, network, NULL) == TG_OK;
}

/* TG_OK: *usable is the answer; TG_UNUSABLE: can't tell. */
static enum tg_code ask(struct app *app, const struct policy_request *request, const struct tg_network *client,
                        bool *usable, struct tg_error *err)
{
    struct tg_message message = {
        .client = client,
        .reverse_path = request->sender,
        .recipient = request->recipient,
        .recipients = 1,
    };
    struct tg_view *view;
    struct tg_facts facts;
    enum tg_code code = tg_view_begin(app->store, &view, err);
    if (code != TG_OK)
        return TG_UNUSABLE;
    tg_facts_gather(view, app->settings, &message, tg_now(), &facts);
    if (facts.store_error != NULL)
        code = tg_fail(err, TG_UNUSABLE, "%s", facts.store_error);
    else
        *usable = is_usable(&facts, request->recipient.len > 0 ? TG_AT_RCPT : TG_AT_MAIL);
    tg_view_end(&view);
    return code;
}

static ssize_t policy_read(struct conn *conn, void *state, const uint8_t *in, size_t len)
{
    struct policy_request request;
    struct tg_network client;
    struct tg_error err;
    struct wire_text out;
    bool usable = false;
    (void)state;
    ssize_t used = wire_policy_read(in, len, &request);
    if (used <= 0)
        return used;
    /* He who has authenticated does not need this. */
    if (request.sasl_username.len == 0 && client_of(&request, &client) &&
        ask(conn_app(conn), &request, &client, &usable, &err) != TG_OK) {
        tg_log(TG_ERROR, "policy-failed", "peer", conn_peer(conn), "error", err.text, NULL);
        metrics_answer(conn_app(conn)->metrics, "policy", "unusable");
        conn_close(conn, CONN_UNUSABLE);
        return used;
    }
    metrics_answer(conn_app(conn)->metrics, "policy", usable ? "ok" : "dunno");
    wire_text_clear(&out);
    wire_policy_action(&out, usable ? "OK" : "DUNNO");
    conn_send(conn, out.data, out.len);
    return used;
}

const struct door door_policy = {
    .name = "policy",
    .request_max = POLICY_REQUEST_MAX,
    .request_s = 30,
    .idle_s = 3600,
    .connections_max = DOOR_MANY,
    .read = policy_read,
};
