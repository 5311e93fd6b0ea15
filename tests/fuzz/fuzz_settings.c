/* fuzz_settings.c: a tollgate.conf. A file that is refused is refused in one sentence that names it. */
#include <sys/mman.h>
#include <unistd.h>
#include "schema/settings.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[40];
    struct tg_settings *settings = NULL;
    struct tg_error err;
    int fd = memfd_create("tollgate.conf", 0);
    MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (tg_settings_read(path, &settings, &err) == TG_OK) {
        MUST(settings->max_recipients >= 1 && settings->socket_mode_bits <= 07777);
        MUST(tg_settings_log_level(settings) != NULL);
        tg_settings_free(&settings);
    } else {
        MUST(err.code == TG_UNUSABLE && strstr(err.text, path) != NULL);
        MUST(strlen(err.text) > strlen(path) && strchr(err.text, '\n') == NULL);
    }
    MUST(settings == NULL);
    close(fd);
    return 0;
}
