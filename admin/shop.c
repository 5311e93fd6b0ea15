/* shop.c: see shop.h. */
#include "admin/shop.h"
#include "admin/terminal.h"

static void say(void *arg, const char *sentence)
{
    const struct terminal plain = { .out = stderr, .utf8 = true };
    (void)arg;
    fputs("tollgate: ", stderr);
    terminal_text(&plain, sentence, 0, 0);
    fputc('\n', stderr);
}

void shop_open(const struct context *context, struct shop *shop)
{
    shop->templates = tg_templates_read(context->settings->templates, say, NULL);
    shop->terms = tg_shop_of(context->settings, shop->templates);
}

struct run {
    tg_change_fn *fn;
    void *arg;
    struct tg_mail_range mails; /* that the change has queued */
};

static enum tg_code run_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct run *r = arg;
    struct tg_view *view = tg_change_view(change);
    enum tg_code code = tg_mail_next(view, &r->mails.first, err);
    if (code == TG_OK)
        code = r->fn(change, r->arg, err);
    return code == TG_OK ? tg_mail_next(view, &r->mails.end, err) : code;
}

enum tg_code shop_change(struct context *context, struct shop *shop, tg_change_fn *fn, void *arg, struct tg_error *err)
{
    struct tg_mail_result mails = { .sent = 0 };
    struct run r = { .fn = fn, .arg = arg };
    struct tg_error why;
    char sentence[500];
    enum tg_code code = tg_store_change(context->store, run_in, &r, err);
    if (code == TG_OK && tg_mail_send(context->store, context->settings, NULL, &r.mails, context->now, NULL, &mails, &why) != TG_OK)
        say(NULL, why.text);
    if (code == TG_OK && mails.failed > 0) {
        snprintf(sentence, sizeof sentence, "done, but a mail could not be sent and will be tried again: %s", mails.error);
        say(NULL, sentence);
    }
    tg_templates_free(&shop->templates);
    return code;
}
