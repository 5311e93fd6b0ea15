/* replay.c: the main of a fuzz target where there is no libFuzzer: gives it every file named, or those of the
 * directories named; with no argument its own seeds and crashes. An input that fails ends the program by a signal. */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include "schema/error.h"
#include "tests/fuzz/fuzz.h"

static int give_up(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return -1;
}

/* The copy has the input's very size, so that a sanitizer sees a read behind it. */
static int replay_file(const char *path)
{
    struct stat is;
    FILE *file = fopen(path, "rb");
    if (file == NULL || fstat(fileno(file), &is) != 0)
        return give_up(path);
    size_t size = (size_t)is.st_size;
    uint8_t *data = tg_xmalloc(size > 0 ? size : 1);
    if (fread(data, 1, size, file) != size)
        return give_up(path);
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last one told is the one that failed */
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

static int replay(const char *path)
{
    struct stat is;
    if (stat(path, &is) != 0)
        return give_up(path);
    if (!S_ISDIR(is.st_mode))
        return replay_file(path);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return give_up(path);
    int count = 0, one = 0;
    for (struct dirent *entry; one >= 0 && (entry = readdir(dir)) != NULL; count += one) {
        char file[4096];
        one = 0;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        one = replay(file);
    }
    closedir(dir);
    return one < 0 ? one : count;
}

/* Seeds are wanted, crashes need not be there. */
static int replay_own(const char *program)
{
    const char *name = strstr(program, "fuzz_"), *srcdir = getenv("srcdir");
    char seeds[4096], crashes[4096];
    struct stat is;
    for (const char *next = name; next != NULL; next = strstr(next + 1, "fuzz_"))
        name = next;
    if (name == NULL)
        return 0;
    snprintf(seeds, sizeof seeds, "%s/tests/fuzz/seeds/%s", srcdir != NULL ? srcdir : ".", name + 5);
    snprintf(crashes, sizeof crashes, "%s/tests/fuzz/crashes/%s", srcdir != NULL ? srcdir : ".", name + 5);
    int count = replay(seeds), more = stat(crashes, &is) == 0 ? replay(crashes) : 0;
    return count < 0 || more < 0 ? -1 : count + more;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? 0 : replay_own(argv[0]);
    for (int i = 1; count >= 0 && i < argc; i++) {
        int one = replay(argv[i]);
        count = one < 0 ? one : count + one;
    }
    if (count == 0)
        fprintf(stderr, "%s: no input (seeds are in tests/fuzz/seeds)\n", argv[0]);
    printf("%d inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}
