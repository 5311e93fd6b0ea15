#include "tests/unit/test.h"
#include <ctype.h>
#include <sodium.h>
#include "schema/audit.h"
#include "schema/base32.h"
#include "schema/credential.h"
#include "schema/token.h"
#include "tests/unit/scratch.h"

enum { NOW = 1800000000, DAY = 86400, MAX_AGE = 14 * DAY, LETTERS = 45 };

static struct tg_seal_keys some_keys(size_t count, uint8_t first)
{
    struct tg_seal_keys keys = { .count = count };
    for (size_t i = 0; i < count; i++) {
        keys.key[i].number = (uint8_t)(first + i);
        memset(keys.key[i].secret, (int)(first + i) * 7 + 1, sizeof keys.key[i].secret);
    }
    return keys;
}

static const struct tg_token example = { .account_id = 0x123456789abc, .time = NOW - 5, .sequence = 0xfedcba };

static enum tg_code read_at(const struct tg_seal_keys *keys, const char *text, int64_t now, struct tg_token *out)
{
    return tg_token_read(keys, TG_TOKEN_RETURN_PATH, tg_span_str(text), now, MAX_AGE, out, NULL);
}

static void test_a_token_says_what_was_put_into_it(void **state)
{
    (void)state;
    struct tg_seal_keys keys = some_keys(3, 9);
    struct tg_error err;
    const struct tg_token tokens[] = {
        example, { 0, 0, 0 }, { (1ull << 48) - 1, NOW, (1u << 24) - 1 }, { 1, NOW + DAY, 1 },
    };
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        for (int kind = TG_TOKEN_RETURN_PATH; kind <= TG_TOKEN_TRACE; kind++) {
            char text[TG_TOKEN_SIZE];
            struct tg_token out;
            tg_token_make(&keys, (enum tg_token_kind)kind, &tokens[i], text);
            assert_int_equal(strlen(text), LETTERS);
            assert_int_equal(strspn(text, "abcdefghijklmnopqrstuvwxyz234567"), LETTERS);
            assert_ok(tg_token_read(&keys, (enum tg_token_kind)kind, tg_span_str(text), NOW, 0, &out, &err));
            assert_int_equal(out.account_id, tokens[i].account_id);
            assert_int_equal(out.time, tokens[i].time);
            assert_int_equal(out.sequence, tokens[i].sequence);
        }
    }
}

static void test_a_relay_may_fold_the_case(void **state)
{
    (void)state;
    struct tg_seal_keys keys = some_keys(1, 1);
    char text[TG_TOKEN_SIZE];
    struct tg_token out;
    tg_token_make(&keys, TG_TOKEN_RETURN_PATH, &example, text);
    for (int i = 0; text[i] != '\0'; i++)
        if (i % 3 != 0)
            text[i] = (char)toupper((unsigned char)text[i]);
    assert_int_equal(read_at(&keys, text, NOW, &out), TG_OK);
    assert_int_equal(out.account_id, example.account_id);
}

static void test_a_token_with_any_bit_flipped_is_refused(void **state)
{
    (void)state;
    struct tg_seal_keys keys = some_keys(16, 1);
    char text[TG_TOKEN_SIZE], forged[TG_TOKEN_SIZE];
    uint8_t bytes[28];
    struct tg_token out;
    tg_token_make(&keys, TG_TOKEN_RETURN_PATH, &example, text);
    assert_true(tg_base32_decode(text, LETTERS, bytes, sizeof bytes));
    for (size_t bit = 0; bit < sizeof bytes * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        tg_base32_encode(bytes, sizeof bytes, forged);
        assert_int_equal(read_at(&keys, forged, NOW, &out), TG_REFUSED);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    tg_base32_encode(bytes, sizeof bytes, forged);
    assert_int_equal(read_at(&keys, forged, NOW, &out), TG_OK);
}

static void test_a_token_with_any_other_letter_is_refused(void **state)
{
    (void)state;
    struct tg_seal_keys keys = some_keys(16, 1);
    char text[TG_TOKEN_SIZE];
    struct tg_token out;
    tg_token_make(&keys, TG_TOKEN_RETURN_PATH, &example, text);
    for (int i = 0; i < LETTERS; i++) {
        const char was = text[i];
        /* At the last letter this has the bit that no octet holds, too. */
        for (int c = 0; c < 256; c++) {
            text[i] = (char)c;
            if (tolower(c) == was)
                continue;
            assert_int_equal(tg_token_read(&keys, TG_TOKEN_RETURN_PATH, tg_span_of(text, LETTERS), NOW, 0, &out, NULL),
                             TG_REFUSED);
        }
        text[i] = was;
    }
}

static void test_a_token_cut_or_extended_is_refused(void **state)
{
    (void)state;
    struct tg_seal_keys keys = some_keys(1, 1);
    char text[TG_TOKEN_SIZE + 8] = "";
    struct tg_token out;
    tg_token_make(&keys, TG_TOKEN_RETURN_PATH, &example, text);
    for (size_t len = 0; len < LETTERS; len++) {
        assert_int_equal(tg_token_read(&keys, TG_TOKEN_RETURN_PATH, tg_span_of(text, len), NOW, 0, &out, NULL), TG_REFUSED);
        assert_int_equal(tg_token_read(&keys, TG_TOKEN_RETURN_PATH, tg_span_of(text + LETTERS - len, len), NOW, 0, &out, NULL),
                         TG_REFUSED);
    }
    /* The NUL behind it counts as an octet more. */
    assert_int_equal(tg_token_read(&keys, TG_TOKEN_RETURN_PATH, tg_span_of(text, LETTERS + 1), NOW, 0, &out, NULL), TG_REFUSED);
    for (size_t more = 1; more < 20; more++) {
        strcat(text, "a");
        assert_int_equal(read_at(&keys, text, NOW, &out), TG_REFUSED);
    }
}

static void test_a_token_of_another_kind_or_store_is_refused(void **state)
{
    (void)state;
    struct tg_seal_keys keys = some_keys(2, 1), others = some_keys(2, 1);
    char text[TG_TOKEN_SIZE];
    struct tg_token out;
    tg_token_make(&keys, TG_TOKEN_TRACE, &example, text);
    assert_int_equal(read_at(&keys, text, NOW, &out), TG_REFUSED);
    tg_token_make(&keys, TG_TOKEN_RETURN_PATH, &example, text);
    assert_int_equal(tg_token_read(&keys, TG_TOKEN_TRACE, tg_span_str(text), NOW, 0, &out, NULL), TG_REFUSED);
    others.key[1].secret[31] ^= 1;
    assert_int_equal(read_at(&others, text, NOW, &out), TG_REFUSED);
    others.count = 0;
    assert_int_equal(read_at(&others, text, NOW, &out), TG_REFUSED);
}

/* What stands in the clear is sealed with the rest. */
static void test_a_token_relabelled_is_refused(void **state)
{
    (void)state;
    struct tg_seal_keys keys = some_keys(2, 1);
    char text[TG_TOKEN_SIZE];
    uint8_t bytes[28];
    struct tg_token out;
    memcpy(keys.key[0].secret, keys.key[1].secret, sizeof keys.key[0].secret);
    tg_token_make(&keys, TG_TOKEN_TRACE, &example, text);
    assert_true(tg_base32_decode(text, LETTERS, bytes, sizeof bytes));
    bytes[0] ^= TG_TOKEN_TRACE ^ TG_TOKEN_RETURN_PATH;
    tg_base32_encode(bytes, sizeof bytes, text);
    assert_int_equal(read_at(&keys, text, NOW, &out), TG_REFUSED);
    bytes[0] ^= TG_TOKEN_TRACE ^ TG_TOKEN_RETURN_PATH;
    bytes[1] = 1; /* it was 2 */
    tg_base32_encode(bytes, sizeof bytes, text);
    assert_int_equal(tg_token_read(&keys, TG_TOKEN_TRACE, tg_span_str(text), NOW, 0, &out, NULL), TG_REFUSED);
}

static void test_a_token_expires_and_none_comes_from_the_future(void **state)
{
    (void)state;
    struct tg_seal_keys keys = some_keys(1, 1);
    char text[TG_TOKEN_SIZE];
    struct tg_token token = { 7, NOW, 1 }, out;
    tg_token_make(&keys, TG_TOKEN_RETURN_PATH, &token, text);
    assert_int_equal(read_at(&keys, text, NOW + MAX_AGE, &out), TG_OK);
    assert_int_equal(read_at(&keys, text, NOW + MAX_AGE + 1, &out), TG_REFUSED);
    assert_int_equal(tg_token_read(&keys, TG_TOKEN_RETURN_PATH, tg_span_str(text), NOW + 100 * MAX_AGE, 0, &out, NULL), TG_OK);
    assert_int_equal(read_at(&keys, text, NOW - DAY, &out), TG_OK);
    assert_int_equal(read_at(&keys, text, NOW - DAY - 1, &out), TG_REFUSED);
}

static void test_tokens_of_one_account_share_nothing_that_can_be_seen(void **state)
{
    (void)state;
    struct tg_seal_keys keys = some_keys(1, 1);
    struct tg_token token = { 7, NOW, 1 };
    uint8_t first[28], bytes[28];
    unsigned same[28] = { 0 };
    char text[TG_TOKEN_SIZE];
    tg_token_make(&keys, TG_TOKEN_RETURN_PATH, &token, text);
    assert_true(tg_base32_decode(text, LETTERS, first, sizeof first));
    for (token.sequence = 2; token.sequence < 1002; token.sequence++) {
        tg_token_make(&keys, TG_TOKEN_RETURN_PATH, &token, text);
        assert_true(tg_base32_decode(text, LETTERS, bytes, sizeof bytes));
        assert_memory_equal(bytes, first, 2);
        for (size_t i = 2; i < sizeof bytes; i++)
            same[i] += bytes[i] == first[i];
    }
    /* One in 256 by chance: 4 of 1000; 30 would be chance once in 10^15. */
    for (size_t i = 2; i < sizeof bytes; i++)
        assert_in_range(same[i], 0, 30);
}

static void test_garbage_is_refused(void **state)
{
    (void)state;
    struct tg_seal_keys keys = some_keys(16, 1);
    struct tg_token out;
    for (int n = 0; n < 20000; n++) {
        uint8_t bytes[28];
        char text[TG_TOKEN_SIZE];
        randombytes_buf(bytes, sizeof bytes);
        /* Half of them with a good header. */
        if (n % 2 == 0) {
            bytes[0] = 0x10;
            bytes[1] = (uint8_t)(1 + n % 16);
        }
        tg_base32_encode(bytes, sizeof bytes, text);
        assert_int_equal(read_at(&keys, text, NOW, &out), TG_REFUSED);
        randombytes_buf(text, sizeof text);
        size_t len = randombytes_uniform(sizeof text);
        assert_int_equal(tg_token_read(&keys, TG_TOKEN_RETURN_PATH, tg_span_of(text, len), NOW, 0, &out, NULL), TG_REFUSED);
    }
}

static enum tg_code rotate(struct tg_change *change, void *arg, struct tg_error *err)
{
    (void)arg;
    return tg_seal_keys_rotate(change, NOW, err);
}

static enum tg_code forget_keys(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct tg_key key = tg_key_name(TG_META_SEAL_KEYS);
    if (arg != NULL)
        tg_put(change, TG_DB_META, &key, tg_span_str(arg));
    else
        tg_delete(change, TG_DB_META, &key);
    return tg_change_error(change, err);
}

static enum tg_code keys_of(struct tg_store *store, struct tg_seal_keys *keys)
{
    struct tg_error err;
    struct tg_view *view;
    assert_ok(tg_view_begin(store, &view, &err));
    enum tg_code code = tg_seal_keys_get(view, keys, &err);
    tg_view_end(&view);
    return code;
}

static void test_rotated_keys_open_their_tokens_until_sixteen_are_newer(void **state)
{
    (void)state;
    char dir[64], text[TG_TOKEN_SIZE], newer[TG_TOKEN_SIZE];
    struct tg_store *store = scratch_store(dir);
    struct tg_seal_keys keys;
    struct tg_token out;
    struct tg_error err;
    /* More than the number's octet holds. */
    for (int turn = 0; turn < 270; turn++) {
        assert_int_equal(keys_of(store, &keys), TG_OK);
        assert_int_equal(keys.count, turn < 16 ? turn + 1 : 16);
        if (turn % 16 == 0)
            tg_token_make(&keys, TG_TOKEN_RETURN_PATH, &example, text);
        tg_token_make(&keys, TG_TOKEN_RETURN_PATH, &example, newer);
        assert_int_equal(read_at(&keys, text, NOW, &out), TG_OK);
        assert_int_equal(read_at(&keys, newer, NOW, &out), TG_OK);
        assert_ok(tg_store_change(store, rotate, NULL, &err));
        if (turn % 16 == 15) {
            assert_int_equal(keys_of(store, &keys), TG_OK);
            assert_int_equal(read_at(&keys, text, NOW, &out), TG_REFUSED);
            assert_int_equal(read_at(&keys, newer, NOW, &out), TG_OK);
        }
    }
    tg_store_close(&store);
    scratch_remove(dir);
}

static void test_missing_or_damaged_keys_are_no_answer(void **state)
{
    (void)state;
    char dir[64], damaged[] = "\x0a\x03\x08\x01\x12"; /* a key without secret */
    struct tg_store *store = scratch_store(dir);
    struct tg_seal_keys keys;
    struct tg_error err;
    assert_ok(tg_store_change(store, forget_keys, damaged, &err));
    assert_int_equal(keys_of(store, &keys), TG_UNUSABLE);
    assert_ok(tg_store_change(store, forget_keys, NULL, &err));
    assert_int_equal(keys_of(store, &keys), TG_UNUSABLE);
    assert_int_equal(tg_store_change(store, rotate, NULL, &err), TG_UNUSABLE);
    tg_store_close(&store);
    scratch_remove(dir);
}

int main(void)
{
    struct tg_error err;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_says_what_was_put_into_it),
        cmocka_unit_test(test_a_relay_may_fold_the_case),
        cmocka_unit_test(test_a_token_with_any_bit_flipped_is_refused),
        cmocka_unit_test(test_a_token_with_any_other_letter_is_refused),
        cmocka_unit_test(test_a_token_cut_or_extended_is_refused),
        cmocka_unit_test(test_a_token_of_another_kind_or_store_is_refused),
        cmocka_unit_test(test_a_token_relabelled_is_refused),
        cmocka_unit_test(test_a_token_expires_and_none_comes_from_the_future),
        cmocka_unit_test(test_tokens_of_one_account_share_nothing_that_can_be_seen),
        cmocka_unit_test(test_garbage_is_refused),
        cmocka_unit_test(test_rotated_keys_open_their_tokens_until_sixteen_are_newer),
        cmocka_unit_test(test_missing_or_damaged_keys_are_no_answer),
    };
    if (tg_crypto_init(&err) != TG_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
