#include "tests/unit/test.h"
#include <gmime/gmime.h>
#include <stdio.h>
#include "schema/header.h"

struct fixture {
    struct tg_arena *arena;
    struct tg_header_reader reader;
    struct tg_header header;
};

static int setup(void **state)
{
    struct fixture *f = tg_xcalloc(1, sizeof *f);
    f->arena = tg_arena_new();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    tg_header_reset(&f->reader);
    tg_arena_free(&f->arena);
    free(f);
    return 0;
}

static const char *read_message(struct fixture *f, struct tg_span message)
{
    tg_header_reset(&f->reader);
    tg_header_message(&f->reader, message);
    tg_header_end(&f->reader, true, f->arena, &f->header);
    return f->header.error != NULL ? f->header.error : "";
}

static void assert_says(struct fixture *f, const char *message, const char *words)
{
    const char *error = read_message(f, tg_span_str(message));
    if (*words == '\0' ? *error != '\0' : strstr(error, words) == NULL)
        fail_msg("\"%s\" instead of \"%s\": %s", error, words, message);
}

static void test_the_authors_of_a_message_are_read(void **state)
{
    struct fixture *f = *state;
    assert_says(f, "Received: x\n y\nFrom: Jo <jo@good.test>\nSender: list@other.test\nTo: x@y.test\n\nbody", "");
    assert_int_equal(f->header.from.count, 1);
    assert_string_equal(f->header.from.mailbox[0].domain, "good.test");
    assert_string_equal(f->header.sender.mailbox[0].domain, "other.test");
    assert_false(f->header.list_unsubscribe);
    assert_says(f, "fROM:\r\n jo@good.test,\r\n\tb@b.test\r\nLIST-unsubscribe: <mailto:x@y.test>\r\n\r\n", "");
    assert_int_equal(f->header.from.count, 2);
    assert_true(f->header.list_unsubscribe);
    assert_int_equal(f->header.sender.count, 0);
}

static void test_exactly_one_from_is_wanted(void **state)
{
    struct fixture *f = *state;
    assert_says(f, "To: x@y.test\n\nFrom: jo@good.test\n", "this one has none");
    assert_says(f, "", "this one has none");
    assert_says(f, "From: jo@good.test\nFrom: jo@good.test\n\n", "this one has 2");
    assert_says(f, "From: jo@good.test\nfrom: jo@evil.test\nFROM: x\n\n", "this one has 3");
    assert_says(f, "From:\n\n", "refused");
    assert_says(f, "From: \n\n", "refused");
}

static void test_sender_is_looked_at_where_it_is_to_be(void **state)
{
    struct fixture *f = *state;
    assert_says(f, "From: a@good.test\nSender: a@good.test\nSender: b@good.test\n\n", "one Sender field");
    assert_says(f, "From: a@good.test\nSender: nonsense\n\n", "the Sender field is refused");
    assert_says(f, "From: a@good.test\nSender: a@good.test, b@good.test\n\n", "more than one");
    tg_header_end(&f->reader, false, f->arena, &f->header);
    assert_null(f->header.error);
    assert_int_equal(f->header.sender.count, 0);
}

static void test_a_field_almost_named_from_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char nul[] = "From\0: a@evil.test\nFrom: a@good.test\n\n";
    tg_header_field(&f->reader, tg_span_str("From"), tg_span_str(" a@good.test"));
    tg_header_field(&f->reader, tg_span_str("From\xc2\xa0"), tg_span_str(" a@evil.test"));
    tg_header_end(&f->reader, true, f->arena, &f->header);
    assert_non_null(strstr(f->header.error, "almost From"));
    /* In a file a line that is no field ends the header, as it does for Postfix. */
    assert_non_null(strstr(read_message(f, tg_span_of(nul, sizeof nul - 1)), "has none"));
}

/* The milter sees what Postfix makes of a message; explain --message must come to the same. */
static void test_the_header_ends_where_postfix_ends_it(void **state)
{
    struct fixture *f = *state;
    static const char *const ends[] = {
        "no field here\n", "no field here\n with: a colon\n", ": nameless\n", "two words: x\n", "J\xc3\xb6: x\n", "a\x01: x\n",
        "\xef\xbb\xbf" "From: a@evil.test\n", " begins with white space: x\n", "\tFrom: a@evil.test\n", "\r\n", "\n", "\r: x\n",
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char message[200];
        snprintf(message, sizeof message, "%sFrom: a@good.test\n\n", ends[i]);
        assert_says(f, message, "has none");
        snprintf(message, sizeof message, "From: a@good.test\n%sFrom: a@evil.test\n\n", ends[i]);
        if (strchr(" \t", ends[i][0]) == NULL) /* a continuation there */
            assert_says(f, message, "");
    }
}

/* Postfix hands "From : x" over under the name From. */
static void test_blanks_before_the_colon_are_no_part_of_the_name(void **state)
{
    struct fixture *f = *state;
    assert_says(f, "From : a@good.test\n\n", "");
    assert_says(f, "From \t: a@good.test\nFrom: a@good.test\n\n", "has 2");
    assert_says(f, "From: a@good.test\nlist-unsubscribe : <x:y>\n\n", "");
    assert_true(f->header.list_unsubscribe);
}

static void test_fields_are_bounded(void **state)
{
    struct fixture *f = *state;
    char *body = tg_xmalloc(TG_FIELD_MAX + 2);
    memset(body, ' ', TG_FIELD_MAX + 1);
    memcpy(body + TG_FIELD_MAX - 11, "a@good.test", 11);
    tg_header_field(&f->reader, tg_span_str("From"), tg_span_of(body, TG_FIELD_MAX + 1));
    tg_header_end(&f->reader, true, f->arena, &f->header);
    assert_non_null(strstr(f->header.error, "too long"));
    assert_null(f->reader.from);
    free(body);
    /* The others are counted, and not kept. */
    tg_header_reset(&f->reader);
    for (int i = 0; i < 1000; i++)
        tg_header_field(&f->reader, tg_span_str("From"), tg_span_str(" a@good.test"));
    assert_int_equal(f->reader.from_count, 1000);
    assert_string_equal(f->reader.from, " a@good.test");
}

static void test_trace_fields_are_bounded(void **state)
{
    struct fixture *f = *state;
    tg_header_field(&f->reader, tg_span_str("From"), tg_span_str(" a@good.test"));
    for (int i = 0; i < 100; i++)
        tg_header_field(&f->reader, tg_span_str("x-tollgate-TRACE"), tg_span_str(" x"));
    tg_header_end(&f->reader, true, f->arena, &f->header);
    assert_null(f->header.error);
    tg_header_field(&f->reader, tg_span_str("X-Tollgate-Trace"), tg_span_str(" x"));
    tg_header_end(&f->reader, true, f->arena, &f->header);
    assert_non_null(strstr(f->header.error, "may have 100 X-Tollgate-Trace fields, and this one has 101"));
}

/* What a NUL hides from C's functions is not hidden from others. */
static void test_a_nul_in_from_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char message[] = "From: a@good.test\0, a@evil.test\n\n";
    assert_non_null(strstr(read_message(f, tg_span_of(message, sizeof message - 1)), "NUL"));
}

static void test_a_reader_is_ready_for_the_next_message(void **state)
{
    struct fixture *f = *state;
    assert_says(f, "From: a@good.test\nFrom : x\nList-Unsubscribe: x\n\n", "has 2");
    assert_says(f, "From: b@good.test\n\n", "");
    assert_false(f->header.list_unsubscribe);
    assert_string_equal(f->header.from.mailbox[0].address, "b@good.test");
}

static void test_a_message_may_end_anywhere(void **state)
{
    struct fixture *f = *state;
    static const char message[] = "To: x\r\n y\r\nFrom: Jo\r\n <a@good.test>\r\nSender: a@good.test\r\n\r\nbody\r\n";
    for (size_t len = 0; len < sizeof message; len++) {
        char *copy = tg_xmalloc(len > 0 ? len : 1); /* its very size, for sanitizers */
        memcpy(copy, message, len);
        tg_header_reset(&f->reader);
        tg_header_message(&f->reader, tg_span_of(copy, len));
        free(copy);
        tg_header_end(&f->reader, true, f->arena, &f->header);
    }
    assert_null(f->header.error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_the_authors_of_a_message_are_read),
        TEST(test_exactly_one_from_is_wanted),
        TEST(test_sender_is_looked_at_where_it_is_to_be),
        TEST(test_a_field_almost_named_from_is_refused),
        TEST(test_the_header_ends_where_postfix_ends_it),
        TEST(test_blanks_before_the_colon_are_no_part_of_the_name),
        TEST(test_fields_are_bounded),
        TEST(test_trace_fields_are_bounded),
        TEST(test_a_nul_in_from_is_refused),
        TEST(test_a_reader_is_ready_for_the_next_message),
        TEST(test_a_message_may_end_anywhere),
    };
    g_mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
