#include "tests/unit/test.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "schema/check.h"
#include "tests/unit/nouns.h"

enum { PAGE = 4096 };

/* What a process that opens the store and reads all of it comes to; killed by a signal: a failure of the test. */
enum end { REFUSED, PROBLEMS, CLEAN };

static void note_problem(void *arg, const char *sentence)
{
    (void)sentence;
    ++*(int *)arg;
}

static int look(const char *dir)
{
    struct tg_store *store;
    struct tg_error err = { 0 };
    struct tg_store_stat stat;
    int problems = 0;
    enum tg_code code = tg_store_open(dir, NULL, &store, &err);
    if (code == TG_OK) {
        code = tg_store_check(store, NOW, note_problem, &problems, NULL, NULL, &stat, &err);
        tg_store_close(&store);
    }
    if (code == TG_OK)
        return problems > 0 ? PROBLEMS : CLEAN;
    /* One sentence, with the place, and exit status 5. */
    bool clear = code == TG_UNUSABLE && strstr(err.text, dir) != NULL && strpbrk(err.text, "\r\n") == NULL;
    if (!clear)
        fprintf(stderr, "%d: %s\n", code, err.text);
    return clear ? REFUSED : 9;
}

static enum end looked_at(const char *dir, const char *what, long at)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(look(dir));
    waitpid(child, &status, 0);
    if (!WIFEXITED(status))
        fail_msg("%s at %ld: killed by signal %d", what, at, WTERMSIG(status));
    if (WEXITSTATUS(status) > CLEAN)
        fail_msg("%s at %ld: no clear sentence", what, at);
    return (enum end)WEXITSTATUS(status);
}

struct damage {
    struct nouns *n;
    char data[80], lock[80];
    uint8_t *whole; /* the pages in use */
    size_t len;
};

static void damage_begin(struct damage *d, struct nouns *n)
{
    struct tg_error err;
    struct tg_store_stat stat;
    d->n = n;
    for (int i = 0; i < 20; i++)
        add_account(n, add_customer(n));
    assert_ok(tg_store_stat(n->store, &stat, &err));
    tg_store_close(&n->store);
    snprintf(d->data, sizeof d->data, "%s/data.mdb", n->dir);
    snprintf(d->lock, sizeof d->lock, "%s/lock.mdb", n->dir);
    d->len = stat.used_bytes;
    d->whole = malloc(d->len);
    int fd = open(d->data, O_RDONLY);
    assert_int_equal(read(fd, d->whole, d->len), d->len);
    close(fd);
}

/* As copied by other tools: no longer than its pages. */
static void put_whole(struct damage *d)
{
    int fd = open(d->data, O_WRONLY | O_TRUNC | O_CREAT, 0600);
    assert_int_equal(write(fd, d->whole, d->len), d->len);
    close(fd);
    unlink(d->lock);
}

static void put_at(struct damage *d, size_t at, const void *octets, size_t len)
{
    int fd = open(d->data, O_WRONLY);
    assert_int_equal(pwrite(fd, octets, len, (off_t)at), len);
    close(fd);
}

static uint64_t size_of_file(struct damage *d)
{
    struct stat st;
    assert_int_equal(stat(d->data, &st), 0);
    return (uint64_t)st.st_size;
}

static void test_a_store_cut_at_any_page_is_refused(void **state)
{
    static struct damage d; /* static: a child that looks ends by _exit, and what only its stack names counts as leaked */
    damage_begin(&d, *state);
    put_whole(&d);
    assert_int_equal(looked_at(d.n->dir, "whole", 0), CLEAN);
    for (size_t len = 0; len < d.len; len += PAGE) {
        put_whole(&d);
        assert_int_equal(truncate(d.data, (off_t)len), 0);
        assert_int_equal(looked_at(d.n->dir, "cut", (long)len), REFUSED);
        /* Nobody has made it longer, or a new store of it. */
        assert_int_equal(size_of_file(&d), len);
        assert_int_equal(truncate(d.data, (off_t)(len + 100)), 0);
        assert_int_equal(looked_at(d.n->dir, "cut within", (long)len), REFUSED);
    }
    put_whole(&d);
    assert_int_equal(looked_at(d.n->dir, "whole", 0), CLEAN);
    free(d.whole);
}

static void test_garbage_is_no_store(void **state)
{
    static struct damage d;
    struct tg_error err;
    static uint8_t octets[1 << 20];
    damage_begin(&d, *state);
    for (int kind = 0; kind < 4; kind++) {
        for (size_t i = 0; i < 1 << 20; i++)
            octets[i] = kind == 0 ? 0 : kind == 1 ? 0xff : kind == 2 ? (uint8_t)"SQLite format 3"[i % 16] : (uint8_t)(i * 131 >> 3);
        for (size_t len = 1; len <= 1 << 20; len *= 16) {
            int fd = open(d.data, O_WRONLY | O_TRUNC);
            assert_int_equal(write(fd, octets, len), len);
            close(fd);
            assert_int_equal(looked_at(d.n->dir, "garbage", (long)len), REFUSED);
            assert_int_equal(size_of_file(&d), len);
            assert_int_equal(tg_store_create(d.n->dir, NULL, false, 0, &err), TG_REFUSED);
        }
    }
    free(d.whole);
}

static void test_either_meta_page_damaged_in_any_octet_is_survived(void **state)
{
    static struct damage d;
    damage_begin(&d, *state);
    for (size_t page = 0; page < 2; page++)
        for (size_t at = 0; at < 152; at++) {
            put_whole(&d);
            uint8_t octet = d.whole[page * PAGE + at] ^ (uint8_t)(at % 3 == 0 ? 0xff : 0x10);
            put_at(&d, page * PAGE + at, &octet, 1);
            looked_at(d.n->dir, page == 0 ? "first meta page" : "second meta page", (long)at);
        }
    free(d.whole);
}

static void test_any_page_overwritten_kills_nobody(void **state)
{
    static struct damage d;
    uint8_t octets[PAGE];
    int noticed = 0, clean = 0;
    damage_begin(&d, *state);
    for (size_t page = 2; page < d.len / PAGE; page++)
        for (int kind = 0; kind < 3; kind++) {
            for (size_t i = 0; i < PAGE; i++)
                octets[i] = kind == 0 ? 0 : kind == 1 ? 0xff : (uint8_t)(i * 131 >> 3);
            put_whole(&d);
            put_at(&d, page * PAGE, octets, PAGE);
            if (looked_at(d.n->dir, "page", (long)(page * 10) + kind) == CLEAN)
                clean++; /* it was free */
            else
                noticed++;
        }
    print_message("%d pages overwritten: noticed; %d: not in use\n", noticed, clean);
    assert_true(noticed >= 30);
    free(d.whole);
}

static void test_a_store_of_another_user_is_refused_with_its_name(void **state)
{
    struct nouns *n = *state;
    int status;
    if (geteuid() != 0)
        skip();
    tg_store_close(&n->store);
    assert_int_equal(chmod(n->dir, 0755), 0);
    pid_t child = fork();
    if (child == 0) {
        struct tg_store *store;
        struct tg_error err = { 0 };
        if (setuid(65534) != 0)
            _exit(2);
        enum tg_code code = tg_store_open(n->dir, NULL, &store, &err);
        _exit(code == TG_UNUSABLE && strstr(err.text, "owned by user root") != NULL ? 0 : 1);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_store_cut_at_any_page_is_refused, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_garbage_is_no_store, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_either_meta_page_damaged_in_any_octet_is_survived, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_any_page_overwritten_kills_nobody, nouns_begin, nouns_end),
        cmocka_unit_test_setup_teardown(test_a_store_of_another_user_is_refused_with_its_name, nouns_begin, nouns_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
