#include "tests/unit/wire.h"
#include <stdio.h>
#include "authd/wire_socketmap.h"

static ssize_t read_bytes(const char *in, size_t len, struct socketmap_request *request)
{
    uint8_t *copy = exact_copy(in, len);
    ssize_t used = wire_socketmap_read(copy, len, request);
    point_back(&request->map, copy, in);
    point_back(&request->key, copy, in);
    free(copy);
    return used;
}

static void assert_read(const char *in, const char *map, const char *key)
{
    struct socketmap_request r;
    assert_int_equal(read_bytes(in, strlen(in), &r), (ssize_t)strlen(in));
    assert_span(r.map, map);
    assert_span(r.key, key);
}

static void assert_refused(const char *in)
{
    struct socketmap_request r;
    assert_int_equal(read_bytes(in, strlen(in), &r), -1);
}

static void test_requests_of_postfix_and_sendmail(void **state)
{
    (void)state;
    assert_read("12:ip 127.0.0.3,", "ip", "127.0.0.3");
    assert_read("10:ip unknown,", "ip", "unknown");
    assert_read("24:sender joe+tag@cust.test,", "sender", "joe+tag@cust.test");
    assert_read("18:sender a b@c.test,,", "sender", "a b@c.test,");
    assert_read("7:domain ,", "domain", "");
    assert_read("2: a,", "", "a");
}

static void test_what_is_no_netstring_is_refused(void **state)
{
    (void)state;
    assert_refused(":ip 1,");
    assert_refused("x");
    assert_refused("-1:a b,");
    assert_refused("+4:ip 1,");
    assert_refused(" 4:ip 1,");
    assert_refused("04:ip 1,");
    assert_refused("4 :ip 1,");
    assert_refused("4:ip 1;");
    assert_refused("4:ip 12,");
    assert_refused("0:,");
    assert_refused("2:ip,");
    struct socketmap_request r;
    assert_int_equal(read_bytes("5:ip 1\0,", 8, &r), -1);
}

static void test_a_request_too_long_is_refused_by_its_head(void **state)
{
    (void)state;
    char longest[SOCKETMAP_PAYLOAD_MAX + 16];
    int head = snprintf(longest, sizeof longest, "%d:ip ", SOCKETMAP_PAYLOAD_MAX);
    memset(longest + head, 'a', SOCKETMAP_PAYLOAD_MAX - 3);
    longest[head + SOCKETMAP_PAYLOAD_MAX - 3] = ',';
    struct socketmap_request r;
    assert_int_equal(read_bytes(longest, SOCKETMAP_REQUEST_MAX, &r), SOCKETMAP_REQUEST_MAX);
    assert_int_equal(r.key.len, SOCKETMAP_PAYLOAD_MAX - 3);
    assert_int_equal(read_bytes(longest, SOCKETMAP_REQUEST_MAX - 1, &r), 0);
    snprintf(longest, sizeof longest, "%d", SOCKETMAP_PAYLOAD_MAX + 1);
    assert_refused(longest);
    assert_refused("99999999999999999999999");
}

static void test_a_request_may_be_split_at_every_byte_and_followed_by_another(void **state)
{
    (void)state;
    static const char two[] = "12:ip 127.0.0.3,10:ip unknown,";
    const size_t first = 16;
    struct socketmap_request r;
    for (size_t len = 0; len < first; len++)
        assert_int_equal(read_bytes(two, len, &r), 0);
    for (size_t len = first; len < sizeof two; len++)
        assert_int_equal(read_bytes(two, len, &r), first);
    assert_read(two + first, "ip", "unknown");
}

static void assert_answer(const char *status, const char *text, const char *expected)
{
    size_t len;
    char *answer = wire_socketmap_answer(status, text, &len);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(answer, expected, len);
    free(answer);
}

static void test_answers(void **state)
{
    (void)state;
    assert_answer("OK", "alice,bob", "12:OK alice,bob,");
    assert_answer("NOTFOUND", "", "9:NOTFOUND ,"); /* with its space */
    assert_answer("TEMP", "later", "10:TEMP later,");
    size_t len;
    char *text = tg_xmalloc(SOCKETMAP_ANSWER_MAX + 1);
    memset(text, 'x', SOCKETMAP_ANSWER_MAX);
    text[SOCKETMAP_ANSWER_MAX - 3] = '\0';
    char *answer = wire_socketmap_answer("OK", text, &len);
    assert_int_equal(len, 7 + SOCKETMAP_ANSWER_MAX + 1);
    free(answer);
    text[SOCKETMAP_ANSWER_MAX - 3] = 'x';
    text[SOCKETMAP_ANSWER_MAX - 2] = '\0';
    assert_null(wire_socketmap_answer("OK", text, &len));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_of_postfix_and_sendmail),
        cmocka_unit_test(test_what_is_no_netstring_is_refused),
        cmocka_unit_test(test_a_request_too_long_is_refused_by_its_head),
        cmocka_unit_test(test_a_request_may_be_split_at_every_byte_and_followed_by_another),
        cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
