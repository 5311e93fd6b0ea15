/* dialogue_parts.c: see dialogue_parts.h: asking, and why an answer was not taken. */
#include <string.h>
#include <strings.h>
#include "admin/dialogue_parts.h"

void dialogue_heading(struct dialogue *d, int step)
{
    static const char *const names[STEPS] = { "What it is for", "Plan", "Customer", "Billing data", "Summary", "Ready" };
    const struct terminal *t = dialogue_terminal(d->asker);
    fprintf(t->out, "\n%s%d of %d%s  %s%s%s\n", terminal_colour(t, DIM), step + 1, STEPS, terminal_plain(t),
            terminal_colour(t, BLUE), names[step], terminal_plain(t));
}

void dialogue_reason(struct dialogue *d, const struct tg_error *why)
{
    char text[sizeof why->text + 8];
    snprintf(text, sizeof text, "%s", why->text);
    char *option = strstr(text, " (--");
    if (option != NULL)
        *option = '\0';
    dialogue_tell(d->asker, RED, text);
}

enum answer dialogue_text(struct dialogue *d, const char *label, dialogue_check_fn *check, int field, char **text)
{
    struct tg_error why;
    for (;;) {
        char *line;
        enum answer answer = dialogue_line(d->asker, label, *text, d->arena, &line);
        if (answer != ANSWERED)
            return answer;
        *text = line;
        if (check == NULL || check(d, field, line, &why) == TG_OK)
            return ANSWERED;
        dialogue_reason(d, &why);
    }
}

enum answer dialogue_yes(struct dialogue *d, const char *question, bool *yes)
{
    for (;;) {
        char *line;
        enum answer answer = dialogue_line(d->asker, question, NULL, d->arena, &line);
        *yes = answer == ANSWERED && (strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0);
        if (answer != ANSWERED || *yes || strcasecmp(line, "n") == 0 || strcasecmp(line, "no") == 0)
            return answer;
        dialogue_tell(d->asker, RED, "answer y or n");
    }
}

enum step_outcome dialogue_outcome(enum answer answer)
{
    return answer == ANSWERED ? STEP_DONE : answer == BACK ? STEP_BACK : STEP_GONE;
}

bool dialogue_costs(const struct dialogue *d)
{
    return d->offer.plan != TG__PLAN_KIND__FREE;
}
