/* fuzz_callbacks.c: the milter's own callbacks, in any order, with any macros and texts, over a small store. The input is a
 * list of calls on two connections. In libmilter's place stands what it gives to callbacks: macros, a private pointer,
 * replies and changes of the message.
 *
 * What must hold after each message: what is accepted is counted, to the recipient; it belongs to whom the macros or the
 * address name; a reply is one line with fitting codes; nothing is changed but at the end of a message; nothing is left. */
#include <arpa/inet.h>
#include <ftw.h>
#include <gmime/gmime.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>
#include "milter/callbacks.h"
#include "milter/metrics.h"
#include "milter/reported.h"
#include "milter/return_path.h"
#include "schema/account.h"
#include "schema/check.h"
#include "schema/customer.h"
#include "schema/domain.h"
#include "schema/log.h"
#include "schema/mailbox.h"
#include "schema/network.h"
#include "schema/token.h"
#include "schema/usage.h"
#include "tests/fuzz/fuzz.h"

enum { CONNECTIONS = 2, CALLS = 300, TEXT = 600, RECIPIENTS = 300, SETTINGS = 3, INPUTS_A_STORE = 2000 };
enum { RICH, POOR, DISABLED, ACCOUNTS };
enum { DAEMON_NAME, AUTH_AUTHEN, QUEUE_ID, MACROS };
static const char *const macro_names[MACROS] = { "{daemon_name}", "{auth_authen}", "i" };

/* ---- in libmilter's place ---- */

struct smfi_str {
    void *priv;
    char macro[MACROS][TEXT];
    bool has_macro[MACROS];
    unsigned long steps;
    bool at_end, changes_fail;
    bool replied;
    char code[8];
    unsigned traces, deleted, added; /* of the message that ends */
    /* what the harness remembers of the message under way */
    int settings;
    bool from_ip, mail_taken;
    char login[TEXT], sender[TEXT];
    char recipient[RECIPIENTS][TEXT];
    size_t recipients, reports;
};

static struct smfiDesc table;

int smfi_register(struct smfiDesc desc)
{
    table = desc;
    return MI_SUCCESS;
}

int smfi_setpriv(SMFICTX *ctx, void *priv)
{
    ctx->priv = priv;
    return MI_SUCCESS;
}

void *smfi_getpriv(SMFICTX *ctx)
{
    return ctx->priv;
}

char *smfi_getsymval(SMFICTX *ctx, char *name)
{
    for (int i = 0; i < MACROS; i++)
        if (strcmp(name, macro_names[i]) == 0)
            return ctx->has_macro[i] ? ctx->macro[i] : NULL;
    MUST(!"a macro that is asked for");
    return NULL;
}

int smfi_setsymlist(SMFICTX *ctx, int where, char *list)
{
    (void)ctx;
    MUST(where >= SMFIM_FIRST && where <= SMFIM_LAST && *list != '\0');
    return MI_SUCCESS;
}

static void one_line(const char *text)
{
    for (; *text != '\0'; text++)
        MUST(*text >= ' ' && *text < 0x7f && *text != '%');
}

int smfi_setreply(SMFICTX *ctx, char *code, char *enhanced, char *text)
{
    MUST(strlen(code) == 3 && (code[0] == '4' || code[0] == '5'));
    MUST(enhanced[0] == code[0] && enhanced[1] == '.' && strlen(enhanced) >= 5 && strlen(enhanced) <= 7);
    MUST(strlen(text) > 10 && strlen(text) < 480);
    one_line(text);
    ctx->replied = true;
    snprintf(ctx->code, sizeof ctx->code, "%s", code);
    return MI_SUCCESS;
}

/* A change of the message: at its end only, and nothing in it that ends a line. */
static int change(SMFICTX *ctx, const char *text)
{
    MUST(ctx->at_end);
    MUST(text == NULL || strpbrk(text, "\r\n") == NULL);
    return ctx->changes_fail ? MI_FAILURE : MI_SUCCESS;
}

int smfi_chgfrom(SMFICTX *ctx, char *mail, char *args)
{
    MUST(args == NULL && mail[0] == '<' && mail[strlen(mail) - 1] == '>');
    return change(ctx, mail);
}

int smfi_addheader(SMFICTX *ctx, char *name, char *value)
{
    MUST(strcmp(name, "X-Tollgate-Trace") == 0);
    ctx->traces++;
    return change(ctx, value);
}

int smfi_chgheader(SMFICTX *ctx, char *name, int index, char *value)
{
    MUST(strcmp(name, "X-Tollgate-Trace") == 0 && index >= 1 && value == NULL);
    return change(ctx, NULL);
}

int smfi_addrcpt(SMFICTX *ctx, char *recipient)
{
    ctx->added++;
    return change(ctx, recipient);
}

int smfi_delrcpt(SMFICTX *ctx, char *recipient)
{
    ctx->deleted++;
    return change(ctx, recipient);
}

/* ---- the store, and what is known of it ---- */

static struct {
    char dir[64];
    struct filter filter;
    struct { uint64_t id; char name[TG_USERNAME_MAX]; } account[ACCOUNTS];
    char token[TG_TOKEN_SIZE + 20];
    int settings;
    unsigned inputs;
} w;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static enum tg_code fill(struct tg_change *change, void *arg, struct tg_error *err)
{
    static const char *const domains[ACCOUNTS] = { "good.example", "poor.example", "third.example" };
    const struct tg_network_limits limits = { 24, 48 };
    const int64_t now = time(NULL);
    struct tg_network network;
    (void)arg;
    for (int i = 0; i < ACCOUNTS; i++) {
        Tg__Customer customer = TG__CUSTOMER__INIT;
        Tg__Account wish = TG__ACCOUNT__INIT, *account;
        Tg__Domain *domain;
        struct tg_secret password;
        customer.name = "Example Ltd";
        customer.email = "office@example.com";
        customer.terms_version = "1";
        MUST(tg_customer_add(change, &customer, now, err) == TG_OK);
        wish.customer_id = customer.id;
        wish.description = "fuzz";
        wish.notify = i == RICH ? "reports@customer.example" : "";
        MUST(tg_account_add(change, &wish, now, &account, &password, err) == TG_OK);
        w.account[i].id = account->id;
        snprintf(w.account[i].name, sizeof w.account[i].name, "%s", account->username);
        MUST(tg_domain_add(change, domains[i], customer.id, now, &domain, err) == TG_OK);
        MUST(tg_domain_set_status(change, domains[i], TG__DOMAIN_STATUS__VERIFIED, "", now, err) == TG_OK);
        MUST(tg_domain_associate(change, domains[i], account->username, i == RICH, now, err) == TG_OK);
    }
    MUST(tg_network_parse("192.0.2.7", false, &network, err) == TG_OK);
    MUST(tg_network_add(change, &network, w.account[RICH].name, "", &limits, now, err) == TG_OK);
    MUST(tg_account_credit(change, w.account[RICH].name, 1000000000, "fuzz", now, err) == TG_OK);
    return tg_account_disable(change, w.account[DISABLED].name, "fuzz", now, err);
}

static struct tg_settings *settings_of(int which)
{
    static const char *const texts[SETTINGS] = {
        "count = \"recipients\"\nmax_recipients = 20\n",
        "count = \"messages\"\nreturn_path_domain = \"rp.example\"\nunsubscribe = \"require\"\nmax_per_hour = 1000000\n",
        "return_path_domain = \"rp.example\"\nunknown_clients = \"ignore\"\nunknown_logins = \"ignore\"\n"
        "trusted_networks = {\"192.0.2.9\"}\ncheck_sender_header = false\n",
    };
    struct tg_settings *settings;
    struct tg_error err;
    char path[100];
    snprintf(path, sizeof path, "%s/conf", w.dir);
    FILE *file = fopen(path, "w");
    MUST(file != NULL && fputs(texts[which], file) >= 0 && fclose(file) == 0);
    MUST(tg_settings_read(path, &settings, &err) == TG_OK);
    return settings;
}

static void make_token(void)
{
    struct tg_seal_keys keys;
    struct tg_token token = { w.account[RICH].id, time(NULL), 1 };
    struct tg_view *view;
    struct tg_error err;
    char text[TG_TOKEN_SIZE];
    MUST(tg_view_begin(w.filter.store, &view, &err) == TG_OK && tg_seal_keys_get(view, &keys, &err) == TG_OK);
    tg_view_end(&view);
    tg_token_make(&keys, TG_TOKEN_RETURN_PATH, &token, text);
    snprintf(w.token, sizeof w.token, "<%s@rp.example>", text);
}

static void open_store(void)
{
    const struct tg_store_options options = { .no_sync = true };
    struct tg_error err;
    strcpy(w.dir, "/tmp/tollgate-fuzz-XXXXXX");
    MUST(mkdtemp(w.dir) != NULL);
    MUST(tg_store_create(w.dir, NULL, false, time(NULL), &err) == TG_OK);
    MUST(tg_store_open(w.dir, &options, &w.filter.store, &err) == TG_OK);
    MUST(tg_store_change(w.filter.store, fill, NULL, &err) == TG_OK);
    w.filter.committer = tg_committer_new(w.filter.store);
    make_token();
}

static void found(void *arg, const char *problem)
{
    (void)arg;
    fprintf(stderr, "store check: %s\n", problem);
    abort();
}

static void close_store(void)
{
    struct tg_store_stat stat;
    struct tg_error err;
    tg_committer_free(&w.filter.committer);
    MUST(tg_store_check(w.filter.store, time(NULL), found, NULL, NULL, NULL, &stat, &err) == TG_OK);
    tg_store_close(&w.filter.store);
    nftw(w.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void begin_world(void)
{
    struct tg_error err;
    g_mime_init();
    MUST(tg_crypto_init(&err) == TG_OK && tg_log_open("fuzz", "/dev/null", "debug", &err) == TG_OK);
    open_store();
    w.filter.metrics = metrics_new();
    w.filter.reported = reported_new();
    filter_begin(&w.filter, settings_of(0));
    MUST(callbacks_register(&w.filter, &err) == TG_OK);
    atexit(close_store);
}

static void used_now(uint64_t used[ACCOUNTS])
{
    struct tg_view *view;
    struct tg_error err;
    MUST(tg_view_begin(w.filter.store, &view, &err) == TG_OK);
    for (int i = 0; i < ACCOUNTS; i++) {
        struct tg_usage usage;
        MUST(tg_usage_get(view, w.account[i].id, &usage, &err) == TG_OK);
        used[i] = usage.total;
    }
    tg_view_end(&view);
}

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
    answered(ctx, table.xxfi_connect(ctx, (char *)"client.example", address_of), SMFIP_NR_CONN);
}

static void call_mail(struct input *in, SMFICTX *ctx)
{
    char text[TEXT];
    char *argv[] = { address(in, text), NULL };
    forget_message(ctx);
    sfsistat status = table.xxfi_envfrom(ctx, argv);
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
    sfsistat status = table.xxfi_envrcpt(ctx, argv);
    answered(ctx, status, 0);
    MUST(status != SMFIS_CONTINUE || ctx->mail_taken);
    if (status == SMFIS_CONTINUE)
        add_recipient(ctx, text, argv[1]);
}

static void call_header(struct input *in, SMFICTX *ctx)
{
    char name[TEXT], value[TEXT];
    header_field(in, name, value);
    answered(ctx, table.xxfi_header(ctx, name, value), SMFIP_NR_HDR);
}

static void call_body(struct input *in, SMFICTX *ctx)
{
    size_t len = octet(in);
    len = len < (size_t)(in->end - in->at) ? len : (size_t)(in->end - in->at);
    uint8_t *copy = tg_xmalloc(len > 0 ? len : 1);
    memcpy(copy, in->at, len);
    in->at += len;
    sfsistat status = table.xxfi_body(ctx, copy, len);
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
    used_now(before);
    ctx->at_end = true;
    sfsistat status = table.xxfi_eom(ctx);
    ctx->at_end = false;
    used_now(after);
    counted(ctx, status, before, after);
    answered(ctx, status, 0);
    forget_message(ctx);
}

static void call_negotiate(struct input *in, SMFICTX *ctx)
{
    unsigned long actions = octet(in) % 4 == 0 ? octet(in) : 0x1ff, steps = octet(in) % 2 ? 0x1fffff : octet(in) * 0x1001ul;
    unsigned long mine, my_steps, f2, f3;
    sfsistat status = table.xxfi_negotiate(ctx, actions, steps, 0, 0, &mine, &my_steps, &f2, &f3);
    MUST(status == SMFIS_CONTINUE || status == SMFIS_REJECT);
    if (status != SMFIS_CONTINUE)
        return;
    MUST((mine & ~actions) == 0 && (my_steps & ~steps) == 0);
    ctx->steps = my_steps;
}

static void call_close(SMFICTX *ctx)
{
    answered(ctx, table.xxfi_close(ctx), 0);
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
    case 9: answered(ctx, table.xxfi_eoh(ctx), 0); break;
    case 10: call_body(in, ctx); break;
    case 11: case 12: call_end(ctx); break;
    case 13: answered(ctx, table.xxfi_abort(ctx), 0); forget_message(ctx); break;
    case 14: call_close(ctx); break;
    default:
        ctx->changes_fail = what >= 0xf0;
        w.settings = what / 16 % SETTINGS;
        filter_settings_replace(&w.filter, settings_of(w.settings));
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct smfi_str connection[CONNECTIONS];
    struct input in = { data, data + size };
    if (w.inputs++ == 0) {
        begin_world();
    } else if (w.inputs % INPUTS_A_STORE == 0) {
        close_store();
        open_store();
    }
    for (int i = 0; i < CALLS && in.at < in.end; i++) {
        SMFICTX *ctx = &connection[octet(&in) % 8 == 0];
        call(&in, ctx);
    }
    for (int i = 0; i < CONNECTIONS; i++)
        call_close(&connection[i]);
    MUST(atomic_load(&w.filter.drain.messages) == 0 && atomic_load(&w.filter.drain.callbacks) == 0);
    if (w.settings != 0)
        filter_settings_replace(&w.filter, settings_of(w.settings = 0));
    return 0;
}
