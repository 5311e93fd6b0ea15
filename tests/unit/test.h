/* test.h: what every unit test needs in front of cmocka. */
#ifndef TG_TEST_H
#define TG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "schema/error.h"

/* The call succeeds; else the test fails with its sentence. */
#define assert_ok(call)                                          \
    do {                                                         \
        enum tg_code code_ = (call);                             \
        if (code_ != TG_OK)                                      \
            fail_msg("%s: %s", tg_code_name(code_), err.text);   \
    } while (0)

#endif
