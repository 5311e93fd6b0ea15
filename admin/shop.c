/* shop.c: see shop.h. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "admin/heed.h"
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
    int signals, ended; /* a signalfd, and an eventfd: it is over */
    bool begun, watching;
    atomic_bool stop;
};

static void *wait_for_signal(void *arg)
{
    struct interrupt *i = arg;
    struct pollfd fds[] = { { .fd = i->ended, .events = POLLIN }, { .fd = i->signals, .events = POLLIN } };
    struct signalfd_siginfo info;
    while (poll(fds, 2, -1) < 0 && errno == EINTR)
        ;
    if (fds[1].revents != 0 && read(i->signals, &info, sizeof info) == sizeof info)
        i->stop = true;
    return NULL;
}

static void interrupt_begin(struct interrupt *i)
{
    static const int watched[] = { SIGINT, SIGTERM, SIGHUP };
    if (i->begun)
        return;
    heed(watched, sizeof watched / sizeof *watched, &i->watched);
    pthread_sigmask(SIG_BLOCK, &i->watched, &i->before);
    i->begun = true;
    i->signals = signalfd(-1, &i->watched, SFD_CLOEXEC);
    i->ended = eventfd(0, EFD_CLOEXEC);
    i->watching = i->signals >= 0 && i->ended >= 0 && pthread_create(&i->thread, NULL, wait_for_signal, i) == 0;
}

/* A second Ctrl-C, of somebody who is in a hurry, means the mailer, too. */
static void forget_signals(const sigset_t *watched)
{
    const struct timespec at_once = { 0 };
    while (sigtimedwait(watched, NULL, &at_once) > 0 || errno == EINTR)
        ;
}

static void interrupt_end(struct interrupt *i)
{
    if (!i->begun)
        return;
    if (i->watching) {
        eventfd_write(i->ended, 1);
        pthread_join(i->thread, NULL);
    }
    if (i->signals >= 0)
        close(i->signals);
    if (i->ended >= 0)
        close(i->ended);
    forget_signals(&i->watched);
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
