#include "tests/unit/wire.h"
#include <stdio.h>
#include "authd/wire_policy.h"

/* As Postfix 3.7 writes it at RCPT. */
static const char golden[] = "request=smtpd_access_policy\nprotocol_state=RCPT\nprotocol_name=ESMTP\nhelo_name=mail.cust.test\n"
                             "queue_id=4Q9xYz1234\nsender=alice@cust.test\nrecipient=bob@dest.test\nrecipient_count=0\n"
                             "client_address=192.0.2.7\nclient_name=unknown\nreverse_client_name=unknown\ninstance=12f.5.6.0\n"
                             "sasl_method=\nsasl_username=\nsasl_sender=\nsize=0\nccert_subject=\nccert_issuer=\nstress=\n"
                             "encryption_protocol=\netrn_domain=\npolicy_context=a=b\n\n";

static ssize_t read_bytes(const char *in, size_t len, struct policy_request *request)
{
    uint8_t *copy = exact_copy(in, len);
    ssize_t used = wire_policy_read(copy, len, request);
    struct tg_span *spans[] = { &request->client_address, &request->sender, &request->recipient, &request->sasl_username,
                                &request->queue_id };
    for (size_t i = 0; i < 5; i++)
        point_back(spans[i], copy, in);
    free(copy);
    return used;
}

static void test_a_request_of_postfix_is_read(void **state)
{
    (void)state;
    struct policy_request r;
    assert_int_equal(read_bytes(golden, sizeof golden - 1, &r), sizeof golden - 1);
    assert_span(r.client_address, "192.0.2.7");
    assert_span(r.sender, "alice@cust.test");
    assert_span(r.recipient, "bob@dest.test");
    assert_span(r.sasl_username, "");
    assert_span(r.queue_id, "4Q9xYz1234");
}

static void test_what_is_not_told_is_empty(void **state)
{
    (void)state;
    static const char least[] = "request=smtpd_access_policy\nsender=a=b\n\n";
    struct policy_request r;
    assert_int_equal(read_bytes(least, sizeof least - 1, &r), sizeof least - 1);
    assert_span(r.sender, "a=b");
    assert_int_equal(r.client_address.len, 0);
    assert_int_equal(r.sasl_username.len, 0);
}

static void test_a_stream_may_be_split_at_every_byte(void **state)
{
    (void)state;
    struct policy_request r;
    char two[2 * sizeof golden];
    for (size_t len = 0; len < sizeof golden - 1; len++)
        assert_int_equal(read_bytes(golden, len, &r), 0);
    /* Pipelined: the first is read for itself. */
    size_t len = (size_t)snprintf(two, sizeof two, "%s%s", golden, golden);
    for (; len >= sizeof golden - 1; len--)
        assert_int_equal(read_bytes(two, len, &r), sizeof golden - 1);
}

static void test_what_is_not_this_protocol_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\n", "\n\n", "sender=a\n\n", "request=\n\n", "request=other\n\n", "request=smtpd_access_policyx\n\n",
        "Request=smtpd_access_policy\n\n", "request=smtpd_access_policy\nsender\n\n", "request=smtpd_access_policy\r\n\n",
        "request=smtpd_access_policy\nsender=a\nsender=b\n\n", /* two readings */
        "request=smtpd_access_policy\nclient_address=\nclient_address=192.0.2.1\n\n",
        "request=smtpd_access_policy\nrequest=smtpd_access_policy\n\n", "GET / HTTP/1.1\n\n",
    };
    static const char nul[] = "request=smtpd_access_policy\nsender=a\0b\n\n";
    struct policy_request r;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (read_bytes(bad[i], strlen(bad[i]), &r) != -1)
            fail_msg("read: %s", bad[i]);
    assert_int_equal(read_bytes(nul, sizeof nul - 1, &r), -1);
}

static void test_a_request_is_bounded(void **state)
{
    (void)state;
    static char much[POLICY_REQUEST_MAX + 100];
    struct policy_request r;
    memset(much, 'x', sizeof much);
    memcpy(much, "request=smtpd_access_policy\nsender=", 35);
    assert_int_equal(read_bytes(much, POLICY_REQUEST_MAX - 1, &r), 0);
    assert_int_equal(read_bytes(much, POLICY_REQUEST_MAX, &r), -1);
    memcpy(much + POLICY_REQUEST_MAX - 1, "\n\n", 2); /* one octet too late */
    assert_int_equal(read_bytes(much, POLICY_REQUEST_MAX + 1, &r), -1);
    memcpy(much + POLICY_REQUEST_MAX - 2, "\n\n", 2);
    assert_int_equal(read_bytes(much, sizeof much, &r), POLICY_REQUEST_MAX);
    /* As many attributes as there may be, and one more. */
    for (int count = POLICY_ATTRIBUTES_MAX; count <= POLICY_ATTRIBUTES_MAX + 1; count++) {
        size_t len = (size_t)sprintf(much, "request=smtpd_access_policy\n");
        for (int i = 1; i < count; i++)
            len += (size_t)sprintf(much + len, "name%d=x\n", i);
        len += (size_t)sprintf(much + len, "\n");
        assert_int_equal(read_bytes(much, len, &r), count <= POLICY_ATTRIBUTES_MAX ? (ssize_t)len : -1);
    }
}

static void test_an_answer_ends_with_an_empty_line(void **state)
{
    (void)state;
    struct wire_text out;
    wire_text_clear(&out);
    wire_policy_action(&out, "DUNNO");
    assert_int_equal(out.len, 14);
    assert_memory_equal(out.data, "action=DUNNO\n\n", 14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_of_postfix_is_read),
        cmocka_unit_test(test_what_is_not_told_is_empty),
        cmocka_unit_test(test_a_stream_may_be_split_at_every_byte),
        cmocka_unit_test(test_what_is_not_this_protocol_is_refused),
        cmocka_unit_test(test_a_request_is_bounded),
        cmocka_unit_test(test_an_answer_ends_with_an_empty_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
