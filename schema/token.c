/* token.c: see token.h. 28 octets:
 *
 *   0      version << 4 | kind
 *   1      key number
 *   2-11   tag: keyed BLAKE2b of octets 0, 1 and the text
 *   12-27  text, XORed with a keystream made from the tag: account id 6, time 5, sequence 3, zero 2
 *
 * The tag is over the text and is the keystream's nonce (SIV, RFC 5297's idea), so equal texts alone make
 * equal tokens, and no two events are equal. These bytes stand in mail that is under way. */
#include <assert.h>
#include <sodium.h>
#include <string.h>
#include "schema/audit.h"
#include "schema/base32.h"
#include "schema/records.pb-c.h"
#include "schema/token.h"

enum { TOKEN_VERSION = 1, HEAD = 2, TAG = 10, TEXT = 16, WHOLE = HEAD + TAG + TEXT, FUTURE_S = 86400 };
_Static_assert(TG_BASE32_LEN(WHOLE) < TG_TOKEN_SIZE, "a token fits a local part");

/* One key for the tag, one for the stream, so that neither says anything of the other. */
struct subkeys {
    uint8_t tag[32], stream[32];
};

static void derive(const uint8_t secret[32], struct subkeys *keys)
{
    crypto_kdf_derive_from_key(keys->tag, sizeof keys->tag, 1, "tgtoken", secret);
    crypto_kdf_derive_from_key(keys->stream, sizeof keys->stream, 2, "tgtoken", secret);
}
_Static_assert(crypto_kdf_KEYBYTES == 32 && crypto_kdf_CONTEXTBYTES == 8, "\"tgtoken\" and its NUL");

static void tag_of(const struct subkeys *keys, const uint8_t head[HEAD], const uint8_t text[TEXT], uint8_t tag[TAG])
{
    uint8_t whole[HEAD + TEXT], hash[crypto_generichash_BYTES_MIN];
    memcpy(whole, head, HEAD);
    memcpy(whole + HEAD, text, TEXT);
    crypto_generichash(hash, sizeof hash, whole, sizeof whole, keys->tag, sizeof keys->tag);
    memcpy(tag, hash, TAG);
}

static void crypt(const struct subkeys *keys, const uint8_t tag[TAG], uint8_t text[TEXT])
{
    uint8_t stream[TEXT];
    crypto_generichash(stream, sizeof stream, tag, TAG, keys->stream, sizeof keys->stream);
    for (int i = 0; i < TEXT; i++)
        text[i] ^= stream[i];
}

static void put_number(uint8_t *at, uint64_t number, int size)
{
    for (int i = 0; i < size; i++)
        at[i] = (uint8_t)(number >> (8 * (size - 1 - i)));
}

static uint64_t get_number(const uint8_t *at, int size)
{
    uint64_t number = 0;
    for (int i = 0; i < size; i++)
        number = number << 8 | at[i];
    return number;
}

void tg_token_make(const struct tg_seal_keys *keys, enum tg_token_kind kind, const struct tg_token *token,
                   char out[TG_TOKEN_SIZE])
{
    uint8_t whole[WHOLE];
    struct subkeys sub;
    assert(keys->count > 0 && token->account_id >> 48 == 0 && (uint64_t)token->time >> 40 == 0 &&
           token->sequence >> 24 == 0);
    const size_t newest = keys->count - 1;
    whole[0] = (uint8_t)(TOKEN_VERSION << 4 | kind);
    whole[1] = keys->key[newest].number;
    put_number(whole + 12, token->account_id, 6);
    put_number(whole + 18, (uint64_t)token->time, 5);
    put_number(whole + 23, token->sequence, 3);
    put_number(whole + 26, 0, 2);
    derive(keys->key[newest].secret, &sub);
    tag_of(&sub, whole, whole + HEAD + TAG, whole + HEAD);
    crypt(&sub, whole + HEAD, whole + HEAD + TAG);
    sodium_memzero(&sub, sizeof sub);
    tg_base32_encode(whole, sizeof whole, out);
}

static const uint8_t *secret_of(const struct tg_seal_keys *keys, uint8_t number)
{
    for (size_t i = keys->count; i-- > 0;)
        if (keys->key[i].number == number)
            return keys->key[i].secret;
    return NULL;
}

enum tg_code tg_token_read(const struct tg_seal_keys *keys, enum tg_token_kind kind, struct tg_span text, int64_t now,
                           int64_t max_age_s, struct tg_token *out, struct tg_error *err)
{
    uint8_t whole[WHOLE], tag[TAG];
    struct subkeys sub;
    if (!tg_base32_decode((const char *)text.data, text.len, whole, sizeof whole) || whole[0] != (TOKEN_VERSION << 4 | kind))
        return tg_fail(err, TG_REFUSED, "not a token");
    const uint8_t *secret = secret_of(keys, whole[1]);
    if (secret == NULL)
        return tg_fail(err, TG_REFUSED, "a token of a retired key");
    derive(secret, &sub);
    crypt(&sub, whole + HEAD, whole + HEAD + TAG);
    tag_of(&sub, whole, whole + HEAD + TAG, tag);
    sodium_memzero(&sub, sizeof sub);
    if (sodium_memcmp(tag, whole + HEAD, TAG) != 0 || get_number(whole + 26, 2) != 0)
        return tg_fail(err, TG_REFUSED, "a forged token");
    struct tg_token read = {
        .account_id = get_number(whole + 12, 6),
        .time = (int64_t)get_number(whole + 18, 5),
        .sequence = (uint32_t)get_number(whole + 23, 3),
    };
    if (read.time > now + FUTURE_S || (max_age_s > 0 && now - read.time > max_age_s))
        return tg_fail(err, TG_REFUSED, "an expired token");
    *out = read;
    return TG_OK;
}

/* ---- the store's keys ---- */

enum { KEYS_MAX = sizeof((struct tg_seal_keys *)0)->key / sizeof((struct tg_seal_keys *)0)->key[0] };

enum tg_code tg_seal_keys_get(struct tg_view *view, struct tg_seal_keys *keys, struct tg_error *err)
{
    struct tg_key key = tg_key_name(TG_META_SEAL_KEYS);
    Tg__SealKeys *stored;
    memset(keys, 0, sizeof *keys);
    enum tg_code code = tg_get_record(view, TG_DB_META, &key, &tg__seal_keys__descriptor, &stored, err);
    if (code == TG_NOT_FOUND || (code == TG_OK && stored->n_keys == 0))
        return tg_fail(err, TG_UNUSABLE, "the store has no keys for return-path tokens (run tollgate store check)");
    if (code != TG_OK)
        return code;
    size_t first = stored->n_keys > KEYS_MAX ? stored->n_keys - KEYS_MAX : 0;
    for (size_t i = first; i < stored->n_keys; i++) {
        if (stored->keys[i]->secret.len != sizeof keys->key[0].secret)
            return tg_fail(err, TG_UNUSABLE, "a key for return-path tokens is damaged (run tollgate store check)");
        keys->key[keys->count].number = (uint8_t)stored->keys[i]->number;
        memcpy(keys->key[keys->count].secret, stored->keys[i]->secret.data, sizeof keys->key[0].secret);
        keys->count++;
    }
    return TG_OK;
}

enum tg_code tg_seal_keys_newest(struct tg_view *view, uint32_t *number, int64_t *created_at, struct tg_error *err)
{
    struct tg_key key = tg_key_name(TG_META_SEAL_KEYS);
    Tg__SealKeys *stored;
    enum tg_code code = tg_get_record(view, TG_DB_META, &key, &tg__seal_keys__descriptor, &stored, err);
    if (code == TG_NOT_FOUND || (code == TG_OK && stored->n_keys == 0))
        return tg_fail(err, TG_UNUSABLE, "the store has no keys for return-path tokens (run tollgate store check)");
    if (code != TG_OK)
        return code;
    *number = stored->keys[stored->n_keys - 1]->number;
    *created_at = stored->keys[stored->n_keys - 1]->created_at;
    return TG_OK;
}

enum tg_code tg_seal_keys_rotate(struct tg_change *change, int64_t now, struct tg_error *err)
{
    struct tg_key key = tg_key_name(TG_META_SEAL_KEYS);
    struct tg_arena *arena = tg_view_arena(tg_change_view(change));
    Tg__SealKeys *stored;
    enum tg_code code = tg_get_record(tg_change_view(change), TG_DB_META, &key, &tg__seal_keys__descriptor, &stored, err);
    if (code == TG_NOT_FOUND || (code == TG_OK && stored->n_keys == 0))
        return tg_fail(err, TG_UNUSABLE, "the store has no keys for return-path tokens (run tollgate store check)");
    if (code != TG_OK)
        return code;
    const uint32_t newest = stored->keys[stored->n_keys - 1]->number;
    /* Numbers go round at 255: sixteen are kept, so none is there twice. */
    uint8_t *secret = tg_arena_alloc(arena, 32);
    randombytes_buf(secret, 32);
    Tg__SealKey *fresh = tg_arena_alloc(arena, sizeof *fresh);
    tg__seal_key__init(fresh);
    fresh->number = (newest + 1) & 0xff;
    fresh->created_at = now;
    fresh->secret = (ProtobufCBinaryData){ 32, secret };

    size_t keep = stored->n_keys < KEYS_MAX ? stored->n_keys : KEYS_MAX - 1;
    Tg__SealKeys next = TG__SEAL_KEYS__INIT;
    next.keys = tg_arena_alloc(arena, (keep + 1) * sizeof *next.keys);
    for (size_t i = 0; i < keep; i++)
        next.keys[i] = stored->keys[stored->n_keys - keep + i];
    next.keys[keep] = fresh;
    next.n_keys = keep + 1;
    tg_put_record(change, TG_DB_META, &key, &next.base);
    sodium_memzero(secret, 32);
    tg_audit(change, now, "key rotate", "return-path", tg_arena_printf(arena, "key %u", newest),
             tg_arena_printf(arena, "key %u", fresh->number));
    return tg_change_error(change, err);
}
