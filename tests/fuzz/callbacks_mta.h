/* callbacks_mta.h: what stands in libmilter's place for fuzz_callbacks.c: it keeps the callbacks that are registered, gives
 * them macros and a private pointer, and takes their replies and changes of the message, which must be fit to be sent. */
#ifndef TG_FUZZ_CALLBACKS_MTA_H
#define TG_FUZZ_CALLBACKS_MTA_H

#include <stdbool.h> /* first: mfapi.h would make bool an int */
#include <libmilter/mfapi.h>
#include "tests/fuzz/fuzz.h"

enum { TEXT = 600, RECIPIENTS = 300 };
enum { DAEMON_NAME, AUTH_AUTHEN, QUEUE_ID, MACROS };

struct smfi_str {
    void *priv;
    char macro[MACROS][TEXT];
    bool has_macro[MACROS];
    unsigned long steps;
    bool at_end, changes_fail;
    bool replied;
    char code[8];
    unsigned traces, deleted, added; /* of the message that ends */
    /* what the harness remembers of the message under way */
    int settings;
    bool from_ip, mail_taken;
    char login[TEXT], sender[TEXT];
    char recipient[RECIPIENTS][TEXT];
    size_t recipients, reports;
};

/* What callbacks_register registered. */
extern struct smfiDesc mta_callbacks;

#endif
