/* write_conf: the sample configuration and the option list of tollgate.conf(5), from the option table. */
#include <stdio.h>
#include <string.h>
#include "schema/settings.h"

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "sample") == 0)
        tg_settings_write_sample(stdout);
    else if (argc == 2 && strcmp(argv[1], "manual") == 0)
        tg_settings_write_manual(stdout);
    else
        return fputs("usage: write_conf sample|manual\n", stderr), 2;
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
