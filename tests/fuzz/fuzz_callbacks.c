/* fuzz_callbacks.c: the milter's own callbacks, in any order, with any macros and texts, over a small store
 * (callbacks_world.h). The input is a list of calls on two connections. In libmilter's place stands what it gives to
 * callbacks: macros, a private pointer, replies and changes of the message (callbacks_mta.h).
 *
 * What must hold after each message: what is accepted is counted, to the recipient; it belongs to whom the macros or the
 * address name; a reply is one line with fitting codes; nothing is changed but at the end of a message; nothing is left. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include "schema/mailbox.h"
#include "tests/fuzz/callbacks_mta.h"
#include "tests/fuzz/callbacks_world.h"

enum { CONNECTIONS = 2, CALLS = 300, INPUTS_A_STORE = 2000 };

/* ---- the input ---- */

struct input {
    const uint8_t *at, *end;
};

static uint8_t octet(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

/* One of the words, or what stands in the input. No callback ever sees a NUL in a text, or more than a packet's line. */
static char *text_of(struct input *in, const char *const *words, size_t count, char out[TEXT])
{
    uint8_t first = octet(in);
    if (first < 0xd0) {
        snprintf(out, TEXT, "%s", words[first % count]);
        return out;
    }
    size_t len = octet(in) * (first & 1 ? 2 : 1), n = 0;
    while (n < len && n < TEXT - 1 && in->at < in->end && *in->at != '\0')
        out[n++] = (char)octet(in);
    out[n] = '\0';
    return out;
}

#define WORDS(list) list, sizeof list / sizeof *list

static char *address(struct input *in, char out[TEXT])
{
    const char *words[] = { "<a@good.example>", "<b@poor.example>", "<c@third.example>", "<x@sub.good.example>", "<>", w.token,
                            "<bob@dest.example>", "<Bob@dest.example>", "bob@dest.example", "<eve@dest.example>", "<x@rp.example>",
                            "<\"a b\"@dest.example>", "<a@[192.0.2.1]>", "<@r.example:a@good.example>", "", "<a@GOOD.example>" };
    return text_of(in, WORDS(words), out);
}

static void callback_macros(struct input *in, SMFICTX *ctx)
{
    const char *words[] = { w.account[RICH].name, w.account[POOR].name, w.account[DISABLED].name, "nobody000000", "", "4Q9xyz",
                            "returnpath", "smtpd" };
    int which = octet(in) % MACROS;
    ctx->has_macro[which] = octet(in) % 4 != 0;
    text_of(in, WORDS(words), ctx->macro[which]);
}

static void header_field(struct input *in, char name[TEXT], char value[TEXT])
{
    static const char *const names[] = { "From", "Sender", "List-Unsubscribe", "X-Tollgate-Trace", "Subject", "Content-Type", "from" };
    static const char *const values[] = { " a@good.example", " A <a@good.example>, b@sub.good.example", " b@poor.example",
                                          " <https://x.example/u>", " x", " multipart/report; boundary=b", " a@good.example\n\tx",
                                          " G: a@good.example;" };
    text_of(in, WORDS(names), name);
    text_of(in, WORDS(values), value);
}

/* ---- one call, and what must hold ---- */

static bool has(const char *text, const char *end)
{
    size_t len = strlen(text), n = strlen(end);
    return len >= n && strcasecmp(text + len - n, end) == 0;
}

static void answered(SMFICTX *ctx, sfsistat status, unsigned long no_reply)
{
    MUST(status == SMFIS_CONTINUE || status == SMFIS_REJECT || status == SMFIS_TEMPFAIL || status == SMFIS_DISCARD ||
         status == SMFIS_NOREPLY || status == SMFIS_SKIP);
    MUST(status != SMFIS_NOREPLY || (ctx->steps & no_reply) != 0);
    MUST(!ctx->replied || status == (ctx->code[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT));
    ctx->replied = false;
}

static void forget_message(SMFICTX *ctx)
{
    ctx->mail_taken = false;
    ctx->recipients = ctx->reports = 0;
}

static void call_connect(struct input *in, SMFICTX *ctx)
{
    struct sockaddr_in four = { .sin_family = AF_INET };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
    uint8_t which = octet(in) % 8;
    four.sin_addr.s_addr = htonl(0xc0000200u + (which < 4 ? 7 : which + 3u)); /* 192.0.2.7 … 10 */
    ctx->from_ip = which < 4;
    _SOCK_ADDR *address_of = which == 4 ? NULL : which == 5 ? (_SOCK_ADDR *)&six : (_SOCK_ADDR *)&four;
    answered(ctx, mta_callbacks.xxfi_connect(ctx, (char *)"client.example", address_of), SMFIP_NR_CONN);
}

static void call_mail(struct input *in, SMFICTX *ctx)
{
    char text[TEXT];
    char *argv[] = { address(in, text), NULL };
    forget_message(ctx);
    sfsistat status = mta_callbacks.xxfi_envfrom(ctx, argv);
    answered(ctx, status, 0);
    ctx->mail_taken = status == SMFIS_CONTINUE;
    ctx->settings = w.settings;
    snprintf(ctx->sender, sizeof ctx->sender, "%s", text);
    snprintf(ctx->login, sizeof ctx->login, "%s", ctx->has_macro[AUTH_AUTHEN] ? ctx->macro[AUTH_AUTHEN] : "");
}

/* The same mailbox with other parameters is delivered again. */
static void add_recipient(SMFICTX *ctx, const char *text, const char *parameter)
{
    struct tg_arena *arena = tg_arena_new();
    const char *canonical = tg_mailbox_canonical(arena, tg_span_str(text));
    bool report = ctx->settings > 0 && (has(canonical, "@rp.example") || has(canonical, "@rp.example.")), there = false;
    if (parameter != NULL)
        canonical = tg_arena_printf(arena, "%s %s", canonical, parameter);
    for (size_t i = 0; i < ctx->recipients; i++)
        there = there || strcmp(ctx->recipient[i], canonical) == 0;
    if (!there && ctx->recipients < RECIPIENTS) {
        snprintf(ctx->recipient[ctx->recipients++], TEXT, "%s", canonical);
        ctx->reports += report;
    }
    tg_arena_free(&arena);
}

static void call_rcpt(struct input *in, SMFICTX *ctx, uint8_t what)
{
    static char *const parameters[] = { NULL, "NOTIFY=NEVER", "ORCPT=rfc822;x@dest.example", "" };
    char text[TEXT];
    char *argv[] = { address(in, text), parameters[what / 16 % 4], NULL };
    sfsistat status = mta_callbacks.xxfi_envrcpt(ctx, argv);
    answered(ctx, status, 0);
    MUST(status != SMFIS_CONTINUE || ctx->mail_taken);
    if (status == SMFIS_CONTINUE)
        add_recipient(ctx, text, argv[1]);
}

static void call_header(struct input *in, SMFICTX *ctx)
{
    char name[TEXT], value[TEXT];
    header_field(in, name, value);
    answered(ctx, mta_callbacks.xxfi_header(ctx, name, value), SMFIP_NR_HDR);
}

static void call_body(struct input *in, SMFICTX *ctx)
{
    size_t len = octet(in);
    len = len < (size_t)(in->end - in->at) ? len : (size_t)(in->end - in->at);
    uint8_t *copy = tg_xmalloc(len > 0 ? len : 1);
    memcpy(copy, in->at, len);
    in->at += len;
    sfsistat status = mta_callbacks.xxfi_body(ctx, copy, len);
    free(copy);
    answered(ctx, status, 0);
    MUST(status != SMFIS_SKIP || (ctx->steps & SMFIP_SKIP) != 0);
}

/* What was charged belongs to whom it should, and is neither more nor less than was accepted. */
static void counted(SMFICTX *ctx, sfsistat status, const uint64_t before[ACCOUNTS], const uint64_t after[ACCOUNTS])
{
    const size_t ordinary = ctx->recipients - ctx->reports;
    const uint64_t units = ctx->settings == 1 ? 1 : ordinary;
    uint64_t charged = 0;
    for (int i = 0; i < ACCOUNTS; i++) {
        uint64_t more = after[i] - before[i];
        charged += more;
        if (more == 0)
            continue;
        MUST(i != DISABLED);
        MUST(*ctx->login != '\0' ? strcmp(ctx->login, w.account[i].name) == 0 : i == RICH && ctx->from_ip);
        struct tg_arena *arena = tg_arena_new();
        const char *sender = tg_mailbox_canonical(arena, tg_span_str(ctx->sender));
        MUST(*sender == '\0' || strcmp(sender, "<>") == 0 || has(sender, i == RICH ? "good.example" : "@poor.example") ||
             has(sender, i == RICH ? "good.example." : "@poor.example."));
        tg_arena_free(&arena);
    }
    MUST(charged == 0 || charged == units);
    if (status == SMFIS_CONTINUE) {
        bool report = ctx->reports > 0 && ordinary == 0;
        MUST(ctx->mail_taken && ctx->recipients > 0);
        MUST(ctx->traces == 0 ? charged == 0 : charged == units);
        /* Nothing goes out that is neither charged nor a report, but where unknown clients are let through. */
        MUST(ctx->traces > 0 || (report && ctx->deleted == ctx->reports) || ctx->settings == 2);
    } else if (!ctx->changes_fail) {
        MUST(charged == 0);
    }
}

static void call_end(SMFICTX *ctx)
{
    uint64_t before[ACCOUNTS], after[ACCOUNTS];
    ctx->traces = ctx->deleted = ctx->added = 0;
    world_used(before);
    ctx->at_end = true;
    sfsistat status = mta_callbacks.xxfi_eom(ctx);
    ctx->at_end = false;
    world_used(after);
    counted(ctx, status, before, after);
    answered(ctx, status, 0);
    forget_message(ctx);
}

static void call_negotiate(struct input *in, SMFICTX *ctx)
{
    unsigned long actions = octet(in) % 4 == 0 ? octet(in) : 0x1ff, steps = octet(in) % 2 ? 0x1fffff : octet(in) * 0x1001ul;
    unsigned long mine, my_steps, f2, f3;
    sfsistat status = mta_callbacks.xxfi_negotiate(ctx, actions, steps, 0, 0, &mine, &my_steps, &f2, &f3);
    MUST(status == SMFIS_CONTINUE || status == SMFIS_REJECT);
    if (status != SMFIS_CONTINUE)
        return;
    MUST((mine & ~actions) == 0 && (my_steps & ~steps) == 0);
    ctx->steps = my_steps;
}

static void call_close(SMFICTX *ctx)
{
    answered(ctx, mta_callbacks.xxfi_close(ctx), 0);
    MUST(ctx->priv == NULL);
    memset(ctx, 0, sizeof *ctx);
}

static void call(struct input *in, SMFICTX *ctx)
{
    uint8_t what = octet(in);
    switch (what % 16) {
    case 0: call_negotiate(in, ctx); break;
    case 1: call_connect(in, ctx); break;
    case 2: callback_macros(in, ctx); break;
    case 3: case 4: call_mail(in, ctx); break;
    case 5: case 6: call_rcpt(in, ctx, what); break;
    case 7: case 8: call_header(in, ctx); break;
    case 9: answered(ctx, mta_callbacks.xxfi_eoh(ctx), 0); break;
    case 10: call_body(in, ctx); break;
    case 11: case 12: call_end(ctx); break;
    case 13: answered(ctx, mta_callbacks.xxfi_abort(ctx), 0); forget_message(ctx); break;
    case 14: call_close(ctx); break;
    default:
        ctx->changes_fail = what >= 0xf0;
        world_settings(what / 16 % SETTINGS);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct smfi_str connection[CONNECTIONS];
    static unsigned inputs;
    struct input in = { data, data + size };
    if (inputs++ == 0)
        world_begin();
    else if (inputs % INPUTS_A_STORE == 0)
        world_renew();
    for (int i = 0; i < CALLS && in.at < in.end; i++) {
        SMFICTX *ctx = &connection[octet(&in) % 8 == 0];
        call(&in, ctx);
    }
    for (int i = 0; i < CONNECTIONS; i++)
        call_close(&connection[i]);
    MUST(atomic_load(&w.filter.drain.messages) == 0 && atomic_load(&w.filter.drain.callbacks) == 0);
    if (w.settings != 0)
        world_settings(0);
    return 0;
}
