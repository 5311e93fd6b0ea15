/* cmd_explain.c: tollgate explain: the very decision that the filter would make, rule by rule. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <gmime/gmime.h>
#include "admin/commands.h"
#include "admin/json.h"
#include "admin/terminal.h"
#include "schema/header.h"
#include "schema/network.h"

enum { MESSAGE_MAX = 4 << 20 };

struct question {
    struct tg_message message;
    struct tg_network client;
    struct tg_header_reader reader;
    struct tg_header header;
    char *reverse_path;
    bool has_header;
};

/* At most MESSAGE_MAX octets are looked at. */
static enum tg_code read_header(struct tg_header_reader *reader, FILE *in, const char *path, struct tg_error *err)
{
    char *text = tg_xmalloc(MESSAGE_MAX);
    size_t len = fread(text, 1, MESSAGE_MAX, in);
    enum tg_code code = ferror(in) != 0 ? tg_fail(err, TG_FAILED, "can't read %s: %s", path, strerror(errno)) : TG_OK;
    if (code == TG_OK)
        tg_header_message(reader, tg_span_of(text, len));
    free(text);
    return code;
}

/* The header of a file ("-": standard input). */
static enum tg_code read_file(struct tg_header_reader *reader, const char *path, struct tg_error *err)
{
    if (strcmp(path, "-") == 0)
        return read_header(reader, stdin, path, err);
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return tg_fail(err, TG_FAILED, "can't read %s: %s", path, strerror(errno));
    enum tg_code code = read_header(reader, in, path, err);
    fclose(in);
    return code;
}

static enum tg_code ask(struct context *c, const struct input *in, struct question *q, struct tg_error *err)
{
    const char *login = input_text(in, "login"), *ip = input_text(in, "ip"), *from = input_text(in, "from");
    const char *text = input_text(in, "header-from"), *file = input_text(in, "message");
    const struct value *rcpt = input_value(in, "rcpt");
    enum tg_code code = TG_OK;
    if (login == NULL && ip == NULL)
        return tg_fail(err, TG_USAGE, "who sends? name a login (--login USER) or an address (--ip ADDR), or both");
    if (text != NULL && file != NULL)
        return tg_fail(err, TG_USAGE, "--header-from and --message exclude each other");
    if (ip != NULL && (code = tg_network_parse(ip, false, &q->client, err)) != TG_OK)
        return code;
    if (text != NULL)
        tg_header_field(&q->reader, tg_span_str("From"), tg_span_str(text));
    if (file != NULL && (code = read_file(&q->reader, file, err)) != TG_OK)
        return code;
    q->has_header = text != NULL || file != NULL;
    q->reverse_path = tg_xmalloc(strlen(from) + 3);
    sprintf(q->reverse_path, *from == '<' ? "%s" : "<%s>", from);
    q->message = (struct tg_message){
        .client = ip != NULL ? &q->client : NULL,
        .login = login,
        .reverse_path = tg_span_str(q->reverse_path),
        .recipient = tg_span_str("<recipient@example.org>"),
        .recipients = rcpt->given ? (uint64_t)rcpt->number : 1,
        .has_ordinary = rcpt->given && rcpt->number > 1,
        .header = q->has_header ? &q->header : NULL,
    };
    (void)c;
    return TG_OK;
}

static json_t *answer(const struct tg_verdict *v, const Tg__Account *account, const struct tg_rule_trace *trace, size_t count)
{
    static const char *const verdicts[] = { "accept", "reject", "defer" }, *const outcomes[] = { "pass", "refuse", "skip" };
    char reply[32];
    json_t *rules = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(rules, json_pack("{s:s, s:s, s:o}", "rule", trace[i].rule, "outcome", outcomes[trace[i].outcome],
                                               "text", json_text(trace[i].text)));
    snprintf(reply, sizeof reply, "%s %s", v->code, v->enhanced);
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "verdict", verdicts[v->kind], "account",
                     account != NULL ? json_text(account->username) : json_null(), "rule", json_text_or_null(v->rule), "reply",
                     v->kind == TG_ACCEPT ? json_null() : json_string(reply), "text",
                     json_text(v->kind != TG_ACCEPT ? v->text
                               : v->untouched      ? "passes untouched: no rule looks at it"
                                                   : v->warning),
                     "rules", rules);
}

static enum tg_code explain(struct context *c, const struct input *in, json_t **result, struct tg_error *err)
{
    struct question q = { 0 };
    struct tg_view *view;
    struct tg_facts facts;
    struct tg_verdict verdict;
    struct tg_rule_trace trace[TG_RULES_MAX];
    g_mime_init();
    enum tg_code code = ask(c, in, &q, err);
    if (code == TG_OK)
        code = tg_view_begin(c->store, &view, err);
    if (code == TG_OK) {
        if (q.has_header)
            tg_header_end(&q.reader, c->settings->check_sender_header, tg_view_arena(view), &q.header);
        tg_facts_gather(view, c->settings, &q.message, c->now, &facts);
        unsigned stages = TG_AT_MAIL | TG_AT_RCPT | TG_AT_END | (q.has_header ? TG_AT_HEADERS : 0u);
        size_t count = tg_explain(&facts, stages, &verdict, trace);
        *result = answer(&verdict, facts.account, trace, count);
        tg_view_end(&view);
    }
    tg_header_reset(&q.reader);
    free(q.reverse_path);
    return code;
}

/* The sentences are the answer: they are wrapped, not cut. */
static void render(const struct terminal *t, const json_t *result)
{
    enum { INDENT = 15 };
    const json_t *rules = json_object_get(result, "rules"), *rule;
    const char *verdict = json_text_of(result, "verdict");
    size_t i;
    if (json_is_string(json_object_get(result, "account"))) /* whom an address is authorised for is not in the question */
        fprintf(t->out, "as the account %s\n\n", json_text_of(result, "account"));
    json_array_foreach(rules, i, rule) {
        const char *outcome = json_text_of(rule, "outcome");
        bool pass = strcmp(outcome, "pass") == 0, skip = strcmp(outcome, "skip") == 0;
        const char *mark = t->utf8 ? (pass ? "✓" : skip ? "–" : "✗") : (pass ? "+" : skip ? "-" : "x");
        fprintf(t->out, "%s%s%s ", terminal_colour(t, pass ? GREEN : skip ? DIM : RED), mark, terminal_plain(t));
        const char *text = json_text_of(rule, "text");
        terminal_text(t, json_text_of(rule, "rule"), 0, *text != '\0' ? INDENT - 2 : 0);
        terminal_paragraph(t, text, INDENT);
    }
    bool accept = strcmp(verdict, "accept") == 0;
    fprintf(t->out, "\n%s%s%s", terminal_colour(t, accept ? GREEN : RED), verdict, terminal_plain(t));
    if (!accept)
        fprintf(t->out, ", by the rule %s: %s", json_text_of(result, "rule"), json_text_of(result, "reply"));
    if (*json_text_of(result, "text") != '\0')
        fputs(accept ? ": " : " ", t->out);
    terminal_text(t, json_text_of(result, "text"), 0, 0);
    fputc('\n', t->out);
}

const struct command cmd_explain = {
    .noun = "explain",
    .summary = "What would the filter say to this message? Every rule, and the one that decides.",
    .options = (const struct opt[]){
        { .name = "login", .type = OPT_TEXT, .value = "USER", .help = "the client authenticated as this" },
        { .name = "ip", .type = OPT_TEXT, .value = "ADDR", .help = "the client's address" },
        { .name = "from", .type = OPT_TEXT, .value = "ADDR", .help = "MAIL FROM; \"\": the null sender", .required = true },
        { .name = "header-from", .type = OPT_TEXT, .value = "TEXT", .help = "the From field" },
        { .name = "message", .type = OPT_TEXT, .value = "FILE", .help = "a whole message, of which the header is read; -: standard input" },
        { .name = "rcpt", .type = OPT_NUMBER, .value = "N", .help = "number of recipients (1)", .min = 1, .max = 1000000 },
        { 0 } },
    .example = "tollgate explain --login k3v9x0a2m7qd --from shop@example.com --header-from 'Shop <shop@example.com>'",
    .render = render,
    .run = explain,
};
