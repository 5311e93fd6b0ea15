/* Connections with real sockets and the event loop, through a door of the test's own: lines, "ECHO text", "LATER ms",
 * "BIG", "BYE", "CLOSE", and everything else is not its protocol. */
#include "tests/unit/test.h"
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include "authd/conn.h"
#include "authd/door.h"
#include "schema/log.h"
#include "schema/now.h"

enum { BIG = 100 * 1024, PATIENCE_MS = 60000 };

static char log_path[] = "/tmp/tollgate-conn-XXXXXX";
static unsigned opened, closed, requests;

struct fixture {
    struct app app;
    struct conns *conns;
    int fd[8];
    size_t fds;
    bool stopped;
};

/* ---- the door ---- */

struct line_state {
    unsigned lines;
};

static void line_opened(struct conn *conn, void *state)
{
    struct line_state *line = state;
    assert_int_equal(line->lines, 0);
    opened++;
    conn_send(conn, "hello\n", 6);
}

static void answer(struct conn *conn, const char *line, size_t len)
{
    static char big[BIG];
    memset(big, 'b', sizeof big - 1);
    big[sizeof big - 1] = '\n';
    if (strncmp(line, "ECHO ", 5) == 0)
        conn_send(conn, line + 5, len - 5);
    else if (strncmp(line, "LATER ", 6) == 0)
        conn_send_later(conn, "later\n", 6, (unsigned)atoi(line + 6));
    else if (strncmp(line, "BIG", 3) == 0)
        conn_send(conn, big, sizeof big);
    else if (strncmp(line, "BYE", 3) == 0)
        conn_send(conn, "bye\n", 4), conn_finish(conn);
    else if (strncmp(line, "CLOSE", 5) == 0)
        conn_close(conn, CONN_UNUSABLE);
}

static ssize_t line_read(struct conn *conn, void *state, const uint8_t *in, size_t len)
{
    struct line_state *line = state;
    const uint8_t *end = memchr(in, '\n', len);
    if (end == NULL)
        return 0;
    line->lines++;
    requests++;
    if (memcmp(in, "BAD", 3) == 0)
        return -1;
    answer(conn, (const char *)in, (size_t)(end - in) + 1);
    return end - in + 1;
}

static void line_closed(void *state)
{
    (void)state;
    closed++;
}

static const struct door door = {
    .name = "test",
    .request_max = 64,
    .request_s = 1,
    .idle_s = 2,
    .answer_s = 1,
    .connections_max = 3,
    .state_size = sizeof(struct line_state),
    .opened = line_opened,
    .read = line_read,
    .closed = line_closed,
};

/* ---- helpers ---- */

static int setup(void **state)
{
    struct fixture *f = tg_xcalloc(1, sizeof *f);
    struct tg_error err;
    assert_int_equal(truncate(log_path, 0), 0);
    assert_ok(tg_log_open("test", log_path, "debug", &err));
    opened = closed = requests = 0;
    f->app.base = event_base_new();
    f->conns = conns_new(&f->app);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    conns_free(&f->conns);
    assert_int_equal(opened, closed); /* every state that was made has been given back */
    for (size_t i = 0; i < f->fds; i++)
        close(f->fd[i]);
    event_base_free(f->app.base);
    tg_log_close();
    free(f);
    return 0;
}

static int join_door(struct fixture *f, const struct door *which)
{
    int pair[2], small = 4096;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    assert_true(f->fds < 8);
    f->fd[f->fds++] = pair[0];
    conns_add(f->conns, which, pair[1], "peer");
    return pair[0];
}

static int join(struct fixture *f)
{
    return join_door(f, &door);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

/* One turn of the loop, of at most 20 ms. */
static void turn(struct fixture *f)
{
    struct timeval tick = { .tv_usec = 20000 };
    event_base_once(f->app.base, -1, EV_TIMEOUT, on_tick, NULL, &tick);
    event_base_loop(f->app.base, EVLOOP_ONCE);
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Octets read until `text` was seen, or the end (text NULL). */
static size_t hear(struct fixture *f, int fd, const char *text)
{
    static char heard[BIG * 64];
    size_t len = 0;
    for (int64_t end = tg_ticks_ms() + PATIENCE_MS; tg_ticks_ms() < end; turn(f)) {
        ssize_t n;
        while ((n = recv(fd, heard + len, sizeof heard - len - 1, 0)) > 0)
            len += (size_t)n;
        heard[len] = '\0';
        if (text != NULL && strstr(heard, text) != NULL)
            return len;
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            if (text != NULL)
                fail_msg("closed before \"%s\"; heard \"%s\"", text, heard);
            return len;
        }
    }
    fail_msg("nobody said \"%s\"; heard \"%.200s\"", text != NULL ? text : "(end)", heard);
    return 0;
}

static bool log_has(const char *text)
{
    static char log[100000];
    FILE *in = fopen(log_path, "r");
    log[fread(log, 1, sizeof log - 1, in)] = '\0';
    fclose(in);
    return strstr(log, text) != NULL;
}

/* The connection ends, for this reason. */
static void assert_ends(struct fixture *f, int fd, const char *reason)
{
    hear(f, fd, NULL);
    if (!log_has(reason))
        fail_msg("not in the log: %s", reason);
}

/* ---- tests ---- */

static void test_requests_are_answered_in_their_order(void **state)
{
    struct fixture *f = *state;
    int fd = join(f);
    hear(f, fd, "hello\n");
    say(fd, "ECHO a\nECHO b\nECHO c\nEC");
    hear(f, fd, "a\nb\nc\n");
    say(fd, "HO d\n");
    hear(f, fd, "d\n");
    assert_int_equal(conns_count(f->conns), 1);
}

static void test_input_may_come_byte_by_byte(void **state)
{
    struct fixture *f = *state;
    int fd = join(f);
    for (const char *c = "ECHO slow\nECHO slower\n"; *c != '\0'; c++) {
        assert_int_equal(send(fd, c, 1, MSG_NOSIGNAL), 1);
        turn(f);
    }
    hear(f, fd, "slow\nslower\n");
    assert_int_equal(requests, 2);
}

static void test_a_request_that_is_too_long_ends_it(void **state)
{
    struct fixture *f = *state;
    int fd = join(f);
    char much[200];
    memset(much, 'x', sizeof much);
    much[63] = '\0';
    say(fd, much);
    turn(f);
    assert_int_equal(conns_count(f->conns), 1);
    say(fd, "x");
    assert_ends(f, fd, "a request is too long");
    assert_int_equal(requests, 0);
    assert_int_equal(conns_count(f->conns), 0);
    /* At once, and with a newline too late. */
    fd = join(f);
    memset(much, 'x', sizeof much);
    strcpy(much + sizeof much - 2, "\n");
    say(fd, much);
    assert_ends(f, fd, "a request is too long");
    assert_int_equal(requests, 0);
}

static void test_many_short_requests_are_no_long_one(void **state)
{
    struct fixture *f = *state;
    int fd = join(f);
    char much[60 * 10 + 1] = "";
    for (int i = 0; i < 60; i++)
        strcat(much, "ECHO abcd\n");
    say(fd, much);
    say(fd, "ECHO end\n");
    hear(f, fd, "end\n");
    assert_int_equal(requests, 61);
}

static void test_another_protocol_ends_it(void **state)
{
    struct fixture *f = *state;
    int fd = join(f), other = join(f);
    say(fd, "BAD\nECHO never\n");
    assert_ends(f, fd, "not this door's protocol");
    assert_int_equal(requests, 1);
    /* Everybody else is served. */
    say(other, "ECHO still here\n");
    hear(f, other, "still here\n");
}

static void test_an_idle_client_is_sent_away(void **state)
{
    struct fixture *f = *state;
    int64_t start = tg_ticks_ms();
    int fd = join(f);
    assert_ends(f, fd, "idle too long");
    assert_true(tg_ticks_ms() - start >= 1900);
}

static void test_who_asks_is_not_idle_until_as_long_after_its_latest_request(void **state)
{
    struct fixture *f = *state;
    int fd = join(f);
    int64_t latest = tg_ticks_ms();
    /* The second one is asked after the first one's timer was to go off. */
    for (int i = 0; i < 2; i++) {
        while (tg_ticks_ms() < latest + 1200)
            turn(f);
        latest = tg_ticks_ms();
        say(fd, "ECHO still here\n");
        hear(f, fd, "still here\n");
    }
    assert_ends(f, fd, "idle too long");
    assert_true(tg_ticks_ms() - latest >= 1900);
}

static void test_a_request_has_its_time_from_its_first_byte_on(void **state)
{
    struct fixture *f = *state;
    int64_t start = tg_ticks_ms();
    int fd = join(f);
    ssize_t n;
    /* A byte now and then makes it no younger. */
    do {
        send(fd, "x", 1, MSG_NOSIGNAL);
        for (int64_t next = tg_ticks_ms() + 100; tg_ticks_ms() < next;)
            turn(f);
        char sink[100];
        while ((n = recv(fd, sink, sizeof sink, 0)) > 0)
            ;
    } while (n != 0 && tg_ticks_ms() - start < 5000);
    assert_true(log_has("a request was not complete in time"));
    assert_false(log_has("idle too long"));
    assert_int_equal(requests, 0);
    assert_true(tg_ticks_ms() - start >= 900);
}

static void test_a_client_that_does_not_read_is_not_read_from(void **state)
{
    struct fixture *f = *state;
    int fd = join(f);
    enum { TIMES = 30 };
    for (int i = 0; i < TIMES; i++)
        say(fd, "BIG\n");
    for (int i = 0; i < 20; i++)
        turn(f);
    /* What is held for it stays bounded: 64 KiB, and the answer that was under way. */
    assert_in_range(requests, 1, 8);
    say(fd, "ECHO end\n");
    assert_int_equal(hear(f, fd, "end\n"), 6 + TIMES * BIG + 4);
    assert_int_equal(requests, TIMES + 1);
}

static void test_a_client_that_never_reads_is_sent_away(void **state)
{
    struct fixture *f = *state;
    int fd = join(f), other = join(f);
    for (int i = 0; i < 30; i++)
        say(fd, "BIG\n");
    for (int64_t end = tg_ticks_ms() + PATIENCE_MS; conns_count(f->conns) > 1 && tg_ticks_ms() < end;) {
        turn(f);
        send(other, "ECHO here\n", 10, MSG_NOSIGNAL);
        hear(f, other, "here\n");
    }
    assert_int_equal(conns_count(f->conns), 1);
    assert_true(log_has("the client does not read its answers"));
}

static void test_a_door_has_so_many_and_no_more(void **state)
{
    struct fixture *f = *state;
    static const struct door second = { .name = "second", .request_max = 64, .request_s = 9, .idle_s = 9, .connections_max = 1,
                                        .read = line_read, .state_size = sizeof(struct line_state) };
    int fds[3];
    for (int i = 0; i < 3; i++)
        fds[i] = join(f);
    int fourth = join(f);
    assert_ends(f, fourth, "too many connections");
    opened++; /* it was closed, and never opened */
    int apart = join_door(f, &second);
    say(apart, "ECHO its own count\n");
    hear(f, apart, "its own count\n");
    say(fds[2], "BYE\n");
    hear(f, fds[2], NULL);
    int again = join(f);
    hear(f, again, "hello\n");
}

static void test_an_answer_is_held_back_and_blocks_nobody(void **state)
{
    struct fixture *f = *state;
    int64_t start = tg_ticks_ms();
    int fd = join(f);
    say(fd, "LATER 300\nECHO now\n");
    hear(f, fd, "now\n");
    hear(f, fd, "later\n");
    assert_true(tg_ticks_ms() - start >= 290);
    say(fd, "LATER 0\n");
    hear(f, fd, "later\n");
}

static void test_too_many_answers_held_back_end_it(void **state)
{
    struct fixture *f = *state;
    int fd = join(f);
    for (int i = 0; i < 64; i++)
        say(fd, "LATER 60000\n");
    say(fd, "ECHO 64\n");
    hear(f, fd, "64\n");
    say(fd, "LATER 60000\n");
    assert_ends(f, fd, "too many answers held back");
}

static void test_the_answers_of_a_client_that_has_said_all_still_go_out(void **state)
{
    struct fixture *f = *state;
    int fd = join(f);
    say(fd, "LATER 200\nECHO x\n");
    shutdown(fd, SHUT_WR);
    assert_int_equal(hear(f, fd, NULL), strlen("hello\nx\nlater\n"));
    assert_int_equal(conns_count(f->conns), 0);
}

static void test_a_client_that_closes_is_forgotten(void **state)
{
    struct fixture *f = *state;
    int fd = join(f), half = join(f);
    say(half, "ECHO ha");
    hear(f, fd, "hello\n");
    shutdown(fd, SHUT_RDWR);
    shutdown(half, SHUT_RDWR);
    for (int i = 0; conns_count(f->conns) > 0 && i < 1000; i++)
        turn(f);
    assert_int_equal(conns_count(f->conns), 0);
    assert_int_equal(closed, 2);
}

static void test_the_door_may_finish_and_close(void **state)
{
    struct fixture *f = *state;
    int fd = join(f);
    hear(f, fd, "hello\n");
    say(fd, "BIG\nBYE\nECHO never\n");
    assert_int_equal(hear(f, fd, NULL), BIG + 4); /* all that was said before, and no more */
    fd = join(f);
    hear(f, fd, "hello\n");
    say(fd, "CLOSE\nECHO never\n");
    assert_ends(f, fd, "the store can't be read");
    assert_int_equal(conns_count(f->conns), 0);
}

static void on_stopped(void *arg)
{
    ((struct fixture *)arg)->stopped = true;
}

static void test_a_stop_says_what_is_due_and_waits_for_it(void **state)
{
    struct fixture *f = *state;
    int idle = join(f), busy = join(f), deaf = join(f);
    hear(f, idle, "hello\n");
    say(busy, "LATER 60000\nLATER 60000\n");
    say(deaf, "BIG\n");
    for (int i = 0; i < 5; i++)
        turn(f);
    conns_stop(f->conns, on_stopped, f);
    assert_int_equal(hear(f, idle, NULL), 0);
    assert_int_equal(hear(f, busy, NULL), strlen("hello\nlater\nlater\n")); /* at once */
    assert_false(f->stopped);
    assert_int_equal(hear(f, deaf, NULL), 6 + BIG);
    assert_true(f->stopped);
    assert_int_equal(conns_count(f->conns), 0);
}

static void test_a_stop_with_nobody_there_is_done_at_once(void **state)
{
    struct fixture *f = *state;
    conns_stop(f->conns, on_stopped, f);
    assert_true(f->stopped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_requests_are_answered_in_their_order),
        TEST(test_input_may_come_byte_by_byte),
        TEST(test_a_request_that_is_too_long_ends_it),
        TEST(test_many_short_requests_are_no_long_one),
        TEST(test_another_protocol_ends_it),
        TEST(test_an_idle_client_is_sent_away),
        TEST(test_who_asks_is_not_idle_until_as_long_after_its_latest_request),
        TEST(test_a_request_has_its_time_from_its_first_byte_on),
        TEST(test_a_client_that_does_not_read_is_not_read_from),
        TEST(test_a_client_that_never_reads_is_sent_away),
        TEST(test_a_door_has_so_many_and_no_more),
        TEST(test_an_answer_is_held_back_and_blocks_nobody),
        TEST(test_too_many_answers_held_back_end_it),
        TEST(test_the_answers_of_a_client_that_has_said_all_still_go_out),
        TEST(test_a_client_that_closes_is_forgotten),
        TEST(test_the_door_may_finish_and_close),
        TEST(test_a_stop_says_what_is_due_and_waits_for_it),
        TEST(test_a_stop_with_nobody_there_is_done_at_once),
    };
    int fd = mkstemp(log_path);
    if (fd < 0)
        return 1;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(log_path);
    return failed;
}
