/* scram_mechanism.h: SCRAM-SHA-256 as a server mechanism of libsasl2's. */
#ifndef AUTHD_SCRAM_MECHANISM_H
#define AUTHD_SCRAM_MECHANISM_H

#include <sasl/saslplug.h>

/* For sasl_server_add_plugin. */
int scram_mechanism_init(const sasl_utils_t *utils, int max_version, int *out_version, sasl_server_plug_t **list,
                         int *count);

#endif
