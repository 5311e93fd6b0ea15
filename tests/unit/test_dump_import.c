/* What an import refuses, and what is left of one that is broken off: nothing. */
#include <sys/wait.h>
#include "schema/dump.h"
#include "tests/unit/dumps.h"

static void write_file(const char *name, const char *data, size_t len)
{
    int fd = open(name, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, data, len), len);
    close(fd);
}

static void test_a_store_with_customers_is_not_imported_into(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    char name[64];
    struct added account;
    struct text text = filled(n, name, &account);
    tg_store_close(&n->store);
    n->store = open_to_import(n->dir);
    assert_int_equal(import(n->store, name, &err), TG_REFUSED);
    assert_non_null(strstr(err.text, "2 customers and 2 accounts already"));
    tg_store_close(&n->store);
    assert_ok(tg_store_open(n->dir, NULL, &n->store, &err));
    assert_int_equal(keys_in(n, TG_DB_ACCOUNTS), 2);
    unlink(name);
    free(text.data);
}

/* An export of a filled store, and an empty store that is to refuse what becomes of it. */
struct refusal {
    char name[64], dir[64], empty[64];
    struct text text, before; /* of the filled one; of the empty one */
    struct tg_store *store;
};

static void refusal_begin(struct refusal *r, struct nouns *n)
{
    struct added account;
    r->text = filled(n, r->name, &account);
    r->store = new_to_import(r->dir);
    r->before = export(r->store, r->empty);
}

static void refusal_end(struct refusal *r)
{
    tg_store_close(&r->store);
    scratch_remove(r->dir);
    unlink(r->name);
    unlink(r->empty);
    free(r->text.data);
    free(r->before.data);
}

/* The file with this in it is refused with these words, and the store is as it was. */
static void refused(const struct refusal *r, const char *data, size_t len, const char *words)
{
    struct tg_error err = { 0 };
    char again[64];
    write_file(r->name, data, len);
    if (import(r->store, r->name, &err) != TG_REFUSED || strstr(err.text, words) == NULL || strchr(err.text, '\n') != NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    struct text after = export(r->store, again);
    assert_int_equal(r->before.len, after.len);
    assert_memory_equal(r->before.data, after.data, after.len);
    unlink(again);
    free(after.data);
}

static void test_a_file_cut_anywhere_is_refused_and_changes_nothing(void **state)
{
    struct refusal r;
    refusal_begin(&r, *state);
    for (size_t len = 0; len < r.text.len; len += len + 400 < r.text.len ? 97 : 1)
        refused(&r, r.text.data, len, len == 0 ? "empty" : "whole");
    /* The newline alone is missing. */
    refused(&r, r.text.data, r.text.len - 1, "in the middle of a line");
    refusal_end(&r);
}

/* `text` with what stands first replaced. */
static struct text replaced(const struct text *text, const char *old, const char *new)
{
    const char *at = strstr(text->data, old);
    assert_non_null(at);
    size_t before = (size_t)(at - text->data), rest = text->len - before - strlen(old);
    struct text out = { calloc(1, before + strlen(new) + rest + 1), before + strlen(new) + rest };
    memcpy(out.data, text->data, before);
    memcpy(out.data + before, new, strlen(new));
    memcpy(out.data + before + strlen(new), at + strlen(old), rest);
    return out;
}

static void test_a_changed_file_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *old, *new, *words;
    } changes[] = {
        { "Example Ltd", "Example Inc", "its hash is another" },
        { "\"tollgate\":\"export\"", "\"tollgate\":\"import\"", "line 1: this is not an export" },
        { "\"version\":1", "\"version\":2", "made by a newer Tollgate" },
        { "\"store_format\":1", "\"store_format\":9", "made by a newer Tollgate" },
        { "\"next\":3", "\"next\":\"x\"", "next: not a number" },
        { "{\"db\":\"meta\"", "{\"db\":\"meta\",\"key\":{\"name\":\"import\"},\"value\":{}}\n{\"db\":\"meta\"", "no record to import" },
        { "\"value\":{\"format\":1,", "\"value\":{\"format\":3,", "a store format" },
        { "{\"db\":\"customers\"", "{\"db\":\"costumers\"", "line 6: a database" },
        { "\n{\"db\":\"customers\"", "\n\n{\"db\":\"customers\"", "line 6: no JSON" },
        { "{\"account\":2},\"value\":{\"id\"", "{\"account\":1},\"value\":{\"id\"", "line 9: this record stands twice" },
        { "{\"end\":true", "{\"end\":1", "neither a record nor the last line" },
        { "\"records\":{", "\"records\":[{", "not an export" },
    };
    struct refusal r;
    refusal_begin(&r, *state);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct text bad = replaced(&r.text, changes[i].old, changes[i].new);
        refused(&r, bad.data, bad.len, changes[i].words);
        free(bad.data);
    }
    struct text twice = { calloc(1, r.text.len * 2 + 1), r.text.len * 2 };
    memcpy(twice.data, r.text.data, r.text.len);
    memcpy(twice.data + r.text.len, r.text.data, r.text.len);
    refused(&r, twice.data, twice.len, "something follows the last line");
    free(twice.data);
    refusal_end(&r);
}

static void test_an_edited_file_is_taken_without_its_hash(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    char name[64], dir[64], again[64];
    struct added account;
    struct text text = filled(n, name, &account);
    struct text edited = replaced(&text, "Example Ltd", "Example Incorporated");
    char *hash = strstr(edited.data, ",\"blake2b\"");
    strcpy(hash, "}\n");
    write_file(name, edited.data, strlen(edited.data));
    struct tg_store *store = new_to_import(dir);
    assert_ok(import(store, name, &err));
    struct text after = export(store, again);
    assert_non_null(strstr(after.data, "Example Incorporated"));
    tg_store_close(&store);
    scratch_remove(dir);
    unlink(name);
    unlink(again);
    free(text.data);
    free(edited.data);
    free(after.data);
}

/* ---- an import that is broken off ---- */

static void exit_when_half_done(void *arg, uint64_t done, uint64_t all)
{
    (void)arg;
    (void)all;
    /* Half of it: the 20,000 were only checked; then a whole batch is written. */
    if (done > 18250)
        _exit(42);
}

/* 20,000 customers: several batches. */
static void write_large(const char *name, const struct text *text)
{
    FILE *out = fopen(name, "w");
    const char *line = text->data;
    while (line != NULL && *line != '\0') {
        const char *newline = strchr(line, '\n');
        if (strncmp(line, "{\"db\":\"customers\"", 17) == 0) {
            for (int i = 1; strstr(line, "\"id\":1,") == strstr(line, "\"id\":") && i <= 20000; i++)
                fprintf(out, "{\"db\":\"customers\",\"key\":{\"customer\":%d},\"value\":{\"id\":%d,\"name\":\"n\"}}\n", i, i);
        } else if (strncmp(line, "{\"end\"", 6) == 0) {
            fputs("{\"end\":true}\n", out);
        } else {
            fwrite(line, 1, (size_t)(newline + 1 - line), out);
        }
        line = newline + 1;
    }
    fclose(out);
}

static void test_a_broken_off_import_is_noticed_by_all_and_mended_by_the_next(void **state)
{
    struct nouns *n = *state;
    struct tg_error err;
    char name[64], dir[64];
    int status;
    struct added account;
    struct tg_view *view;
    struct text text = filled(n, name, &account);
    write_large(name, &text);
    scratch_dir(dir);
    assert_ok(tg_store_create(dir, NULL, false, 1, &err));
    pid_t child = fork();
    if (child == 0) {
        struct tg_dump_counts counts;
        struct tg_store *theirs = open_to_import(dir);
        int fd = open(name, O_RDONLY);
        (void)!tg_store_import(theirs, fd, name, NOW, exit_when_half_done, NULL, &counts, &err);
        _exit(1);
    }
    /* A daemon that has it open all the while. */
    struct tg_store *running;
    assert_ok(tg_store_open(dir, NULL, &running, &err));
    waitpid(child, &status, 0);
    assert_int_equal(WEXITSTATUS(status), 42);
    assert_int_equal(tg_view_begin(running, &view, &err), TG_UNUSABLE);
    assert_non_null(strstr(err.text, "run tollgate store import again"));
    uint64_t id;
    assert_int_equal(tg_store_change(running, add_customer_fn, &id, &err), TG_UNUSABLE);
    /* LMDB: one environment a process. */
    pid_t command = fork();
    if (command == 0) {
        struct tg_store *other;
        _exit(tg_store_open(dir, NULL, &other, &err) == TG_UNUSABLE && strstr(err.text, "run tollgate store import again") != NULL ? 0 : 1);
    }
    waitpid(command, &status, 0);
    assert_int_equal(status, 0);
    /* The import is whole before its process ends. */
    pid_t again = fork();
    if (again == 0) {
        struct tg_store_options options = { .import = true };
        struct tg_store *store = open_to_import(dir), *second;
        pid_t rival = fork();
        if (rival == 0)
            _exit(tg_store_open(dir, &options, &second, &err) == TG_REFUSED && strstr(err.text, "another import") != NULL ? 0 : 1);
        waitpid(rival, &status, 0);
        _exit(status != 0 || import(store, name, &err) != TG_OK);
    }
    waitpid(again, &status, 0);
    assert_int_equal(status, 0);
    /* The daemon goes on by itself. */
    assert_ok(tg_view_begin(running, &view, &err));
    tg_view_end(&view);
    struct nouns mended = { .store = running };
    assert_int_equal(keys_in(&mended, TG_DB_CUSTOMERS), 20000);
    assert_indexes_agree(&mended);
    tg_store_close(&running);
    scratch_remove(dir);
    unlink(name);
    free(text.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_a_store(test_a_store_with_customers_is_not_imported_into),
        on_a_store(test_a_file_cut_anywhere_is_refused_and_changes_nothing),
        on_a_store(test_a_changed_file_is_refused_with_its_line),
        on_a_store(test_an_edited_file_is_taken_without_its_hash),
        on_a_store(test_a_broken_off_import_is_noticed_by_all_and_mended_by_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
