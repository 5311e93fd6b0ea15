/* domain_view.c: see domain_view.h. */
#include <string.h>
#include "admin/domain_view.h"
#include "admin/panel.h"
#include "admin/value.h"

static void heading(const struct terminal *t, const json_t *d)
{
    const char *status = json_text_of(d, "status"), *reason = json_text_of(d, "status_reason");
    char when[64];
    fputs(terminal_colour(t, BOLD), t->out);
    terminal_text(t, json_text_of(d, "domain"), 0, 0);
    fprintf(t->out, "%s  %s%s%s\n", terminal_plain(t), terminal_colour(t, value_colour(status)),
            status, terminal_plain(t));
    if (*reason != '\0')
        panel_line(t, "", reason);
    value_text(json_object_get(d, "created"), when, sizeof when);
    panel_label(t, "customer");
    fprintf(t->out, "%lld, since %.10s", json_number_of(d, "customer"), when);
    if (json_is_string(json_object_get(d, "checked"))) {
        value_text(json_object_get(d, "checked"), when, sizeof when);
        fprintf(t->out, ", last checked %s", when);
    }
    fputc('\n', t->out);
}

static void accounts(const struct terminal *t, const json_t *d)
{
    char list[2000];
    const json_t *names = json_object_get(d, "accounts");
    if (json_array_size(names) == 0) {
        panel_line(t, "accounts", "none: associate it before anybody can send as it");
        return;
    }
    value_text(names, list, sizeof list);
    panel_line(t, "accounts", list);
}

/* What to publish, to be copied as it stands: never cut, and folded only between name and value. */
static void record(const struct terminal *t, const json_t *d)
{
    const char *name = json_text_of(d, "txt_name"), *value = json_text_of(d, "txt_value");
    bool fits = !t->is_tty || (int)(strlen(name) + strlen(value)) + 8 <= panel_room(t);
    panel_label(t, "publish");
    fprintf(t->out, "%s. TXT", name);
    if (fits)
        fputc(' ', t->out);
    else
        fprintf(t->out, "\n%*s", PANEL_LABEL, "");
    fprintf(t->out, "\"%s\"\n", value);
}

static void facts(const struct terminal *t, const json_t *dns, const char *known)
{
    static const struct {
        const char *key, *label;
    } shown[] = {
        {"ownership", "ownership"}, {"spf", "SPF"},
        {"dkim", "DKIM"},           {"dmarc", "DMARC"},
        {"return_path", "reports"}, {"return_path_spf", "their SPF"},
    };
    if (dns == NULL)
        return;
    panel_heading(t, "in the DNS now");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const json_t *fact = json_object_get(dns, shown[i].key);
        const char *state = json_text_of(fact, "state");
        if (fact == NULL)
            continue;
        panel_label(t, shown[i].label);
        fprintf(t->out, "%s%-8s%s ", terminal_colour(t, value_colour(state)), state,
                terminal_plain(t));
        terminal_text(t, json_text_of(fact, "name"), t->is_tty ? t->width - PANEL_LABEL - 9 : 0, 0);
        fputc('\n', t->out);
        if (*json_text_of(fact, "value") != '\0')
            panel_line(t, "", json_text_of(fact, "value"));
        if (*json_text_of(fact, "text") != '\0' && strcmp(json_text_of(fact, "text"), known) != 0)
            panel_line(t, "", json_text_of(fact, "text"));
    }
}

void domain_render(const struct terminal *t, const json_t *d)
{
    heading(t, d);
    accounts(t, d);
    record(t, d);
    facts(t, json_object_get(d, "dns"), json_text_of(d, "status_reason"));
}

void domain_render_status(const struct terminal *t, const json_t *d)
{
    const char *status = json_text_of(d, "status");
    terminal_text(t, json_text_of(d, "domain"), 0, 0);
    fputs(strcmp(status, "failed") == 0 ? " has " : " is ", t->out);
    panel_word(t, value_colour(status), status);
    fputc('\n', t->out);
}
