/* login.c: see login.h. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include "authd/login.h"

static void refuse(struct login_result *result, const char *why)
{
    result->why = why;
    result->username[0] = '\0';
}

/* Only he who knows the password learns that, and why, the account is disabled. */
static void refuse_disabled(struct login_result *result, const Tg__Account *account)
{
    refuse(result, "disabled");
    const char *reason = account->disabled_reason;
    snprintf(result->reason, sizeof result->reason, "this account is disabled%s%.200s", *reason != '\0' ? ": " : "",
             reason);
}

static void accept(struct login_result *result, const Tg__Account *account)
{
    result->why = "";
    snprintf(result->username, sizeof result->username, "%s", account->username);
}

/* The result's strings are copies: it outlives the view. */
enum tg_code login_password(struct tg_store *store, const char *username, const char *password, size_t len,
                            int64_t now, struct login_result *result, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Account *account = NULL;
    const char *why = "";
    enum tg_code code = tg_view_begin(store, &view, err);
    if (code != TG_OK)
        return TG_UNUSABLE;
    code = tg_account_check_password(view, username, password, len, now, &account, &why, err);
    result->account_id = account != NULL ? account->id : 0;
    if (code == TG_OK && account != NULL) {
        accept(result, account);
    } else if (code == TG_REFUSED && account != NULL && strcmp(why, "disabled") == 0) {
        refuse_disabled(result, account);
    } else if (code == TG_REFUSED) {
        refuse(result, account == NULL ? "unknown" : "password");
    } else {
        code = TG_UNUSABLE;
    }
    tg_view_end(&view);
    return code;
}

/* The credentials that count now; NULL where none. */
static const Tg__Credential *live(const Tg__Credential *credential, int64_t now)
{
    return tg_credential_live(credential, now) ? credential : NULL;
}

static enum tg_code decoy_salt(struct tg_view *view, const char *username, uint8_t salt[TG_SALT_LEN],
                               struct tg_error *err)
{
    struct tg_key key = tg_key_name(TG_META_STORE);
    Tg__Meta *meta;
    enum tg_code code = tg_get_record(view, TG_DB_META, &key, &tg__meta__descriptor, &meta, err);
    if (code != TG_OK)
        return code;
    if (meta->decoy_key.len != 32)
        return tg_fail(err, TG_UNUSABLE, "the store's decoy key is damaged: run tollgate store check");
    tg_decoy_salt(meta->decoy_key.data, username, salt);
    return TG_OK;
}

enum tg_code login_scram_salt(struct tg_store *store, const char *username, int64_t now, uint8_t salt[TG_SALT_LEN],
                              uint32_t *iterations, struct tg_error *err)
{
    struct tg_view *view;
    Tg__Account *account;
    if (tg_view_begin(store, &view, err) != TG_OK)
        return TG_UNUSABLE;
    *iterations = TG_SCRAM_ITERATIONS;
    /* The decoy is made for everybody, so that it costs everybody the same. */
    enum tg_code code = decoy_salt(view, username, salt, err);
    if (code == TG_OK)
        code = tg_account_of_login(view, username, &account, err);
    if (code == TG_OK && account != NULL) {
        /* Both credentials share salt and iterations (DESIGN 4). */
        const Tg__Credential *credential = live(account->credential, now);
        if (credential == NULL)
            credential = live(account->old_credential, now);
        if (credential != NULL && credential->salt.len == TG_SALT_LEN) {
            memcpy(salt, credential->salt.data, TG_SALT_LEN);
            *iterations = credential->iterations;
        }
    }
    tg_view_end(&view);
    return code == TG_OK ? TG_OK : TG_UNUSABLE;
}

enum tg_code login_scram_proof(struct tg_store *store, const char *username, struct tg_span auth_message,
                               const uint8_t proof[TG_SCRAM_KEY_LEN], int64_t now,
                               uint8_t server_signature[TG_SCRAM_KEY_LEN], struct login_result *result,
                               struct tg_error *err)
{
    struct tg_view *view;
    Tg__Account *account;
    if (tg_view_begin(store, &view, err) != TG_OK)
        return TG_UNUSABLE;
    enum tg_code code = tg_account_of_login(view, username, &account, err);
    if (code == TG_OK) {
        uint8_t old_signature[TG_SCRAM_KEY_LEN];
        const Tg__Credential *current = account != NULL ? live(account->credential, now) : NULL;
        const Tg__Credential *old = account != NULL ? live(account->old_credential, now) : NULL;
        bool is_current = tg_scram_check(current, auth_message, proof, server_signature);
        bool is_old = tg_scram_check(old, auth_message, proof, old_signature);
        if (is_old && !is_current)
            memcpy(server_signature, old_signature, TG_SCRAM_KEY_LEN);
        sodium_memzero(old_signature, sizeof old_signature);
        result->account_id = account != NULL ? account->id : 0;
        if (account == NULL || !(is_current | is_old))
            refuse(result, account == NULL ? "unknown" : "password");
        else if (tg_account_status(account) == TG_STATUS_DISABLED)
            refuse_disabled(result, account);
        else
            accept(result, account);
        code = *result->why == '\0' ? TG_OK : tg_fail(err, TG_REFUSED, "wrong username or password");
    }
    tg_view_end(&view);
    return code;
}
