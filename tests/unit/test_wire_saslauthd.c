#include "tests/unit/wire.h"
#include "authd/wire_saslauthd.h"

/* As libsasl2 writes it: alice@cust.test split at its "@". */
static const char golden[] = "\0\5alice\0\6s3cret\0\4smtp\0\11cust.test";
enum { GOLDEN = sizeof golden - 1 };

static ssize_t read_bytes(const char *in, size_t len, struct saslauthd_request *request)
{
    uint8_t *copy = exact_copy(in, len);
    ssize_t used = wire_saslauthd_read(copy, len, request);
    struct tg_span *spans[] = { &request->login, &request->password, &request->service, &request->realm };
    for (size_t i = 0; i < 4; i++)
        point_back(spans[i], copy, in);
    free(copy);
    return used;
}

static void test_a_request_of_libsasl2_is_read(void **state)
{
    (void)state;
    struct saslauthd_request r;
    assert_int_equal(read_bytes(golden, GOLDEN, &r), GOLDEN);
    assert_span(r.login, "alice");
    assert_span(r.password, "s3cret");
    assert_span(r.service, "smtp");
    assert_span(r.realm, "cust.test");
}

static void test_strings_may_be_empty(void **state)
{
    (void)state;
    struct saslauthd_request r;
    assert_int_equal(read_bytes("\0\0\0\0\0\0\0\0", 8, &r), 8);
    assert_int_equal(r.login.len + r.password.len + r.service.len + r.realm.len, 0);
}

static void test_a_request_may_be_split_at_every_byte_and_followed_by_another(void **state)
{
    (void)state;
    struct saslauthd_request r;
    char two[2 * GOLDEN];
    for (size_t len = 0; len < GOLDEN; len++)
        assert_int_equal(read_bytes(golden, len, &r), 0);
    memcpy(two, golden, GOLDEN);
    memcpy(two + GOLDEN, golden, GOLDEN);
    for (size_t len = GOLDEN; len <= sizeof two; len++)
        assert_int_equal(read_bytes(two, len, &r), GOLDEN);
}

static void test_a_string_too_long_is_refused_before_it_has_come(void **state)
{
    (void)state;
    struct saslauthd_request r;
    char longest[2 + SASLAUTHD_FIELD_MAX + 6] = { 4, 0 };
    memset(longest + 2, 'a', SASLAUTHD_FIELD_MAX);
    assert_int_equal(read_bytes(longest, sizeof longest, &r), sizeof longest);
    assert_int_equal(r.login.len, SASLAUTHD_FIELD_MAX);
    assert_int_equal(read_bytes("\4\1", 2, &r), -1);
    assert_int_equal(read_bytes("\xff\xff", 2, &r), -1);
    assert_int_equal(read_bytes("\0\1a\xff\xff", 5, &r), -1);
}

static void test_a_nul_in_a_string_is_refused(void **state)
{
    (void)state;
    struct saslauthd_request r;
    assert_int_equal(read_bytes("\0\3a\0b", 5, &r), -1);
    assert_int_equal(read_bytes("\0\3a\0", 4, &r), -1);
    assert_int_equal(read_bytes("\0\1a\0\4ab\0c\0\0\0\0", 13, &r), -1);
}

static void test_answers_are_counted(void **state)
{
    (void)state;
    struct wire_text out;
    wire_text_clear(&out);
    wire_saslauthd_answer(&out, true, NULL);
    assert_int_equal(out.len, 4);
    assert_memory_equal(out.data, "\0\2OK", 4);
    wire_text_clear(&out);
    wire_saslauthd_answer(&out, false, "no");
    assert_int_equal(out.len, 7);
    assert_memory_equal(out.data, "\0\5NO no", 7);
    wire_text_clear(&out);
    char longer[3000];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    wire_saslauthd_answer(&out, false, longer);
    assert_int_equal(out.len, 2 + SASLAUTHD_FIELD_MAX); /* libsasl2 reads no more */
    assert_memory_equal(out.data, "\4\0NO x", 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_of_libsasl2_is_read),
        cmocka_unit_test(test_strings_may_be_empty),
        cmocka_unit_test(test_a_request_may_be_split_at_every_byte_and_followed_by_another),
        cmocka_unit_test(test_a_string_too_long_is_refused_before_it_has_come),
        cmocka_unit_test(test_a_nul_in_a_string_is_refused),
        cmocka_unit_test(test_answers_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
