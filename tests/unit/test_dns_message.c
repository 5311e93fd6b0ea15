/* Answers of the DNS, well-formed and hostile. */
#include "tests/unit/test.h"
#include "schema/dns_message.h"

/* A message under construction. */
struct message {
    uint8_t data[2048];
    size_t len;
};

static void put(struct message *m, const void *data, size_t len)
{
    assert_true(m->len + len <= sizeof m->data);
    memcpy(m->data + m->len, data, len);
    m->len += len;
}

static void put16(struct message *m, unsigned value)
{
    uint8_t two[2] = { (uint8_t)(value >> 8), (uint8_t)value };
    put(m, two, 2);
}

static void put_name(struct message *m, const char *name)
{
    while (*name != '\0') {
        uint8_t len = (uint8_t)strcspn(name, ".");
        put(m, &len, 1);
        put(m, name, len);
        name += len;
        name += *name == '.';
    }
    put(m, "", 1);
}

static struct message answer_to(const char *name, unsigned answers)
{
    struct message m = { .len = 0 };
    unsigned header[6] = { 7, 0x8180, 1, answers, 0, 0 };
    for (int i = 0; i < 6; i++)
        put16(&m, header[i]);
    put_name(&m, name);
    put16(&m, TG_DNS_TXT);
    put16(&m, 1);
    return m;
}

static void put_record(struct message *m, const char *owner, unsigned type, const void *data, size_t len)
{
    put_name(m, owner);
    put16(m, type);
    put16(m, 1);
    put16(m, 0);
    put16(m, 60);
    put16(m, (unsigned)len);
    put(m, data, len);
}

static void put_cname(struct message *m, const char *owner, const char *target)
{
    struct message data = { .len = 0 };
    put_name(&data, target);
    put_record(m, owner, 5, data.data, data.len);
}

#define TXT(m, owner, octets) put_record(m, owner, TG_DNS_TXT, octets, sizeof(octets) - 1)

struct read {
    struct tg_arena *arena;
    struct tg_dns_records records;
    const char *end;
};

static bool read_type(struct read *r, const struct message *m, enum tg_dns_type type)
{
    r->arena = r->arena == NULL ? tg_arena_new() : r->arena;
    /* Exactly as long as it is, so that a sanitizer sees what reads behind it. */
    uint8_t *exact = malloc(m->len);
    memcpy(exact, m->data, m->len);
    bool good = tg_dns_read(exact, m->len, "a.test", type, r->arena, &r->records, &r->end);
    free(exact);
    return good;
}

static void test_strings_of_a_record_are_joined(void **state)
{
    (void)state;
    struct read r = { NULL };
    struct message m = answer_to("a.test", 2);
    TXT(&m, "A.Test", "\003one\003two");
    TXT(&m, "a.test", "\001\x07");
    assert_true(read_type(&r, &m, TG_DNS_TXT));
    assert_int_equal(r.records.count, 2);
    assert_string_equal(r.records.text[0], "onetwo");
    assert_string_equal(r.records.text[1], "?");
    assert_string_equal(r.end, "a.test");
    tg_arena_free(&r.arena);
}

static void test_aliases_lead_to_the_record_in_any_order(void **state)
{
    (void)state;
    struct read r = { NULL };
    struct message m = answer_to("a.test", 4);
    TXT(&m, "c.test", "\003yes");
    TXT(&m, "x.test", "\002no");
    put_cname(&m, "b.test", "c.test");
    put_cname(&m, "a.test", "b.test");
    assert_true(read_type(&r, &m, TG_DNS_TXT));
    assert_int_equal(r.records.count, 1);
    assert_string_equal(r.records.text[0], "yes");
    assert_string_equal(r.end, "c.test");
    tg_arena_free(&r.arena);
}

static void test_an_alias_alone_says_where_to_ask_next(void **state)
{
    (void)state;
    struct read r = { NULL };
    struct message m = answer_to("a.test", 1);
    put_cname(&m, "a.test", "elsewhere.example");
    assert_true(read_type(&r, &m, TG_DNS_TXT));
    assert_int_equal(r.records.count, 0);
    assert_string_equal(r.end, "elsewhere.example");
    tg_arena_free(&r.arena);
}

static void test_a_circle_of_aliases_ends(void **state)
{
    (void)state;
    struct read r = { NULL };
    struct message m = answer_to("a.test", 2);
    put_cname(&m, "a.test", "b.test");
    put_cname(&m, "b.test", "a.test");
    assert_true(read_type(&r, &m, TG_DNS_TXT));
    assert_int_equal(r.records.count, 0);
    assert_null(r.end);
    tg_arena_free(&r.arena);
}

static void test_mx_and_addresses(void **state)
{
    (void)state;
    struct read r = { NULL };
    struct message m = answer_to("a.test", 3);
    put_record(&m, "a.test", TG_DNS_MX, "\0\012\002mx\004test\0", 11);
    put_record(&m, "a.test", TG_DNS_A, "\x7f\0\0\1", 4);
    put_record(&m, "a.test", TG_DNS_AAAA, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    assert_true(read_type(&r, &m, TG_DNS_MX));
    assert_string_equal(r.records.text[0], "10 mx.test");
    assert_true(read_type(&r, &m, TG_DNS_A));
    assert_string_equal(r.records.text[0], "127.0.0.1");
    assert_true(read_type(&r, &m, TG_DNS_AAAA));
    assert_string_equal(r.records.text[0], "::1");
    tg_arena_free(&r.arena);
}

static void test_malformed_data_is_no_answer(void **state)
{
    (void)state;
    struct read r = { NULL };
    struct message m = answer_to("a.test", 1);
    TXT(&m, "a.test", "\011short");
    assert_false(read_type(&r, &m, TG_DNS_TXT));
    m = answer_to("a.test", 1);
    put_record(&m, "a.test", TG_DNS_A, "\x7f\0\0", 3);
    assert_false(read_type(&r, &m, TG_DNS_A));
    m = answer_to("a.test", 9); /* promised, and not there */
    TXT(&m, "a.test", "\003one");
    assert_false(read_type(&r, &m, TG_DNS_TXT));
    tg_arena_free(&r.arena);
}

static void test_every_cut_and_every_flipped_octet_is_survived(void **state)
{
    (void)state;
    struct message m = answer_to("a.test", 3);
    put_cname(&m, "a.test", "b.test");
    TXT(&m, "b.test", "\003one\003two");
    put_record(&m, "b.test", TG_DNS_MX, "\0\012\xc0\x0c", 4);
    const size_t len = m.len;
    for (size_t cut = 0; cut < len; cut++) {
        struct read r = { NULL };
        m.len = cut;
        assert_false(read_type(&r, &m, TG_DNS_TXT));
        tg_arena_free(&r.arena);
    }
    m.len = len;
    for (size_t i = 0; i < len; i++)
        for (int bit = 0; bit < 8; bit++) {
            struct read r = { NULL };
            m.data[i] ^= (uint8_t)(1 << bit);
            if (read_type(&r, &m, TG_DNS_TXT))
                assert_true(r.records.count <= TG_DNS_RECORDS);
            if (read_type(&r, &m, TG_DNS_MX))
                assert_true(r.records.count <= TG_DNS_RECORDS);
            tg_arena_free(&r.arena);
            m.data[i] ^= (uint8_t)(1 << bit);
        }
}

static void test_more_records_than_anybody_needs_are_left_out(void **state)
{
    (void)state;
    struct read r = { NULL };
    struct message m = answer_to("a.test", TG_DNS_RECORDS + 8);
    for (int i = 0; i < TG_DNS_RECORDS + 8; i++)
        TXT(&m, "a.test", "\001x");
    assert_true(read_type(&r, &m, TG_DNS_TXT));
    assert_int_equal(r.records.count, TG_DNS_RECORDS);
    tg_arena_free(&r.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings_of_a_record_are_joined),
        cmocka_unit_test(test_aliases_lead_to_the_record_in_any_order),
        cmocka_unit_test(test_an_alias_alone_says_where_to_ask_next),
        cmocka_unit_test(test_a_circle_of_aliases_ends),
        cmocka_unit_test(test_mx_and_addresses),
        cmocka_unit_test(test_malformed_data_is_no_answer),
        cmocka_unit_test(test_every_cut_and_every_flipped_octet_is_survived),
        cmocka_unit_test(test_more_records_than_anybody_needs_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
