#include "tests/unit/test.h"
#include "schema/keys.h"

static int order(const struct tg_key *a, const struct tg_key *b)
{
    size_t common = a->len < b->len ? a->len : b->len;
    int rc = memcmp(a->data, b->data, common);
    return rc != 0 ? rc : (a->len > b->len) - (a->len < b->len);
}

static void test_the_order_of_keys_is_the_order_of_numbers(void **state)
{
    (void)state;
    const uint64_t numbers[] = { 0, 1, 255, 256, 65535, 65536, 1ull << 32, UINT64_MAX };
    for (size_t i = 0; i + 1 < sizeof numbers / sizeof *numbers; i++) {
        struct tg_key a = tg_key_id(numbers[i]), b = tg_key_id(numbers[i + 1]);
        assert_true(order(&a, &b) < 0);
        a = tg_key_event(&(struct tg_event_id){ 7, (int64_t)(numbers[i] >> 2), 0xffffff });
        b = tg_key_event(&(struct tg_event_id){ 7, (int64_t)(numbers[i + 1] >> 2) + 1, 0 });
        assert_true(order(&a, &b) < 0);
        a = tg_key_offer(1, numbers[i]);
        b = tg_key_offer(1, numbers[i + 1]);
        assert_true(order(&a, &b) < 0);
    }
}

static void test_every_key_reads_back(void **state)
{
    (void)state;
    uint64_t id, other;
    char name[TG_DOMAIN_MAX + 1];
    struct tg_network net = { 6, 48, { 0x20, 1, 0xd, 0xb8 } }, net_back;
    struct tg_event_id event = { 42, 1700000000123456, 0xabcdef }, event_back;
    int64_t time_us;
    uint32_t sequence;
    uint8_t plan;

    struct tg_key key = tg_key_id(42);
    assert_true(tg_read_id(tg_key_span(&key), &id) && id == 42);
    key = tg_key_id_pair(42, 43);
    assert_true(tg_read_id_pair(tg_key_span(&key), &id, &other) && id == 42 && other == 43);
    key = tg_key_id_name(42, "cust.test");
    assert_true(tg_read_id_name(tg_key_span(&key), &id, name) && id == 42);
    assert_string_equal(name, "cust.test");
    key = tg_key_name_id("cust.test", 44);
    assert_true(tg_read_name_id(tg_key_span(&key), name, &id) && id == 44);
    assert_string_equal(name, "cust.test");
    key = tg_key_network(&net, 45);
    assert_true(tg_read_network(tg_key_span(&key), &net_back, &id) && id == 45);
    assert_memory_equal(&net, &net_back, sizeof net);
    key = tg_key_account_network(46, &net);
    assert_true(tg_read_account_network(tg_key_span(&key), &id, &net_back) && id == 46);
    key = tg_key_event(&event);
    assert_true(tg_read_event(tg_key_span(&key), &event_back));
    assert_true(event.account_id == event_back.account_id && event.time_us == event_back.time_us &&
                event.sequence == event_back.sequence);
    key = tg_key_audit(5, 6);
    assert_true(tg_read_audit(tg_key_span(&key), &time_us, &sequence) && time_us == 5 && sequence == 6);
    key = tg_key_offer(2, 10000);
    assert_true(tg_read_offer(tg_key_span(&key), &plan, &other) && plan == 2 && other == 10000);
}

static void test_a_name_is_no_prefix_of_a_longer_one(void **state)
{
    (void)state;
    struct tg_key prefix = tg_key_name_prefix("a.test"), longer = tg_key_name_id("a.test.example", 1);
    assert_true(memcmp(prefix.data, longer.data, prefix.len) != 0);
}

static void test_octets_that_are_no_key_are_refused(void **state)
{
    (void)state;
    uint8_t junk[300];
    memset(junk, 0xff, sizeof junk);
    uint64_t id, other;
    char name[TG_DOMAIN_MAX + 1];
    struct tg_network net;
    struct tg_event_id event;
    for (size_t len = 0; len <= sizeof junk; len++) {
        struct tg_span key = tg_span_of(junk, len);
        assert_int_equal(tg_read_id(key, &id), len == 8);
        assert_int_equal(tg_read_id_pair(key, &id, &other), len == 16);
        assert_int_equal(tg_read_event(key, &event), len == 20);
        assert_int_equal(tg_read_id_name(key, &id, name), len > 8 && len <= 8 + TG_DOMAIN_MAX);
        assert_false(tg_read_name_id(key, name, &id)); /* no NUL in it */
        assert_false(tg_read_network(key, &net, &id)); /* no such family */
        assert_false(tg_read_account_network(key, &id, &net));
    }
}

static void test_the_longest_names_fit(void **state)
{
    (void)state;
    char longest[TG_DOMAIN_MAX + 100], name[TG_DOMAIN_MAX + 1];
    uint64_t id;
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    struct tg_key key = tg_key_name_id(longest, UINT64_MAX);
    assert_true(tg_read_name_id(tg_key_span(&key), name, &id));
    assert_int_equal(strlen(name), TG_DOMAIN_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_order_of_keys_is_the_order_of_numbers),
        cmocka_unit_test(test_every_key_reads_back),
        cmocka_unit_test(test_a_name_is_no_prefix_of_a_longer_one),
        cmocka_unit_test(test_octets_that_are_no_key_are_refused),
        cmocka_unit_test(test_the_longest_names_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
