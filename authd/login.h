/* login.h: what a SASL exchange asks the store: each question in a view of its own, so that an administrator's
 * change counts for the very next message of an exchange. */
#ifndef AUTHD_LOGIN_H
#define AUTHD_LOGIN_H

#include "schema/account.h"

enum { CLIENT_NAME_MAX = 256, CLIENT_REASON_MAX = 300 };

/* What came out, for the answer, the log and the account's activity. Never a secret. */
struct login_result {
    uint64_t account_id;                 /* 0: no such account */
    char username[TG_USERNAME_MAX + 1];  /* the account's, where it was accepted */
    const char *why;                     /* refused: "password", "unknown", "disabled", "authzid", "malformed"; static */
    char reason[CLIENT_REASON_MAX];       /* for the client, who has proved who he is; or "" */
};

/* Is this the password of this account, now? TG_OK, TG_REFUSED (result->why), TG_UNUSABLE. */
enum tg_code login_password(struct tg_store *store, const char *username, const char *password, size_t len,
                            int64_t now, struct login_result *result, struct tg_error *err) TG_MUST_CHECK;

/* Salt and iterations to show; a stable decoy where there is no such account. TG_UNUSABLE: can't tell. */
enum tg_code login_scram_salt(struct tg_store *store, const char *username, int64_t now, uint8_t salt[TG_SALT_LEN],
                              uint32_t *iterations, struct tg_error *err) TG_MUST_CHECK;

/* Does the proof fit either credential of the account, now? As login_password. */
enum tg_code login_scram_proof(struct tg_store *store, const char *username, struct tg_span auth_message,
                               const uint8_t proof[TG_SCRAM_KEY_LEN], int64_t now,
                               uint8_t server_signature[TG_SCRAM_KEY_LEN], struct login_result *result,
                               struct tg_error *err) TG_MUST_CHECK;

#endif
