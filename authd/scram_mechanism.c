/* scram_mechanism.c: see scram_mechanism.h. The messages are scram.c's, the keys login.c's; this is the glue
 * that libsasl2 calls. */
#include <sasl/sasl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "authd/exchange.h"
#include "authd/scram.h"
#include "authd/scram_mechanism.h"

struct scram_state {
    bool first_done;
    struct exchange *exchange;
    struct scram scram;
    char server_final[SCRAM_SERVER_FINAL_SIZE];
};

/* The exchange is the context of its callbacks, and that is how a plug-in comes by it. */
static struct exchange *exchange_of(const sasl_server_params_t *params)
{
    sasl_callback_ft proc;
    void *context = NULL;
    int result = params->utils->getcallback(params->utils->conn, SASL_CB_SERVER_USERDB_CHECKPASS, &proc, &context);
    return result == SASL_OK ? context : NULL;
}

static int scram_new(void *global, sasl_server_params_t *params, const char *challenge, unsigned len, void **context)
{
    (void)global;
    (void)challenge;
    (void)len;
    struct exchange *exchange = exchange_of(params);
    if (exchange == NULL)
        return SASL_FAIL;
    struct scram_state *state = tg_xcalloc(1, sizeof *state);
    state->exchange = exchange;
    *context = state;
    return SASL_OK;
}

static int step_first(struct scram_state *state, struct tg_span in, const char **out, unsigned *out_len)
{
    struct exchange *exchange = state->exchange;
    struct scram *scram = &state->scram;
    uint8_t salt[TG_SALT_LEN], random[SCRAM_SERVER_NONCE_LEN / 4 * 3];
    char nonce[SCRAM_SERVER_NONCE_LEN + 1];
    uint32_t iterations;
    if (scram_client_first(scram, in, &exchange->err) != TG_OK)
        return SASL_BADPROT;
    exchange_set_login(exchange, scram->username, strlen(scram->username));
    enum tg_code code = login_scram_salt(exchange->store, scram->username, exchange->now, salt, &iterations, &exchange->err);
    if (code != TG_OK) {
        exchange_judged(exchange, code);
        return SASL_FAIL;
    }
    randombytes_buf(random, sizeof random);
    sodium_bin2base64(nonce, sizeof nonce, random, sizeof random, sodium_base64_VARIANT_ORIGINAL);
    scram_server_first(scram, nonce, salt, iterations);
    state->first_done = true;
    *out = scram->server_first;
    *out_len = (unsigned)strlen(scram->server_first);
    return SASL_CONTINUE;
}

/* Who it is, and who he wants to be: the proxy policy compares them. */
static int set_identities(struct scram_state *state, sasl_server_params_t *params, sasl_out_params_t *oparams)
{
    const char *name = state->scram.username, *authzid = state->scram.authzid;
    sasl_conn_t *conn = params->utils->conn;
    /* EXTERNALLY_VERIFIED: no auxiliary property plug-in knows him, and none has to. */
    unsigned flags = SASL_CU_AUTHID | SASL_CU_EXTERNALLY_VERIFIED;
    if (*authzid == '\0')
        return params->canon_user(conn, name, (unsigned)strlen(name), flags | SASL_CU_AUTHZID, oparams);
    int result = params->canon_user(conn, name, (unsigned)strlen(name), flags, oparams);
    if (result != SASL_OK)
        return result;
    return params->canon_user(conn, authzid, (unsigned)strlen(authzid), SASL_CU_AUTHZID | SASL_CU_EXTERNALLY_VERIFIED,
                              oparams);
}

static int step_final(struct scram_state *state, sasl_server_params_t *params, struct tg_span in, const char **out,
                      unsigned *out_len, sasl_out_params_t *oparams)
{
    struct exchange *exchange = state->exchange;
    struct scram *scram = &state->scram;
    uint8_t proof[TG_SCRAM_KEY_LEN], signature[TG_SCRAM_KEY_LEN];
    if (scram_client_final(scram, in, proof, &exchange->err) != TG_OK)
        return SASL_BADPROT;
    enum tg_code code = login_scram_proof(exchange->store, scram->username, tg_span_str(scram->auth_message), proof,
                                          exchange->now, signature, &exchange->result, &exchange->err);
    if (!exchange_judged(exchange, code))
        return SASL_BADAUTH;
    int result = set_identities(state, params, oparams);
    if (result != SASL_OK)
        return result;
    scram_server_final(signature, state->server_final);
    *out = state->server_final;
    *out_len = (unsigned)strlen(state->server_final);
    oparams->doneflag = 1;
    oparams->mech_ssf = 0;
    oparams->maxoutbuf = 0;
    oparams->encode_context = NULL;
    oparams->encode = NULL;
    oparams->decode_context = NULL;
    oparams->decode = NULL;
    oparams->param_version = 0;
    /* libsasl2 turns this into one more round trip, as the signature can't go out with the OK. */
    return SASL_OK;
}

static int scram_step(void *context, sasl_server_params_t *params, const char *in, unsigned in_len, const char **out,
                      unsigned *out_len, sasl_out_params_t *oparams)
{
    struct scram_state *state = context;
    *out = NULL;
    *out_len = 0;
    if (!state->first_done)
        return step_first(state, tg_span_of(in, in_len), out, out_len);
    return step_final(state, params, tg_span_of(in, in_len), out, out_len, oparams);
}

static void scram_dispose(void *context, const sasl_utils_t *utils)
{
    (void)utils;
    if (context != NULL)
        sodium_memzero(context, sizeof(struct scram_state));
    free(context);
}

int scram_mechanism_init(const sasl_utils_t *utils, int max_version, int *out_version, sasl_server_plug_t **list,
                         int *count)
{
    static sasl_server_plug_t plug = {
        .mech_name = "SCRAM-SHA-256",
        .security_flags = SASL_SEC_NOPLAINTEXT | SASL_SEC_NOACTIVE | SASL_SEC_NOANONYMOUS | SASL_SEC_MUTUAL_AUTH,
        .features = SASL_FEAT_WANT_CLIENT_FIRST | SASL_FEAT_ALLOWS_PROXY,
        .mech_new = scram_new,
        .mech_step = scram_step,
        .mech_dispose = scram_dispose,
    };
    (void)utils;
    if (max_version < SASL_SERVER_PLUG_VERSION)
        return SASL_BADVERS;
    *out_version = SASL_SERVER_PLUG_VERSION;
    *list = &plug;
    *count = 1;
    return SASL_OK;
}
