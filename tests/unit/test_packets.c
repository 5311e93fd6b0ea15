#include "tests/unit/test.h"
#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include "milter/packets.h"

/* The MTA's end and the filter's. */
struct pair {
    int mta, filter;
};

static struct timeval patience = { .tv_sec = 30 }, none = { 0 };

static struct pair connected(void)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    return (struct pair){ ends[0], ends[1] };
}

static void closed(struct pair *p)
{
    packets_read_end();
    packets_write_end();
    close(p->mta);
    close(p->filter);
}

static size_t packet(char *out, char command, const char *rest, size_t len)
{
    uint32_t size = htonl((uint32_t)len + 1);
    memcpy(out, &size, 4);
    out[4] = command;
    if (len > 0)
        memcpy(out + 5, rest, len);
    return 5 + len;
}

static void say(const struct pair *p, const char *octets, size_t len)
{
    assert_int_equal(write(p->mta, octets, len), (ssize_t)len);
}

/* What libmilter asks before it reads. */
static bool ready(const struct pair *p)
{
    struct pollfd fd = { .fd = p->filter, .events = POLLIN };
    return poll(&fd, 1, 0) == 1;
}

static void assert_next(const struct pair *p, char command, const char *rest, size_t len)
{
    char got;
    size_t got_len;
    assert_true(ready(p));
    char *packet = mi_rd_cmd(p->filter, &patience, &got, &got_len, (char *)"test");
    assert_int_equal(got, command);
    assert_int_equal(got_len, len);
    if (len == 0)
        assert_null(packet);
    else
        assert_memory_equal(packet, rest, len);
    free(packet);
}

static void assert_none(const struct pair *p, struct timeval *timeout, enum packets_wrong wrong)
{
    char got = 'x';
    size_t len = 1;
    assert_null(mi_rd_cmd(p->filter, timeout, &got, &len, (char *)"test"));
    assert_int_equal(got, wrong);
    assert_int_equal(len, 0);
}

static void test_packets_that_came_together_are_handed_over_one_by_one(void **state)
{
    (void)state;
    struct pair p = connected();
    char octets[200];
    size_t len = packet(octets, SMFIC_MAIL, "<a@b.test>", 11);
    len += packet(octets + len, SMFIC_RCPT, "<c@d.test>", 11);
    len += packet(octets + len, SMFIC_EOH, NULL, 0);
    say(&p, octets, len);
    assert_next(&p, SMFIC_MAIL, "<a@b.test>", 11);
    assert_next(&p, SMFIC_RCPT, "<c@d.test>", 11);
    assert_next(&p, SMFIC_EOH, NULL, 0);
    assert_false(ready(&p));
    closed(&p);
}

static void test_what_comes_while_others_are_handed_over_is_not_lost(void **state)
{
    (void)state;
    struct pair p = connected();
    char octets[100];
    size_t two = packet(octets, SMFIC_MAIL, "1", 2);
    two += packet(octets + two, SMFIC_RCPT, "2", 2);
    size_t all = two + packet(octets + two, SMFIC_HEADER, "name\0value", 11);
    say(&p, octets, two + 7);
    assert_next(&p, SMFIC_MAIL, "1", 2);
    say(&p, octets + two + 7, all - two - 7);
    assert_next(&p, SMFIC_RCPT, "2", 2);
    assert_next(&p, SMFIC_HEADER, "name\0value", 11);
    closed(&p);
}

struct slow {
    int fd;
    char octets[300];
    size_t len;
};

static void *trickle(void *arg)
{
    struct slow *slow = arg;
    for (size_t i = 0; i < slow->len; i++)
        if (write(slow->fd, slow->octets + i, 1) != 1)
            break;
    return NULL;
}

static void test_octets_may_come_singly(void **state)
{
    (void)state;
    struct pair p = connected();
    struct slow slow = { .fd = p.mta };
    pthread_t thread;
    char got;
    size_t len;
    for (int i = 0; i < 20; i++)
        slow.len += packet(slow.octets + slow.len, SMFIC_RCPT, "<x@y>", 6);
    pthread_create(&thread, NULL, trickle, &slow);
    for (int i = 0; i < 20; i++) {
        char *rest = mi_rd_cmd(p.filter, &patience, &got, &len, (char *)"test");
        assert_int_equal(got, SMFIC_RCPT);
        assert_string_equal(rest, "<x@y>");
        free(rest);
    }
    pthread_join(thread, NULL);
    assert_false(ready(&p));
    closed(&p);
}

static void test_the_largest_packet_is_read_and_a_larger_one_is_not(void **state)
{
    (void)state;
    struct pair p = connected();
    static char body[MILTER_MAX_DATA_SIZE + 10], out[sizeof body + 10];
    int room = 1 << 20;
    setsockopt(p.mta, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    memset(body, 'b', sizeof body);
    say(&p, out, packet(out, SMFIC_BODY, body, MILTER_MAX_DATA_SIZE));
    say(&p, out, packet(out, SMFIC_BODYEOB, NULL, 0));
    assert_next(&p, SMFIC_BODY, body, MILTER_MAX_DATA_SIZE);
    assert_next(&p, SMFIC_BODYEOB, NULL, 0);
    say(&p, out, packet(out, SMFIC_BODY, body, MILTER_MAX_DATA_SIZE + 1));
    assert_none(&p, &patience, PACKETS_TOO_LARGE);
    closed(&p);
}

static void test_what_is_no_packet_ends_the_connection(void **state)
{
    (void)state;
    struct pair p = connected();
    say(&p, "\0\0\0\0M", 5);
    assert_none(&p, &patience, PACKETS_BROKEN);
    closed(&p);
    p = connected();
    say(&p, "\0\0", 2);
    assert_none(&p, &none, PACKETS_SILENT);
    shutdown(p.mta, SHUT_WR);
    assert_none(&p, &patience, PACKETS_ENDED);
    closed(&p);
    p = connected();
    shutdown(p.mta, SHUT_WR);
    assert_none(&p, &patience, PACKETS_ENDED);
    closed(&p);
}

static void test_macros_come_in_pairs_or_not_at_all(void **state)
{
    (void)state;
    static const struct { const char *rest; size_t len; bool taken; } tried[] = {
        { "M", 1, true }, { "Mi\0001\0", 5, true }, { "Mi\0\0", 4, true }, { "Mi\0001\0j\0k\0", 9, true },
        { "Mi\0", 3, false }, { "Mi\0001\0j\0", 7, false }, { "Mi\0001", 4, false }, { "Mi", 2, false },
        { "M\0", 2, false },
    };
    char out[32];
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++)
        for (int late = 0; late < 2; late++) { /* in one piece, and in two */
            struct pair p = connected();
            size_t len = packet(out, SMFIC_MACRO, tried[i].rest, tried[i].len);
            struct slow slow = { .fd = p.mta, .len = len };
            pthread_t thread;
            memcpy(slow.octets, out, len);
            if (late)
                pthread_create(&thread, NULL, trickle, &slow);
            else
                say(&p, out, len);
            struct pollfd fd = { .fd = p.filter, .events = POLLIN };
            assert_int_equal(poll(&fd, 1, -1), 1);
            if (tried[i].taken)
                assert_next(&p, SMFIC_MACRO, tried[i].rest, tried[i].len);
            else
                assert_none(&p, &patience, PACKETS_BROKEN);
            if (late)
                pthread_join(thread, NULL);
            closed(&p);
        }
}

static void test_macros_that_nobody_can_ask_for_are_left_out(void **state)
{
    (void)state;
    struct pair p = connected();
    char octets[100];
    size_t len = packet(octets, SMFIC_MACRO, "Li\0001\0", 5);
    len += packet(octets + len, SMFIC_HEADER, "a\0b", 4);
    len += packet(octets + len, SMFIC_MACRO, "R", 1);
    len += packet(octets + len, SMFIC_RCPT, "<x>", 4);
    len += packet(octets + len, SMFIC_MACRO, "Li\0001\0", 5);
    say(&p, octets, len);
    assert_next(&p, SMFIC_HEADER, "a\0b", 4);
    assert_next(&p, SMFIC_RCPT, "<x>", 4);
    assert_next(&p, SMFIC_MACRO, "Li\0001\0", 5); /* nothing is behind it yet, and the next read may not wait */
    closed(&p);
}

/* libmilter closes a connection with something left in it, and the next one gets its number. */
static void test_a_connection_that_ended_early_leaves_nothing_to_the_next(void **state)
{
    (void)state;
    char octets[100];
    size_t len = packet(octets, SMFIC_MAIL, "old", 4);
    len += packet(octets + len, SMFIC_RCPT, "old", 4);
    struct pair p = connected();
    int number = p.filter;
    say(&p, octets, len);
    assert_next(&p, SMFIC_MAIL, "old", 4);
    closed(&p);
    p = connected();
    assert_true(p.filter == number || p.mta == number);
    if (p.mta == number)
        p = (struct pair){ p.filter, p.mta };
    say(&p, octets, packet(octets, SMFIC_HELO, "new", 4));
    assert_next(&p, SMFIC_HELO, "new", 4);
    closed(&p);
}

/* SMFIC_QUIT_NC: the close callback is called, and the connection goes on. */
static void test_an_end_in_the_middle_keeps_the_place(void **state)
{
    (void)state;
    struct pair p = connected();
    char octets[100];
    size_t len = packet(octets, SMFIC_QUIT_NC, NULL, 0);
    len += packet(octets + len, SMFIC_CONNECT, "next", 5);
    say(&p, octets, len);
    assert_next(&p, SMFIC_QUIT_NC, NULL, 0);
    packets_read_end();
    packets_write_end();
    assert_next(&p, SMFIC_CONNECT, "next", 5);
    assert_false(ready(&p));
    closed(&p);
}

static void test_changes_go_out_with_the_answer(void **state)
{
    (void)state;
    struct pair p = connected();
    char wanted[200], got[200];
    struct pollfd fd = { .fd = p.mta, .events = POLLIN };
    size_t len = packet(wanted, SMFIR_CHGFROM, "<r@b.test>", 11);
    len += packet(wanted + len, SMFIR_ADDHEADER, "a\0b", 4);
    assert_int_equal(mi_wr_cmd(p.filter, &patience, SMFIR_CHGFROM, (char *)"<r@b.test>", 11), MI_SUCCESS);
    assert_int_equal(mi_wr_cmd(p.filter, &patience, SMFIR_ADDHEADER, (char *)"a\0b", 4), MI_SUCCESS);
    assert_int_equal(poll(&fd, 1, 0), 0);
    len += packet(wanted + len, SMFIR_CONTINUE, NULL, 0);
    assert_int_equal(mi_wr_cmd(p.filter, &patience, SMFIR_CONTINUE, NULL, 0), MI_SUCCESS);
    assert_int_equal(read(p.mta, got, sizeof got), (ssize_t)len);
    assert_memory_equal(got, wanted, len);
    closed(&p);
}

static void test_changes_without_an_answer_are_forgotten(void **state)
{
    (void)state;
    struct pair p = connected();
    char got[20];
    assert_int_equal(mi_wr_cmd(p.filter, &patience, SMFIR_ADDRCPT, (char *)"<x>", 4), MI_SUCCESS);
    packets_write_end();
    assert_int_equal(mi_wr_cmd(p.filter, &patience, SMFIR_TEMPFAIL, NULL, 0), MI_SUCCESS);
    assert_int_equal(read(p.mta, got, sizeof got), 5);
    assert_int_equal(got[4], SMFIR_TEMPFAIL);
    closed(&p);
}

static void *drain(void *arg)
{
    const int *fd = arg;
    static char octets[1 << 16];
    size_t all = 0;
    for (ssize_t n; (n = read(*fd, octets, 1000)) > 0;)
        all += (size_t)n;
    return (void *)all;
}

static void test_a_slow_mta_gets_all_of_it(void **state)
{
    (void)state;
    struct pair p = connected();
    static char large[MILTER_MAX_DATA_SIZE + 1];
    int room = 4096;
    void *got;
    pthread_t thread;
    setsockopt(p.filter, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    pthread_create(&thread, NULL, drain, &p.mta);
    size_t all = 0;
    for (size_t len = 0; len <= MILTER_MAX_DATA_SIZE; len += 1031, all += 5) {
        assert_int_equal(mi_wr_cmd(p.filter, &patience, len % 2 ? SMFIR_ADDHEADER : SMFIR_CONTINUE, large, len), MI_SUCCESS);
        all += len;
    }
    assert_int_equal(mi_wr_cmd(p.filter, &patience, SMFIR_CONTINUE, NULL, 0), MI_SUCCESS);
    shutdown(p.filter, SHUT_WR);
    pthread_join(thread, &got);
    assert_int_equal((size_t)got, all + 5);
    assert_int_equal(mi_wr_cmd(p.filter, &patience, SMFIR_CONTINUE, large, sizeof large), MI_FAILURE);
    closed(&p);
}

static void test_an_mta_that_is_gone_or_reads_nothing_is_told_nothing(void **state)
{
    (void)state;
    struct pair p = connected();
    static char large[MILTER_MAX_DATA_SIZE];
    int rc = MI_SUCCESS;
    for (int i = 0; i < 1000 && rc == MI_SUCCESS; i++)
        rc = mi_wr_cmd(p.filter, &none, SMFIR_CONTINUE, large, sizeof large);
    assert_int_equal(rc, MI_FAILURE);
    shutdown(p.mta, SHUT_RDWR);
    assert_int_equal(mi_wr_cmd(p.filter, &patience, SMFIR_CONTINUE, NULL, 0), MI_FAILURE);
    closed(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_that_came_together_are_handed_over_one_by_one),
        cmocka_unit_test(test_what_comes_while_others_are_handed_over_is_not_lost),
        cmocka_unit_test(test_octets_may_come_singly),
        cmocka_unit_test(test_the_largest_packet_is_read_and_a_larger_one_is_not),
        cmocka_unit_test(test_what_is_no_packet_ends_the_connection),
        cmocka_unit_test(test_macros_come_in_pairs_or_not_at_all),
        cmocka_unit_test(test_macros_that_nobody_can_ask_for_are_left_out),
        cmocka_unit_test(test_a_connection_that_ended_early_leaves_nothing_to_the_next),
        cmocka_unit_test(test_an_end_in_the_middle_keeps_the_place),
        cmocka_unit_test(test_changes_go_out_with_the_answer),
        cmocka_unit_test(test_changes_without_an_answer_are_forgotten),
        cmocka_unit_test(test_a_slow_mta_gets_all_of_it),
        cmocka_unit_test(test_an_mta_that_is_gone_or_reads_nothing_is_told_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
