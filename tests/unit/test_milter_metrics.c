/* milter/metrics.c: every rule and every kind of report has its own series. */
#include <stdio.h>
#include "milter/metrics.h"
#include "tests/unit/metrics_text.h"

static void assert_line(const char *text, const char *line)
{
    if (strstr(text, line) == NULL)
        fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void test_every_rule_is_counted_under_its_name(void **state)
{
    (void)state;
    struct tg_metrics *metrics = metrics_new();
    char line[120];
    const char *rule;
    for (size_t i = 0; (rule = tg_rule_name(i)) != NULL; i++) {
        struct tg_verdict verdict = { .kind = i % 2 == 0 ? TG_REJECT : TG_DEFER, .rule = rule };
        for (size_t n = 0; n <= i; n++)
            metrics_refused(metrics, &verdict, n == 0);
    }
    char *text = written(metrics);
    for (size_t i = 0; (rule = tg_rule_name(i)) != NULL; i++) {
        snprintf(line, sizeof line, "tollgate_milter_refusals_total{rule=\"%s\",verdict=\"%s\"} %zu\n", rule,
                 i % 2 == 0 ? "reject" : "defer", i + 1);
        assert_line(text, line);
    }
    assert_line(text, "{rule=\"other\",verdict=\"reject\"} 0\n");
    assert_line(text, "{rule=\"other\",verdict=\"defer\"} 0\n");
    assert_line(text, "tollgate_milter_refused_recipients_total 11\n");
    free(text);
    tg_metrics_free(&metrics);
}

static void test_every_kind_of_report_is_counted_under_its_name(void **state)
{
    (void)state;
    struct tg_metrics *metrics = metrics_new();
    char line[120];
    for (int kind = REPORT_HARD; kind <= REPORT_UNKNOWN; kind++)
        for (int n = 0; n <= kind; n++)
            metrics_report(metrics, (enum report_kind)kind);
    char *text = written(metrics);
    for (int kind = REPORT_HARD; kind <= REPORT_UNKNOWN; kind++) {
        snprintf(line, sizeof line, "tollgate_milter_reports_total{kind=\"%s\"} %d\n", report_kind_name((enum report_kind)kind),
                 kind + 1);
        assert_line(text, line);
    }
    free(text);
    tg_metrics_free(&metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rule_is_counted_under_its_name),
        cmocka_unit_test(test_every_kind_of_report_is_counted_under_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
