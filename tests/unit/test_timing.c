/* An unknown username and a wrong password take the same time, for every mechanism: nobody learns from it which accounts
 * there are.
 *
 * Interleaved in random order, measured in the thread's own processor time, so that what else the machine does is not
 * counted. Two judges, of which one must be content, in one of a few rounds: by rank, how often an unknown name is the slower
 * of two (0.5 where nothing tells them apart); by the medians, whether they differ by less than a microsecond or a
 * twentieth, which no network lets through. What it must catch is a shortcut: a read, a hash or a syscall less. */
#include "tests/unit/nouns.h"
#include <math.h>
#include <sodium.h>
#include <time.h>
#include "authd/sasl.h"

enum { PAIRS = 3000, ROUNDS = 5 };

static int setup(void **state)
{
    return nouns_begin(state);
}

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

typedef enum exchange_step login_fn(struct exchange *e, const char *user);

static enum exchange_step by_plain(struct exchange *e, const char *user)
{
    char message[200];
    struct tg_span challenge;
    size_t len = (size_t)snprintf(message, sizeof message, "%c%s%cnot-the-password-of-anybody", 0, user, 0);
    struct tg_span response = tg_span_of(message, len);
    return exchange_start(e, &response, NOW, &challenge);
}

/* Both messages of a client who does not know the password. */
static enum exchange_step by_scram(struct exchange *e, const char *user)
{
    char first[200], last[400], nonce[200] = "";
    struct tg_span challenge;
    size_t len = (size_t)snprintf(first, sizeof first, "n,,n=%s,r=0123456789abcdef01234567", user);
    struct tg_span response = tg_span_of(first, len);
    enum exchange_step step = exchange_start(e, &response, NOW, &challenge);
    if (step != EXCHANGE_MORE)
        return step;
    sscanf((const char *)challenge.data, "r=%199[^,]", nonce);
    len = (size_t)snprintf(last, sizeof last, "c=biws,r=%s,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", nonce);
    return exchange_continue(e, tg_span_of(last, len), NOW, &challenge);
}

static int64_t time_of(struct tg_store *store, const char *mechanism, login_fn *login, const char *user)
{
    struct exchange *e = exchange_new(store, mechanism);
    int64_t begun = clock_ns();
    enum exchange_step step = login(e, user);
    int64_t took = clock_ns() - begun;
    assert_int_equal(step, EXCHANGE_REFUSED);
    exchange_free(&e);
    return took;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* How often b is the slower of an a and a b; both sorted (Mann and Whitney's U, over the number of pairs). */
static double slower(const int64_t *a, const int64_t *b)
{
    double sum = 0;
    size_t below = 0, up_to = 0;
    for (size_t i = 0; i < PAIRS; i++) {
        while (below < PAIRS && a[below] < b[i])
            below++;
        while (up_to < PAIRS && a[up_to] <= b[i])
            up_to++;
        sum += (double)below + (double)(up_to - below) / 2;
    }
    return sum / ((double)PAIRS * PAIRS);
}

static bool alike(struct tg_store *store, const char *mechanism, login_fn *login, const char *known)
{
    static int64_t wrong[PAIRS], unknown[PAIRS];
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (size_t i = 0; i < PAIRS; i++) {
        char name[13] = "";
        for (size_t c = 0; c < 12; c++)
            name[c] = letters[randombytes_uniform(c == 0 ? 26 : 36)];
        bool unknown_first = randombytes_uniform(2) == 1;
        if (unknown_first)
            unknown[i] = time_of(store, mechanism, login, name);
        wrong[i] = time_of(store, mechanism, login, known);
        if (!unknown_first)
            unknown[i] = time_of(store, mechanism, login, name);
    }
    qsort(wrong, PAIRS, sizeof *wrong, compare);
    qsort(unknown, PAIRS, sizeof *unknown, compare);
    double rank = slower(wrong, unknown);
    int64_t w = wrong[PAIRS / 2], u = unknown[PAIRS / 2], apart = w > u ? w - u : u - w;
    print_message("%s: wrong password %lld ns, unknown name %lld ns (medians); the unknown name is slower in %.3f of all pairs\n",
                  mechanism, (long long)w, (long long)u, rank);
    return fabs(rank - 0.5) < 0.1 || apart < 1000 || apart * 20 < w;
}

static void assert_alike(struct nouns *n, const char *mechanism, login_fn *login)
{
    struct added account = add_account(n, add_customer(n));
    bool done = false;
    for (int i = 0; i < 20; i++)
        add_account(n, add_customer(n)); /* a tree to walk down */
    for (int round = 0; !done && round < ROUNDS; round++)
        done = alike(n->store, mechanism, login, account.username);
    assert_true(done);
}

static void test_plain_takes_the_same_time(void **state)
{
    assert_alike(*state, "PLAIN", by_plain);
}

static void test_scram_takes_the_same_time(void **state)
{
    assert_alike(*state, "SCRAM-SHA-256", by_scram);
}

/* A check that can't fail is none. */
static void test_a_shortcut_would_be_seen(void **state)
{
    static int64_t a[PAIRS], b[PAIRS];
    (void)state;
    for (size_t i = 0; i < PAIRS; i++) {
        a[i] = 50000 + (int64_t)randombytes_uniform(20000);
        b[i] = 55000 + (int64_t)randombytes_uniform(20000);
    }
    qsort(a, PAIRS, sizeof *a, compare);
    qsort(b, PAIRS, sizeof *b, compare);
    assert_true(slower(a, b) > 0.65);
    assert_true(fabs(slower(a, a) - 0.5) < 0.01);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain_takes_the_same_time, setup, nouns_end),
        cmocka_unit_test_setup_teardown(test_scram_takes_the_same_time, setup, nouns_end),
        cmocka_unit_test(test_a_shortcut_would_be_seen),
    };
    static char plain[] = "PLAIN", scram[] = "SCRAM-SHA-256";
    char *names[] = { plain, scram };
    struct tg_list mechanisms = { .count = 2, .item = names };
    struct tg_error err;
    if (tg_crypto_init(&err) != TG_OK || sasl_begin(&mechanisms, &err) != TG_OK)
        return fprintf(stderr, "%s\n", err.text), 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sasl_end();
    return failed;
}
