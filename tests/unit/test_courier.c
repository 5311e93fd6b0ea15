/* The process that runs the mailer for a confined daemon. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "schema/confine.h"
#include "schema/courier.h"

struct place {
    char dir[32], config[64], out[64];
};

static void configure(const struct place *p, const char *mailer)
{
    FILE *f = fopen(p->config, "w");
    assert_non_null(f);
    fprintf(f, "%s%s%s\n", *mailer != '?' ? "mailer = \"" : "", mailer, *mailer != '?' ? "\"" : "");
    assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/tgcourier.XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->config, sizeof p->config, "%s/tollgate.conf", p->dir);
    snprintf(p->out, sizeof p->out, "%s/out", p->dir);
    configure(p, "true");
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    unlink(p->config);
    unlink(p->out);
    rmdir(p->dir);
    free(p);
    return 0;
}

static struct tg_courier *courier_of(const struct place *p, const char *mailer)
{
    struct tg_courier *courier;
    struct tg_error err;
    assert_int_equal(tg_courier_start(p->config, mailer, false, &courier, &err), TG_OK);
    return courier;
}

static void assert_out(const struct place *p, const char *expected)
{
    char text[256] = "";
    int fd = open(p->out, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof text - 1) >= 0);
    close(fd);
    assert_string_equal(text, expected);
}

static void test_the_command_is_that_of_the_file_as_it_is_now(void **state)
{
    struct place *p = *state;
    struct tg_error err;
    struct tg_courier *courier = courier_of(p, "true");
    char mailer[128];
    snprintf(mailer, sizeof mailer, "cat >%s", p->out);
    configure(p, mailer);
    assert_int_equal(tg_courier_run(courier, "first\n", 60000, NULL, &err), TG_OK);
    assert_out(p, "first\n");
    /* A fault in the file: the command that was known last. */
    configure(p, "?nonsense");
    assert_int_equal(tg_courier_run(courier, "second\n", 60000, NULL, &err), TG_OK);
    assert_out(p, "second\n");
    configure(p, "echo no route >&2; exit 75");
    assert_int_equal(tg_courier_run(courier, "third\n", 60000, NULL, &err), TG_FAILED);
    assert_string_equal(err.text, "the mailer exited with 75: no route");
    tg_courier_end(&courier);
    assert_null(courier);
}

/* A sweep that found ten thousand notices sends as fast as the mailer takes them. */
static void test_a_quick_mailer_is_not_waited_for(void **state)
{
    struct place *p = *state;
    struct tg_error err;
    struct timespec begun, ended;
    int slow = 0; /* the host may stop us for a while, but not every time */
    struct tg_courier *courier = courier_of(p, "true");
    for (int i = 0; i < 20; i++) {
        clock_gettime(CLOCK_MONOTONIC, &begun);
        assert_int_equal(tg_courier_run(courier, "x", 60000, NULL, &err), TG_OK);
        clock_gettime(CLOCK_MONOTONIC, &ended);
        slow += (ended.tv_sec - begun.tv_sec) * 1000 + (ended.tv_nsec - begun.tv_nsec) / 1000000 >= 150;
    }
    tg_courier_end(&courier);
    assert_in_range(slow, 0, 9);
}

static void test_a_confined_process_has_its_mail_sent(void **state)
{
    if (getenv("TOLLGATE_VALGRIND") != NULL)
        skip(); /* which has no filters of system calls */
    struct place *p = *state;
    int status;
    char mailer[256];
    snprintf(mailer, sizeof mailer, "cat >%s; grep NoNewPrivs /proc/self/status >>%s", p->out, p->out);
    configure(p, mailer);
    pid_t pid = fork();
    if (pid == 0) {
        struct tg_courier *courier;
        struct tg_error err;
        if (tg_courier_start(p->config, "true", false, &courier, &err) != TG_OK || tg_confine_process(&err) != TG_OK)
            _exit(98);
#ifdef TG_HAVE_SECCOMP
        if (tg_confine_calls(true, &err) != TG_OK)
            _exit(99);
#endif
        int code = tg_courier_run(courier, "a message\n", 60000, NULL, &err);
        tg_courier_end(&courier);
        _exit(code);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    /* Set-group-ID programs still work for the mailer: no_new_privs is not handed down to it. */
    assert_out(p, "a message\nNoNewPrivs:\t0\n");
}

static void test_a_mailer_that_hangs_is_ended(void **state)
{
    struct place *p = *state;
    struct tg_error err;
    configure(p, "sleep 1000");
    struct tg_courier *courier = courier_of(p, "true");
    assert_int_equal(tg_courier_run(courier, "x", 300, NULL, &err), TG_FAILED);
    assert_non_null(strstr(err.text, "did not end within"));
    atomic_bool stop = true;
    time_t begun = time(NULL);
    assert_int_equal(tg_courier_run(courier, "x", 1000000, &stop, &err), TG_FAILED);
    tg_courier_end(&courier);
    assert_true(time(NULL) - begun < 300);
}

static void test_it_ends_with_its_daemon_and_holds_nothing_of_it(void **state)
{
    struct place *p = *state;
    int inherited[2];
    assert_int_equal(pipe(inherited), 0);
    struct tg_courier *courier = courier_of(p, "true");
    /* A descriptor of the daemon's is closed in the courier: nobody is left to write into the pipe. */
    char octet;
    close(inherited[1]);
    assert_int_equal(read(inherited[0], &octet, 1), 0);
    close(inherited[0]);
    tg_courier_end(&courier); /* returns once it has ended */
}

static void test_a_message_that_is_too_long_is_refused_here(void **state)
{
    struct place *p = *state;
    struct tg_error err;
    struct tg_courier *courier = courier_of(p, "true");
    size_t len = 3 << 20;
    char *message = malloc(len + 1);
    memset(message, 'x', len);
    message[len] = '\0';
    assert_int_equal(tg_courier_run(courier, message, 60000, NULL, &err), TG_FAILED);
    free(message);
    assert_int_equal(tg_courier_run(courier, "short", 60000, NULL, &err), TG_OK);
    tg_courier_end(&courier);
}

#define courier_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        courier_test(test_the_command_is_that_of_the_file_as_it_is_now),
        courier_test(test_a_quick_mailer_is_not_waited_for),
        courier_test(test_a_confined_process_has_its_mail_sent),
        courier_test(test_a_mailer_that_hangs_is_ended),
        courier_test(test_it_ends_with_its_daemon_and_holds_nothing_of_it),
        courier_test(test_a_message_that_is_too_long_is_refused_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
