/* metrics.c: what is counted is what is shown, in the form that Prometheus reads. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "tests/unit/metrics_text.h"

enum { SENT, OPEN, TIME, LONE, METRICS };

static const char *const doors[] = { "auth", "policy", NULL };
static const char *const results[] = { "ok", "no", "other", NULL };
static const uint64_t bounds[] = { 50000, 1000000, 2500000000, 0 };
static const struct tg_metric table[METRICS] = {
    [SENT] = { "t_sent_total", "Sent.", TG_COUNTER, { { "door", doors }, { "result", results } } },
    [OPEN] = { "t_open", "Open.", TG_GAUGE, { { "door", doors } } },
    [TIME] = { "t_time_seconds", "Time.", TG_HISTOGRAM, { { "door", doors } }, bounds, TG_NS_PER_S },
    [LONE] = { "t_lone_seconds_total", "Alone.", TG_COUNTER, .per_unit = 1000 },
};

static void has(const char *text, const char *line)
{
    const char *at = text;
    size_t len = strlen(line);
    while ((at = strstr(at, line)) != NULL) {
        if ((at == text || at[-1] == '\n') && at[len] == '\n')
            return;
        at++;
    }
    fail_msg("no line \"%s\" in:\n%s", line, text);
}

static void test_every_series_is_there_from_the_start(void **state)
{
    (void)state;
    struct tg_metrics *metrics = tg_metrics_new(table, METRICS);
    char *text = written(metrics);
    assert_string_equal(text,
                        "# HELP t_sent_total Sent.\n# TYPE t_sent_total counter\n"
                        "t_sent_total{door=\"auth\",result=\"ok\"} 0\nt_sent_total{door=\"auth\",result=\"no\"} 0\n"
                        "t_sent_total{door=\"auth\",result=\"other\"} 0\nt_sent_total{door=\"policy\",result=\"ok\"} 0\n"
                        "t_sent_total{door=\"policy\",result=\"no\"} 0\nt_sent_total{door=\"policy\",result=\"other\"} 0\n"
                        "# HELP t_open Open.\n# TYPE t_open gauge\nt_open{door=\"auth\"} 0\nt_open{door=\"policy\"} 0\n"
                        "# HELP t_time_seconds Time.\n# TYPE t_time_seconds histogram\n"
                        "t_time_seconds_bucket{door=\"auth\",le=\"0.00005\"} 0\nt_time_seconds_bucket{door=\"auth\",le=\"0.001\"} 0\n"
                        "t_time_seconds_bucket{door=\"auth\",le=\"2.5\"} 0\nt_time_seconds_bucket{door=\"auth\",le=\"+Inf\"} 0\n"
                        "t_time_seconds_sum{door=\"auth\"} 0\nt_time_seconds_count{door=\"auth\"} 0\n"
                        "t_time_seconds_bucket{door=\"policy\",le=\"0.00005\"} 0\n"
                        "t_time_seconds_bucket{door=\"policy\",le=\"0.001\"} 0\n"
                        "t_time_seconds_bucket{door=\"policy\",le=\"2.5\"} 0\nt_time_seconds_bucket{door=\"policy\",le=\"+Inf\"} 0\n"
                        "t_time_seconds_sum{door=\"policy\"} 0\nt_time_seconds_count{door=\"policy\"} 0\n"
                        "# HELP t_lone_seconds_total Alone.\n# TYPE t_lone_seconds_total counter\nt_lone_seconds_total 0\n");
    free(text);
    tg_metrics_free(&metrics);
    assert_null(metrics);
}

static void test_each_series_counts_by_itself(void **state)
{
    (void)state;
    struct tg_metrics *metrics = tg_metrics_new(table, METRICS);
    tg_metric_add(metrics, SENT, TG_SERIES(0, 0), 1);
    tg_metric_add(metrics, SENT, TG_SERIES(1, tg_metric_place(results, "no")), 3);
    tg_metric_add(metrics, SENT, TG_SERIES(1, tg_metric_place(results, "never heard of")), 5);
    tg_metric_add(metrics, OPEN, TG_SERIES(1), 3);
    tg_metric_subtract(metrics, OPEN, TG_SERIES(1), 1);
    tg_metric_set(metrics, OPEN, TG_SERIES(0), UINT64_MAX);
    tg_metric_add(metrics, LONE, TG_NO_LABEL, 1500);
    char *text = written(metrics);
    has(text, "t_sent_total{door=\"auth\",result=\"ok\"} 1");
    has(text, "t_sent_total{door=\"auth\",result=\"no\"} 0");
    has(text, "t_sent_total{door=\"policy\",result=\"no\"} 3");
    has(text, "t_sent_total{door=\"policy\",result=\"other\"} 5");
    has(text, "t_open{door=\"auth\"} 18446744073709551615");
    has(text, "t_open{door=\"policy\"} 2");
    has(text, "t_lone_seconds_total 1.5");
    free(text);
    tg_metrics_free(&metrics);
}

static void test_buckets_are_cumulative_and_a_bound_belongs_to_its_bucket(void **state)
{
    (void)state;
    struct tg_metrics *metrics = tg_metrics_new(table, METRICS);
    tg_metric_observe(metrics, TIME, TG_SERIES(1), 0);
    tg_metric_observe(metrics, TIME, TG_SERIES(1), 50000);
    tg_metric_observe(metrics, TIME, TG_SERIES(1), 50001);
    tg_metric_observe(metrics, TIME, TG_SERIES(1), 10000000000);
    char *text = written(metrics);
    has(text, "t_time_seconds_bucket{door=\"policy\",le=\"0.00005\"} 2");
    has(text, "t_time_seconds_bucket{door=\"policy\",le=\"0.001\"} 3");
    has(text, "t_time_seconds_bucket{door=\"policy\",le=\"2.5\"} 3");
    has(text, "t_time_seconds_bucket{door=\"policy\",le=\"+Inf\"} 4");
    has(text, "t_time_seconds_sum{door=\"policy\"} 10.000100001");
    has(text, "t_time_seconds_count{door=\"policy\"} 4");
    has(text, "t_time_seconds_count{door=\"auth\"} 0");
    free(text);
    tg_metrics_free(&metrics);
}

static void *count(void *metrics)
{
    for (int i = 0; i < 20000; i++) {
        tg_metric_add(metrics, LONE, TG_NO_LABEL, 1000);
        tg_metric_observe(metrics, TIME, TG_SERIES(0), 1000000);
    }
    return NULL;
}

static void test_no_count_of_many_threads_is_lost(void **state)
{
    (void)state;
    struct tg_metrics *metrics = tg_metrics_new(table, METRICS);
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, count, metrics), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    char *text = written(metrics);
    has(text, "t_lone_seconds_total 80000");
    has(text, "t_time_seconds_sum{door=\"auth\"} 80");
    has(text, "t_time_seconds_count{door=\"auth\"} 80000");
    free(text);
    tg_metrics_free(&metrics);
}

static void test_without_metrics_nothing_happens(void **state)
{
    (void)state;
    tg_metric_add(NULL, LONE, TG_NO_LABEL, 1);
    tg_metric_subtract(NULL, LONE, TG_NO_LABEL, 1);
    tg_metric_set(NULL, LONE, TG_NO_LABEL, 1);
    tg_metric_observe(NULL, TIME, TG_NO_LABEL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_series_is_there_from_the_start),
        cmocka_unit_test(test_each_series_counts_by_itself),
        cmocka_unit_test(test_buckets_are_cumulative_and_a_bound_belongs_to_its_bucket),
        cmocka_unit_test(test_no_count_of_many_threads_is_lost),
        cmocka_unit_test(test_without_metrics_nothing_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
