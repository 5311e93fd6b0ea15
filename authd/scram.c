/* scram.c: see scram.h. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include "authd/scram.h"
#include "schema/text.h"

static enum tg_code malformed(struct tg_error *err, const char *what)
{
    return tg_fail(err, TG_REFUSED, "malformed SCRAM message: %s", what);
}

/* The next attribute of a comma-separated list, which loses it; false at the end. */
static bool next_attribute(const char **rest, struct tg_span *attribute)
{
    if (*rest == NULL)
        return false;
    size_t len = strcspn(*rest, ",");
    *attribute = tg_span_of(*rest, len);
    *rest = (*rest)[len] == ',' ? *rest + len + 1 : NULL;
    return true;
}

/* attribute is "X=value" (value not empty): the value. */
static bool value_of(struct tg_span attribute, char name, struct tg_span *value)
{
    if (attribute.len < 3 || attribute.data[0] != (uint8_t)name || attribute.data[1] != '=')
        return false;
    *value = tg_span_of(attribute.data + 2, attribute.len - 2);
    return true;
}

/* Extensions are none of our business, but for "m=", which wants to be understood (RFC 5802, 5.1). */
static bool only_optional(const char *rest)
{
    struct tg_span attribute;
    while (next_attribute(&rest, &attribute))
        if (attribute.len >= 2 && memcmp(attribute.data, "m=", 2) == 0)
            return false;
    return true;
}

/* saslname: "=2C" is a comma, "=3D" an equals sign, no other "=". */
static bool decode_name(struct tg_span name, char out[SCRAM_NAME_MAX + 1])
{
    size_t n = 0;
    for (size_t i = 0; i < name.len; i++, n++) {
        if (n >= SCRAM_NAME_MAX)
            return false;
        out[n] = (char)name.data[i];
        if (name.data[i] != '=')
            continue;
        if (name.len - i < 3)
            return false;
        if (memcmp(name.data + i, "=2C", 3) == 0)
            out[n] = ',';
        else if (memcmp(name.data + i, "=3D", 3) != 0)
            return false;
        i += 2;
    }
    out[n] = '\0';
    return n > 0 && tg_text_is_clean(out, SCRAM_NAME_MAX);
}

/* gs2-header: ("n" / "y") "," ["a=" saslname] ",". *bare is set to what follows. */
static enum tg_code read_gs2_header(struct scram *scram, const char *message, const char **bare, struct tg_error *err)
{
    struct tg_span flag, authzid, value;
    const char *rest = message;
    scram->authzid[0] = '\0';
    if (!next_attribute(&rest, &flag) || !next_attribute(&rest, &authzid) || rest == NULL)
        return malformed(err, "no GS2 header");
    if (flag.len > 1 && flag.data[0] == 'p')
        return tg_fail(err, TG_REFUSED, "channel binding is not offered");
    if (flag.len != 1 || (flag.data[0] != 'n' && flag.data[0] != 'y'))
        return malformed(err, "no GS2 header");
    if (authzid.len > 0 && (!value_of(authzid, 'a', &value) || !decode_name(value, scram->authzid)))
        return malformed(err, "the authorisation identity");
    size_t len = (size_t)(rest - message);
    if (len >= sizeof scram->gs2_header)
        return malformed(err, "the GS2 header is too long");
    memcpy(scram->gs2_header, message, len);
    scram->gs2_header[len] = '\0';
    *bare = rest;
    return TG_OK;
}

static bool nonce_is_good(struct tg_span nonce)
{
    for (size_t i = 0; i < nonce.len; i++)
        if (nonce.data[i] < 0x21 || nonce.data[i] > 0x7e)
            return false;
    return nonce.len > 0 && nonce.len <= SCRAM_NONCE_MAX;
}

/* NUL-terminated copy; false: too long, or a NUL inside. */
static bool copy_message(struct tg_span message, char out[SCRAM_MESSAGE_MAX + 1])
{
    if (message.len == 0 || message.len > SCRAM_MESSAGE_MAX || memchr(message.data, '\0', message.len) != NULL)
        return false;
    memcpy(out, message.data, message.len);
    out[message.len] = '\0';
    return true;
}

enum tg_code scram_client_first(struct scram *scram, struct tg_span message, struct tg_error *err)
{
    char text[SCRAM_MESSAGE_MAX + 1];
    const char *bare = NULL;
    memset(scram, 0, sizeof *scram);
    if (!copy_message(message, text))
        return malformed(err, "its length, or a NUL in it");
    enum tg_code code = read_gs2_header(scram, text, &bare, err);
    if (code != TG_OK)
        return code;
    strcpy(scram->client_first_bare, bare);

    struct tg_span attribute, value;
    const char *rest = bare;
    if (!next_attribute(&rest, &attribute) || !value_of(attribute, 'n', &value) ||
        !decode_name(value, scram->username))
        return malformed(err, "the username");
    if (!next_attribute(&rest, &attribute) || !value_of(attribute, 'r', &value) || !nonce_is_good(value))
        return malformed(err, "the nonce");
    if (!only_optional(bare))
        return malformed(err, "a mandatory extension");
    memcpy(scram->nonce, value.data, value.len);
    return TG_OK;
}

void scram_server_first(struct scram *scram, const char server_nonce[SCRAM_SERVER_NONCE_LEN + 1],
                        const uint8_t salt[TG_SALT_LEN], uint32_t iterations)
{
    char base64[sodium_base64_ENCODED_LEN(TG_SALT_LEN, sodium_base64_VARIANT_ORIGINAL)];
    strncat(scram->nonce, server_nonce, SCRAM_SERVER_NONCE_LEN);
    sodium_bin2base64(base64, sizeof base64, salt, TG_SALT_LEN, sodium_base64_VARIANT_ORIGINAL);
    snprintf(scram->server_first, sizeof scram->server_first, "r=%s,s=%s,i=%u", scram->nonce, base64, iterations);
}

static bool decode(struct tg_span base64, uint8_t *out, size_t size, size_t *len)
{
    const char *end;
    const char *text = (const char *)base64.data;
    return sodium_base642bin(out, size, text, base64.len, NULL, len, &end, sodium_base64_VARIANT_ORIGINAL) == 0 &&
           end == text + base64.len;
}

static bool binding_fits(const struct scram *scram, struct tg_span value)
{
    uint8_t header[sizeof scram->gs2_header];
    size_t len;
    return decode(value, header, sizeof header, &len) && len == strlen(scram->gs2_header) &&
           memcmp(header, scram->gs2_header, len) == 0;
}

enum tg_code scram_client_final(struct scram *scram, struct tg_span message, uint8_t proof[TG_SCRAM_KEY_LEN],
                                struct tg_error *err)
{
    char text[SCRAM_MESSAGE_MAX + 1];
    struct tg_span attribute, value;
    if (!copy_message(message, text))
        return malformed(err, "its length, or a NUL in it");
    /* The proof is the last attribute; what stands before it is signed. */
    char *last = strrchr(text, ',');
    size_t len;
    if (last == NULL || !value_of(tg_span_str(last + 1), 'p', &value) ||
        !decode(value, proof, TG_SCRAM_KEY_LEN, &len) || len != TG_SCRAM_KEY_LEN)
        return malformed(err, "the proof");
    *last = '\0';

    const char *rest = text;
    if (!next_attribute(&rest, &attribute) || !value_of(attribute, 'c', &value) || !binding_fits(scram, value))
        return malformed(err, "the channel binding");
    if (!next_attribute(&rest, &attribute) || !value_of(attribute, 'r', &value) ||
        value.len != strlen(scram->nonce) || memcmp(value.data, scram->nonce, value.len) != 0)
        return malformed(err, "the nonce");
    if (!only_optional(rest))
        return malformed(err, "a mandatory extension");
    snprintf(scram->auth_message, sizeof scram->auth_message, "%s,%s,%s", scram->client_first_bare,
             scram->server_first, text);
    return TG_OK;
}

void scram_server_final(const uint8_t signature[TG_SCRAM_KEY_LEN], char out[SCRAM_SERVER_FINAL_SIZE])
{
    out[0] = 'v';
    out[1] = '=';
    sodium_bin2base64(out + 2, SCRAM_SERVER_FINAL_SIZE - 2, signature, TG_SCRAM_KEY_LEN,
                      sodium_base64_VARIANT_ORIGINAL);
}
