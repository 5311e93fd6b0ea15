/* shop.c: see shop.h. */
#include <pthread.h>
#include <signal.h>
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

/* ---- Ctrl-C ---- */

/* Whoever breaks off means the mailer that hangs: what is done is done, and its result, which may hold a password that is
 * shown this once, is still to be told. */
struct interrupt {
    sigset_t watched, before;
    pthread_t thread;
    bool begun, watching;
    atomic_bool stop;
};

static void *wait_for_signal(void *arg)
{
    struct interrupt *i = arg;
    int number;
    if (sigwait(&i->watched, &number) == 0)
        i->stop = true;
    return NULL;
}

static void interrupt_begin(struct interrupt *i)
{
    if (i->begun)
        return;
    sigemptyset(&i->watched);
    sigaddset(&i->watched, SIGINT);
    sigaddset(&i->watched, SIGTERM);
    sigaddset(&i->watched, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &i->watched, &i->before);
    i->begun = true;
    i->watching = pthread_create(&i->thread, NULL, wait_for_signal, i) == 0;
}

static void interrupt_end(struct interrupt *i)
{
    if (i->watching) {
        pthread_cancel(i->thread);
        pthread_join(i->thread, NULL);
    }
    if (i->begun)
        pthread_sigmask(SIG_SETMASK, &i->before, NULL);
}

/* ---- a change and its mails ---- */

struct run {
    tg_change_fn *fn;
    void *arg;
    struct tg_mail_range mails; /* that the change has queued */
    struct interrupt interrupt;
};

/* Until the commit Ctrl-C means the change. */
static enum tg_code run_in(struct tg_change *change, void *arg, struct tg_error *err)
{
    struct run *r = arg;
    struct tg_view *view = tg_change_view(change);
    enum tg_code code = tg_mail_next(view, &r->mails.first, err);
    if (code == TG_OK)
        code = r->fn(change, r->arg, err);
    if (code == TG_OK)
        code = tg_mail_next(view, &r->mails.end, err);
    if (code == TG_OK)
        interrupt_begin(&r->interrupt);
    return code;
}

enum tg_code shop_change(struct context *context, struct shop *shop, tg_change_fn *fn, void *arg, struct tg_error *err)
{
    struct tg_mail_result mails = { .sent = 0 };
    struct run r = { .fn = fn, .arg = arg };
    struct tg_error why;
    char sentence[500];
    enum tg_code code = tg_store_change(context->store, run_in, &r, err);
    if (code == TG_OK && tg_mail_send(context->store, context->settings, NULL, &r.mails, context->now, &r.interrupt.stop, &mails,
                                      &why) != TG_OK)
        say(NULL, why.text);
    interrupt_end(&r.interrupt);
    if (code == TG_OK && mails.failed > 0) {
        snprintf(sentence, sizeof sentence, "done, but a mail could not be sent and will be tried again: %s", mails.error);
        say(NULL, sentence);
    }
    tg_templates_free(&shop->templates);
    return code;
}
