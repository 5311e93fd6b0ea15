/* account_password.c: a new password, and whether one is right, in the same time whatever the answer. */
#include <string.h>
#include "schema/account_parts.h"
#include "schema/audit.h"
#include "schema/calendar.h"

/* An unknown name takes the reading and unpacking of an account, too: of two records that every store has,
 * which together are about its size. Whatever comes of it, the answer is "unknown". */
static void read_decoy(struct tg_view *view)
{
    struct tg_key meta_key = tg_key_name(TG_META_STORE), keys_key = tg_key_name(TG_META_SEAL_KEYS);
    Tg__Meta *meta;
    Tg__SealKeys *keys;
    (void)!tg_get_record(view, TG_DB_META, &meta_key, &tg__meta__descriptor, &meta, NULL);
    (void)!tg_get_record(view, TG_DB_META, &keys_key, &tg__seal_keys__descriptor, &keys, NULL);
}

enum tg_code tg_account_of_login(struct tg_view *view, const char *username, Tg__Account **account, struct tg_error *err)
{
    /* Without a sentence, for only an unknown name would take the time to write one. */
    enum tg_code code = tg_account_by_username(view, username, account, NULL);
    if (code == TG_NOT_FOUND) {
        *account = NULL;
        read_decoy(view);
        return TG_OK;
    }
    return code == TG_OK ? TG_OK : tg_account_by_username(view, username, account, err);
}

enum tg_code tg_account_check_password(struct tg_view *view, const char *username, const char *password, size_t len,
                                       int64_t now, Tg__Account **account, const char **why, struct tg_error *err)
{
    Tg__Account *a = NULL;
    *account = NULL;
    *why = "";
    enum tg_code code = tg_account_of_login(view, username, &a, err);
    if (code != TG_OK)
        return code;
    const Tg__Credential *current = a != NULL ? a->credential : NULL, *old = a != NULL ? a->old_credential : NULL;
    /* Both are always computed: neither says which one it was, nor whether there is any. */
    bool is_current = tg_credential_matches(tg_credential_live(current, now) ? current : NULL, password, len);
    bool is_old = tg_credential_matches(tg_credential_live(old, now) ? old : NULL, password, len);
    bool right = is_current | is_old;
    *account = a;
    if (a == NULL)
        *why = "unknown";
    else if (!right)
        *why = "password";
    else if (tg_account_status(a) == TG_STATUS_DISABLED)
        *why = "disabled";
    else
        return TG_OK;
    return tg_fail(err, TG_REFUSED, "%s", strcmp(*why, "disabled") == 0 ? "this account is disabled" : "wrong username or password");
}

/* Until when the credential that is replaced stays valid: never longer than it would have been; 0: not at all. */
static int64_t overlap_end(const Tg__Credential *old, int64_t overlap_s, int64_t now)
{
    /* One SCRAM exchange shows one salt, so both must share it. */
    if (old == NULL || overlap_s <= 0 || !tg_credential_live(old, now) || old->salt.len != TG_SALT_LEN)
        return 0;
    int64_t end = now + overlap_s;
    return old->expires_at != 0 && old->expires_at < end ? old->expires_at : end;
}

enum tg_code tg_account_password(struct tg_change *change, const char *username, int64_t overlap_s, int64_t now,
                                 Tg__Account **account, struct tg_secret *password, int64_t *old_valid_until,
                                 struct tg_error *err)
{
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    char until[TG_RFC3339_SIZE];
    Tg__Account *a;
    enum tg_code code = tg_account_by_username(tg_change_view(change), username, &a, err);
    if (code != TG_OK)
        return code;
    if (overlap_s < 0 || overlap_s > 366 * 86400)
        return tg_fail(err, TG_USAGE, "the old password of %s may stay valid for at most a year", username);
    Tg__Credential *old = a->credential;
    const uint32_t generation = old != NULL ? old->generation : 0;
    *old_valid_until = overlap_end(old, overlap_s, now);
    bool overlap = *old_valid_until != 0;
    tg_password_make(password);
    a->credential = tg_credential_make(arena, password, overlap ? old->salt.data : NULL, now, generation + 1);
    a->old_credential = overlap ? old : NULL;
    if (overlap)
        old->expires_at = *old_valid_until;
    tg_account_put(change, a);
    const char *rest = overlap ? tg_arena_printf(arena, "the old one stays valid until %s", tg_rfc3339(*old_valid_until, until)) : "";
    if ((code = tg_account_note(change, a, TG__ACTIVITY_KIND__PASSWORD, "renewed", rest, now, err)) != TG_OK)
        return code;
    tg_audit(change, now, "account password", username, tg_arena_printf(arena, "generation %u", generation),
             tg_arena_printf(arena, "generation %u%s%s", generation + 1, overlap ? ", " : "", rest));
    *account = a;
    return tg_change_error(change, err);
}
