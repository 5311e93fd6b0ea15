/* terminal.c: see terminal.h. */
#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>
#include "admin/heed.h"
#include "admin/terminal.h"
#include "schema/text.h"

/* $COLUMNS; 0: not set, or no width that a table could have. */
static int columns_wanted(void)
{
    const char *text = getenv("COLUMNS");
    char *end;
    long columns = text != NULL ? strtol(text, &end, 10) : 0;
    return columns >= 20 && columns <= 10000 && *end == '\0' ? (int)columns : 0;
}

void terminal_look(struct terminal *terminal)
{
    struct winsize size;
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    terminal->out = stdout;
    terminal->is_tty = isatty(STDOUT_FILENO);
    terminal->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    terminal->colour = terminal->is_tty && (no_colour == NULL || *no_colour == '\0') &&
                       (term == NULL || strcmp(term, "dumb") != 0);
    terminal->width = 80;
    if (terminal->is_tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        terminal->width = size.ws_col;
    if (columns_wanted() > 0)
        terminal->width = columns_wanted();
}

const char *terminal_colour(const struct terminal *terminal, enum colour colour)
{
    static const char *const codes[] = { "", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m", "\033[34m" };
    return terminal->colour ? codes[colour] : "";
}

const char *terminal_plain(const struct terminal *terminal)
{
    return terminal->colour ? "\033[0m" : "";
}

/* One character of text: what to write for it and its columns. */
static size_t one(const struct terminal *terminal, const char *text, const char **shown, size_t *shown_len, int *columns)
{
    size_t len = tg_utf8_length(text);
    char copy[5] = { 0 };
    wchar_t wide;
    *shown = "?";
    *shown_len = 1;
    *columns = 1;
    if (len == 0)
        return 1;
    memcpy(copy, text, len);
    if (!tg_text_is_clean(copy, 4) || (len > 1 && !terminal->utf8))
        return len;
    mbstate_t state = { 0 };
    int width = len == 1 ? 1 : mbrtowc(&wide, text, len, &state) == len ? wcwidth(wide) : -1;
    /* What has no width of its own (marks, direction overrides) could disguise its neighbours. */
    if (width < 1)
        return len;
    *shown = text;
    *shown_len = len;
    *columns = width;
    return len;
}

static int walk(const struct terminal *terminal, const char *text, int max, bool write)
{
    int columns = 0;
    while (*text != '\0') {
        const char *shown;
        size_t shown_len;
        int width;
        text += one(terminal, text, &shown, &shown_len, &width);
        if (max > 0 && columns + width > max)
            break;
        if (write)
            fwrite(shown, 1, shown_len, terminal->out);
        columns += width;
    }
    return columns;
}

int terminal_width(const struct terminal *terminal, const char *text)
{
    return walk(terminal, text, 0, false);
}

int terminal_text(const struct terminal *terminal, const char *text, int max, int pad)
{
    int columns;
    if (max > 1 && terminal_width(terminal, text) > max) {
        columns = walk(terminal, text, max - 1, true) + 1;
        fputs(terminal->utf8 ? "…" : "~", terminal->out);
    } else {
        columns = walk(terminal, text, max, true);
    }
    for (; columns < pad; columns++)
        fputc(' ', terminal->out);
    return columns;
}

void terminal_paragraph(const struct terminal *terminal, const char *text, int indent)
{
    int room = terminal->width - indent, column = 0;
    char word[400];
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        snprintf(word, sizeof word, "%.*s", (int)len, text);
        int width = terminal_width(terminal, word);
        if (terminal->is_tty && column > 0 && column + 1 + width > room) {
            fprintf(terminal->out, "\n%*s", indent, "");
            column = 0;
        } else if (column > 0) {
            fputc(' ', terminal->out);
            column++;
        }
        column += terminal_text(terminal, word, terminal->is_tty && room > 20 ? room : 0, 0);
        text += len < sizeof word ? len : sizeof word - 1;
        text += strspn(text, " ");
    }
    fputc('\n', terminal->out);
}

void terminal_bar(const struct terminal *terminal, double part, double whole, int width)
{
    double share = whole > 0 ? part / whole : 0;
    int filled = share >= 1 ? width : (int)(share * width);
    /* What was used shows, however little. */
    if (part > 0 && filled == 0)
        filled = 1;
    fputs(terminal_colour(terminal, share >= 1 ? RED : share >= 0.8 ? YELLOW : GREEN), terminal->out);
    for (int i = 0; i < filled; i++)
        fputs(terminal->utf8 ? "█" : "#", terminal->out);
    fputs(terminal_plain(terminal), terminal->out);
    fputs(terminal_colour(terminal, DIM), terminal->out);
    for (int i = filled; i < width; i++)
        fputs(terminal->utf8 ? "░" : ".", terminal->out);
    fputs(terminal_plain(terminal), terminal->out);
}

void terminal_sparkline(const struct terminal *terminal, const double *values, int count)
{
    static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    static const char plain[] = ".:-=+*#@";
    double most = 0;
    for (int i = 0; i < count; i++)
        most = values[i] > most ? values[i] : most;
    fputs(terminal_colour(terminal, BLUE), terminal->out);
    for (int i = 0; i < count; i++) {
        int level = most > 0 ? (int)(values[i] / most * 7 + 0.5) : 0;
        if (values[i] <= 0)
            fputs(terminal->utf8 ? "·" : " ", terminal->out);
        else if (terminal->utf8)
            fputs(blocks[level], terminal->out);
        else
            fputc(plain[level], terminal->out);
    }
    fputs(terminal_plain(terminal), terminal->out);
}

bool terminal_can_ask(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool terminal_confirm(const char *question)
{
    char answer[16];
    fprintf(stderr, "%s [y/N] ", question);
    fflush(stderr);
    if (fgets(answer, sizeof answer, stdin) == NULL) {
        fputc('\n', stderr);
        return false;
    }
    answer[strcspn(answer, "\n")] = '\0';
    return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}

/* ---- passwords ---- */

/* A terminal that does not show what is typed, and the signals that would leave it so. */
struct silence {
    struct termios before, silent;
    sigset_t watched, mask;
    int signals; /* a signalfd; -1: standard input is no terminal */
};

static void be_silent(struct silence *s, const char *prompt)
{
    sigprocmask(SIG_BLOCK, &s->watched, &s->mask);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &s->silent);
    fputs(prompt, stderr);
    fflush(stderr);
}

static void be_loud(struct silence *s)
{
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &s->before);
    fputc('\n', stderr);
    sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

static void silence_begin(struct silence *s, const char *prompt)
{
    static const int watched[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
    s->signals = -1;
    if (!terminal_can_ask() || tcgetattr(STDIN_FILENO, &s->before) != 0)
        return;
    heed(watched, sizeof watched / sizeof *watched, &s->watched);
    s->silent = s->before;
    s->silent.c_lflag &= ~(tcflag_t)(ECHO);
    if ((s->signals = signalfd(-1, &s->watched, SFD_CLOEXEC)) >= 0)
        be_silent(s, prompt);
}

static void silence_end(struct silence *s)
{
    if (s->signals < 0)
        return;
    be_loud(s);
    close(s->signals);
}

/* What the signal does, it does to a terminal that shows what is typed. true: we go on, from a stop. */
static bool take_signal(struct silence *s, const char *prompt)
{
    struct signalfd_siginfo info;
    if (read(s->signals, &info, sizeof info) != sizeof info)
        return false;
    be_loud(s);
    raise((int)info.ssi_signo);
    be_silent(s, prompt);
    return info.ssi_signo == SIGTSTP;
}

/* Octet by octet: no buffer of stdio keeps a copy. *again: begin anew. false: the end. */
static bool next_octet(struct silence *s, const char *prompt, char *c, bool *again)
{
    struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = s->signals, .events = POLLIN } };
    for (*again = false;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return false;
        if (fds[1].revents != 0) {
            *again = take_signal(s, prompt);
            return *again;
        }
        ssize_t got = fds[0].revents != 0 ? read(STDIN_FILENO, c, 1) : -1;
        if (got >= 0 || (fds[0].revents != 0 && errno != EINTR))
            return got == 1;
    }
}

bool terminal_password(const char *prompt, char *out, size_t size)
{
    struct silence silence;
    size_t len = 0;
    char c = '\0';
    bool again;
    silence_begin(&silence, prompt);
    while (next_octet(&silence, prompt, &c, &again)) {
        if (again) {
            sodium_memzero(out, size);
            len = 0;
            continue;
        }
        if (c == '\n')
            break;
        if (len + 1 < size)
            out[len++] = c;
    }
    if (len > 0 && out[len - 1] == '\r')
        len--;
    out[len] = '\0';
    silence_end(&silence);
    return len > 0 || c == '\n';
}
