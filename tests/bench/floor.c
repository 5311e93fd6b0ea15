/* floor.c: what this machine's parts cost, without any server: so that one sees what is left. Prints one line of JSON.
 *   floor DIRECTORY    on the disk that the store is on
 *
 * sync_us: fdatasync after a pwrite of one page within a file that is there already. commit_us: an LMDB transaction that
 * puts one small record in each of three databases of 10,000, synced: the least that an exact quota can cost a lone
 * session. read_us: a renewed read transaction and one mdb_get. blake2b_us: a keyed hash of 128 octets. */
#include <fcntl.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SYNCS = 300, COMMITS = 200, READS = 200000, HASHES = 200000, RECORDS = 10000, DATABASES = 3 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void must(int failed, const char *what)
{
    if (!failed)
        return;
    perror(what);
    exit(1);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_percentiles(const char *name, double *us, size_t count)
{
    qsort(us, count, sizeof *us, by_size);
    printf("\"%s_p50_us\":%.1f,\"%s_p99_us\":%.1f,", name, us[count / 2], name, us[count * 99 / 100]);
}

static void syncs(const char *dir)
{
    static double us[SYNCS];
    static char page[4096];
    char path[4096];
    snprintf(path, sizeof path, "%s/floor.sync", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    must(fd < 0, path);
    for (int i = 0; i < 256; i++)
        must(pwrite(fd, page, sizeof page, i * (off_t)sizeof page) != sizeof page, path);
    must(fsync(fd) != 0, path);
    for (int i = 0; i < SYNCS; i++) {
        memset(page, i, sizeof page);
        double began = now_us();
        must(pwrite(fd, page, sizeof page, i % 256 * (off_t)sizeof page) != sizeof page || fdatasync(fd) != 0, path);
        us[i] = now_us() - began;
    }
    close(fd);
    unlink(path);
    print_percentiles("sync", us, SYNCS);
}

static void must_lmdb(int rc)
{
    if (rc == 0)
        return;
    fprintf(stderr, "floor: %s\n", mdb_strerror(rc));
    exit(1);
}

static void put(MDB_txn *txn, MDB_dbi dbi, unsigned number)
{
    char value[160] = "";
    MDB_val k = { sizeof number, &number }, v = { sizeof value, value };
    snprintf(value, sizeof value, "%u", number);
    must_lmdb(mdb_put(txn, dbi, &k, &v, 0));
}

static void lmdb(const char *dir)
{
    static double us[COMMITS];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi[DATABASES];
    char path[4096], names[DATABASES][2] = { "a", "b", "c" };
    snprintf(path, sizeof path, "%s/floor.mdb", dir);
    must_lmdb(mdb_env_create(&env));
    must_lmdb(mdb_env_set_maxdbs(env, DATABASES));
    must_lmdb(mdb_env_set_mapsize(env, 1 << 28));
    must_lmdb(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOTLS, 0600));
    must_lmdb(mdb_txn_begin(env, NULL, 0, &txn));
    for (int d = 0; d < DATABASES; d++) {
        must_lmdb(mdb_dbi_open(txn, names[d], MDB_CREATE, &dbi[d]));
        for (unsigned i = 0; i < RECORDS; i++)
            put(txn, dbi[d], i);
    }
    must_lmdb(mdb_txn_commit(txn));
    for (unsigned i = 0; i < COMMITS; i++) {
        double began = now_us();
        must_lmdb(mdb_txn_begin(env, NULL, 0, &txn));
        for (int d = 0; d < DATABASES; d++)
            put(txn, dbi[d], i * 2654435761u % RECORDS);
        must_lmdb(mdb_txn_commit(txn));
        us[i] = now_us() - began;
    }
    print_percentiles("commit", us, COMMITS);

    double began = now_us();
    must_lmdb(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn));
    for (unsigned i = 0; i < READS; i++) {
        unsigned number = i * 2654435761u % RECORDS;
        MDB_val k = { sizeof number, &number }, v;
        mdb_txn_reset(txn);
        must_lmdb(mdb_txn_renew(txn));
        must_lmdb(mdb_get(txn, dbi[0], &k, &v));
    }
    printf("\"read_us\":%.3f,", (now_us() - began) / READS);
    mdb_txn_abort(txn);
    mdb_env_close(env);
    unlink(path);
    strcat(path, "-lock");
    unlink(path);
}

static void hashes(void)
{
    unsigned char key[32] = "key", text[128] = "text", out[32];
    double began = now_us();
    for (int i = 0; i < HASHES; i++) {
        must(crypto_generichash(out, sizeof out, text, sizeof text, key, sizeof key) != 0, "crypto_generichash");
        text[0] = out[0];
    }
    printf("\"blake2b_us\":%.3f", (now_us() - began) / HASHES);
}

int main(int argc, char **argv)
{
    if (argc != 2 || sodium_init() < 0) {
        fputs("usage: floor DIRECTORY\n", stderr);
        return 2;
    }
    printf("{");
    syncs(argv[1]);
    lmdb(argv[1]);
    hashes();
    printf("}\n");
    return 0;
}
