/* door_dict.c: the dict door: verifiers for Dovecot's passdb { driver = dict }, which checks passwords itself.
 *
 * Dovecot takes an unknown name to its next passdb, so a disabled account is not one: it is answered with a
 * verifier that nothing fits, and with nologin and the reason beside. (nologin alone would not do: Dovecot leaves
 * it to its login processes, and Postfix behind Dovecot's auth socket never hears of it.) */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "authd/door.h"
#include "authd/metrics.h"
#include "authd/wire_dict.h"
#include "schema/account.h"
#include "schema/log.h"
#include "schema/now.h"

struct dict_state {
    bool greeted;
};

enum { KEY_BASE64 = sodium_base64_ENCODED_LEN(TG_SCRAM_KEY_LEN, sodium_base64_VARIANT_ORIGINAL),
       SALT_BASE64 = sodium_base64_ENCODED_LEN(TG_SALT_LEN, sodium_base64_VARIANT_ORIGINAL), VERIFIER_SIZE = 192 };

/* "passdb/USERNAME", "passdb-old/USERNAME"; Dovecot puts "shared/" in front. NULL: neither. */
static const char *username_of(const char *key, bool *old)
{
    static const char shared[] = "shared/", current_prefix[] = "passdb/", old_prefix[] = "passdb-old/";
    if (strncmp(key, shared, sizeof shared - 1) == 0)
        key += sizeof shared - 1;
    *old = strncmp(key, old_prefix, sizeof old_prefix - 1) == 0;
    if (*old)
        return key + sizeof old_prefix - 1;
    return strncmp(key, current_prefix, sizeof current_prefix - 1) == 0 ? key + sizeof current_prefix - 1 : NULL;
}

static bool is_whole(const Tg__Credential *credential)
{
    return credential != NULL && credential->salt.len == TG_SALT_LEN && credential->stored_key.len == TG_SCRAM_KEY_LEN &&
           credential->server_key.len == TG_SCRAM_KEY_LEN;
}

/* {SCRAM-SHA-256}ITERATIONS,SALT,STOREDKEY,SERVERKEY. Where it must not fit, StoredKey is random and so no hash of
 * a ClientKey that anybody could know; the salt is the account's, so that a SCRAM client sees no difference. */
static void write_verifier(const Tg__Credential *credential, bool fits, char out[VERIFIER_SIZE])
{
    char salt[SALT_BASE64], stored[KEY_BASE64], server[KEY_BASE64];
    uint8_t random[TG_SALT_LEN + 2 * TG_SCRAM_KEY_LEN];
    bool whole = is_whole(credential);
    fits = fits && whole;
    randombytes_buf(random, sizeof random);
    sodium_bin2base64(salt, sizeof salt, whole ? credential->salt.data : random, TG_SALT_LEN,
                      sodium_base64_VARIANT_ORIGINAL);
    sodium_bin2base64(stored, sizeof stored, fits ? credential->stored_key.data : random + TG_SALT_LEN, TG_SCRAM_KEY_LEN,
                      sodium_base64_VARIANT_ORIGINAL);
    sodium_bin2base64(server, sizeof server,
                      fits ? credential->server_key.data : random + TG_SALT_LEN + TG_SCRAM_KEY_LEN, TG_SCRAM_KEY_LEN,
                      sodium_base64_VARIANT_ORIGINAL);
    snprintf(out, VERIFIER_SIZE, "{SCRAM-SHA-256}%u,%s,%s,%s",
             whole ? credential->iterations : (unsigned)TG_SCRAM_ITERATIONS, salt, stored, server);
    sodium_memzero(stored, sizeof stored);
    sodium_memzero(server, sizeof server);
}

static void send_json(struct conn *conn, json_t *json)
{
    struct wire_text out;
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text == NULL)
        abort(); /* out of memory */
    wire_text_clear(&out);
    wire_dict_found(&out, text);
    if (wire_text_whole(&out))
        conn_send(conn, out.data, out.len);
    else
        conn_close(conn, CONN_PROTOCOL);
    sodium_memzero(text, strlen(text));
    sodium_memzero(&out, sizeof out);
    free(text);
}

static void send_account(struct conn *conn, const Tg__Account *account, const Tg__Credential *credential, bool live)
{
    bool disabled = tg_account_status(account) == TG_STATUS_DISABLED;
    char verifier[VERIFIER_SIZE], reason[300];
    write_verifier(credential, live && !disabled, verifier);
    metrics_answer(conn_app(conn)->metrics, door_dict.name, disabled ? "refused" : "ok");
    tg_log(TG_DEBUG, "dict-lookup", "login", account->username, "result", disabled ? "disabled" : "ok", NULL);
    json_t *json = json_object();
    json_object_set_new(json, "password", json_string(verifier));
    if (disabled) {
        snprintf(reason, sizeof reason, "this account is disabled%s%.200s", *account->disabled_reason != '\0' ? ": " : "",
                 account->disabled_reason);
        json_object_set_new(json, "nologin", json_string("yes"));
        json_t *told = json_string(reason); /* NULL: cut in the middle of a character */
        json_object_set_new(json, "reason", told != NULL ? told : json_string("this account is disabled"));
    }
    send_json(conn, json);
    sodium_memzero(verifier, sizeof verifier);
}

static void send_not_found(struct conn *conn)
{
    struct wire_text out;
    metrics_answer(conn_app(conn)->metrics, door_dict.name, "notfound");
    wire_text_clear(&out);
    wire_dict_not_found(&out);
    conn_send(conn, out.data, out.len);
}

static void send_fail(struct conn *conn, const char *id, const char *reason, const char *result)
{
    struct wire_text out;
    metrics_answer(conn_app(conn)->metrics, door_dict.name, result);
    wire_text_clear(&out);
    wire_dict_fail(&out, id, reason);
    conn_send(conn, out.data, out.len);
}

static void unusable(struct conn *conn, const struct tg_error *err)
{
    tg_log(TG_ERROR, "dict-failed", "peer", conn_peer(conn), "error", err->text, NULL);
    send_fail(conn, "", "the store can't be read: see the log of tollgate-authd", "unusable");
}

/* A current credential that has expired is one that nothing fits; an old one is not there then. */
static void answer(struct conn *conn, const Tg__Account *account, bool old)
{
    const Tg__Credential *credential = old ? account->old_credential : account->credential;
    bool live = tg_credential_live(credential, tg_now());
    if (old && !live)
        send_not_found(conn);
    else
        send_account(conn, account, credential, live);
}

static void look(struct conn *conn, const char *key)
{
    struct tg_view *view;
    struct tg_error err;
    Tg__Account *account;
    bool old = false;
    const char *username = username_of(key, &old);
    if (username == NULL) {
        send_not_found(conn);
        return;
    }
    if (tg_view_begin(conn_app(conn)->store, &view, &err) != TG_OK) {
        unusable(conn, &err);
        return;
    }
    enum tg_code code = tg_account_by_username(view, username, &account, &err);
    if (code == TG_OK)
        answer(conn, account, old);
    else if (code == TG_NOT_FOUND)
        send_not_found(conn);
    else
        unusable(conn, &err);
    tg_view_end(&view);
}

static ssize_t dict_read(struct conn *conn, void *state, const uint8_t *in, size_t len)
{
    struct dict_state *dict = state;
    struct dict_request request;
    ssize_t used = wire_dict_read(in, len, &request);
    if (used <= 0)
        return used;
    if (request.command == DICT_HELLO) {
        dict->greeted = request.major == 2 || request.major == 3;
        return dict->greeted ? used : -1;
    }
    if (!dict->greeted)
        return -1;
    if (request.command == DICT_LOOKUP)
        look(conn, request.key);
    else if (request.command == DICT_ANSWERED)
        send_fail(conn, request.id, "only lookups are served here", "refused");
    return used;
}

const struct door door_dict = {
    .name = "dict",
    .request_max = DICT_LINE_MAX,
    .request_s = 30,
    .idle_s = 3600,
    .connections_max = 1000,
    .state_size = sizeof(struct dict_state),
    .read = dict_read,
};
