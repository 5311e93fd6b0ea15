/* door_dovecot.c: the auth door: SASL exchanges for Postfix and Exim over the Dovecot auth client protocol.
 *
 * Of failures, Postfix knows but one, FAIL, which is a 535 to its client; so where the store can't be read the
 * connection is closed, which is a 454. */
#include <sodium.h>
#include <string.h>
#include <unistd.h>
#include "authd/attempt.h"
#include "authd/door.h"
#include "authd/sasl.h"
#include "authd/wire_dovecot.h"
#include "schema/now.h"

/* Postfix never says that a client gave up, so an exchange that was left open is forgotten when others need its
 * place. */
enum { EXCHANGES_MAX = 8, RESPONSE_MAX = DOVECOT_LINE_MAX / 4 * 3 };

struct open_exchange {
    uint32_t id;
    char remote[64];
    struct exchange *exchange; /* NULL: the place is free */
};

struct auth_state {
    bool greeted; /* the client's VERSION was seen */
    size_t next;  /* place to be taken next: the oldest */
    struct open_exchange open[EXCHANGES_MAX];
};

static void auth_opened(struct conn *conn, void *state)
{
    const struct tg_list *mechanisms = &conn_app(conn)->settings->mechanisms;
    struct wire_text out;
    uint8_t random[16];
    char cookie[2 * sizeof random + 1];
    (void)state;
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(cookie, sizeof cookie, random, sizeof random);
    wire_text_clear(&out);
    wire_dovecot_greeting(&out, mechanisms->item, mechanisms->count, (unsigned long)getpid(), conn_number(conn), cookie);
    conn_send(conn, out.data, out.len);
}

static void auth_closed(void *state)
{
    struct auth_state *auth = state;
    for (size_t i = 0; i < EXCHANGES_MAX; i++)
        exchange_free(&auth->open[i].exchange);
}

static struct open_exchange *find(struct auth_state *auth, uint32_t id)
{
    for (size_t i = 0; i < EXCHANGES_MAX; i++)
        if (auth->open[i].exchange != NULL && auth->open[i].id == id)
            return &auth->open[i];
    return NULL;
}

/* ---- answers ---- */

static struct attempt attempt_of(const struct open_exchange *open)
{
    return (struct attempt){
        .door = door_dovecot.name,
        .mechanism = exchange_mechanism(open->exchange),
        .login = exchange_login(open->exchange),
        .client = open->remote,
    };
}

static void answer_ok(struct conn *conn, const struct open_exchange *open)
{
    const char *username = exchange_result(open->exchange)->username;
    struct attempt attempt = attempt_of(open);
    struct wire_text out;
    attempt_ok(conn_app(conn), &attempt, username);
    wire_text_clear(&out);
    wire_dovecot_ok(&out, open->id, username);
    conn_send(conn, out.data, out.len);
}

static void answer_refused(struct conn *conn, const struct open_exchange *open)
{
    const struct login_result *result = exchange_result(open->exchange);
    struct attempt attempt = attempt_of(open);
    struct wire_text out;
    unsigned delay_ms = attempt_refused(conn_app(conn), &attempt, result);
    wire_text_clear(&out);
    wire_dovecot_fail(&out, open->id, attempt.login, strcmp(result->why, "disabled") == 0, result->reason);
    conn_send_later(conn, out.data, out.len, delay_ms);
}

static void answer_unusable(struct conn *conn, const struct open_exchange *open)
{
    struct attempt attempt = attempt_of(open);
    attempt_unusable(conn_app(conn), &attempt, exchange_error(open->exchange));
    conn_close(conn, CONN_UNUSABLE);
}

static void answer_more(struct conn *conn, const struct open_exchange *open, struct tg_span challenge)
{
    struct wire_text out;
    wire_text_clear(&out);
    wire_dovecot_cont(&out, open->id, challenge);
    if (wire_text_whole(&out))
        conn_send(conn, out.data, out.len);
    else
        conn_close(conn, CONN_PROTOCOL);
    sodium_memzero(&out, sizeof out);
}

static void answer(struct conn *conn, struct open_exchange *open, enum exchange_step step, struct tg_span challenge)
{
    switch (step) {
    case EXCHANGE_MORE:
        answer_more(conn, open, challenge);
        return;
    case EXCHANGE_OK:
        answer_ok(conn, open);
        break;
    case EXCHANGE_REFUSED:
        answer_refused(conn, open);
        break;
    case EXCHANGE_UNUSABLE:
        answer_unusable(conn, open);
        break;
    }
    exchange_free(&open->exchange);
}

/* A refusal that needs no store: the client could know better. */
static void refuse_request(struct conn *conn, const struct dovecot_request *request, const char *reason)
{
    struct wire_text out;
    struct attempt attempt = { door_dovecot.name, request->mechanism, NULL, request->remote };
    attempt_rejected(conn_app(conn), &attempt, reason);
    wire_text_clear(&out);
    wire_dovecot_fail(&out, request->id, NULL, false, reason);
    conn_send(conn, out.data, out.len);
}

/* ---- requests ---- */

static bool decode(struct tg_span base64, uint8_t out[RESPONSE_MAX], struct tg_span *decoded)
{
    const char *text = (const char *)base64.data, *end = text;
    size_t len = 0;
    if (base64.len > 0 && (sodium_base642bin(out, RESPONSE_MAX, text, base64.len, NULL, &len, &end,
                                             sodium_base64_VARIANT_ORIGINAL) != 0 || end != text + base64.len))
        return false;
    *decoded = tg_span_of(out, len);
    return true;
}

static struct open_exchange *take_place(struct conn *conn, struct auth_state *auth,
                                        const struct dovecot_request *request)
{
    struct open_exchange *open = find(auth, request->id);
    if (open == NULL) {
        open = &auth->open[auth->next];
        auth->next = (auth->next + 1) % EXCHANGES_MAX;
    }
    exchange_free(&open->exchange);
    open->id = request->id;
    memcpy(open->remote, request->remote, sizeof open->remote);
    open->exchange = exchange_new(conn_app(conn)->store, request->mechanism);
    return open;
}

static void begin_exchange(struct conn *conn, struct auth_state *auth, const struct dovecot_request *request)
{
    const struct tg_settings *settings = conn_app(conn)->settings;
    uint8_t buffer[RESPONSE_MAX];
    struct tg_span response, challenge;
    if (!tg_list_has(&settings->mechanisms, request->mechanism)) {
        refuse_request(conn, request, "this authentication mechanism is not offered");
    } else if (settings->require_tls && !request->secured && sasl_is_plaintext(request->mechanism)) {
        refuse_request(conn, request, "this authentication mechanism needs TLS: start it first");
    } else if (!decode(request->response, buffer, &response)) {
        refuse_request(conn, request, "malformed authentication data");
    } else {
        struct open_exchange *open = take_place(conn, auth, request);
        enum exchange_step step = exchange_start(open->exchange, request->has_response ? &response : NULL, tg_now(),
                                                 &challenge);
        answer(conn, open, step, challenge);
    }
    sodium_memzero(buffer, sizeof buffer);
}

static void continue_exchange(struct conn *conn, struct auth_state *auth, const struct dovecot_request *request)
{
    struct open_exchange *open = find(auth, request->id);
    uint8_t buffer[RESPONSE_MAX];
    struct tg_span response, challenge;
    if (open == NULL) {
        refuse_request(conn, request, "this authentication was given up");
    } else if (!decode(request->response, buffer, &response)) {
        refuse_request(conn, request, "malformed authentication data");
        exchange_free(&open->exchange);
    } else {
        enum exchange_step step = exchange_continue(open->exchange, response, tg_now(), &challenge);
        answer(conn, open, step, challenge);
    }
    sodium_memzero(buffer, sizeof buffer);
}

static void cancel_exchange(struct auth_state *auth, uint32_t id)
{
    struct open_exchange *open = find(auth, id);
    if (open != NULL)
        exchange_free(&open->exchange);
}

static ssize_t auth_read(struct conn *conn, void *state, const uint8_t *in, size_t len)
{
    struct auth_state *auth = state;
    struct dovecot_request request;
    ssize_t used = wire_dovecot_read(in, len, &request);
    if (used <= 0)
        return used;
    if (request.command == DOVECOT_VERSION) {
        auth->greeted = request.major == 1;
        return auth->greeted ? used : -1;
    }
    if (!auth->greeted)
        return -1;
    if (request.command == DOVECOT_AUTH)
        begin_exchange(conn, auth, &request);
    else if (request.command == DOVECOT_CONT)
        continue_exchange(conn, auth, &request);
    else if (request.command == DOVECOT_CANCEL)
        cancel_exchange(auth, request.id);
    return used;
}

const struct door door_dovecot = {
    .name = "auth",
    .request_max = DOVECOT_LINE_MAX,
    .request_s = 30,
    .idle_s = 3600,
    .connections_max = DOOR_MANY,
    .secret = true,
    .state_size = sizeof(struct auth_state),
    .opened = auth_opened,
    .read = auth_read,
    .closed = auth_closed,
};
