/* dialogue_input.c: see dialogue_input.h. */
#include <errno.h>
#include <limits.h>
#include <histedit.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>
#include "admin/dialogue_input.h"
#include "schema/error.h"

enum { ESCAPE_MS = 50, LINE_MAX_OCTETS = 4000 };

struct asker {
    struct terminal terminal;
    EditLine *edit;
    const char *label;     /* of the line that is asked for */
    char prompt[200];
    sigset_t before;
    int signals;           /* a signalfd */
    bool keys;             /* dialogue_key reads, not libedit's editor */
    bool foreign;          /* something was typed that the locale has no character for */
    bool resized, gone;
};

bool dialogue_possible(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* ---- octets and signals ---- */

/* As if nobody had looked: the shell gets its terminal back, and we ours when it continues us. */
static void stop_a_while(struct asker *a)
{
    sigset_t stop;
    el_set(a->edit, EL_PREP_TERM, 0);
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    raise(SIGTSTP);
    sigprocmask(SIG_UNBLOCK, &stop, NULL);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    el_set(a->edit, EL_PREP_TERM, 1);
    a->resized = true;
}

static void take_signal(struct asker *a)
{
    struct signalfd_siginfo info;
    if (read(a->signals, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGWINCH)
        a->resized = true;
    else if (info.ssi_signo == SIGTSTP)
        stop_a_while(a);
    else
        a->gone = true;
}

/* false: gone, or (keys) the window has another size. */
static bool octet(struct asker *a, unsigned char *c)
{
    while (!a->gone) {
        struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = a->signals, .events = POLLIN } };
        if (a->resized) {
            el_resize(a->edit);
            if (a->keys)
                return false;
            a->resized = false;
            el_set(a->edit, EL_REFRESH);
        }
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            a->gone = true;
        else if (fds[1].revents != 0)
            take_signal(a);
        else if (fds[0].revents != 0 && read(STDIN_FILENO, c, 1) == 1)
            return true;
        else if (fds[0].revents != 0)
            a->gone = true;
    }
    return false;
}

/* What is no character of the locale is left out, and dialogue_line says so. */
static int character(EditLine *edit, wchar_t *out)
{
    struct asker *a;
    mbstate_t state = { 0 };
    unsigned char c;
    el_get(edit, EL_CLIENTDATA, &a);
    while (octet(a, &c)) {
        size_t len = mbrtowc(out, (const char *)&c, 1, &state);
        if (len != (size_t)-1 && len != (size_t)-2)
            return 1;
        if (len == (size_t)-2)
            continue;
        a->foreign = true;
        memset(&state, 0, sizeof state);
        /* Behind a character that was broken off may stand a whole one: Enter. */
        if (c < 0x80) {
            *out = (wchar_t)c;
            return 1;
        }
    }
    return -1;
}

/* Colours stand between \1: they take no columns. */
static char *prompt(EditLine *edit)
{
    struct asker *a;
    el_get(edit, EL_CLIENTDATA, &a);
    const char *on = a->terminal.colour ? "\1\033[1m\1" : "", *off = a->terminal.colour ? "\1\033[0m\1" : "";
    snprintf(a->prompt, sizeof a->prompt, "%*s%s%s%s%*s", DIALOGUE_INDENT, "", on, a->label, off,
             DIALOGUE_LABEL - terminal_width(&a->terminal, a->label), "");
    return a->prompt;
}

/* ---- begin and end ---- */

struct asker *dialogue_open(void)
{
    static const int watched[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };
    struct asker *a = tg_xcalloc(1, sizeof *a);
    sigset_t set;
    const char *term = getenv("TERM");
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
        sigaddset(&set, watched[i]);
    sigprocmask(SIG_BLOCK, &set, &a->before);
    a->signals = signalfd(-1, &set, SFD_CLOEXEC);
    if (term == NULL || *term == '\0')
        setenv("TERM", "dumb", 1);
    terminal_look(&a->terminal);
    a->edit = el_init("tollgate", stdin, stdout, stderr);
    if (a->signals < 0 || a->edit == NULL)
        abort();
    el_set(a->edit, EL_CLIENTDATA, a);
    el_set(a->edit, EL_GETCFN, character);
    el_set(a->edit, EL_PROMPT_ESC, prompt, '\1');
    el_set(a->edit, EL_EDITOR, "emacs");
    /* Ctrl-C must not take away what was typed before it: a read that poll has promised would wait for ever. */
    el_set(a->edit, EL_SETTY, "-d", "+noflsh", NULL);
    /* From here to the end: what is typed before its question is there is not echoed among the answers. */
    el_set(a->edit, EL_PREP_TERM, 1);
    return a;
}

void dialogue_close(struct asker **asker)
{
    struct asker *a = *asker;
    *asker = NULL;
    if (a == NULL)
        return;
    /* Whoever breaks off doesn't mean the shell with what is still there. */
    if (a->gone)
        tcflush(STDIN_FILENO, TCIFLUSH);
    /* Puts the terminal back as it was. */
    el_end(a->edit);
    close(a->signals);
    sigprocmask(SIG_SETMASK, &a->before, NULL);
    free(a);
}

const struct terminal *dialogue_terminal(struct asker *a)
{
    terminal_look(&a->terminal);
    return &a->terminal;
}

/* ---- questions ---- */

static char *to_text(struct tg_arena *arena, const wchar_t *wide, int count)
{
    char *text = tg_arena_alloc(arena, LINE_MAX_OCTETS + MB_LEN_MAX + 1);
    size_t len = 0;
    mbstate_t state = { 0 };
    for (int i = 0; i < count && len < LINE_MAX_OCTETS; i++) {
        size_t added = wcrtomb(text + len, wide[i], &state);
        len += added != (size_t)-1 ? added : 0;
    }
    while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
        len--;
    text[len] = '\0';
    return text + strspn(text, " \t");
}

static enum answer read_line(struct asker *a, const char *label, const char *given, struct tg_arena *arena, char **line)
{
    int count = 0;
    a->label = label;
    a->foreign = false;
    dialogue_terminal(a);
    fflush(stdout);
    if (given != NULL && *given != '\0')
        el_push(a->edit, given);
    const wchar_t *wide = el_wgets(a->edit, &count);
    el_set(a->edit, EL_PREP_TERM, 1);
    if (wide == NULL || count <= 0 || a->gone) {
        a->gone = true;
        return GONE;
    }
    *line = to_text(arena, wide, count);
    return strcmp(*line, "<") == 0 ? BACK : ANSWERED;
}

enum answer dialogue_line(struct asker *a, const char *label, const char *given, struct tg_arena *arena, char **line)
{
    char why[200];
    for (;;) {
        enum answer answer = read_line(a, label, given, arena, line);
        if (answer != ANSWERED || !a->foreign)
            return answer;
        snprintf(why, sizeof why, "the locale's character set (%.40s) has not all of these letters: leave them out, or begin again with "
                 "LC_ALL=C.UTF-8", nl_langinfo(CODESET));
        dialogue_tell(a, RED, why);
        given = *line;
    }
}

static bool more_at_once(void)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    return poll(&in, 1, ESCAPE_MS) == 1;
}

/* What follows ESC: an arrow, another key's sequence, or nothing, where ESC itself was meant. */
static int sequence(struct asker *a)
{
    unsigned char c = 0;
    if (!more_at_once() || !octet(a, &c))
        return KEY_BACK;
    if (c != '[' && c != 'O')
        return KEY_OTHER;
    do {
        if (!more_at_once() || !octet(a, &c))
            return KEY_OTHER;
    } while (c < '@' || c > '~');
    return c == 'A' ? KEY_UP : c == 'B' ? KEY_DOWN : c == 'D' ? KEY_BACK : KEY_OTHER;
}

int dialogue_key(struct asker *a)
{
    unsigned char c = 0;
    int key = KEY_OTHER;
    fflush(stdout);
    a->keys = true;
    if (!octet(a, &c))
        key = a->gone ? KEY_GONE : KEY_RESIZED;
    else if (c >= '0' && c <= '9')
        key = c;
    else if (c == '\r' || c == '\n')
        key = KEY_ENTER;
    else if (c == '<')
        key = KEY_BACK;
    else if (c == 'P' - '@' || c == 'k')
        key = KEY_UP;
    else if (c == 'N' - '@' || c == 'j')
        key = KEY_DOWN;
    else if (c == 'D' - '@')
        key = KEY_GONE;
    else if (c == '\033')
        key = sequence(a);
    a->keys = a->resized = false;
    if (key == KEY_GONE)
        a->gone = true;
    return key;
}

void dialogue_said(struct asker *a, const char *label, const char *text)
{
    const struct terminal *t = dialogue_terminal(a);
    fprintf(t->out, "%*s%s", DIALOGUE_INDENT, "", terminal_colour(t, BOLD));
    terminal_text(t, label, 0, 0);
    fprintf(t->out, "%s%*s", terminal_plain(t), DIALOGUE_LABEL - terminal_width(t, label), "");
    terminal_paragraph(t, text, DIALOGUE_INDENT + DIALOGUE_LABEL);
}

void dialogue_tell(struct asker *a, enum colour colour, const char *text)
{
    const struct terminal *t = dialogue_terminal(a);
    fprintf(t->out, "%*s%s", DIALOGUE_INDENT, "", terminal_colour(t, colour));
    terminal_paragraph(t, text, DIALOGUE_INDENT);
    fputs(colour != PLAIN ? terminal_plain(t) : "", t->out);
    fflush(t->out);
}
