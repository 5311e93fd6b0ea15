/* sasl.c: see sasl.h. */
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <stdio.h>
#include <string.h>
#include "authd/exchange.h"
#include "authd/scram_mechanism.h"
#include "schema/log.h"

/* What libsasl2 would read in a configuration file. */
static int get_option(void *context, const char *plugin, const char *option, const char **value, unsigned *len)
{
    static const struct {
        const char *option, *value;
    } options[] = {
        { "mech_list", "PLAIN LOGIN SCRAM-SHA-256" },
        { "pwcheck_method", "" }, /* no second opinion where our callback says no */
        { "log_level", "1" },
    };
    (void)context;
    (void)plugin;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (strcmp(option, options[i].option) != 0)
            continue;
        *value = options[i].value;
        if (len != NULL)
            *len = (unsigned)strlen(*value);
        return SASL_OK;
    }
    return SASL_FAIL;
}

static int verify_file(void *context, const char *file, sasl_verify_type_t type)
{
    (void)context;
    const char *name = strrchr(file, '/');
    name = name != NULL ? name + 1 : file;
    if (type == SASL_VRFY_PLUGIN && (strncmp(name, "libplain.", 9) == 0 || strncmp(name, "liblogin.", 9) == 0))
        return SASL_OK;
    return SASL_CONTINUE;
}

/* Every refusal is logged by its door, with the client's address; what libsasl2 says of it beside is for him
 * who looks for a fault. */
static int log_message(void *context, int level, const char *message)
{
    (void)context;
    /* LOG_PASS would be passwords. */
    if (level != SASL_LOG_NONE && level < SASL_LOG_PASS)
        tg_log(TG_DEBUG, "libsasl2", "message", message, NULL);
    return SASL_OK;
}

/* libsasl2 looks for properties of every name, and complains where nobody has any. */
static int no_properties(void *context, sasl_server_params_t *params, unsigned flags, const char *user, unsigned len)
{
    (void)context;
    (void)params;
    (void)flags;
    (void)user;
    (void)len;
    return SASL_NOUSER;
}

static int properties_init(const sasl_utils_t *utils, int max_version, int *out_version, sasl_auxprop_plug_t **plug,
                           const char *name)
{
    static char plug_name[] = "tollgate";
    static sasl_auxprop_plug_t properties = { .name = plug_name, .auxprop_lookup = no_properties };
    (void)utils;
    (void)name;
    if (max_version < SASL_AUXPROP_PLUG_VERSION)
        return SASL_BADVERS;
    *out_version = SASL_AUXPROP_PLUG_VERSION;
    *plug = &properties;
    return SASL_OK;
}

bool sasl_is_plaintext(const char *mechanism)
{
    return strcmp(mechanism, "PLAIN") == 0 || strcmp(mechanism, "LOGIN") == 0;
}

/* The mechanisms that libsasl2 has, as "\nPLAIN\nLOGIN\n". */
static enum tg_code list_mechanisms(char *out, size_t size, struct tg_error *err)
{
    sasl_conn_t *conn = NULL;
    const char *list = NULL;
    int result = sasl_server_new("smtp", "tollgate", NULL, NULL, NULL, NULL, 0, &conn);
    if (result == SASL_OK)
        result = sasl_listmech(conn, NULL, "\n", "\n", "\n", &list, NULL, NULL);
    snprintf(out, size, "%s", result == SASL_OK ? list : "\n");
    if (conn != NULL)
        sasl_dispose(&conn);
    if (result != SASL_OK && result != SASL_NOMECH)
        return tg_fail(err, TG_UNUSABLE, "libsasl2 can't list its mechanisms: %s", sasl_errstring(result, NULL, NULL));
    return TG_OK;
}

enum tg_code sasl_offers(const struct tg_list *mechanisms, struct tg_error *err)
{
    char known[400], wanted[80];
    enum tg_code code = list_mechanisms(known, sizeof known, err);
    for (size_t i = 0; code == TG_OK && i < mechanisms->count; i++) {
        snprintf(wanted, sizeof wanted, "\n%s\n", mechanisms->item[i]);
        if (strstr(known, wanted) == NULL)
            code = tg_fail(err, TG_UNUSABLE,
                           "the SASL mechanism %s is not there: install the package libsasl2-modules, or take it out "
                           "of `mechanisms`", mechanisms->item[i]);
    }
    return code;
}

enum tg_code sasl_begin(const struct tg_list *mechanisms, struct tg_error *err)
{
    static const sasl_callback_t callbacks[] = {
        { SASL_CB_GETOPT, EXCHANGE_CALLBACK(get_option), NULL },
        { SASL_CB_VERIFYFILE, EXCHANGE_CALLBACK(verify_file), NULL },
        { SASL_CB_LOG, EXCHANGE_CALLBACK(log_message), NULL },
        { SASL_CB_LIST_END, NULL, NULL },
    };
    int result = sasl_server_init(callbacks, NULL);
    if (result == SASL_OK)
        result = sasl_server_add_plugin("tollgate", scram_mechanism_init);
    if (result == SASL_OK)
        result = sasl_auxprop_add_plugin("tollgate", properties_init);
    if (result != SASL_OK)
        return tg_fail(err, TG_UNUSABLE, "can't start libsasl2's server: %s", sasl_errstring(result, NULL, NULL));
    return sasl_offers(mechanisms, err);
}

void sasl_end(void)
{
    sasl_server_done();
}
