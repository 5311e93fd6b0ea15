/* fuzz_report.c: a message to a return path. Whatever it is, what is kept of it is bounded and printable. */
#include <gmime/gmime.h>
#include "milter/report.h"
#include "tests/fuzz/fuzz.h"

static void check(const char *text, size_t max)
{
    MUST(strlen(text) <= max);
    for (; *text != '\0'; text++)
        MUST(*text >= ' ' && *text < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct report report;
    static struct tg_arena *arena;
    if (arena == NULL) {
        g_mime_init();
        arena = tg_arena_new();
    }
    tg_arena_reset(arena);
    report_read(arena, tg_span_of(data, size), &report);
    MUST(report.count >= 1 && report.count <= REPORT_RECIPIENTS);
    for (size_t i = 0; i < report.count; i++) {
        check(report_kind_name(report.entry[i].kind), 10);
        check(report.entry[i].recipient, 320);
        check(report.entry[i].status, 12);
        check(report.entry[i].diagnostic, 200);
        MUST(strpbrk(report.entry[i].recipient, "<>") == NULL);
    }
    return 0;
}
