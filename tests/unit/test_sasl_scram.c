/* SCRAM-SHA-256 exchanges as the auth door runs them. */
#include "tests/unit/scram_client.h"

static void test_scram_lets_in_who_knows_the_password(void **state)
{
    struct fixture *f = *state;
    struct exchange *e;
    enum exchange_step step = scram(f, &e, client_of(&f->account));
    assert_in(e, step, f->account.username);
    struct client c = client_of(&f->account);
    char gs2[100], binding[200];
    snprintf(gs2, sizeof gs2, "n,a=%s,", f->account.username); /* for himself, said */
    sodium_bin2base64(binding, sizeof binding, (const uint8_t *)gs2, strlen(gs2), sodium_base64_VARIANT_ORIGINAL);
    c.gs2 = gs2;
    c.binding = binding;
    step = scram(f, &e, c);
    assert_in(e, step, f->account.username);
    c = client_of(&f->account);
    c.gs2 = "y,,";
    c.binding = "eSws";
    step = scram(f, &e, c);
    assert_in(e, step, f->account.username);
}

static void test_scram_without_initial_response(void **state)
{
    struct fixture *f = *state;
    struct client c = client_of(&f->account);
    char message[600];
    struct tg_span challenge;
    struct exchange *e = exchange_new(f->store, "SCRAM-SHA-256");
    assert_int_equal(exchange_start(e, NULL, NOW, &challenge), EXCHANGE_MORE);
    assert_int_equal(challenge.len, 0);
    snprintf(c.first_bare, sizeof c.first_bare, "n=%s,r=rOprNGfwEbeRWgbNEkqO", c.user);
    snprintf(message, sizeof message, "n,,%s", c.first_bare);
    assert_int_equal(exchange_continue(e, tg_span_str(message), NOW, &challenge), EXCHANGE_MORE);
    client_final(&c, challenge);
    assert_in(e, scram_final(e, &c), f->account.username);
}

static void test_scram_refuses_wrong_passwords_and_names(void **state)
{
    struct fixture *f = *state;
    struct exchange *e;
    struct client c = client_of(&f->account);
    c.password = "wrong";
    enum exchange_step step = scram(f, &e, c);
    assert_out(e, step, "password");
    c = client_of(&f->account);
    c.user = "nobody0nobody"; /* sees a salt, and learns nothing */
    step = scram(f, &e, c);
    assert_out(e, step, "unknown");
    c.user = f->other.username;
    step = scram(f, &e, c);
    assert_out(e, step, "password");
}

static void test_a_scram_message_tampered_with_is_refused(void **state)
{
    struct fixture *f = *state;
    struct client good = client_of(&f->account);
    struct exchange *e;
    assert_int_equal(scram_first(f, &e, &good), EXCHANGE_MORE);
    size_t len = strlen(good.final);
    exchange_free(&e);
    /* Every octet of the final message, changed in turn: its letters' lowest bit, so that it stays text. */
    for (size_t i = 0; i < len; i++) {
        struct client c = client_of(&f->account);
        assert_int_equal(scram_first(f, &e, &c), EXCHANGE_MORE);
        c.final[i] ^= 1;
        assert_int_equal(scram_final(e, &c), EXCHANGE_REFUSED);
        assert_string_equal(exchange_result(e)->username, "");
        exchange_free(&e);
    }
}

static void test_a_scram_message_replayed_is_refused(void **state)
{
    struct fixture *f = *state;
    struct client old = client_of(&f->account), c = client_of(&f->account);
    struct exchange *e;
    enum exchange_step step = scram_first(f, &e, &old);
    assert_int_equal(step, EXCHANGE_MORE);
    step = scram_final(e, &old);
    assert_in(e, step, f->account.username);
    /* The server's half of the nonce is another each time. */
    assert_int_equal(scram_first(f, &e, &c), EXCHANGE_MORE);
    assert_string_not_equal(c.nonce, old.nonce);
    strcpy(c.final, old.final);
    assert_out(e, scram_final(e, &c), "malformed");
}

static void test_channel_binding_can_not_be_negotiated_away(void **state)
{
    struct fixture *f = *state;
    struct exchange *e;
    struct client c = client_of(&f->account);
    /* Somebody on the way made "n,,", of the client's "y,,", or of its "p=": the client's c= tells. */
    c.binding = "eSws";
    enum exchange_step step = scram(f, &e, c);
    assert_out(e, step, "malformed");
    c.binding = "cD10bHMtdW5pcXVlLCw=";
    step = scram(f, &e, c);
    assert_out(e, step, "malformed");
    c.gs2 = "p=tls-unique,,";
    step = scram(f, &e, c);
    assert_out(e, step, "malformed");
}

static void test_scram_lets_nobody_act_for_another(void **state)
{
    struct fixture *f = *state;
    struct exchange *e;
    struct client c = client_of(&f->account);
    char gs2[100], binding[200];
    snprintf(gs2, sizeof gs2, "n,a=%s,", f->other.username);
    sodium_bin2base64(binding, sizeof binding, (const uint8_t *)gs2, strlen(gs2), sodium_base64_VARIANT_ORIGINAL);
    c.gs2 = gs2;
    c.binding = binding;
    enum exchange_step step = scram(f, &e, c);
    assert_out(e, step, "authzid");
}

static struct tg_span salt_of(struct fixture *f, const char *user, char out[600])
{
    char message[600];
    struct tg_span challenge, response;
    struct exchange *e = exchange_new(f->store, "SCRAM-SHA-256");
    snprintf(message, sizeof message, "n,,n=%s,r=x", user);
    response = tg_span_str(message);
    assert_int_equal(exchange_start(e, &response, NOW, &challenge), EXCHANGE_MORE);
    snprintf(out, 600, "%.*s", (int)challenge.len, (const char *)challenge.data);
    exchange_free(&e);
    char *salt = strstr(out, ",s=");
    assert_non_null(salt);
    assert_non_null(strstr(salt, ",i=4096"));
    return tg_span_str(salt);
}

/* Who is not there has a salt as stable, and as long, as who is. */
static void test_an_unknown_name_has_a_stable_salt(void **state)
{
    struct fixture *f = *state;
    char one[600], two[600];
    const char *const names[] = { "nobody0nobody", f->account.username, "J\xc3\xb6", "root" };
    for (size_t i = 0; i < 4; i++) {
        struct tg_span a = salt_of(f, names[i], one), b = salt_of(f, names[i], two);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.data, b.data, a.len);
        assert_int_equal(a.len, strlen(",s=AAAAAAAAAAAAAAAAAAAAAA==,i=4096"));
        struct tg_span other = salt_of(f, names[(i + 1) % 4], two);
        assert_memory_not_equal(a.data, other.data, 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        on_two_accounts(test_scram_lets_in_who_knows_the_password),
        on_two_accounts(test_scram_without_initial_response),
        on_two_accounts(test_scram_refuses_wrong_passwords_and_names),
        on_two_accounts(test_a_scram_message_tampered_with_is_refused),
        on_two_accounts(test_a_scram_message_replayed_is_refused),
        on_two_accounts(test_channel_binding_can_not_be_negotiated_away),
        on_two_accounts(test_scram_lets_nobody_act_for_another),
        on_two_accounts(test_an_unknown_name_has_a_stable_salt),
    };
    return run_exchanges(tests);
}
