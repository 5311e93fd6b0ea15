/* http.c, monitor.c: requests whole, split and malformed; what monitoring is told. */
#include <stdlib.h>
#include <string.h>
#include "schema/monitor.h"
#include "tests/unit/test.h"

static ssize_t read_text(const char *text, struct tg_http_request *request)
{
    return tg_http_read((const uint8_t *)text, strlen(text), request);
}

static void test_a_request_is_read_however_it_is_split(void **state)
{
    (void)state;
    static const char text[] = "GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\nGET /next";
    const size_t whole = sizeof text - 1 - strlen("GET /next");
    struct tg_http_request request;
    for (size_t len = 0; len < whole; len++)
        assert_int_equal(tg_http_read((const uint8_t *)text, len, &request), 0);
    assert_int_equal(read_text(text, &request), whole);
    assert_true(request.get);
    assert_false(request.head);
    assert_string_equal(request.path, "/metrics");
}

static void test_what_is_no_request_is_told_at_its_first_line(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "get", "\r\n\r\n", " GET / HTTP/1.1\r\n", "GET\r\n", "GET /\r\n", "GET / \r\n", "GET  / HTTP/1.1\r\n", "GET x HTTP/1.1\r\n",
        "GET / HTTP/2.0\r\n", "GET / HTTP/1.2\r\n", "GET / HTTP/1.11\r\n", "GET / HTTP/1.1 \r\n", "GET / HTTX/1.1\n",
        "GET /\x01 HTTP/1.1\r\n", "GET /\xff HTTP/1.1\r\n", "GET / HTTP/1.1\r\r\n", "Get / HTTP/1.1\r\n", "VERSION\t1\t0\n",
    };
    struct tg_http_request request;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (read_text(bad[i], &request) != -1)
            fail_msg("taken: %s", bad[i]);
    char longest[400] = "GET /";
    memset(longest + 5, 'a', 300);
    strcpy(longest + 305, " HTTP/1.1\r\n");
    assert_int_equal(read_text(longest, &request), -1);
}

static void test_line_ends_of_lf_alone_are_taken(void **state)
{
    (void)state;
    struct tg_http_request request;
    assert_int_equal(read_text("HEAD / HTTP/1.0\n\n", &request), 17);
    assert_true(request.head);
    assert_int_equal(read_text("DELETE / HTTP/1.0\r\n\r\n", &request), 21);
    assert_false(request.get || request.head);
}

/* ---- monitor.c ---- */

static void write_figures(void *arg, FILE *out)
{
    fprintf(out, "figures %d\n", *(int *)arg);
}

static enum tg_code ready(void *arg, struct tg_error *err)
{
    return *(int *)arg == 7 ? TG_OK : tg_fail(err, TG_UNUSABLE, "the disk is gone");
}

static void answers(int figure, const char *text, const char *status, const char *body)
{
    struct tg_monitor monitor = { write_figures, ready, &figure };
    struct tg_http_request request;
    size_t len;
    assert_true(read_text(text, &request) > 0);
    char *answer = tg_monitor_answer(&monitor, &request, &len);
    assert_int_equal(strlen(answer), len);
    assert_memory_equal(answer, status, strlen(status));
    assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
    assert_string_equal(strstr(answer, "\r\n\r\n") + 4, body);
    free(answer);
}

static void test_monitoring_is_told_what_it_asks(void **state)
{
    (void)state;
    answers(7, "GET /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4;", "figures 7\n");
    answers(7, "GET /readyz HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "ready\n");
    answers(8, "GET /readyz HTTP/1.1\r\n\r\n", "HTTP/1.1 503 Service Unavailable\r\n", "the disk is gone\n");
    answers(8, "GET /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "alive\n");
    answers(8, "HEAD /healthz HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "");
    answers(8, "GET /metrics/ HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", "there are /metrics, /healthz and /readyz\n");
    answers(8, "POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n", "only GET and HEAD are answered here\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_read_however_it_is_split),
        cmocka_unit_test(test_what_is_no_request_is_told_at_its_first_line),
        cmocka_unit_test(test_line_ends_of_lf_alone_are_taken),
        cmocka_unit_test(test_monitoring_is_told_what_it_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
