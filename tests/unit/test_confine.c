/* What a confined process can do, and what it can't: each in a child of its own. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "schema/confine.h"

/* Runs this in a child with both parts of confinement; its wait status. The function's value is the exit status. */
static int confined(int (*what)(void))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct tg_error err;
        if (tg_confine_process(&err) != TG_OK || tg_confine_calls(true, &err) != TG_OK) {
            fprintf(stderr, "%s\n", err.text);
            _exit(99);
        }
        _exit(what());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void assert_works(int (*what)(void))
{
    int status = confined(what);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int write_durably(void)
{
    char path[] = "/tmp/test_confine.XXXXXX";
    int fd = mkstemp(path);
    bool fine = fd >= 0 && write(fd, "x", 1) == 1 && fdatasync(fd) == 0 && (fallocate(fd, 0, 4096, 1) == 0 || errno == EOPNOTSUPP) &&
                ftruncate(fd, 100) == 0 && flock(fd, LOCK_EX) == 0;
    return unlink(path) == 0 && fine ? 0 : 1;
}

static void *thread(void *arg)
{
    return arg;
}

static int start_threads(void)
{
    for (int i = 0; i < 20; i++) {
        pthread_t t;
        void *result = NULL;
        if (pthread_create(&t, NULL, thread, &i) != 0 || pthread_join(t, &result) != 0 || result != &i)
            return 1;
    }
    return 0;
}

static int draw_random(void)
{
    uint8_t bytes[32];
    return getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes ? 0 : 1;
}

static int abort_as_ever(void)
{
    abort();
}

/* It has no filters of system calls. */
static void without_valgrind(void)
{
    if (getenv("TOLLGATE_VALGRIND") != NULL)
        skip();
}

static void test_what_a_daemon_needs_works(void **state)
{
    (void)state;
    without_valgrind();
    assert_works(write_durably);
    assert_works(start_threads);
    assert_works(draw_random);
    int status = confined(abort_as_ever);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static int read_own_status(void)
{
    struct rlimit core;
    getrlimit(RLIMIT_CORE, &core);
    if (core.rlim_cur != 0 || core.rlim_max != 0)
        return 1;
    char text[8192];
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n <= 0)
        return 2;
    text[n] = '\0';
    static const char *const lines[] = { "NoNewPrivs:\t1", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000",
                                         "CapInh:\t0000000000000000", "CapAmb:\t0000000000000000" };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (strstr(text, lines[i]) == NULL)
            return 3;
    return 0;
}

static int look_unconfined_by_calls(void)
{
    struct tg_error err;
    return tg_confine_process(&err) == TG_OK ? read_own_status() : 98;
}

static void test_capabilities_cores_and_new_privileges_are_given_up(void **state)
{
    (void)state;
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(look_unconfined_by_calls());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#if defined TG_HAVE_SECCOMP && !defined TG_SANITIZED
static void assert_ends_it(int (*what)(void))
{
    int status = confined(what);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int run_program(void)
{
    char *argv[] = { "true", NULL };
    return execv("/bin/true", argv);
}

static int look_into_another(void)
{
    return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static int become_another(void)
{
    return setuid(0);
}

static int refused(bool was_refused)
{
    return was_refused && errno == ENOSYS ? 0 : 1;
}

static int fork_again(void)
{
    return refused(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) < 0);
}

static int make_code(void)
{
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page != MAP_FAILED && refused(mprotect(page, 4096, PROT_READ | PROT_EXEC) != 0) == 0 &&
           refused(mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) == 0 ? 0 : 1;
}

static int send_raw_packets(void)
{
    return refused(socket(AF_PACKET, SOCK_RAW, 0) < 0);
}

static int open_a_door(void)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "" };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd >= 0 ? refused(bind(fd, (struct sockaddr *)&to, sizeof to) != 0) : 1;
}

static int signal_another(void)
{
    return refused(kill(getppid(), 0) != 0);
}

static int change_modes(void)
{
    return refused(chmod("/tmp/test_confine.nothing", 0777) != 0);
}

static void test_what_it_does_not_need_is_refused(void **state)
{
    (void)state;
    without_valgrind();
    assert_ends_it(run_program);
    assert_ends_it(look_into_another);
    assert_ends_it(become_another);
    assert_works(fork_again);
    assert_works(make_code);
    assert_works(send_raw_packets);
    assert_works(open_a_door);
    assert_works(signal_another);
    assert_works(change_modes);
}

static pthread_barrier_t barrier;

static void *wait_and_send(void *arg)
{
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    *(int *)arg = send_raw_packets();
    return NULL;
}

static void test_a_thread_that_was_there_before_is_confined_too(void **state)
{
    (void)state;
    without_valgrind();
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct tg_error err;
        pthread_t t;
        int result = 97;
        pthread_barrier_init(&barrier, NULL, 2);
        if (tg_confine_process(&err) != TG_OK || pthread_create(&t, NULL, wait_and_send, &result) != 0)
            _exit(98);
        pthread_barrier_wait(&barrier);
        if (tg_confine_calls(true, &err) != TG_OK)
            _exit(99);
        pthread_barrier_wait(&barrier);
        pthread_join(t, NULL);
        _exit(result);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capabilities_cores_and_new_privileges_are_given_up),
#ifdef TG_HAVE_SECCOMP
        cmocka_unit_test(test_what_a_daemon_needs_works),
#ifndef TG_SANITIZED
        cmocka_unit_test(test_what_it_does_not_need_is_refused),
        cmocka_unit_test(test_a_thread_that_was_there_before_is_confined_too),
#endif
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
